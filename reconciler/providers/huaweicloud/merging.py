"""From the rows of an answer to tasks: one row a task, except where several rows of one id are one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.providers.records import task_from
from reconciler.tasks.fault import Fault, Meaning
from reconciler.tasks.status import Status
from reconciler.tasks.task import Task

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.providers.records import Row
    from reconciler.tasks.resource_type import ResourceType

__all__ = ["tasks_of"]


def tasks_of(target: str, resource: ResourceType, rows: Sequence[Row]) -> list[Task] | Fault:
    """The tasks that `rows` show, in their order; a fault where a row has no usable id."""
    tasks: list[Task] = []
    for row in rows:
        task = task_from(target, resource, row)
        if task is None:
            key = ".".join(resource.fields["id"].source)
            return Fault(Meaning.MALFORMED, f"unexpected answer: a row without a usable {key!r}")
        tasks.append(task)
    return _merged(resource, tasks) if resource.listing.rows_merge else tasks


def _merged(resource: ResourceType, tasks: Sequence[Task]) -> list[Task]:
    groups: dict[str, list[Task]] = {}
    for task in tasks:
        groups.setdefault(task.id, []).append(task)
    order = {name: rank for rank, name in enumerate(resource.statuses)}
    return [_one(group, order) for group in groups.values()]


def _one(group: Sequence[Task], order: dict[str, int]) -> Task:
    """The task that a group of rows is.

    The first status in precedence speaks; a status that no table has makes the whole unknown, since it may be one
    that waits. A field in which the rows that speak differ is left out: to select by one row's age would cancel
    another's work.
    """
    unknown = [task for task in group if task.status is Status.UNKNOWN]
    ranked = unknown or sorted(group, key=lambda task: order[str(task.values["provider_status"])])
    spoken = ranked[0].values.get("provider_status")
    speakers = [task for task in ranked if task.values.get("provider_status") == spoken]
    first = speakers[0]
    values = {
        name: value for name, value in first.values.items() if all(task.values.get(name) == value for task in speakers)
    }
    return Task(first.target, first.resource, first.id, first.status, values)
