"""One observed task."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from reconciler.tasks.status import Status

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.tasks.field import Value

__all__ = ["ID_FORM", "Task", "TaskKey", "id_order"]

ID_FORM = re.compile(r"[A-Za-z0-9_-]{1,256}")
"""What the id of any task looks like. It goes into requests, ten to a parameter on some, so it can hold no comma, no
blank and nothing else that would make it two ids or another; the length is that of a key in every database."""


class TaskKey(NamedTuple):
    """Identity of a task. Equal ids of two resource types, or of two targets, are two tasks."""

    target: str
    resource: str
    id: str


@dataclass(frozen=True, slots=True)
class Task:
    """What the cloud said about one task, coerced to the field types of its resource type.

    `values` holds only fields that the task has: null, the empty string and a status outside the table are left
    out, which is what makes them *unknown* to selectors. It includes `id`, `status` and `provider_status`.
    Timestamps are whole seconds since the epoch (UTC).
    """

    target: str
    resource: str
    id: str
    status: Status
    values: Mapping[str, Value]

    @property
    def key(self) -> TaskKey:
        return TaskKey(self.target, self.resource, self.id)

    @property
    def created_at(self) -> int | None:
        """Seconds since the epoch, UTC; None where the cloud does not say."""
        created = self.values.get("created_at")
        return created if isinstance(created, int) else None

    @classmethod
    def gone(cls, key: TaskKey) -> Task:
        """A task that the cloud, asked for exactly this id, says it does not have."""
        return cls(key.target, key.resource, key.id, Status.GONE, {"id": key.id})


def id_order(task_id: str) -> tuple[int, int, str]:
    """Sort key of ids: those of digits only as numbers, before all others as text."""
    if task_id.isascii() and task_id.isdigit():
        return (0, int(task_id), task_id)
    return (1, 0, task_id)
