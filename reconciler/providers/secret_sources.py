"""Reads the secrets that a target's `credentials` point at."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reconciler.exceptions import CredentialsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.config.model import Secret, Target

__all__ = ["Secrets"]

LARGEST_FILE = 64 * 1024
"""Bytes: a token has some 5 kB."""


@dataclass(frozen=True, slots=True)
class Secrets:
    """The secrets of one target, read on demand from environment variables and files."""

    target: Target
    environment: Mapping[str, str] = field(repr=False)

    def has(self, key: str) -> bool:
        """Whether the target says where to read `key`."""
        return key in self.target.credentials.secrets

    def read(self, key: str) -> str:
        """The secret. Raises CredentialsError, naming the place and never the value."""
        secret = self.target.credentials.secrets.get(key)
        if secret is None:
            raise self._missing(key, "which the other keys need, is not given")
        text = self._from_file(key, secret) if secret.file is not None else self.environment.get(secret.env or "", "")
        text = text.strip()
        if not text:
            place = f"file {secret.file}" if secret.file is not None else f"environment variable {secret.env}"
            raise self._missing(key, f"{place} is not set or empty")
        if not (text.isascii() and text.isprintable()):
            raise self._missing(key, "it holds characters that no header may carry")
        return text

    def _from_file(self, key: str, secret: Secret) -> str:
        assert secret.file is not None  # noqa: S101 - told to mypy; the caller looked
        try:
            with secret.file.open("rb") as file:
                return file.read(LARGEST_FILE).decode("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise self._missing(key, f"file {secret.file} cannot be read ({type(error).__name__})") from None

    def _missing(self, key: str, reason: str) -> CredentialsError:
        return CredentialsError(f"target {self.target.name!r}: credentials.{key}: {reason}")
