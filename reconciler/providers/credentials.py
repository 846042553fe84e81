"""Credentials: key pairs and the texts that they are made of, who is asked for them, and what is known of where they
were found."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from hashlib import sha256
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from reconciler.exceptions import CredentialsError, ProviderError
from reconciler.providers.transport.answers import header_text
from reconciler.providers.transport.surroundings import trimmed
from reconciler.tasks.fault import Meaning

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from reconciler.config.model import Target
    from reconciler.providers.transport.ask import Ask
    from reconciler.tasks.fault import Fault

__all__ = [
    "ACCESS_KEY_KEYS",
    "AccessKey",
    "AskedKey",
    "FoundCredentials",
    "LastResort",
    "instant",
    "key_in",
    "principal_name",
    "secret_in",
    "secret_text",
    "temporary_key",
]


K = TypeVar("K")

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


def key_in(
    environment: Mapping[str, str], names: tuple[str, str, str], vendor: str, tried: list[str]
) -> AccessKey | None:
    """The key whose id, secret and security token are in variables of these names; None, told to `tried`, without it.

    Raises CredentialsError for half a key: going on to a file might mean to act as somebody else than was meant.
    """
    key_id, secret = (secret_in(environment, name) for name in names[:2])
    if key_id and secret:
        return AccessKey(key_id, secret, secret_in(environment, names[2]))
    if key_id or secret:
        missing = names[1] if key_id else names[0]
        raise CredentialsError(
            f"half of the {vendor} credentials is in the environment: {missing} is not set",
            f"set both {names[0]} and {names[1]}, or none",
        )
    tried.append(f"environment variables {names[0]} and {names[1]} (not set)")
    return None


def secret_in(environment: Mapping[str, str], name: str) -> str:
    """The `secret_text` of an environment variable; empty where it is not set."""
    return secret_text(environment.get(name, ""), f"environment variable {name}")


class AskedKey(Protocol):
    """A way to get temporary keys. `place` names it in messages."""

    @property
    def place(self) -> str: ...

    def __hash__(self) -> int: ...  # who asks the same shares the answer

    async def key(self, ask: Ask) -> AccessKey:
        """A new key. Raises ProviderError with a message that says why there is none, and no secret."""
        ...


class LastResort:
    """Asks those who may or may not be there, in order, when credentials stand nowhere.

    The first who answers stays the one, so that a renewal never acts as somebody else. `tried` are the places before.
    Raises CredentialsError where there is nobody to ask.
    """

    place = "services of the machine"

    def __init__(self, vendor: str, hint: str, options: Sequence[AskedKey], tried: Sequence[str]) -> None:
        if not options:
            raise _none_found(vendor, hint, tried)
        self._vendor = vendor
        self._hint = hint
        self._options = options
        self._tried = tuple(tried)
        self._chosen: AskedKey | None = None

    async def key(self, ask: Ask) -> AccessKey:
        if self._chosen is not None:
            return await self._chosen.key(ask)
        tried = list(self._tried)
        for option in self._options:
            try:
                key = await option.key(ask)
            except ProviderError as error:
                tried.append(f"{option.place} ({error.fault.message})")
            else:
                self._chosen = option
                return key
        raise _none_found(self._vendor, self._hint, tried)


def _none_found(vendor: str, hint: str, tried: Sequence[str]) -> CredentialsError:
    """The error that names everything that was tried, in order."""
    return CredentialsError(f"no {vendor} credentials found; tried: {'; '.join(tried)}", hint)


def temporary_key(found: object, names: Mapping[str, Sequence[str]]) -> AccessKey | None:
    """The key in a JSON object; None unless it is whole.

    `names` are the spellings of `id`, `secret`, `token` and `expires`.
    """
    body: Mapping[str, Any] = found if isinstance(found, dict) else {}

    def text(part: str) -> str:
        return header_text(next((body[name] for name in names[part] if body.get(name)), ""))

    key_id, secret, token, expires = (text(part) for part in ("id", "secret", "token", "expires"))
    moment = instant(expires)
    if not (key_id and secret and token and moment):
        return None
    return AccessKey(key_id, secret, token, moment)


def instant(text: str) -> datetime | None:
    """An RFC 3339 time; taken as UTC where it names no zone, as the vendors mean it."""
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):  # OverflowError: the year 0 or 10000 in UTC
        return None


@dataclass(frozen=True, slots=True)
class FoundCredentials(Generic[K]):
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
