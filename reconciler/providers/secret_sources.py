"""Where a target's `credentials` point at: which variables, files and profiles they may name, and what is in them.

RECONCILER_CREDENTIAL_SOURCES lists what may be named. Who writes the configuration is not always who holds the
credentials: a file or variable that was meant for something else would be sent to a cloud as a key.
"""

from __future__ import annotations

import json
import os.path
import re
from configparser import ConfigParser, InterpolationError
from configparser import Error as ParserError
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from reconciler.exceptions import CredentialsError, UsageError
from reconciler.providers.credentials import AccessKey, secret_text
from reconciler.redaction import bounded

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.config.model import Secret, Target

__all__ = [
    "CREDENTIAL_SOURCES",
    "Secrets",
    "UnusableFile",
    "check_sources",
    "ini_section",
    "json_file",
    "option",
    "small_text",
]

LARGEST = 1024 * 1024
"""Bytes; a profile has some hundred."""

READS_OF_A_TORN_FILE = 3


class UnusableFile(Exception):  # noqa: N818 - a reason, not a failure of the program
    """Why a file does not help. Says nothing of what is in it."""


def small_text(path: Path) -> str:
    """The text of a file. Raises UnusableFile."""
    try:
        if path.exists() and not path.is_file():
            raise UnusableFile("not a file")  # a pipe might never answer
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
        if len(content) > LARGEST:
            raise UnusableFile(f"more than {LARGEST} bytes")
        return content.decode("utf-8-sig")
    except (FileNotFoundError, NotADirectoryError):
        raise UnusableFile("does not exist") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UnusableFile(type(error).__name__) from None


def json_file(path: Path) -> Any:  # noqa: ANN401 - any JSON
    """The document in a file that its owner may be rewriting: a torn one is read again. Raises UnusableFile."""
    for _ in range(READS_OF_A_TORN_FILE):
        try:
            return json.loads(small_text(path))
        except (ValueError, RecursionError):
            continue
    raise UnusableFile("not JSON")


def ini_section(path: Path, section: str, *, interpolation: bool) -> ConfigParser:
    """The parsed file, which has the section. Raises UnusableFile."""
    parser = ConfigParser() if interpolation else ConfigParser(interpolation=None)
    try:
        parser.read_string(small_text(path))
    except ParserError:
        # The parser's own message quotes lines of the file.
        raise UnusableFile("not an INI file") from None
    if not parser.has_section(section):
        raise UnusableFile(f"no section [{section}]")
    return parser


def option(parser: ConfigParser, section: str, name: str) -> str:
    """A value, or an empty text."""
    try:
        return parser.get(section, name, fallback="").strip()
    except InterpolationError:  # the vendor wants % doubled; a secret that has one undoubled is meant as it stands
        return parser.get(section, name, raw=True).strip()


CREDENTIAL_SOURCES: Final = "RECONCILER_CREDENTIAL_SOURCES"
"""Names of variables, absolute paths of files and `profile:NAME`, separated by commas or blanks; `*` stands for any run
of characters but `/`. Unset or empty: anything. `none`: nothing, which leaves where the SDKs look by themselves."""

_LISTED = re.compile(r"(?P<env>[A-Za-z_*][A-Za-z0-9_*]*)|(?P<file>/.*)|profile:(?P<profile>.+)", re.ASCII)
_WAY_OUT: Final = "credentials may come from what is listed there only; have it added where the job is set up"


def check_sources(target: Target, environment: Mapping[str, str]) -> None:
    """Raises CredentialsError where the target names what it must not."""
    if refused := _refused(target, environment):
        raise CredentialsError(f"target {target.name!r}: {refused}", _WAY_OUT)


def _refused(target: Target, environment: Mapping[str, str]) -> str:
    """What is not listed; empty where all is. Raises UsageError for a list that is none."""
    listed = environment.get(CREDENTIAL_SOURCES, "").replace(",", " ").split()
    patterns = [] if listed == ["none"] else [_pattern(word) for word in listed]
    if not listed:
        return ""
    if (profile := target.credentials.profile) and not _any(patterns, "profile", profile):
        return f"credentials.profile: the profile is not among {CREDENTIAL_SOURCES}"
    for key, secret in target.credentials.secrets.items():
        if not (_file_is_listed(patterns, secret.file) if secret.file else _any(patterns, "env", secret.env or "")):
            return f"credentials.{key}: {_place(secret)} is not among {CREDENTIAL_SOURCES}"
    return ""


