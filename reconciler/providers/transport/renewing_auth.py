"""Authentication by credentials that are asked for at each request, and renewed once when the cloud refuses them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic

import httpx

from reconciler.exceptions import CredentialsError
from reconciler.providers.credential_source import C

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from reconciler.providers.credential_source import CredentialSource

__all__ = ["RenewingAuth"]


class RenewingAuth(httpx.Auth, Generic[C]):
    """What the vendors' flows have in common: they say how to mark a request, and what refuses the credentials.

    A request that was refused for its credentials had no effect, so that sending it again with others is safe, of a
    call that changes something too.
    """

    requires_request_body = True

    def __init__(self, source: CredentialSource[C]) -> None:
        self._source = source

    def mark(self, request: httpx.Request, credential: C) -> None:
        """Sign `request`, or put a token into it."""
        raise NotImplementedError

    def refused(self, response: httpx.Response) -> bool:
        """Whether the gateway refused the credentials, before anything could have an effect."""
        raise NotImplementedError

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        credential = await self._source.current()
        self._mark(request, credential)
        response = yield request
        if not self.refused(response):
            return
        fresh = await self._source.renewed(credential)
        if fresh is not None:
            self._mark(request, fresh)
            yield request

    def _mark(self, request: httpx.Request, credential: C) -> None:
        """Raises CredentialsError where the headers cannot be sent, wherever the credentials were found."""
        try:
            self.mark(request, credential)
            sendable = all(value.isascii() and value.decode().isprintable() for _, value in request.headers.raw)
        except ValueError:  # not ASCII, in words that quote it
            sendable = False
        if not sendable:
            raise CredentialsError("the credentials hold characters that no header may carry")
