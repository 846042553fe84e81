"""Handing out orders to a pool, as many at a time as it has use for, and again where a worker was lost."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from reconciler.exceptions import bug, innermost
from reconciler.executors.work import Answer, answered, sent, worked

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Sequence

    from reconciler.executors.pool import Pool
    from reconciler.executors.work import Order

LOGGER = logging.getLogger("reconciler.executors")

TRIES = 3
"""Times that an order goes out whose worker was lost. The journal makes that harmless."""


async def dispatched(
    orders: Sequence[Order], pool: Pool, shared: object, stopping: Callable[[], bool] = lambda: False
) -> AsyncGenerator[tuple[Order, Answer], None]:
    """Each order with its answer, as they come; never raises for one that is lost, or that is no answer.

    Of what is handed out at once the pool's `window` is the bound, and an answer is let go once it was given on. Once
    it is `stopping` no more orders go out, and those that are out are awaited: an executor that takes one back does not
    say whether a worker was at it. Once the pool is gone nothing is awaited any more.
    """
    waiting = [(order, 1) for order in reversed(orders)]
    out: dict[asyncio.Future[bytes], tuple[Order, int]] = {}
    try:
        while waiting or out:
            if pool.gone:
                waiting += out.values()
                for order, attempt in waiting:
                    yield order, _lost(attempt, pool.gone)
                return
            if stopping():
                lost = [(order, attempt - 1) for order, attempt in waiting if attempt > 1]
                waiting.clear()
                for order, attempts in lost:
                    yield order, _lost(attempts, "the run was stopped before it was handed out again")
            while waiting and len(out) < pool.window:
                order, attempt = waiting.pop()
                out[_handed(order, pool, shared)] = order, attempt
            if not out:
                return
            done, _ = await asyncio.wait(out, timeout=_LOOK, return_when=asyncio.FIRST_COMPLETED)
            for future in done:
                order, attempt = out.pop(future)
                answer = _answer(future)
                if answer is None and attempt < TRIES and not stopping():
                    LOGGER.warning(
                        "%s: its worker was lost (%s): handed out again", ", ".join(order.targets), _loss(future)
                    )
                    waiting.append((order, attempt + 1))
                    continue
                yield order, answer or _lost(attempt, _loss(future))
    finally:
        for future in out:
            future.cancel()


_LOOK = 0.5
"""Seconds after which it is asked again whether to stop."""


def _handed(order: Order, pool: Pool, shared: object) -> asyncio.Future[bytes]:
    try:
        return asyncio.wrap_future(pool.submit(worked, sent(order), shared))
    except Exception as error:  # noqa: BLE001 - an executor that takes no more work loses this order
        lost: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        lost.set_exception(error)
        return lost


def _answer(future: asyncio.Future[bytes]) -> Answer | None:
    """None where the executor has none."""
    if future.cancelled() or future.exception() is not None:
        return None
    try:
        return answered(future.result())
    except (TypeError, ValueError):  # msgspec reads bytes, and an executor gives back what it likes
        return None


def _lost(times: int, why: str) -> Answer:
    return Answer("", "", error=f"its worker was lost{f', {times} times' if times > 1 else ''}: {why}")


def _loss(future: asyncio.Future[bytes]) -> str:
    error = None if future.cancelled() else future.exception()
    if isinstance(error, Exception):
        return bug(innermost(error))
    return "there was no answer" if error or future.cancelled() else "what came back is no answer"
