"""Stopping a run on request: finish what is in flight, start nothing new."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from typing import TYPE_CHECKING

from reconciler.exceptions import ExitCode

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Interruption"]

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
