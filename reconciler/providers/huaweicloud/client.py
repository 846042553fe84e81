"""The client of one Huawei Cloud target."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.provider import (
    WRITES,
    Fault,
    HttpClient,
    Observation,
    Operation,
    Readings,
    ResourceType,
    Surroundings,
    Tally,
    Target,
    Task,
)
from reconciler.providers.huaweicloud.errors import CODES
from reconciler.providers.huaweicloud.gateway import Gateway
from reconciler.providers.huaweicloud.listing import Bounds, list_scope
from reconciler.providers.huaweicloud.reading import read_ids

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["HuaweicloudClient"]

READ_AT_MOST = 10
"""So many calls reading ids may take before the first page of a list that was never seen is asked how long it is."""


class HuaweicloudClient(HttpClient[Gateway]):
    """Lists, reads and acts on the tasks of one project."""

    def __init__(self, target: Target, *, concurrency: int, surroundings: Surroundings) -> None:
        super().__init__(target, Gateway(target, concurrency=concurrency, surroundings=surroundings))
        self._pages: dict[str, int] = {}

    async def observe(self, resource: ResourceType, statuses: frozenset[str] | None) -> Observation:
        return await self._observe(resource, statuses, Bounds())

    async def _observe(self, resource: ResourceType, statuses: frozenset[str] | None, bounds: Bounds) -> Observation:
        tally = Tally()
        listed = await list_scope(self.gateway, self.target, resource, statuses, tally, bounds)
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
            seen = {task.id: task for task in observed.tasks if "provider_status" in task.values}
        rest = [task_id for task_id in wanted if task_id not in seen]
        read = await read_ids(self.gateway, self.target, resource, rest, Tally())
        return Readings(
            {**{task_id: seen[task_id] for task_id in wanted if task_id in seen}, **read.tasks}, read.faults
        )

    def _listing_is_cheaper(self, resource: ResourceType, ids: int) -> bool:
        known = self._pages.get(resource.name)
        return resource.listing.is_cheaper(READ_AT_MOST if known is None else known, ids)

    async def act(
        self, resource: ResourceType, operation: Operation, ids: Sequence[str], permitted: Callable[[], bool]
    ) -> dict[str, Fault | None]:
        async def one(task_id: str) -> Fault | None:
            return await self.gateway.call(
                resource.service,
                operation.method,
                operation.path,
                [(operation.id_parameter, task_id)],
                lambda response: CODES.not_accepted(response, operation, self.gateway.redactor, self.gateway.now),
                retries=WRITES,
                tally=Tally(),
                permitted=permitted,
            )

        return {task_id: await one(task_id) for task_id in ids}
