"""From the rows of a listing to tasks by id: one row a task, except where several rows of one id are one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.provider import ResourceType, Status, Task, by_id

if TYPE_CHECKING:
    from collections.abc import Sequence


__all__ = ["united"]


def united(resource: ResourceType, rows: Sequence[Task]) -> tuple[dict[str, Task], frozenset[str]]:
    """The tasks by id that `rows` show, one of them each, and the ids whose rows contradict each other."""
    if not resource.listing.rows_merge:
        return by_id(rows)
    groups: dict[str, list[Task]] = {}
    for row in rows:
        groups.setdefault(row.id, []).append(row)
    order = {name: rank for rank, name in enumerate(resource.statuses)}
    return {task_id: _one(group, order) for task_id, group in groups.items()}, frozenset()


def _one(group: Sequence[Task], order: dict[str, int]) -> Task:
    """The task that a group of rows is.

    The first status in precedence speaks; a status that no table has makes the whole unknown, since it may be one
    that waits. A field in which the rows that speak differ is left out: to select by one row's age would cancel
    another's work.
    """
    there = [task for task in group if task.status is not Status.GONE] or group
    unknown = [task for task in there if task.status is Status.UNKNOWN]
    ranked = unknown or sorted(there, key=lambda task: order.get(str(task.values.get("provider_status")), len(order)))
    spoken = ranked[0].values.get("provider_status")
    speakers = [task for task in ranked if task.values.get("provider_status") == spoken]
    first = speakers[0]
    values = {
        name: value for name, value in first.values.items() if all(task.values.get(name) == value for task in speakers)
    }
    return Task(first.target, first.resource, first.id, first.status, values)
