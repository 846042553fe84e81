"""Stopping a run on request: finish what is in flight, start nothing new."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from typing import TYPE_CHECKING, TypeVar

from reconciler.exceptions import ExitCode

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator

__all__ = ["Interruption"]

T = TypeVar("T")

_CODES = {signal.SIGINT: ExitCode.INTERRUPTED, signal.SIGTERM: ExitCode.TERMINATED}


class Interruption:
    """Whether somebody asked the run to stop. The first signal asks; a second one ends the process at once."""

    def __init__(self) -> None:
        self._asked = asyncio.Event()
        self.exit_code: ExitCode | None = None

    @property
    def asked(self) -> bool:
        return self._asked.is_set()

    def ask(self, code: ExitCode = ExitCode.INTERRUPTED) -> None:
        """Ask the run to stop gracefully."""
        self.exit_code = self.exit_code or code
        self._asked.set()

    async def sleep(self, seconds: float) -> None:
        """Wait, but no longer than until somebody asks to stop."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._asked.wait(), seconds)

    async def cut_off(self, work: Coroutine[object, object, T], seconds: float) -> T | None:
        """What `work` gives; None where it is not done so many seconds after somebody asked to stop."""
        running, asked = asyncio.ensure_future(work), asyncio.ensure_future(self._asked.wait())
        try:
            await asyncio.wait({running, asked}, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.wait({running}, timeout=seconds)
            return running.result() if running.done() else None
        finally:
            asked.cancel()
            running.cancel()
            await asyncio.gather(running, asked, return_exceptions=True)

    @contextlib.contextmanager
    def on_signals(self) -> Iterator[None]:
        """Within this context SIGINT and SIGTERM ask to stop; the second one exits at once with 130 or 143."""
        loop = asyncio.get_running_loop()
        for number in _CODES:
            loop.add_signal_handler(number, self._receive, number)
        try:
            yield
        finally:
            for number in _CODES:
                loop.remove_signal_handler(number)

    def _receive(self, number: signal.Signals) -> None:
        code = _CODES[number]
        if self.asked:
            sys.stderr.write("\nSecond signal: stopping at once. Calls in flight have no verdict.\n")
            sys.stderr.flush()
            os._exit(code)
        sys.stderr.write("\nStopping: no new calls; waiting for those in flight (once more to stop at once).\n")
        sys.stderr.flush()
        self.ask(code)
