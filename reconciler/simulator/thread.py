"""A server in a thread of its own, for tests that drive synchronous clients."""

import asyncio
from contextlib import suppress
from threading import Event, Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reconciler.simulator.clouds import LocalClouds

_START_TIMEOUT = 30.0


class ServerThread:
    """Runs a simulator's server until it is stopped."""

    def __init__(self, simulator: "LocalClouds", host: str, port: int) -> None:
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
        from reconciler.simulator.server import listening  # noqa: PLC0415 - server.py knows the simulator's type

        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        async with listening(self._simulator, self._host, self._port, self._fail) as url:
            self.url = url
            self._ready.set()
            await self._stopping.wait()
