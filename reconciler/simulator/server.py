"""HTTP on loopback, by aiohttp: turns bytes into `WireRequest`s and faults into what the network does.

A `Simulator` serves from a thread of its own, for tests that drive synchronous clients.
"""

import asyncio
import json
import socket
import struct
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from email.utils import format_datetime
from ipaddress import ip_address
from threading import Event, Thread
from typing import Self

from aiohttp import web

from reconciler.simulator import control
from reconciler.simulator.clouds import Arrival, LocalClouds
from reconciler.simulator.faults import Fault, FaultKind
from reconciler.simulator.wire import Answer, Outcome, WireRequest

_SHUTDOWN_SECONDS = 0.5
_BODIES = {
    FaultKind.EMPTY: b"",
    FaultKind.BROKEN_JSON: b'{"total":2,"tasks":[{"task_id":',
    FaultKind.WRONG_ENVELOPE: b'{"result":"ok"}',
}
_PAGE = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body>Please sign in.</body></html>"


def check_loopback(host: str) -> None:
    """Raise ValueError for an address that other machines can reach: the simulator's keys are public."""
    try:
        loopback = host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise ValueError(f"the simulator listens on loopback only, not on {host!r}; use 127.0.0.1, ::1 or localhost")


@asynccontextmanager
async def listening(
    simulator: LocalClouds,
    host: str = "127.0.0.1",
    port: int = 0,
    on_failure: Callable[[Exception], None] = lambda _: None,
) -> AsyncIterator[str]:
    """Serve in the running loop for the duration of the block; yields the URL.

    A mistake of the simulator itself is answered with HTTP 500 and told `on_failure`.
    """
    check_loopback(host)

    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        try:
            return await _handle(simulator, request)
        except OSError:  # the client hung up
            raise
        except Exception as failure:
            on_failure(failure)
            raise

    server = web.Server(handler, access_log=None)
    runner = web.ServerRunner(server, shutdown_timeout=_SHUTDOWN_SECONDS)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        bound_host, bound_port = runner.addresses[0][:2]
        yield f"http://[{bound_host}]:{bound_port}" if ":" in bound_host else f"http://{bound_host}:{bound_port}"
    finally:
        await runner.cleanup()


async def serve(
    simulator: LocalClouds,
    host: str = "127.0.0.1",
    port: int = 0,
    on_ready: Callable[[str], None] | None = None,
) -> None:
    """Serve until cancelled. `on_ready` is called with the URL once the port is open."""
    async with listening(simulator, host, port) as url:
        if on_ready is not None:
            on_ready(url)
        await _forever()


async def _forever() -> None:
    await asyncio.get_running_loop().create_future()


async def _handle(simulator: LocalClouds, received: web.BaseRequest) -> web.StreamResponse:
    body = await received.read()
    request = WireRequest.of(received.method, received.raw_path, _headers(received), body)
    if request.path.startswith(control.PREFIX):
        return _response(control.handle(simulator, request))
    arrival = simulator.arrive(request)
    for fault in arrival.faults:
        if fault.kind is FaultKind.LATENCY:
            await asyncio.sleep(fault.seconds)
    simulator.interfere(arrival)
    response = await _answer(simulator, received, arrival)
    if simulator.clock.skew and not response.prepared:
        response.headers.setdefault("Date", format_datetime(simulator.clock.dated(), usegmt=True))
    return response


def _headers(received: web.BaseRequest) -> dict[str, str]:
    """The headers by lower-case name; one that comes twice is joined, so that it cannot pass as the first."""
    joined: dict[str, str] = {}
    for name, text in received.headers.items():
        lower = name.lower()
        joined[lower] = f"{joined[lower]},{text}" if lower in joined else text
    return joined


async def _answer(simulator: LocalClouds, received: web.BaseRequest, arrival: Arrival) -> web.StreamResponse:
    decisive = next((fault for fault in arrival.faults if fault.decides), None)
    if decisive is None:
        outcome = simulator.perform(arrival)
        simulator.conclude(arrival, outcome.answer.status, outcome)
        return _response(outcome.answer)
    match decisive.kind:
        case FaultKind.LOST_ANSWER | FaultKind.TRUNCATED as kind:
            outcome = simulator.perform(arrival)
            # Of one without a body, as 204 is, half would be the whole, on a connection that is closed nevertheless.
            if kind is FaultKind.TRUNCATED and outcome.answer.body:
                simulator.conclude(arrival, outcome.answer.status, outcome)
                return await _half(received, outcome)
            simulator.conclude(arrival, 0, outcome)
            return _hang_up(received)
        case FaultKind.RESET:
            simulator.conclude(arrival, 0, None)
            return _hang_up(received)
        case FaultKind.HANG:
            simulator.conclude(arrival, 0, None)
            await _forever() if decisive.seconds == 0 else await asyncio.sleep(decisive.seconds)
            return _hang_up(received)
        case _:
            answer = _substitute(simulator, arrival, decisive)
            simulator.conclude(arrival, answer.status, None)
            return _response(answer)


