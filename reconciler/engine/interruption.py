"""Stopping a run on request: finish what is in flight, start nothing new."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from reconciler.exceptions import ExitCode

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

T = TypeVar("T")
Given = ParamSpec("Given")


def run(work: Coroutine[object, object, T]) -> T:
    """What `work` returns, from an event loop of its own.

    Python's own `asyncio.run` writes out its result on the way out, where it looks for the handler of SIGINT: of a plan
    of 100,000 tasks that is a second and a copy of everything. So this one is given nothing to write out.
    """
    returned: list[T] = []

    async def main() -> None:
        returned.append(await work)

    asyncio.run(main())
    return returned[0]


class Interruption:
    """Whether somebody asked the run to stop. `drains` while calls are made: those in flight are then finished and
    reported. A run that only reads may simply be cut off."""

    def __init__(self) -> None:
        self._asked = asyncio.Event()
        self._bounds: dict[asyncio.Timeout, float] = {}
        self.exit_code: ExitCode | None = None
        self.why = "the run was interrupted first"
        """What is said of calls that are not made any more."""
        self.drains = False

    @property
    def asked(self) -> bool:
        return self._asked.is_set()

    def ask(self, code: ExitCode = ExitCode.INTERRUPTED) -> None:
        """Ask the run to stop gracefully, since a signal came."""
        self.exit_code = self.exit_code or code
        self._ask()

    def tell(self, why: str) -> None:
        """Have the run make no more calls, for a reason that is none of this process: no signal cuts it off."""
        if not self.asked:
            self.why = why
        self._ask()

    def _ask(self) -> None:
        if not self.asked:
            self._asked.set()
            for bound, seconds in self._bounds.items():
                bound.reschedule(asyncio.get_running_loop().time() + seconds)

    def drain(self) -> None:
        """From here on calls are made. Raises CancelledError where a signal came before."""
        if self.exit_code is not None:
            raise asyncio.CancelledError
        self.drains = True

    async def wait(self) -> None:
        """Wait until somebody asks to stop."""
        await self._asked.wait()

    async def sleep(self, seconds: float) -> None:
        """Wait, but no longer than until somebody asks to stop."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.wait(), seconds)

    async def cut_off(self, work: Awaitable[T], seconds: float) -> T | None:
        """What `work` gives; None where it is not done so many seconds after somebody asked to stop."""
        bound = asyncio.timeout(seconds if self.asked else None)
        self._bounds[bound] = seconds
        try:
            async with bound:
                return await work
        except TimeoutError:
            if bound.expired():
                return None
            raise
        finally:
            del self._bounds[bound]


class Threads(ThreadPoolExecutor):
    """A thread for each piece of work, which nobody has to wait for: not at the end of the program either.

    A name server or a database that does not answer must not keep a signal waiting.
    """

    def submit(self, fn: Callable[Given, T], /, *args: Given.args, **kwargs: Given.kwargs) -> Future[T]:
        future: Future[T] = Future()

        def work() -> None:
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(fn(*args, **kwargs))
                except BaseException as error:  # noqa: BLE001 - handed on to whoever asks for the result
                    future.set_exception(error)

        threading.Thread(target=work, name="reconciler-aside", daemon=True).start()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Does not wait."""
