"""Keys that somebody must be asked for: a security token service, the metadata service of a virtual machine."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

from reconciler.exceptions import CredentialsError, ProviderError
from reconciler.providers.access_key import AccessKey
from reconciler.providers.transport.answers import header_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reconciler.providers.transport.ask import Ask

__all__ = ["AskedKey", "LastResort", "instant", "none_found", "temporary_key"]


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
