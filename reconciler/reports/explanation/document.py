"""Resource types as data, with their lifecycle: the states, and what leads from one to another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.documents.document import Format
from reconciler.planning.change import Count, ResourceName
from reconciler.redaction import Shown
from reconciler.tasks.resource_type import Action
from reconciler.tasks.task import OBSERVABLE, PROGRESS, TERMINAL, FieldType, Status

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reconciler.tasks.resource_type import ResourceType


@dataclass(frozen=True, slots=True)
class ExplainedField(Shown):
    """A field that selectors may name."""

    type: FieldType
    summary: str


@dataclass(frozen=True, slots=True)
class ExplainedOperation(Shown):
    """One way out of a state."""

    starts: tuple[Status, ...]
    ends: Status
    call: str
    tasks_per_call: Count


@dataclass(frozen=True, slots=True)
class Explanation(Shown):
    """One kind of task, and what can be done with it."""

    name: ResourceName
    summary: str
    documentation: str
    fields: Mapping[str, ExplainedField]
    statuses: Mapping[str, tuple[str, ...]]
    """The vendor's words for each."""
    operations: Mapping[str, ExplainedOperation]
    lifecycle: Lifecycle
    list: str
    """The call that lists tasks."""
    permissions: Mapping[str, str | None]
    """By call; null: the vendor publishes no name."""


@dataclass(frozen=True, slots=True)
class Explanations(Shown):
    """Resource types, one or all."""

    resource_types: tuple[Explanation, ...]


EXPLANATION = Format(
    "reconciler.resource_types", "2.0", Explanations, "Resource types, as `reconciler explain` describes them"
)


def explanation(rows: Iterable[ResourceType]) -> Explanations:
    """What is to be said of resource types."""
    return Explanations(tuple(map(_explanation, rows)))


def _explanation(row: ResourceType) -> Explanation:
    return Explanation(
        name=row.name,
        summary=row.summary,
        documentation=row.documentation,
        fields={field.name: ExplainedField(field.type, field.summary) for field in row.selectable.values()},
        statuses={status.value: row.vendor_statuses(status) for status in OBSERVABLE},
        operations={
            operation.action.value: ExplainedOperation(
                tuple(sorted(operation.starts)),
                operation.ends,
                f"{operation.method} {operation.path}",
                operation.batch_size,
            )
            for operation in row.operations
        },
        lifecycle=lifecycle(row),
        list=f"{row.listing.method} {row.listing.path}",
        permissions={
            "list": row.permissions.list,
            "cancel": row.permissions.cancel,
            "delete": row.permissions.delete,
        },
    )


@dataclass(frozen=True, slots=True)
class State(Shown):
    """A state that tasks of the type can be in."""

    status: Status
    provider_statuses: tuple[str, ...]
    """The vendor's words for it; none where the vendor lists no task in it."""
    dead_end: bool
    """Nothing leads out, neither an operation nor the task's own progress."""


@dataclass(frozen=True, slots=True)
class Transition(Shown):
    """One way from a state to another."""

    start: Status
    end: Status
    action: Action | None = None
    """null: the task gets there by itself."""
    call: str = ""
    """The request that takes it there; empty where it gets there by itself."""


@dataclass(frozen=True, slots=True)
class Lifecycle(Shown):
    """States in the order of a task's life, and transitions in the same order."""

    states: tuple[State, ...]
    transitions: tuple[Transition, ...]

    def leaving(self, status: Status) -> tuple[Transition, ...]:
        return tuple(transition for transition in self.transitions if transition.start is status)

    def state(self, status: Status) -> State | None:
        return next((state for state in self.states if state.status is status), None)


def lifecycle(row: ResourceType) -> Lifecycle:
    """The states that tasks of this type can be in: those that the vendor names, and those that operations lead to."""
    shown = [status for status in OBSERVABLE if row.vendor_statuses(status)]
    ends = {operation.ends for operation in row.operations if shown and operation.starts.intersection(shown)}
    shown = [status for status in OBSERVABLE if status in shown or status in ends]
    transitions = tuple(found for status in shown for found in _leaving(row, status, shown))
    left = {transition.start for transition in transitions}
    states = tuple(
        State(status, row.vendor_statuses(status), dead_end=status in TERMINAL and status not in left)
        for status in shown
    )
    return Lifecycle(states, transitions)


def _leaving(row: ResourceType, status: Status, shown: list[Status]) -> Iterator[Transition]:
    for end in _progress(status, shown):
        yield Transition(status, end)
    for operation in row.operations:
        if status in operation.starts:
            yield Transition(status, operation.ends, operation.action, f"{operation.method} {operation.path}")


def _progress(status: Status, shown: list[Status]) -> Iterator[Status]:
    """Where a task goes by itself; a state that the vendor does not name is passed over."""
    for end in PROGRESS.get(status, ()):
        if end in shown:
            yield end
        else:
            yield from _progress(end, shown)
