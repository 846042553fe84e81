"""Runs what is asynchronous, so that Ctrl-C at any moment is an interruption and nothing else."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine

    Result = TypeVar("Result")

__all__ = ["run_work"]


def run_work(work: Coroutine[None, None, Result]) -> Result:
    """What `work` returns. Raises KeyboardInterrupt where the user pressed Ctrl-C.

    SIGINT is held back until the work has begun: an event loop that is cut off while it is made leaves warnings about
    itself on the terminal, and work that was never begun leaves another.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})

    async def begun() -> Result:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return await work

    try:
        return asyncio.run(begun())
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
