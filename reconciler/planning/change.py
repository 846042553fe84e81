"""A change, and the tasks that a plan leaves alone: what is said of each surplus task, and the forms of the parts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar

from msgspec import Meta

from reconciler.redaction import Shown
from reconciler.tasks.resource_type import Action
from reconciler.tasks.task import ID_FORM, TaskKey

# What a file may hold. In Python `$` also matches before a line break at the end, hence what follows it.
Name = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9-]*$(?!\n)")]
ResourceName = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$(?!\n)")]
TaskId = Annotated[str, Meta(pattern=rf"^{ID_FORM.pattern}$(?!\n)")]
Digest = Annotated[str, Meta(pattern=r"^sha256:[0-9a-f]+$(?!\n)")]
Count = Annotated[int, Meta(ge=0)]

Observed = Mapping[str, str | int | tuple[str, ...]]
"""Fields of a task as a reader sees them: URL queries replaced by a short hash, timestamps in RFC 3339."""

_STEPS = frozenset({(Action.CANCEL,), (Action.DELETE,), (Action.CANCEL, Action.DELETE)})


def check_steps(steps: tuple[Action, ...]) -> None:
    """Raise ValueError for steps that no change has."""
    if steps not in _STEPS:
        raise ValueError("the steps are cancel, delete, or cancel and then delete")


@dataclass(frozen=True, slots=True)
class Chosen:
    """The tasks that a run is narrowed to, by their ids or as `<target>/<resource>/<id>`; without names it is not."""

    names: frozenset[str] = frozenset()

    def __contains__(self, key: TaskKey) -> bool:
        return not self.names or key.id in self.names or "/".join(key) in self.names

    def others_than(self, keys: Iterable[TaskKey]) -> frozenset[str]:
        """The names that none of these tasks has."""
        return self.names.difference(*((key.id, "/".join(key)) for key in keys)) if self.names else self.names


EVERY_TASK = Chosen()


@dataclass(frozen=True, slots=True)
class Entry(Shown):
    """One task that is more than the policies tolerate, whatever becomes of it."""

    DERIVED: ClassVar[tuple[str, ...]] = ("id",)
    SHARED: ClassVar[tuple[str, ...]] = ("target", "resource", "policies", "reason", "observed")

    target: Name
    resource: ResourceName
    task_id: TaskId
    """The id that the cloud gave the task."""
    policies: tuple[Name, ...]
    """The policies that ask for it."""
    reason: str
    """One sentence for a reviewer."""
    observed: Observed
    """Fields of the task as it was seen; queries of URLs replaced by a short hash."""

    @property
    def key(self) -> TaskKey:
        return TaskKey(self.target, self.resource, self.task_id)

    @property
    def id(self) -> str:
        """`<target>/<resource>/<task_id>`, unique within its list."""
        return f"{self.target}/{self.resource}/{self.task_id}"

    @property
    def status(self) -> str:
        """The normalised status that the task was seen in."""
        return str(self.observed.get("status", "unknown"))


@dataclass(frozen=True, slots=True)
class Change(Entry):
    """The steps that take one task out of the selectors of its policies."""

    SHARED: ClassVar[tuple[str, ...]] = (*Entry.SHARED, "steps")

    steps: tuple[Action, ...]
    """The operations, in order: cancel, delete, or cancel and then delete."""

    def __post_init__(self) -> None:
        Shown.__post_init__(self)
        check_steps(self.steps)


@dataclass(frozen=True, slots=True)
class Skipped(Entry):
    """A surplus task that is left alone: blocked (no operation leads out of its state) or protected."""

    protections: tuple[Name, ...] = ()
    """The protections that hold it; none of a blocked task."""
