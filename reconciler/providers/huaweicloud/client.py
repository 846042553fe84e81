"""The client of one Huawei Cloud target."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from reconciler.provider import (
    READS,
    WRITES,
    Fault,
    Meaning,
    Observation,
    Operation,
    Paging,
    Readings,
    ResourceType,
    Tally,
    Target,
    Task,
    TaskKey,
)
from reconciler.providers.huaweicloud.gateway import Gateway
from reconciler.providers.huaweicloud.listing import Bounds, list_scope
from reconciler.providers.huaweicloud.pages import Page, page, united

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from reconciler.provider import Surroundings

__all__ = ["HuaweicloudClient"]

READ_AT_MOST = 10
"""So many calls reading ids may take before the first page of a list that was never seen is asked how long it is."""


class HuaweicloudClient(Gateway):
    """Lists, reads and acts on the tasks of one project."""

    def __init__(self, target: Target, *, concurrency: int, surroundings: Surroundings) -> None:
        super().__init__(target, concurrency=concurrency, surroundings=surroundings)
        self._pages: dict[str, int] = {}

    async def observe(self, resource: ResourceType, statuses: frozenset[str] | None) -> Observation:
        return await self._observe(resource, statuses, Bounds())

    async def _observe(self, resource: ResourceType, statuses: frozenset[str] | None, bounds: Bounds) -> Observation:
        tally = Tally()
        listed = await list_scope(self, resource, statuses, tally, bounds)
        if isinstance(listed, Fault):
            return self.observation(resource, tally, listed)
        if listed.pages is not None:
            self._pages[resource.name] = listed.pages
        return self.observation(resource, tally, listed.tasks.values(), listed.unsettled)

    async def read(self, resource: ResourceType, ids: Sequence[str]) -> Readings:
        wanted = list(dict.fromkeys(ids))
        seen: dict[str, Task] = {}
        if self._listing_is_cheaper(resource, len(wanted)):
            # One pass, given up where it turns out to be the dearer way. What it does not show, or shows without a
            # status since two rows contradict each other, is asked for by id.
            bounds = Bounds(passes=1, pages=resource.listing.calls(len(wanted)))
            observed = await self._observe(resource, None, bounds)
            shown = {task.id: task for task in observed.tasks if "provider_status" in task.values}
            seen = {task_id: shown[task_id] for task_id in wanted if task_id in shown}
        rest = await super().read(resource, [task_id for task_id in wanted if task_id not in seen])
        return Readings.united((Readings(seen, {}), rest))

    def _listing_is_cheaper(self, resource: ResourceType, ids: int) -> bool:
        known = self._pages.get(resource.name)
        return resource.listing.is_cheaper(READ_AT_MOST if known is None else known, ids)

    async def read_some(self, resource: ResourceType, ids: Sequence[str]) -> Readings:
        """Gone is only what a consistent answer leaves out."""
        listing = resource.listing
        parameters = [(listing.ids_parameter or "task_id", task_id) for task_id in ids]
        if listing.paging is Paging.MARKER:
            parameters.append(("limit", str(listing.page_size)))
        found = await self.call(
            resource.service,
            listing.method,
            listing.path,
            (*listing.constants, *parameters),
            partial(page, client=self, resource=resource),
            retries=READS,
            tally=Tally(),
        )
        if not isinstance(found, Fault):
            return _sorted_out(self.target.name, resource, ids, found)
        if found.meaning is not Meaning.GONE:
            return Readings({}, dict.fromkeys(ids, found))
        if len(ids) == 1:
            return Readings({ids[0]: Task.gone(TaskKey(self.target.name, resource.name, ids[0]))}, {})
        # One of them is not there, and the answer does not say which.
        return Readings.united([await self.read_some(resource, [task_id]) for task_id in ids])

    async def act(
        self, resource: ResourceType, operation: Operation, ids: Sequence[str], permitted: Callable[[], bool]
    ) -> dict[str, Fault | None]:
        async def one(task_id: str) -> Fault | None:
            return await self.call(
                resource.service,
                operation.method,
                operation.path,
                [(operation.id_parameter, task_id)],
                partial(self.not_accepted, operation=operation),
                retries=WRITES,
                tally=Tally(),
                permitted=permitted,
            )

        return {task_id: await one(task_id) for task_id in ids}


def _sorted_out(target: str, resource: ResourceType, ids: Sequence[str], found: Page) -> Readings:
    """Say of each id whether it is there, gone, or not answered.

    Rows that were not asked for show that the filter was ignored, and a total or a marker beyond the rows that some
    are held back: then an id that is missing may yet exist. So may work of an id that several rows make up.
    """
    shown, contradicted = united(resource, found.tasks)
    foreign = len(shown.keys() - set(ids))
    held_back = bool(found.marker) or found.truncated or found.total != len(found.tasks)

    def doubt(task_id: str) -> str:
        if task_id in contradicted:
            return "rows of this task that contradict each other"
        if foreign and task_id not in shown:
            return f"{foreign} tasks that were not asked for, and not this one"
        if held_back and (resource.listing.rows_merge or task_id not in shown):
            return f"{len(found.tasks)} rows where it announces {found.total}"
        return ""

    tasks: dict[str, Task] = {}
    faults: dict[str, Fault] = {}
    for task_id in ids:
        if reason := doubt(task_id):
            faults[task_id] = Fault(Meaning.MALFORMED, f"unexpected answer: {reason}")
        else:
            tasks[task_id] = shown.get(task_id) or Task.gone(TaskKey(target, resource.name, task_id))
    return Readings(tasks, faults)