def _pattern(word: str) -> tuple[str, str]:
    """The kind of an entry, and what it says."""
    found = _LISTED.fullmatch(word) if word != "none" else None
    if found is None or found.lastgroup is None:
        reason = "`none` stands alone" if word == "none" else f"{bounded(word, 80)!r} is no source"
        raise UsageError(f"{CREDENTIAL_SOURCES}: {reason}", "such as PROD_*, /run/secrets/*, profile:prod, or none")
    return found.lastgroup, found[found.lastgroup]


def _any(patterns: list[tuple[str, str]], kind: str, name: str) -> bool:
    return any(_fits(pattern, name) for of, pattern in patterns if of == kind)


def _fits(pattern: str, name: str) -> bool:
    return bool(re.fullmatch("[^/]*".join(map(re.escape, re.split(r"\*+", pattern))), name, re.DOTALL))


def _file_is_listed(patterns: list[tuple[str, str]], file: Path) -> bool:
    """Whether the path fits, and does not lead through links out of the directory that the pattern begins with."""
    path = os.path.abspath(file)  # noqa: PTH100 - `..` is taken out by the words, links are followed after that
    real = Path(os.path.realpath(path))
    for pattern in (of for kind, of in patterns if kind == "file"):
        beginning = pattern.partition("*")[0].rpartition("/")[0] or "/"
        if _fits(os.path.normpath(pattern), path) and real.is_relative_to(os.path.realpath(beginning)):
            return True
    return False


@dataclass(frozen=True, slots=True)
class Secrets:
    """The secrets of one target, read on demand from environment variables and files."""

    target: Target
    environment: Mapping[str, str] = field(repr=False)

    def __post_init__(self) -> None:
        check_sources(self.target, self.environment)

    def has(self, key: str) -> bool:
        """Whether the target says where to read `key`."""
        return key in self.target.credentials.secrets

    def read(self, key: str, *, optional: bool = False, blanks: bool = False) -> str:
        """The secret. Raises CredentialsError, naming the place and never the value.

        One that is `optional` may be empty, or not be named at all. A variable that is named is set, if to nothing.
        `blanks` may stand within what goes into a body.
        """
        secret = self.target.credentials.secrets.get(key)
        if secret is None:
            if optional:
                return ""
            raise self._error(key, "which the other keys need, is not given")
        place = _place(secret)
        try:
            text = secret_text(self._text(secret), place, blanks=blanks)
        except UnusableFile as error:
            raise self._error(key, f"{place} cannot be read ({error})") from None
        except CredentialsError as error:
            raise self._error(key, error.message) from None
        unset = secret.file is None and secret.env not in self.environment
        if unset or not (text or optional):
            raise self._error(key, f"{place} is not set or empty")
        return text

    def access_key(self) -> AccessKey:
        """The key that the target says where to read. Raises CredentialsError."""
        pair = (self.read("access_key_id"), self.read("secret_access_key"))
        return AccessKey(*pair, self.read("security_token", optional=True))

    def _text(self, secret: Secret) -> str:
        if secret.file is not None:
            return small_text(Path(os.path.normpath(secret.file)))  # what was checked is what is read
        return self.environment.get(secret.env or "", "")

    def _error(self, key: str, reason: str) -> CredentialsError:
        return CredentialsError(f"target {self.target.name!r}: credentials.{key}: {reason}")


def _place(secret: Secret) -> str:
    return secret.place or (f"file {secret.file}" if secret.file is not None else f"environment variable {secret.env}")


def secret_in_file(file: str) -> str:
    """The `secret_text` of a file, such as the token of an identity provider. Raises CredentialsError."""
    try:
        text = secret_text(small_text(Path(file)), f"file {file}")
    except UnusableFile as error:
        raise CredentialsError(f"file {file} ({error})") from None
    if not text:
        raise CredentialsError(f"file {file} (holds no token)")
    return text
