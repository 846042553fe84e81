"""Credentials: key pairs and the texts that they are made of, who is asked for them, and what is known of where they
were found."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from hashlib import sha256
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol

from reconciler.exceptions import CredentialsError, ProviderError
from reconciler.providers.transport.answers import header_text
from reconciler.providers.transport.surroundings import trimmed
from reconciler.tasks.fault import Meaning

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reconciler.config.model import Target
    from reconciler.providers.transport.ask import Ask
    from reconciler.tasks.fault import Fault

__all__ = [
    "ACCESS_KEY_KEYS",
    "AccessKey",
    "AskedKey",
    "LastResort",
    "Origin",
    "instant",
    "none_found",
    "principal_name",
    "secret_in",
    "secret_text",
    "sources_of",
    "temporary_key",
]


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


class AskedKey(Protocol):
    """A way to get temporary keys. `place` names it in messages."""

    @property
    def place(self) -> str: ...

    async def key(self, ask: Ask) -> AccessKey:
        """A new key. Raises ProviderError with a message that says why there is none, and no secret."""
        ...


class LastResort:
    """Asks those who may or may not be there, in order, when credentials stand nowhere.

    The first who answers stays the one, so that a renewal never acts as somebody else. `tried` are the places before.
    """

    place = "services of the machine"

    def __init__(self, vendor: str, hint: str, options: Sequence[AskedKey], tried: Sequence[str]) -> None:
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
        raise none_found(self._vendor, self._hint, tried)


def none_found(vendor: str, hint: str, tried: Sequence[str]) -> CredentialsError:
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
class Origin:
    """`source` is where they were found, `tried` the places before it, each with its reason. No value of either."""

    source: str
    tried: tuple[str, ...] = ()

    def explained(self, fault: Fault) -> Fault:
        """The fault, with what was tried where it is about credentials."""
        if fault.meaning is not Meaning.CREDENTIALS or "; tried: " in fault.message:
            return fault
        before = f"; tried before: {'; '.join(self.tried)}" if self.tried else ""
        return replace(fault, message=f"{fault.message}; credentials from {self.source}{before}")


def principal_name(principal: str) -> str:
    """A stable name of an account's principal that shows neither a key id nor a user."""
    return f"principal-{sha256(principal.encode()).hexdigest()[:12]}"


def sources_of(target: Target) -> str:
    """A name made of where the credentials come from, for machines that cannot read them."""
    credentials = target.credentials
    if credentials.profile:
        return f"profile-{credentials.profile}"
    places = ";".join(f"{key}={secret.env or secret.file}" for key, secret in sorted(credentials.secrets.items()))
    return f"credentials-{sha256(places.encode()).hexdigest()[:12]}" if places else "default"
