"""Reading tasks by id: gone is only what a consistent answer leaves out."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from reconciler.providers.base import Readings
from reconciler.providers.huaweicloud.merging import tasks_of
from reconciler.providers.huaweicloud.pages import Page, page
from reconciler.providers.transport.retries import READS
from reconciler.tasks.fault import Fault, Meaning
from reconciler.tasks.resource_type import Paging
from reconciler.tasks.task import Task, TaskKey

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.providers.huaweicloud.gateway import Gateway
    from reconciler.providers.transport.caller import Tally
    from reconciler.tasks.resource_type import ResourceType

__all__ = ["read_ids"]


@dataclass(frozen=True, slots=True)
class _Part:
    """What some of the ids were answered."""

    tasks: dict[str, Task] = field(default_factory=dict)
    faults: dict[str, Fault] = field(default_factory=dict)

    def add(self, other: _Part) -> None:
        self.tasks.update(other.tasks)
        self.faults.update(other.faults)


async def read_ids(gateway: Gateway, target: str, resource: ResourceType, ids: Sequence[str], tally: Tally) -> Readings:
    """Ask for exactly these ids, as many to a call as the API takes, all calls at once."""
    size = resource.listing.ids_per_call
    chunks = [ids[start : start + size] for start in range(0, len(ids), size)]
    parts = await asyncio.gather(*(_read(gateway, target, resource, chunk, tally) for chunk in chunks))
    united = _Part()
    for part in parts:
        united.add(part)
    return Readings(united.tasks, united.faults)


async def _read(gateway: Gateway, target: str, resource: ResourceType, ids: Sequence[str], tally: Tally) -> _Part:
    listing = resource.listing
    parameters = [(listing.ids_parameter or "task_id", task_id) for task_id in ids]
    if listing.paging is Paging.MARKER:
        parameters.append(("limit", str(listing.page_size)))
    judge = partial(page, listing=listing, excerpts=gateway.excerpts, now=gateway.now)
    found = await gateway.call(
        resource.service, "GET", listing.path, (*listing.constants, *parameters), judge, retries=READS, tally=tally
    )
    if not isinstance(found, Fault):
        return _sorted_out(target, resource, ids, found)
    if found.meaning is not Meaning.GONE:
        return _Part(faults=dict.fromkeys(ids, found))
    if len(ids) == 1:
        return _Part({ids[0]: Task.gone(TaskKey(target, resource.name, ids[0]))})
    # One of them is not there, and the answer does not say which.
    united = _Part()
    for task_id in ids:
        united.add(await _read(gateway, target, resource, [task_id], tally))
    return united


def _sorted_out(target: str, resource: ResourceType, ids: Sequence[str], found: Page) -> _Part:
    """Say of each id whether it is there, gone, or not answered.

    Rows that were not asked for show that the filter was ignored, and a total or a marker beyond the rows that some
    are held back: then an id that is missing may yet exist.
    """
    tasks = tasks_of(target, resource, found.rows)
    if isinstance(tasks, Fault):
        return _Part(faults=dict.fromkeys(ids, tasks))
    shown = {task.id: task for task in tasks}
    foreign = len(shown.keys() - set(ids))
    held_back = bool(found.marker) or (found.total is not None and found.total != len(found.rows))
    part = _Part({task_id: shown[task_id] for task_id in ids if task_id in shown})
    for task_id in ids:
        if task_id in shown:
            continue
        if foreign or held_back:
            reason = f"{foreign} tasks that were not asked for" if foreign else "fewer rows than it announces"
            part.faults[task_id] = Fault(Meaning.MALFORMED, f"unexpected answer: {reason}, and not this one")
        else:
            part.tasks[task_id] = Task.gone(TaskKey(target, resource.name, task_id))
    return part
