"""Cutting work off once somebody asked the run to stop."""

import asyncio

import pytest

from reconciler.engine.interruption import Interruption


async def forever() -> None:
    await asyncio.Event().wait()


async def test_work_that_nobody_stops_gives_what_it_gives() -> None:
    assert await Interruption().cut_off(asyncio.sleep(0, "done"), 0.0) == "done"


@pytest.mark.parametrize("when", ["before", "meanwhile", "in the work itself"])
async def test_work_is_cut_off_after_somebody_asked(when: str) -> None:
    interruption = Interruption()

    async def work() -> str:
        if when == "in the work itself":
            interruption.ask()
        await forever()
        return "never"

    if when == "before":
        interruption.ask()
    if when == "meanwhile":
        asyncio.get_running_loop().call_soon(interruption.ask)
    assert await interruption.cut_off(work(), 0.0) is None


async def test_a_timeout_of_the_work_is_its_own() -> None:
    async def work() -> None:
        raise TimeoutError("the work's")

    with pytest.raises(TimeoutError, match="the work's"):
        await Interruption().cut_off(work(), 0.0)


async def test_work_under_way_has_the_time_that_it_was_given() -> None:
    interruption, go_on = Interruption(), asyncio.Event()
    under_way = asyncio.ensure_future(interruption.cut_off(go_on.wait(), 600.0))
    await asyncio.sleep(0)
    interruption.ask()
    await asyncio.sleep(0)
    go_on.set()
    assert await under_way is True
