"""The wire: httpx on top, aiohttp below, and nothing in between that changes or repeats a request.

Three habits of the libraries would each break a promise of ours, so they are switched off here: re-quoting the URL
(the signature covers its bytes), following redirects, and aiohttp's own repetition of idempotent requests on a
dropped keep-alive connection, which counts DELETE among them (RFC 9112 section 9.3.1).
"""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, NamedTuple
from weakref import WeakKeyDictionary

import httpx
from yarl import URL

from reconciler.providers.transport.answers import Redactor
from reconciler.providers.transport.messages import Response, destination
from reconciler.providers.transport.route import proxy_of, roots_of, trusted, unused_contexts
from reconciler.providers.transport.trace import DIRECT, Answer, Tracer

with unused_contexts():
    import aiohttp

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Mapping

    from aiohttp.connector import Connection
    from aiohttp.tracing import Trace

    from reconciler.providers.transport.route import Proxy

BODY_LIMIT = 16 * 1024 * 1024
"""Bytes of an answer that are read at most; a page of 100 tasks has some 100 kB."""

CONNECT_SECONDS = 10.0
TUNNEL_SECONDS = 20.0
"""Until there is a connection all in all: the proxy's answer and the handshake behind it included."""

TOTAL_SECONDS = 40.0
"""Until the last byte of the answer is there."""

NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError, httpx.UnsupportedProtocol)
"""After these the request has certainly not reached the server. After any other TransportError it may have."""

_BEGINNING = 64
"""Requests that begin in a turn of the event loop. Were thousands to, of as many targets, it would look at its sockets
so late that connections which were made in time count as too late, on a machine that has other things to do."""


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


_SLOTS: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()
"""In which requests begin, of each event loop, first come first served. They wait for the loop alone, never for an
answer."""


