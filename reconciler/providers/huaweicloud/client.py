"""The client of one Huawei Cloud target."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Self

from reconciler.providers.base import Readings
from reconciler.providers.huaweicloud.errors import refusal
from reconciler.providers.huaweicloud.gateway import Gateway
from reconciler.providers.huaweicloud.listing import list_scope
from reconciler.providers.huaweicloud.reading import read_ids
from reconciler.providers.transport.answers import malformed
from reconciler.providers.transport.caller import Tally
from reconciler.providers.transport.pacing import always
from reconciler.providers.transport.retries import WRITES
from reconciler.tasks.fault import Fault
from reconciler.tasks.observation import Completeness, Observation, Scope

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import httpx

    from reconciler.config.model import Target
    from reconciler.providers.transport.surroundings import Surroundings
    from reconciler.tasks.resource_type import Operation, ResourceType

__all__ = ["HuaweicloudClient"]

READ_AT_MOST = 10
"""So many ids are read one by one where an id is one call and the length of the list is not known yet."""


class _Accepted:
    """The cloud took the operation."""


class HuaweicloudClient:
    """Lists, reads and acts on the tasks of one project. Implements `reconciler.providers.base.Client`."""

    def __init__(self, target: Target, *, concurrency: int, surroundings: Surroundings) -> None:
        self._target = target.name
        self._gateway = Gateway(target, concurrency=concurrency, surroundings=surroundings)
        self._totals: dict[str, int] = {}

    @property
    def requests(self) -> int:
        return self._gateway.requests

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._gateway.close()

    async def account(self) -> str | Fault:
        """The project's id, which is of one region: neither that nor a host adds to it."""
        return await self._gateway.project_id()

    async def observe(self, resource: ResourceType, statuses: frozenset[str] | None) -> Observation:
        scope, tally = Scope(self._target, resource.name), Tally()
        listed = await list_scope(self._gateway, self._target, resource, statuses, tally)
        if isinstance(listed, Fault):
            return Observation(scope, (), tally.requests, Completeness.FAILED, listed)
        self._totals[resource.name] = listed.total
        completeness = Completeness.UNSTABLE if listed.unsettled else Completeness.COMPLETE
        return Observation(scope, tuple(listed.tasks.values()), tally.requests, completeness, listed.unsettled)

    async def read(self, resource: ResourceType, ids: Sequence[str]) -> Readings:
        wanted = list(dict.fromkeys(ids))
        found: Readings = Readings({}, {})
        if self._listing_is_cheaper(resource, len(wanted)):
            observed = await self.observe(resource, None)
            found = Readings({task.id: task for task in observed.tasks if task.id in set(wanted)}, {})
            # A list may have skipped what it does not show, so those are asked for by id as well.
            wanted = [task_id for task_id in wanted if task_id not in found.tasks]
        rest = await read_ids(self._gateway, self._target, resource, wanted, Tally())
        return Readings({**found.tasks, **rest.tasks}, rest.faults)

    def _listing_is_cheaper(self, resource: ResourceType, count: int) -> bool:
        listing = resource.listing
        if listing.ids_per_call > 1 or listing.rows_merge:
            return False
        total = self._totals.get(resource.name)
        return count > (READ_AT_MOST if total is None else -(-total // listing.page_size))

    async def perform(
        self,
        resource: ResourceType,
        operation: Operation,
        ids: Sequence[str],
        permitted: Callable[[], bool] = always,
    ) -> Mapping[str, Fault | None]:
        return {task_id: await self._perform(resource, operation, task_id, permitted) for task_id in ids}

    async def _perform(
        self, resource: ResourceType, operation: Operation, task_id: str, permitted: Callable[[], bool]
    ) -> Fault | None:
        verdict = await self._gateway.call(
            resource.service,
            operation.method,
            operation.path,
            [(operation.id_parameter, task_id)],
            partial(self._judge, operation),
            retries=WRITES,
            tally=Tally(),
            permitted=permitted,
        )
        return verdict if isinstance(verdict, Fault) else None

    def _judge(self, operation: Operation, response: httpx.Response) -> _Accepted | Fault:
        if response.status_code in operation.accepted:
            return _Accepted()
        if response.is_success:
            return malformed(f"HTTP {response.status_code} instead of 204", response)
        return refusal(
            response,
            self._gateway.excerpts,
            operation.refusals,
            unlisted=operation.unlisted,
            now=self._gateway.now,
        )
