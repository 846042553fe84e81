"""Reading tasks by id: gone is only what a consistent answer leaves out."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from reconciler.provider import (
    READS,
    Fault,
    Meaning,
    Paging,
    Readings,
    ResourceType,
    Tally,
    Task,
    TaskKey,
    impossible_ids,
)
from reconciler.providers.huaweicloud.pages import Page, page, united

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.providers.huaweicloud.gateway import Gateway

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
    refused = impossible_ids(resource, ids)
    asked = [task_id for task_id in ids if task_id not in refused]
    size = resource.listing.ids_per_call
    chunks = [asked[start : start + size] for start in range(0, len(asked), size)]
    parts = await asyncio.gather(*(_read(gateway, target, resource, chunk, tally) for chunk in chunks))
    whole = _Part(faults=dict(refused))
    for part in parts:
        whole.add(part)
    return Readings(whole.tasks, whole.faults)


async def _read(gateway: Gateway, target: str, resource: ResourceType, ids: Sequence[str], tally: Tally) -> _Part:
    listing = resource.listing
    parameters = [(listing.ids_parameter or "task_id", task_id) for task_id in ids]
    if listing.paging is Paging.MARKER:
        parameters.append(("limit", str(listing.page_size)))
    judge = partial(page, target=target, resource=resource, redactor=gateway.redactor, now=gateway.now)
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
    singly = _Part()
    for task_id in ids:
        singly.add(await _read(gateway, target, resource, [task_id], tally))
    return singly


def _sorted_out(target: str, resource: ResourceType, ids: Sequence[str], found: Page) -> _Part:
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

    part = _Part()
    for task_id in ids:
        if reason := doubt(task_id):
            part.faults[task_id] = Fault(Meaning.MALFORMED, f"unexpected answer: {reason}")
        else:
            part.tasks[task_id] = shown.get(task_id) or Task.gone(TaskKey(target, resource.name, task_id))
    return part
