"""A task as a run sees it: its status, the fields that selectors may name, and what the cloud said of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping


class Status(StrEnum):
    """Normalised status of a task.

    `UNKNOWN` is a vendor status that the resource type's table does not list: selectors treat it like a field
    that is not there, and no operation leaves it. `GONE` is a task that the cloud says it does not have.
    """

    PENDING = "pending"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"
    UNKNOWN = "unknown"
    GONE = "gone"


TERMINAL = frozenset({Status.SUCCEEDED, Status.FAILED, Status.CANCELED})
"""States that a task never leaves by itself."""

OBSERVABLE = (Status.PENDING, Status.RUNNING, Status.SUCCEEDED, Status.FAILED, Status.CANCELED)
"""The states a selector can name, in lifecycle order."""

PROGRESS: dict[Status, tuple[Status, ...]] = {
    Status.PENDING: (Status.RUNNING,),
    Status.RUNNING: (Status.SUCCEEDED, Status.FAILED),
}
"""Where a task goes by itself, without any operation of ours."""


Value = str | int | tuple[str, ...]
"""A value of a field on arrival: text, a whole number (timestamps: seconds since the epoch, UTC) or a list of texts."""


LARGEST_INTEGER = 10**18 - 1
"""No field holds more: what has more than 18 digits may not fit 64 bits, and is left out on arrival."""

LONGEST_TEXT = 16 * 1024
"""Characters of a text at most. A longer one is left out on arrival: cut, it would compare as if it were whole."""

MOST_TEXTS = 1000
"""Entries of a list at most. A longer list is left out on arrival, for the same reason."""

EARLIEST = 315_532_800
"""Seconds since the epoch of the first moment of 1980, UTC. What is said to be earlier is a vendor's way to write that
it has no time, and no clock's reading: it is no time, never an old one."""


class FieldType(StrEnum):
    """Types of fields. `STATUS` is text with a closed set of values, `STRINGS` a list of texts."""

    STRING = "string"
    INTEGER = "integer"
    TIMESTAMP = "timestamp"
    STRINGS = "strings"
    STATUS = "status"


@dataclass(frozen=True, slots=True)
class Field:
    """One field that selectors may name.

    `source` is the path of keys in the provider's record, empty where the provider's client derives the value.
    `example` is a value as tasks have it (a member, for `STRINGS`), which editors and the reference show.
    """

    name: str
    type: FieldType
    summary: str
    source: tuple[str, ...] = ()
    example: str | int | None = None
    url: bool = False
    """It holds a URL, whose parts selectors may name as well."""


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

    @property
    def text(self) -> int:
        """Characters of text in it."""
        texts = (value if isinstance(value, tuple) else (value,) for value in self.values.values())
        return sum(len(text) for parts in texts for text in parts if isinstance(text, str))

    @classmethod
    def gone(cls, key: TaskKey) -> Task:
        """A task that the cloud, asked for exactly this id, says it does not have."""
        return cls(key.target, key.resource, key.id, Status.GONE, {"id": key.id})


def id_order(task_id: str) -> tuple[int, int, str]:
    """Sort key of ids: those of digits only as numbers, before all others as text."""
    if task_id.isascii() and task_id.isdigit():
        return (0, int(task_id), task_id)
    return (1, 0, task_id)
