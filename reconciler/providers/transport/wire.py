"""The wire: httpx on top, aiohttp below, and nothing in between that changes or repeats a request.

Three habits of the libraries would each break a promise of ours, so they are switched off here: re-quoting the URL
(the signature covers its bytes), following redirects, and aiohttp's own repetition of idempotent requests on a
dropped keep-alive connection, which counts DELETE among them (RFC 9112 section 9.3.1).
"""

from __future__ import annotations

import asyncio
from base64 import b64encode
from functools import cache
from typing import TYPE_CHECKING
from urllib.request import getproxies, proxy_bypass

import aiohttp
import httpx
from yarl import URL

from reconciler.providers.transport.endpoint import is_loopback

if TYPE_CHECKING:
    import ssl

__all__ = ["BODY_LIMIT", "DIRECT", "NEVER_SENT", "UnreadableAnswer", "Wire"]

BODY_LIMIT = 16 * 1024 * 1024
"""Bytes of an answer that are read at most; a page of 100 tasks has some 100 kB."""

CONNECT_SECONDS = 10.0
READ_SECONDS = 30.0
TOTAL_SECONDS = 60.0

NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError, httpx.UnsupportedProtocol)
"""After these the request has certainly not reached the server. After any other TransportError it may have."""

DIRECT = "reconciler.direct"
"""Extension of a request that no proxy may see: it asks this machine's own metadata service for keys."""

_CHUNK = 64 * 1024


class UnreadableAnswer(httpx.DecodingError):
    """An answer came, but its body is too large or in an encoding that was not asked for."""


async def _sent_once(request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Translate the two errors upon which aiohttp would send the request again, before it sees them."""
    try:
        return await send(request)
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
        raise
    except aiohttp.ServerDisconnectedError as error:
        raise httpx.RemoteProtocolError("the server closed the connection without an answer") from error
    except (aiohttp.ClientOSError, ConnectionError) as error:
        raise httpx.ReadError(f"the connection broke: {error.strerror or type(error).__name__}") from error


class Wire(httpx.AsyncBaseTransport):
    """An httpx transport over one aiohttp session.

    The session is made on first use, inside the event loop that uses it. `sent` counts requests handed to the wire.
    `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` are honoured except for loopback hosts; netrc is not, since it would
    replace the signature.
    """

    def __init__(self, *, body_limit: int = BODY_LIMIT, timeout: aiohttp.ClientTimeout | None = None) -> None:
        self._body_limit = body_limit
        self._timeout = timeout or aiohttp.ClientTimeout(
            total=TOTAL_SECONDS, sock_connect=CONNECT_SECONDS, sock_read=READ_SECONDS
        )
        self._session: aiohttp.ClientSession | None = None
        self.sent = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        body = await request.aread()
        self.sent += 1
        try:
            return await self._exchange(request, body)
        except aiohttp.ConnectionTimeoutError as error:
            raise httpx.ConnectTimeout("no connection in time", request=request) from error
        except aiohttp.ClientConnectorError as error:
            raise httpx.ConnectError(f"no connection: {_reason(error)}", request=request) from error
        except aiohttp.ClientHttpProxyError as error:
            raise httpx.ProxyError(f"the proxy answered HTTP {error.status}", request=request) from error
        except TimeoutError as error:
            raise httpx.ReadTimeout("no answer in time", request=request) from error
        except (aiohttp.ClientPayloadError, aiohttp.ClientResponseError) as error:
            raise httpx.RemoteProtocolError(f"a torn answer: {type(error).__name__}", request=request) from error
        except aiohttp.ClientError as error:
            raise httpx.ReadError(f"the connection broke: {type(error).__name__}", request=request) from error

    async def _exchange(self, request: httpx.Request, body: bytes) -> httpx.Response:
        target = request.url.raw_path.decode("ascii")
        url = URL(f"{request.url.scheme}://{request.url.netloc.decode('ascii')}{target}", encoded=True)
        proxy = None if request.extensions.get(DIRECT) else _proxy(request.url)
        async with self._open().request(
            request.method,
            url,
            data=body or None,
            headers=[(name.decode("ascii"), value.decode("latin-1")) for name, value in request.headers.raw],
            allow_redirects=False,
            ssl=_verified() if request.url.scheme == "https" else True,
            proxy=str(proxy.url) if proxy else None,
            proxy_headers=_proxy_headers(proxy),
        ) as answer:
            content = await self._body(answer)
            # Cookies would carry state from one signed request into the next.
            headers = [(name, value) for name, value in answer.raw_headers if name.lower() != b"set-cookie"]
            return httpx.Response(answer.status, headers=headers, content=content, request=request)

    async def _body(self, answer: aiohttp.ClientResponse) -> bytes:
        encoding = answer.headers.get("Content-Encoding", "identity").strip().lower()
        if encoding not in {"", "identity"}:
            answer.close()
            raise UnreadableAnswer(f"a body in the encoding {encoding[:20]!r}, which was not asked for")
        parts: list[bytes] = []
        size = 0
        async for part in answer.content.iter_chunked(_CHUNK):
            size += len(part)
            if size > self._body_limit:
                answer.close()
                raise UnreadableAnswer(f"a body of more than {self._body_limit} bytes")
            parts.append(part)
        return b"".join(parts)

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                # The caller bounds what is in flight; a second bound here would only hide waiting time.
                connector=aiohttp.TCPConnector(limit=0),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=self._timeout,
                auto_decompress=False,
                trust_env=False,
                skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
                middlewares=(_sent_once,),
            )
        return self._session

    async def aclose(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None
            # aiohttp closes TLS connections in the next turns of the loop.
            await asyncio.sleep(0)


def _reason(error: aiohttp.ClientConnectorError) -> str:
    return str(error.strerror or type(error).__name__)


@cache
def _verified() -> ssl.SSLContext:
    """certifi's roots, or those of SSL_CERT_FILE and SSL_CERT_DIR. Made once: it reads some 200 kB."""
    return httpx.create_ssl_context()


def _proxy(url: httpx.URL) -> httpx.Proxy | None:
    if is_loopback(url.host):
        return None
    proxies = getproxies()
    proxy = proxies.get(url.scheme) or proxies.get("all")
    if not proxy or proxy_bypass(url.host):
        return None
    try:
        return httpx.Proxy(proxy if "://" in proxy else f"http://{proxy}")
    except ValueError as error:
        raise httpx.ProxyError("the proxy of the environment must be an http or https URL") from error


def _proxy_headers(proxy: httpx.Proxy | None) -> dict[str, str] | None:
    if proxy is None or proxy.raw_auth is None:
        return None
    return {"Proxy-Authorization": f"Basic {b64encode(b':'.join(proxy.raw_auth)).decode()}"}
