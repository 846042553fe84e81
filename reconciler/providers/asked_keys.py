"""Keys that somebody is asked for: who may be asked, and requests beside the calls of a client, each sent once."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import httpx

from reconciler.exceptions import CredentialsError, ProviderError
from reconciler.providers.credential_source import C, Kept, Renewed
from reconciler.providers.credentials import AccessKey, instant
from reconciler.providers.transport.answers import header_text
from reconciler.providers.transport.caller import USER_AGENT
from reconciler.providers.transport.clocks import clock_skew
from reconciler.providers.transport.trace import DIRECT
from reconciler.providers.transport.wire import UnreadableAnswer
from reconciler.tasks.observation import CLOCKS_APART, Fault, Meaning

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence

    from reconciler.providers.credential_source import CredentialSource
    from reconciler.providers.transport.answers import Redactor
    from reconciler.providers.transport.codes import Codes
    from reconciler.providers.transport.surroundings import Surroundings
    from reconciler.providers.transport.wire import Wire

SECONDS = 10.0
TOO_MANY = 429
HEADERS = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": USER_AGENT}


@dataclass(frozen=True, slots=True)
class Ask:
    """Sends what gets credentials over the client's own wire, so that it is counted.

    Failures are ProviderErrors. What may pass is UNREACHABLE, since the call that wanted the credentials was never
    sent; the rest is CREDENTIALS.
    """

    wire: Wire
    redactor: Redactor
    surroundings: Surroundings
    codes: Codes

    async def send(self, request: httpx.Request, *, seconds: float = SECONDS, direct: bool = False) -> httpx.Response:
        """Any answer but one that asks to come back later. `direct` passes by the proxies of the environment."""
        for name, text in HEADERS.items():
            request.headers.setdefault(name, text)
        if direct:
            request.extensions = {**request.extensions, DIRECT: True}
        host = request.url.host
        try:
            async with asyncio.timeout(seconds):
                response = await self.wire.handle_async_request(request)
        except TimeoutError:
            raise _unreachable(f"{host}: no answer within {seconds:g} s") from None
        except UnreadableAnswer as error:
            raise CredentialsError(f"{host}: unexpected answer: {error}") from None
        except httpx.TransportError as error:
            raise _unreachable(f"{host}: {self.redactor(error)}") from None
        return response

    def key(
        self, answer: httpx.Response, found: object, names: Mapping[str, Sequence[str]], otherwise: str = ""
    ) -> AccessKey:
        """The key that was `found` in an answer, by the spellings of its parts (see `temporary_key`).

        Raises ProviderError where it is none; `otherwise` is what is said then, where the answer does not say why.
        """
        key = temporary_key(found, names) if answer.is_success else None
        if key is None:
            raise self.refusal(answer, otherwise or "without a key")
        return key

    def refusal(self, answer: httpx.Response, otherwise: str = "") -> ProviderError:
        """An answer that brought no credentials, with the vendor's word for why; `otherwise` where there is none."""
        code, message, *_ = self.codes.said(answer)
        said = ": ".join(filter(None, (code, message))) or otherwise
        reason = self.redactor(f"HTTP {answer.status_code} {said}".strip(), 300)
        if skew := clock_skew(answer, message, self.surroundings.now(), CLOCKS_APART):
            reason = f"{reason}; {skew}"
        may_pass = answer.is_server_error or answer.status_code == TOO_MANY
        if may_pass or self.codes.means(code) in {Meaning.THROTTLED, Meaning.UNAVAILABLE}:
            return _unreachable(reason)
        return CredentialsError(reason)


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


def renewed(
    fetch: Callable[[], Awaitable[C]],
    ask: Ask,
    margin: float,
    *,
    first: C | None = None,
    shared_by: Hashable = None,
) -> CredentialSource[C]:
    """A source that fetches with `ask`, by its clocks, and has the secrets masked that it gets.

    What it gets serves all clients of the run whose credentials are `shared_by` the same identity, service and scope.
    """
    around = ask.surroundings
    return Renewed(
        fetch,
        margin=margin,
        now=around.now,
        monotonic=around.monotonic,
        learn=ask.redactor.learn,
        first=first,
        kept=None if shared_by is None else around.shared.of(shared_by, Kept[C]),
    )


def _unreachable(message: str) -> ProviderError:
    return ProviderError(Fault(Meaning.UNREACHABLE, message))