def _substitute(simulator: LocalClouds, arrival: Arrival, fault: Fault) -> Answer:
    """The answer that a fault gives in place of the cloud's."""
    cloud = simulator.cloud(arrival.vendor)
    match fault.kind:
        case FaultKind.THROTTLE:
            return cloud.throttled(fault.code, fault.retry_after)
        case FaultKind.STATUS:
            usual = cloud.failed(fault.status)
            if fault.body is None:
                return Answer(fault.status, usual.body, {**usual.headers, **fault.headers})
            body = fault.body if isinstance(fault.body, str) else json.dumps(fault.body)
            return Answer(fault.status, body.encode(), fault.headers)
        case FaultKind.REDIRECT:
            return Answer(302, b"", {"Location": fault.location, **fault.headers})
        case FaultKind.HTML:
            return Answer(200, _PAGE, fault.headers, "text/html")
        case _:
            return Answer(200, _BODIES[fault.kind], fault.headers)


def _response(answer: Answer) -> web.Response:
    if not answer.body:
        return web.Response(status=answer.status, headers=answer.headers)
    return web.Response(
        status=answer.status, body=answer.body, headers=answer.headers, content_type=answer.content_type
    )


async def _half(received: web.BaseRequest, outcome: Outcome) -> web.StreamResponse:
    """Promise the whole body, send half of it, close."""
    answer = outcome.answer
    response = web.StreamResponse(status=answer.status, headers=answer.headers)
    response.content_type = answer.content_type
    response.content_length = len(answer.body)
    await response.prepare(received)
    await response.write(answer.body[: len(answer.body) // 2])
    _hang_up(received)
    return response


def _hang_up(received: web.BaseRequest) -> web.Response:
    """Close the connection with a reset: no answer, not even an orderly end."""
    transport = received.transport
    if transport is not None:
        plug = transport.get_extra_info("socket")
        if plug is not None:
            plug.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    return web.Response()


_START_TIMEOUT = 30.0


class ServerThread:
    """Runs a simulator's server until it is stopped."""

    def __init__(self, simulator: LocalClouds, host: str, port: int) -> None:
        self._simulator = simulator
        self._host = host
        self._port = port
        self._ready = Event()
        self._failure: Exception | None = None
        self._ended = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._thread = Thread(target=self._run, name="reconciler-simulator", daemon=True)
        self.url = ""

    def start(self) -> None:
        """Start and wait until the port is open. Raises what kept the server from starting."""
        self._thread.start()
        if not self._ready.wait(_START_TIMEOUT):
            raise TimeoutError("the simulator did not start")
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """Close the server and wait for the thread. Does nothing where it never started.

        Raises what the server failed with, since whoever asked it saw an HTTP 500 or a closed connection only.
        """
        if self._loop is not None and self._stopping is not None and self._thread.is_alive():
            with suppress(RuntimeError):  # the loop closed meanwhile: it has ended by itself, of what `start` raises
                self._loop.call_soon_threadsafe(self._stopping.set)
        if self._thread.ident is not None:
            self._thread.join(_START_TIMEOUT)
            if not self._ended:
                raise TimeoutError("the simulator did not stop")
        if self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except Exception as failure:  # noqa: BLE001 - a thread has nobody to raise to; `start` and `stop` raise it
            self._fail(failure)
        finally:
            self._ended = True
            self._ready.set()

    def _fail(self, failure: Exception) -> None:
        """Keep the first failure: the others may follow from it."""
        self._failure = self._failure or failure

    async def _serve(self) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        async with listening(self._simulator, self._host, self._port, self._fail) as url:
            self.url = url
            self._ready.set()
            await self._stopping.wait()


class Simulator(LocalClouds):
    """All vendors' APIs in one process. Use `running()` in tests, `serve()` in a program."""

    _thread: ServerThread | None = None

    @property
    def url(self) -> str:
        """`http://127.0.0.1:PORT`, while running."""
        if self._thread is None:
            raise RuntimeError("the simulator is not running")
        return self._thread.url

    @contextmanager
    def running(self, host: str = "127.0.0.1", port: int = 0) -> Iterator[Self]:
        """Serve from a thread of its own for the duration of the block; port 0 takes a free one."""
        if self._thread is not None:
            raise RuntimeError("the simulator is already running")
        thread = self._thread = ServerThread(self, host, port)
        try:
            thread.start()
            yield self
        finally:
            self._thread = None
            thread.stop()
