"""A task as a run sees it: its status, the fields that selectors may name, and what the cloud said of it."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from reconciler.tasks.url_parts import MEANINGS, UrlPart, part_of

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
"""Entries of a list, or keys of an object whose keys are fields, at most. One of more is left out on arrival, for the
same reason."""

LONGEST_KEY = 256
"""Characters of a key that is a field. What stands under a longer one is left out on arrival."""

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


def composed(text: str) -> str:
    """The form in which texts are compared: NFC, since `é` has two spellings that nobody can tell apart."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


@dataclass(frozen=True, slots=True)
class Field:
    """One field that selectors may name; or one for each key of an object, where its name ends in `.*`.

    `source` is the path of keys in the provider's record, empty where the provider's client derives the value.
    `example` is a value as tasks have it (a member, for `STRINGS`), which editors and the reference show.

    Under `labels.*` stands an object whose keys are anybody's: `labels.team` is what a task has under `team`, a field
    of this type, and `labels.a.b` what it has under `a.b`, since a key may hold a dot. None is empty, or a `*`.
    """

    name: str
    type: FieldType
    summary: str
    source: tuple[str, ...] = ()
    example: str | int | None = None
    url: bool = False
    """It holds a URL, or a list of them, whose parts selectors may name as well."""
    part: UrlPart | None = None
    """Which part of a URL it is: that in the field which `held` names."""

    @property
    def held(self) -> str:
        """The name under which tasks hold what it is read from: its own, unless it is a part."""
        return self.name.removesuffix(f".{self.part}") if self.part else self.name

    @property
    def prefix(self) -> str:
        """What the names of the fields begin with that it stands for; empty where it is one itself."""
        return self.name[:-1] if self.name.endswith(".*") else ""

    @property
    def parts(self) -> dict[str, Field]:
        """Those of the URL that it holds, by name."""
        made = (
            Field(f"{self.name}.{part}", self.type, summary, example=example, part=part)
            for part, (summary, example) in (MEANINGS.items() if self.url and not self.prefix else ())
        )
        return {field.name: field for field in made}

    def of_key(self, name: str) -> Field | None:
        """The field of that name of those that it stands for; None where that can be none of them."""
        prefix, name = self.prefix, composed(name)
        key = name.removeprefix(prefix)
        if not prefix or key == name or key in {"", "*"} or len(key) > LONGEST_KEY:
            return None
        return Field(name, self.type, self.summary, (*self.source, key), self.example)

    def value_in(self, values: Mapping[str, Value]) -> Value | None:
        """What it is in a task of these values; None where it is not there. Of a list of URLs each has the part, or the
        list has none."""
        value = values.get(self.held)
        return value if self.part is None or value is None else part_in(value, self.part)


def part_in(value: Value, part: UrlPart) -> Value | None:
    """The part of a URL, or of each in a list; None where one of them has none."""
    if isinstance(value, tuple):
        parts = [part_of(url, part) for url in value]
        whole = tuple(each for each in parts if each is not None)
        return whole if len(whole) == len(parts) else None
    return part_of(value, part) if isinstance(value, str) else None


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
        """Characters of text in it, with the names of its fields, which may be a user's own."""
        written = sum(map(len, self.values))
        for value in self.values.values():
            if isinstance(value, str):
                written += len(value)
            elif isinstance(value, tuple):
                written += sum(map(len, value))
        return written

    @classmethod
    def gone(cls, key: TaskKey) -> Task:
        """A task that the cloud, asked for exactly this id, says it does not have."""
        return cls(key.target, key.resource, key.id, Status.GONE, {"id": key.id})


def id_order(task_id: str) -> tuple[int, int, str]:
    """Sort key of ids: those of digits only as numbers, before all others as text."""
    if task_id.isascii() and task_id.isdigit():
        return (0, int(task_id), task_id)
    return (1, 0, task_id)


def task_order(key: TaskKey, created: int | None) -> tuple[str, str, bool, int, tuple[int, int, str]]:
    """Sort key of a list of tasks: target, resource type, time of creation (seconds; None: unknown, last), id."""
    return (key.target, key.resource, created is None, created or 0, id_order(key.id))
