"""The lifecycle of a resource type as data: its states, and what leads from one to another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.redaction import Shown
from reconciler.tasks.resource_type import Action
from reconciler.tasks.task import OBSERVABLE, PROGRESS, TERMINAL, Status

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.tasks.resource_type import ResourceType

__all__ = ["Lifecycle", "State", "Transition", "lifecycle"]


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
