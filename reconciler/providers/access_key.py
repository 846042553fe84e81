"""A key pair, as both vendors have it, and the texts that credentials are made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from reconciler.exceptions import CredentialsError
from reconciler.providers.transport.surroundings import trimmed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

__all__ = ["ACCESS_KEY_KEYS", "AccessKey", "secret_in", "secret_text"]


ACCESS_KEY_KEYS: Mapping[str, str] = MappingProxyType(
    {
        "access_key_id": "the access key id (AK)",
        "secret_access_key": "the secret access key (SK)",
        "security_token": "the security token that belongs to a temporary access key",
    }
)
"""Keys of a target's `credentials` for an access key, with what is read there."""


@dataclass(frozen=True, slots=True)
class AccessKey:
    """An access key and its secret; temporary where there is a security token. Shows neither.

    `expires_at` is UTC; None where it does not expire, or nobody said when.
    """

    id: str
    secret: str = field(repr=False)
    security_token: str = field(default="", repr=False)
    expires_at: datetime | None = None

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must be masked wherever a server echoes it."""
        return tuple(text for text in (self.secret, self.security_token) if text)


def secret_text(text: str, place: str, *, blanks: bool = False) -> str:
    """`text` without white space around it; empty where there is nothing else.

    Raises CredentialsError that names the place and not the value, unless a header may carry it; `blanks` may stand
    within what goes into a body.
    """
    found = trimmed(text)
    if not (found.isascii() and found.isprintable()):
        raise CredentialsError(f"{place} holds characters that no header may carry")
    if " " in found and not blanks:
        raise CredentialsError(f"{place} has a blank in it")
    return found


def secret_in(environment: Mapping[str, str], name: str) -> str:
    """The `secret_text` of an environment variable; empty where it is not set."""
    return secret_text(environment.get(name, ""), f"environment variable {name}")
