"""A client whose rows say how their tasks are listed, read and acted on: a cloud adds how a call gets there.

See `reconciler.tasks.resource_type` for what a row can say, and `docs/how-to/provider.md` for a whole one.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

from reconciler.providers.base import Readings
from reconciler.providers.client import HttpClient
from reconciler.providers.listing import Bounds, list_scope
from reconciler.providers.pages import Page, at, page_in, read_in, sorted_out
from reconciler.providers.transport.answers import json_object, malformed
from reconciler.providers.transport.caller import READS, WRITES, Retries, Tally
from reconciler.providers.transport.pacing import always
from reconciler.tasks.observation import Fault, Meaning, Observation
from reconciler.tasks.resource_type import Paging
from reconciler.tasks.sink import Collected
from reconciler.tasks.task import Task, TaskKey

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    import httpx

    from reconciler.config.model import Target
    from reconciler.providers.credentials import ResolvedCredentials
    from reconciler.providers.transport.surroundings import Surroundings
    from reconciler.tasks.resource_type import Operation, ResourceType
    from reconciler.tasks.sink import Sink

T = TypeVar("T")
R = TypeVar("R", bound="ResolvedCredentials[Any]")

WHOLE = Bounds()

SMALL = 10
"""Rows of a page that is only looked at."""

READ_AT_MOST = 10
"""So many calls reading ids may take before the first page of a list that was never seen is asked how long it is."""


class RowClient(HttpClient[R]):
    """Lists, reads and acts by the calls of each row. `call` is a cloud's own."""

    def __init__(
        self, target: Target, resolved: R, urls: Sequence[str], *, concurrency: int, surroundings: Surroundings
    ) -> None:
        super().__init__(target, resolved, urls, concurrency=concurrency, surroundings=surroundings)
        self._pages: dict[str, int] = {}

    async def call(
        self,
        service: str,
        method: str,
        path: str,
        parameters: Sequence[tuple[str, str]],
        judge: Callable[[httpx.Response], T | Fault],
        *,
        retries: Retries,
        tally: Tally,
        permitted: Callable[[], bool] = always,
    ) -> T | Fault:
        """Send a call of a row of this service: what the row has for its path, with the id in it where that belongs
        there, and the parameters, not encoded yet."""
        raise NotImplementedError

    async def observe(
        self, resource: ResourceType, statuses: frozenset[str] | None, sink: Sink | None = None, bounds: Bounds = WHOLE
    ) -> Observation:
        tally, held = Tally(), Collected()
        ask = partial(self.page, resource, tally)
        listed = await list_scope(ask, resource, statuses, held if sink is None else sink, bounds, self.concurrency)
        if isinstance(listed, Fault):
            return self.observation(resource, tally, listed)
        if listed.pages is not None:
            self._pages[resource.name] = listed.pages
        return replace(self.observation(resource, tally, held.tasks, listed.unsettled), rows=held.rows)

    async def first_page(self, resource: ResourceType, tally: Tally) -> Collection[Task] | Fault | None:
        listing = resource.listing
        place = [(listing.page_parameter, "0")] if listing.paging in {Paging.PAGE, Paging.OFFSET} else []
        size = (listing.size_parameter, str(min(SMALL, listing.page_size)))
        found = await self.page(resource, tally, [*place, size])
        return found if isinstance(found, Fault) else found.tasks

    async def page(self, resource: ResourceType, tally: Tally, parameters: Sequence[tuple[str, str]]) -> Page | Fault:
        """One page of the list of a kind."""
        listing = resource.listing
        return await self.call(
            resource.service,
            listing.method,
            listing.path,
            (*listing.constants, *parameters),
            partial(page_in, client=self, resource=resource),
            retries=READS,
            tally=tally,
        )

    async def read(self, resource: ResourceType, ids: Sequence[str]) -> Readings:
        wanted = list(dict.fromkeys(ids))
        seen: dict[str, Task] = {}
        if self._listing_is_cheaper(resource, len(wanted)):
            # One pass, given up where it turns out to be the dearer way. What it does not show, or shows in rows that
            # contradict each other, or without a status, is asked for by id.
            bounds = Bounds(passes=1, pages=resource.listing.calls(len(wanted)))
            observed = await self.observe(resource, None, bounds=bounds)
            shown = {task.id: task for task in observed.tasks if "provider_status" in task.values}
            seen = {task_id: shown[task_id] for task_id in wanted if task_id in shown}
        rest = await super().read(resource, [task_id for task_id in wanted if task_id not in seen])
        return Readings.united((Readings(seen, {}), rest))

    def _listing_is_cheaper(self, resource: ResourceType, ids: int) -> bool:
        """A list that was never seen says how long it is on its first page, if it has a total."""
        listing = resource.listing
        known = self._pages.get(resource.name, READ_AT_MOST if listing.total else ids)
        return listing.paging is not Paging.INVENTORY and listing.is_cheaper(known, ids)

    async def read_some(self, resource: ResourceType, ids: Sequence[str]) -> Readings:
        """Gone is only what a consistent answer leaves out, names as missing, or refuses as such."""
        found = await self._reading(resource, ids)
        if not isinstance(found, Fault):
            return sorted_out(self.target.name, resource, ids, found)
        if found.meaning is not Meaning.GONE:
            return Readings({}, dict.fromkeys(ids, found))
        if len(ids) == 1:
            return Readings({ids[0]: Task.gone(TaskKey(self.target.name, resource.name, ids[0]))}, {})
        # One of them is not there, and the answer does not say which.
        return Readings.united([await self.read_some(resource, [task_id]) for task_id in ids])

    async def _reading(self, resource: ResourceType, ids: Sequence[str]) -> Page | Fault:
        listing, reading = resource.listing, resource.listing.reading
        named = [",".join(ids)] if reading and reading.joined else ids
        parameters = [(listing.ids_parameter, each) for each in named] if listing.ids_parameter else []
        if reading is None and listing.paging in {Paging.MARKER, Paging.TOKEN}:
            parameters.append((listing.size_parameter, str(listing.page_size)))
        call = reading or listing
        return await self.call(
            resource.service,
            call.method,
            _with_id(call.path, ids),
            (*call.constants, *parameters),
            partial(read_in, client=self, resource=resource),
            retries=READS,
            tally=Tally(),
        )

    async def act(
        self, resource: ResourceType, operation: Operation, ids: Sequence[str], permitted: Callable[[], bool]
    ) -> dict[str, Fault | None]:
        async def one(task_id: str) -> Fault | None:
            named = [(operation.id_parameter, task_id)] if operation.id_parameter else []
            return await self.call(
                resource.service,
                operation.method,
                _with_id(operation.path, [task_id]),
                (*operation.constants, *named),
                partial(self._refused, operation=operation, task_id=task_id),
                retries=WRITES,
                tally=Tally(),
                permitted=permitted,
            )

        return {task_id: await one(task_id) for task_id in ids}

    def _refused(self, response: httpx.Response, operation: Operation, task_id: str) -> Fault | None:
        """Why an answer does not say that the operation was accepted for this task; None where it does."""
        refused = self.not_accepted(response, operation)
        if refused is not None or not (operation.echo or operation.envelope):
            return refused
        # No code of an error is believed here: beside a success the call may have had its effect.
        body = json_object(response, self.redactor)
        if isinstance(body, Fault):
            return body
        if operation.envelope and at(body, operation.envelope) is None:
            return malformed(f"no {operation.envelope!r}", response)
        if operation.echo and at(body, operation.echo) != task_id:
            return malformed(f"{operation.echo} is another", response)
        return None


def _with_id(path: str, ids: Sequence[str]) -> str:
    """The path of a call, with the id where it belongs there. Such a call takes one."""
    return path.replace("{id}", quote(ids[0], safe="")) if len(ids) == 1 else path