class _Connector(aiohttp.TCPConnector):
    """Tells what goes wrong before there is a connection: whatever a proxy says, nothing was sent yet."""

    async def connect(
        self,
        req: aiohttp.ClientRequest,
        traces: list[Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - the signature is aiohttp's
    ) -> Connection:
        try:
            return await super().connect(req, traces, timeout)
        except (aiohttp.ClientConnectorError, aiohttp.ClientHttpProxyError, TimeoutError):
            raise
        except (aiohttp.ClientError, OSError, ValueError) as error:
            # ValueError: a name that no resolver takes, with an empty label in it.
            what = "the proxy gave no answer of HTTP" if req.proxy else f"no connection: {type(error).__name__}"
            raise httpx.ConnectError(what) from error


class _Way(NamedTuple):
    """What is trusted on the way to a server, and the proxy that it leads through."""

    secure: ssl.SSLContext | bool
    proxy: Proxy | None


class Wire(httpx.AsyncBaseTransport):
    """An httpx transport over one aiohttp session.

    The session is made on first use, inside the event loop that uses it. `sent` counts requests handed to the network.
    `on_answer` is shown every answer but those of the machine's own services (DIRECT), refusals of a login included;
    `tracer` tells all of them.
    Proxies and trusted certificates of the environment are honoured; netrc is not, it would replace the signature.
    Raises ProviderError, before anything is sent, where they cannot be used.
    """

    def __init__(
        self,
        environment: Mapping[str, str] = os.environ,
        *,
        body_limit: int = BODY_LIMIT,
        timeout: aiohttp.ClientTimeout | None = None,
        on_answer: Callable[[httpx.Response], None] = lambda _: None,
        tracer: Tracer | None = None,
    ) -> None:
        self._environment = environment
        self._on_answer = on_answer
        self.tracer = tracer or Tracer(Redactor())
        self._body_limit = body_limit
        self._timeout = timeout or aiohttp.ClientTimeout(
            total=TOTAL_SECONDS, connect=TUNNEL_SECONDS, sock_connect=CONNECT_SECONDS
        )
        self._session: aiohttp.ClientSession | None = None
        self._ways: dict[tuple[str, str, bool], _Way] = {}
        self.sent = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        body = await request.aread()
        direct = bool(request.extensions.get(DIRECT))
        way = self._way(request, direct=direct)
        self.sent += 1
        with self.tracer.telling(request) as answers:
            response = await self._answered(request, body, way)
            answers.append(Answer(response.status_code, response.headers, response.content))
        if not direct:
            self._on_answer(response)
        return response

    def _way(self, request: httpx.Request, *, direct: bool) -> _Way:
        """Found out once for each server."""
        scheme, netloc, _ = destination(request)
        found = self._ways.get((scheme, netloc, direct))
        if found is None:
            secure = trusted(self._environment) if scheme == "https" else True
            proxy = None if direct else proxy_of(request.url, self._environment)
            found = self._ways[scheme, netloc, direct] = _Way(secure, proxy)
        return found

    async def _answered(self, request: httpx.Request, body: bytes, way: _Way) -> httpx.Response:
        """The answer, or an error of httpx that says whether the request may have reached the server."""
        proxy = way.proxy
        the_proxy = f"the proxy of {proxy.variable}" if proxy else ""
        try:
            return await self._exchange(request, body, way)
        except aiohttp.ConnectionTimeoutError as error:
            through = f" through {the_proxy}" if proxy else ""
            raise httpx.ConnectTimeout(f"no connection{through} in time", request=request) from error
        except aiohttp.ClientConnectorCertificateError as error:
            roots = f" (trusted is what {variable} names)" if (variable := roots_of(self._environment)) else ""
            reason = getattr(error.certificate_error, "verify_message", "") or "it is not trusted"
            raise _unconnected(error, f"the certificate: {reason}{roots}", request, proxy) from error
        except aiohttp.ClientConnectorError as error:
            raise _unconnected(error, str(error.strerror or type(error).__name__), request, proxy) from error
        except aiohttp.ClientHttpProxyError as error:
            raise httpx.ProxyError(f"{the_proxy} answered HTTP {error.status}", request=request) from error
        except aiohttp.InvalidURL as error:
            raise httpx.UnsupportedProtocol("no connection: no such host is possible", request=request) from error
        except TimeoutError as error:
            raise httpx.ReadTimeout("no answer in time", request=request) from error
        except (aiohttp.ClientPayloadError, aiohttp.ClientResponseError) as error:
            raise httpx.RemoteProtocolError(f"a torn answer: {type(error).__name__}", request=request) from error
        except aiohttp.ClientError as error:
            raise httpx.ReadError(f"the connection broke: {type(error).__name__}", request=request) from error

    async def _exchange(self, request: httpx.Request, body: bytes, way: _Way) -> httpx.Response:
        session, proxy, place = self._open(), way.proxy, destination(request)
        path, _, query = place.target.partition("?")
        await self._slots.acquire()
        self._soon(self._slots.release)
        async with session.request(
            request.method,
            URL.build(scheme=place.scheme, authority=place.netloc, path=path, query_string=query, encoded=True),
            data=body or None,
            headers=[(name.decode("ascii"), value.decode("latin-1")) for name, value in request.headers.raw],
            allow_redirects=False,
            ssl=way.secure,
            proxy=proxy.url if proxy else None,
            proxy_headers=proxy.headers if proxy else None,
        ) as answer:
            content = await self._body(answer)
            # Cookies would carry state from one signed request into the next.
            headers = [(name, value) for name, value in answer.raw_headers if name.lower() != b"set-cookie"]
            return Response(answer.status, headers, content, request)

    async def _body(self, answer: aiohttp.ClientResponse) -> bytes:
        encoding = answer.headers.get("Content-Encoding", "identity").strip().lower()
        if encoding not in {"", "identity"}:
            answer.close()
            raise UnreadableAnswer(f"a body in the encoding {encoding[:20]!r}, which was not asked for")
        parts: list[bytes] = []
        size = 0
        while part := await answer.content.readany():
            size += len(part)
            if size > self._body_limit:
                answer.close()
                raise UnreadableAnswer(f"a body of more than {self._body_limit} bytes")
            parts.append(part)
        return b"".join(parts)

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            loop = asyncio.get_running_loop()
            self._soon = loop.call_soon
            self._slots = _SLOTS.setdefault(loop, asyncio.Semaphore(_BEGINNING))
            self._session = aiohttp.ClientSession(
                # The caller bounds what is in flight; a second bound here would only hide waiting time.
                connector=_Connector(limit=0),
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


def _unconnected(
    error: aiohttp.ClientConnectorError | aiohttp.ClientConnectorCertificateError,
    reason: str,
    request: httpx.Request,
    proxy: Proxy | None,
) -> httpx.TransportError:
    """The error of a proxy that cannot be found, reached or trusted, or of what is behind it: only the host tells."""
    asked = URL(proxy.url) if proxy else None
    if proxy and asked and (error.host, error.port) == (asked.raw_host, asked.port):
        return httpx.ProxyError(f"no connection to the proxy of {proxy.variable}: {reason}", request=request)
    return httpx.ConnectError(f"no connection: {reason}", request=request)
