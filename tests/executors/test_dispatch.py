"""What becomes of orders whose workers are lost, or whose run is stopped."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future

from reconciler.executors.dispatch import dispatched
from reconciler.executors.work import Answer, Opening, Order
from reconciler.planning.limits import Overrides
from reconciler.planning.part import Shard

PARTITION = "sha256:" + "0" * 64


class Lossy:
    """Workers that are lost with whatever they are handed."""

    window = 2

    def __init__(self) -> None:
        self.handed = 0

    def hand(self, data: bytes) -> object:
        return data

    def submit(self, _work: object, _order: bytes, _shared: object) -> Future[bytes]:
        self.handed += 1
        lost: Future[bytes] = Future()
        lost.set_exception(OSError())
        return lost

    gone = ""

    def close(self) -> None:
        pass


def answers(pool: Lossy, orders: int, stopping: Callable[[], bool]) -> dict[int, Answer]:
    opening = Opening((), (), (), 0, None, "")
    made = [Order(opening, (f"t{index}",), Shard(index, orders, PARTITION), Overrides()) for index in range(orders)]

    async def collected() -> dict[int, Answer]:
        return {order.shard.index: answer async for order, answer in dispatched(made, pool, b"", stopping)}

    return asyncio.run(collected())


def test_an_order_goes_out_three_times() -> None:
    pool = Lossy()
    found = answers(pool, 3, lambda: False)
    assert pool.handed == 9
    assert {answer.error for answer in found.values()} == {"its worker was lost, 3 times: OSError"}
    assert found.keys() == {0, 1, 2}


def test_whatever_was_handed_out_is_answered_for_once_it_stops() -> None:
    """Its worker may have made calls. What nobody was handed has no answer."""
    pool = Lossy()
    asked = iter([False] * 3)
    found = answers(pool, 5, lambda: next(asked, True))
    assert found.keys() == {0, 1}
    assert pool.handed == 2
    assert found[0].error.startswith("its worker was lost: ")
