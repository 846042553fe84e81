"""What is told over HTTP: metrics, health, and a page. Nothing there can change anything."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from aiohttp import web

from reconciler.daemon.page import Page
from reconciler.exceptions import ReconcilerError, UsageError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from reconciler.reports.metrics import Samples

EXPOSITION: Final = "text/plain; version=0.0.4; charset=utf-8"
"""https://prometheus.io/docs/instrumenting/exposition_formats/#basic-info"""

_HEADERS: Final = {
    "Server": "reconciler",
    "Cache-Control": "no-store",
    # The page says the rest of it itself; who may frame it, only a header can say.
    "Content-Security-Policy": "frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
IDLE: Final = 30.0
"""Seconds that a connection may take to bring a request, from when it was made or from the answer before: whoever never
gets to the end of a header would keep it for good."""
_PARTING = 1.0
"""Seconds that answers under way have at the end."""


@dataclass(slots=True)
class Site:
    """What stands there: the samples of `/metrics`, and the `page` of `/`. `ready` once a cycle has ended."""

    samples: Samples
    page: Page = field(default_factory=Page)
    ready: bool = False


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen. Hosts other than this one, `localhost` and addresses are answered where they are `known`: a page
    in somebody's browser may have its name lead here."""

    host: str
    port: int
    known: frozenset[str] = frozenset()

    @classmethod
    def of(cls, text: str, known: tuple[str, ...] = ()) -> Address:
        """`HOST:PORT` or `PORT`, of loopback then; `[::]:PORT` for IPv6. Raises UsageError."""
        parts = urlsplit(f"//{text if ':' in text else f'127.0.0.1:{text}'}")
        try:
            host, port = parts.hostname or "", parts.port
        except ValueError:
            port = None
        if port is None or not host or parts.netloc.count("@") or parts.path or parts.query or parts.fragment:
            raise UsageError(f"--listen {text}: expected HOST:PORT", "such as 127.0.0.1:9464, or 0.0.0.0:9464")
        return cls(host, port, frozenset(name.lower() for name in (*known, host)))

    def answers(self, host: str) -> bool:
        """Whether a request for this host (of its header) is meant for us."""
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        return name == "localhost" or name in self.known or _is_address(name)


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


@asynccontextmanager
async def listening(site: Site, address: Address, idle: float = IDLE) -> AsyncIterator[str]:
    """Serve while the context lasts; gives the URL. Raises ReconcilerError where the port cannot be had."""

    @web.middleware
    async def guarded(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        if not address.answers(request.headers.get("Host", "")):
            return web.Response(status=421, text="this host is not served here; see --allowed-host\n", headers=_HEADERS)
        try:
            response = await handler(request)
        except web.HTTPException as refusal:
            return web.Response(status=refusal.status, text=f"{refusal.reason}\n", headers=_HEADERS)
        response.headers.update(_HEADERS)
        return response

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=site.samples.text().encode(), headers={"Content-Type": EXPOSITION})

    async def alive(_: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def ready(_: web.Request) -> web.Response:
        return web.Response(text="ok\n") if site.ready else web.Response(status=503, text="no cycle has ended yet\n")

    async def page(_: web.Request) -> web.Response:
        if not site.page.text:
            return web.Response(status=503, text="no cycle has ended yet\n", headers={"Retry-After": "5"})
        return web.Response(text=site.page.text, content_type="text/html")

    app = web.Application(middlewares=[guarded])
    paths = {"/metrics": metrics, "/healthz": alive, "/readyz": ready, "/": page}
    app.add_routes([web.get(path, handler) for path, handler in paths.items()])
    runner = web.AppRunner(
        app, access_log=None, shutdown_timeout=_PARTING, handle_signals=False, keepalive_timeout=idle
    )
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, address.host, address.port).start()
        except OSError as error:
            raise ReconcilerError(
                f"cannot listen on {address.host}:{address.port}: {error.strerror or error}",
                "choose another with --listen",
            ) from error
        host, port = runner.addresses[0][:2]
        yield f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    finally:
        await runner.cleanup()
