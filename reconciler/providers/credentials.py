"""Credentials: key pairs, the texts and files that they are made of, and what is known of where they were found."""

from __future__ import annotations

import json
from configparser import ConfigParser, InterpolationError
from configparser import Error as ParserError
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from reconciler.exceptions import CredentialsError
from reconciler.providers.transport.surroundings import trimmed
from reconciler.tasks.observation import Meaning

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reconciler.config.model import Target
    from reconciler.tasks.observation import Fault

K = TypeVar("K")


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


def secret_in_file(file: str) -> str:
    """The `secret_text` of a file, such as the token of an identity provider. Raises CredentialsError."""
    try:
        text = secret_text(small_text(Path(file)), f"file {file}")
    except UnusableFile as error:
        raise CredentialsError(f"file {file} ({error})") from None
    if not text:
        raise CredentialsError(f"file {file} (holds no token)")
    return text


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


def instant(text: str) -> datetime | None:
    """An RFC 3339 time; taken as UTC where it names no zone, as the vendors mean it."""
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):  # OverflowError: the year 0 or 10000 in UTC
        return None


@dataclass(frozen=True, slots=True)
class ResolvedCredentials(Generic[K]):
    """Credentials and where they were found. `tried` are the places before, each with its reason; no value in either.

    `again` reads the same place once more, where what is in it may be replaced.
    """

    credentials: K
    source: str
    tried: tuple[str, ...] = ()
    again: Callable[[], K] | None = field(default=None, repr=False, compare=False)

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must be masked wherever a server echoes it, as far as it is known yet."""
        return tuple(getattr(self.credentials, "secrets", ()))

    @property
    def issuers(self) -> frozenset[str]:
        """Base URLs of the vendor's services that hand them out, where they are none of the target's own."""
        return frozenset()

    @property
    def principal(self) -> str:
        """Who they belong to, without being a secret; empty where only the cloud knows."""
        return ""

    def owner(self, target: Target) -> str:
        """A stable name of the account whose own name nobody told, which shows neither a key id nor a user: by who
        draws on it, else by where the credentials come from, for machines that cannot read them."""
        if self.principal:
            return principal_name(self.principal)
        named = target.credentials
        if named.profile:
            return f"profile-{named.profile}"
        places = ";".join(f"{key}={secret.env or secret.file}" for key, secret in sorted(named.secrets.items()))
        return f"credentials-{_short_hash(places)}" if places else "default"

    def explained(self, fault: Fault) -> Fault:
        """The fault, with what was tried where it is about credentials."""
        if fault.meaning is not Meaning.CREDENTIALS or "; tried: " in fault.message:
            return fault
        before = f"; tried before: {'; '.join(self.tried)}" if self.tried else ""
        return replace(fault, message=f"{fault.message}; credentials from {self.source}{before}")


def principal_name(principal: str) -> str:
    """A stable name of an account's principal that shows neither a key id nor a user."""
    return f"principal-{_short_hash(principal)}"


def _short_hash(text: str) -> str:
    return sha256(text.encode()).hexdigest()[:12]
