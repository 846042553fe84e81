"""Which of the tasks that match a policy are too many."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, assert_never

from reconciler.config.model import Absent, AtMost, Ensure, Keep
from reconciler.tasks.task import id_order

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from reconciler.tasks.resource_type import ResourceType
    from reconciler.tasks.task import Task, Value


@dataclass(frozen=True, slots=True)
class Surplus:
    """One task too many, and why: its rank (from 1, in the order of keeping) among the `size` tasks of its group."""

    task: Task
    rank: int = 0
    size: int = 0
    group: tuple[Value, ...] = ()


@dataclass(frozen=True, slots=True)
class Split:
    """`undecided` tasks have no known group or order: they are kept, and do not use up the quota."""

    surplus: tuple[Surplus, ...]
    kept: int = 0
    undecided: tuple[Task, ...] = ()


def split(matched: Sequence[Task], ensure: Ensure, resource: ResourceType) -> Split:
    """Divide the matching tasks of one scope into surplus and kept. Pure; the order of `matched` does not matter."""
    match ensure:
        case Absent():
            return Split(tuple(Surplus(task) for task in matched))
        case AtMost():
            return _at_most(matched, ensure, resource)
        case _:
            assert_never(ensure)


def groups_by(quota: AtMost, resource: ResourceType) -> Callable[[Task], tuple[Value, ...] | None]:
    """The group in which a quota counts a task; None where its group or its order in it is not known."""
    fields = [field for name in quota.per if (field := resource.field_named(name)) is not None]

    def group_of(task: Task) -> tuple[Value, ...] | None:
        group = tuple(value for field in fields if (value := field.value_in(task.values)) is not None)
        return group if task.created_at is not None and len(group) == len(quota.per) else None

    return group_of


def _at_most(matched: Sequence[Task], quota: AtMost, resource: ResourceType) -> Split:
    group_of = groups_by(quota, resource)
    groups: dict[tuple[Value, ...], list[tuple[int, Task]]] = {}
    undecided: list[Task] = []
    for task in matched:
        group, created = group_of(task), task.created_at
        if group is None or created is None:
            undecided.append(task)
        else:
            groups.setdefault(group, []).append((created, task))
    surplus: list[Surplus] = []
    kept = len(undecided)
    for group, members in groups.items():
        members.sort(key=lambda member: (member[0], id_order(member[1].id)), reverse=quota.keep is Keep.NEWEST)
        kept += min(quota.count, len(members))
        for rank, (_, task) in enumerate(members[quota.count :], start=quota.count + 1):
            surplus.append(Surplus(task, rank, len(members), group))
    return Split(tuple(surplus), kept, tuple(undecided))
