"""Calls made together: all their results, or the first fault."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

from reconciler.tasks.fault import Fault

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterable

__all__ = ["all_or_fault"]

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
