"""The local clouds with a server of their own."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

from reconciler.simulator.clouds import LocalClouds
from reconciler.simulator.thread import ServerThread


class Simulator(LocalClouds):
    """Both vendors' APIs in one process. Use `running()` in tests, `serve()` in a program."""

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
