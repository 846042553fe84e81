"""Calls made together: all their results, or the first fault; and what only one of them may do at a time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar
from weakref import WeakKeyDictionary

from reconciler.tasks.fault import Fault

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterable

__all__ = ["Turns", "all_or_fault"]

T = TypeVar("T")


async def all_or_fault(calls: Iterable[Coroutine[object, object, T | Fault]]) -> list[T] | Fault:
    """Run reads concurrently. The first fault ends the others: a part of the answer is of no use."""
    running = [asyncio.ensure_future(call) for call in calls]
    try:
        for ended in asyncio.as_completed(running):
            if isinstance(result := await ended, Fault):
                return result
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
    return [result for task in running if not isinstance(result := task.result(), Fault)]


class Turns:
    """One at a time, first come first served, in each event loop: one lock would be bound to the first of them."""

    def __init__(self) -> None:
        self._locks: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()

    def lock(self) -> asyncio.Lock:
        """That of the running event loop."""
        return self._locks.setdefault(asyncio.get_running_loop(), asyncio.Lock())
