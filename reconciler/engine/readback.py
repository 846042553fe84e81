"""Reading tasks back for several batches together: as few calls as the ids take."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager, suppress
from itertools import islice
from typing import TYPE_CHECKING

from reconciler.providers.base import Readings
from reconciler.tasks.observation import Fault, Meaning

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reconciler.engine.interruption import Interruption
    from reconciler.providers.base import Client
    from reconciler.tasks.resource_type import ResourceType

STOPPING = Fault(Meaning.UNREACHABLE, "not read: the run is stopping")


class Readback:
    """Reads tasks of one scope for all batches of it that are under way.

    Ids that fill whole calls are read at once. What is left of a batch waits for what is left of others, as long as
    calls are under way that something may be left of, and for `longest` seconds at most.
    """

    def __init__(self, client: Client, resource: ResourceType, interruption: Interruption, longest: float) -> None:
        self._client = client
        self._resource = resource
        self._interruption = interruption
        self._longest = longest
        self._calling = 0
        self._left: dict[str, asyncio.Future[Readings]] = {}
        self._news = asyncio.Event()

    @contextmanager
    def calling(self) -> Iterator[None]:
        """Calls are made within this context, of tasks that may have to be read afterwards."""
        self._calling += 1
        try:
            yield
        finally:
            self._calling -= 1
            self._tell()

    async def read(self, ids: Sequence[str]) -> Readings:
        """What asking for these ids brings, which no other batch asks for. Raises nothing for what the cloud does."""
        size = self._resource.listing.ids_per_call
        whole = len(ids) // size * size
        if whole == len(ids):
            return await self._client.read(self._resource, ids)
        left = self._together(ids[whole:], size)
        if not whole:
            return await left
        return Readings.united(await asyncio.gather(self._client.read(self._resource, ids[:whole]), left))

    async def _together(self, ids: Sequence[str], size: int) -> Readings:
        loop = asyncio.get_running_loop()
        mine: dict[str, asyncio.Future[Readings]] = {task_id: loop.create_future() for task_id in ids}
        self._left |= mine
        self._tell()
        end = loop.time() + self._longest
        try:
            while self._left.keys() & mine.keys():
                alone = not self._calling or self._interruption.asked or loop.time() >= end
                if alone or len(self._left) >= size:
                    await self._call(size)
                else:
                    with suppress(TimeoutError):
                        async with asyncio.timeout_at(end):
                            await self._interruption.cut_off(self._news.wait(), 0.0)
            return Readings.united(await asyncio.gather(*mine.values()))
        finally:
            for task_id in ids:
                self._left.pop(task_id, None)

    async def _call(self, size: int) -> None:
        """Read as many as one call takes, for whoever waits for them."""
        taken = {task_id: self._left.pop(task_id) for task_id in list(islice(self._left, size))}
        readings = Readings({}, dict.fromkeys(taken, STOPPING))
        try:
            readings = await self._client.read(self._resource, list(taken))
        finally:
            for task_id, found in taken.items():
                if not found.done():
                    found.set_result(_of(task_id, readings))
            self._tell()

    def _tell(self) -> None:
        """Wake all who wait, to look again."""
        self._news.set()
        self._news.clear()


def _of(task_id: str, readings: Readings) -> Readings:
    tasks, faults = readings.tasks, readings.faults
    return Readings(
        {task_id: tasks[task_id]} if task_id in tasks else {}, {task_id: faults[task_id]} if task_id in faults else {}
    )
