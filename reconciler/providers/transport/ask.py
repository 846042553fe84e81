"""Asking for credentials: requests beside the calls of a client, unsigned, unpaced, and each sent once."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx

from reconciler.exceptions import CredentialsError, ProviderError
from reconciler.providers.credential_source import C, Kept, Renewed
from reconciler.providers.transport.caller import USER_AGENT
from reconciler.providers.transport.clocks import clock_skew
from reconciler.providers.transport.wire import DIRECT, UnreadableAnswer
from reconciler.tasks.fault import Fault, Meaning
from reconciler.tasks.observation import CLOCKS_APART

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Hashable

    from reconciler.providers.credential_source import CredentialSource
    from reconciler.providers.transport.answers import Redactor
    from reconciler.providers.transport.surroundings import Surroundings
    from reconciler.providers.transport.wire import Wire

__all__ = ["Ask", "renewed"]

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

    def refusal(self, response: httpx.Response, said: str) -> ProviderError:
        """An answer that brought no credentials; `said` is the vendor's word for why, if any."""
        reason = self.redactor(f"HTTP {response.status_code} {said}".strip(), 300)
        if skew := clock_skew(response, self.surroundings.now(), CLOCKS_APART):
            reason = f"{reason}; {skew}"
        if response.is_server_error or response.status_code == TOO_MANY or "Throttling" in said:
            return _unreachable(reason)
        return CredentialsError(reason)


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
