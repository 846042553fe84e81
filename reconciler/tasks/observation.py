"""What listing one scope brought to light."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from reconciler.tasks.fault import Fault
    from reconciler.tasks.task import Task

__all__ = ["CLOCKS_APART", "Completeness", "Observation", "Scope"]


CLOCKS_APART = 300
"""Seconds by which two clocks may differ before neither is believed about ages."""


class Scope(NamedTuple):
    """One (target, resource type) that a run lists once, for all policies."""

    target: str
    resource: str


class Completeness(StrEnum):
    """How far a listing can be trusted."""

    COMPLETE = "complete"
    UNSTABLE = "unstable"
    """It would not settle, or a cap was reached: each task seen is real, but others may be there."""
    FAILED = "failed"
    """A page could not be had: nothing is concluded from this scope."""


@dataclass(frozen=True, slots=True)
class Observation:
    """The tasks of a scope as one listing saw them. `requests` counts calls made, retries included."""

    scope: Scope
    tasks: tuple[Task, ...]
    requests: int
    completeness: Completeness = Completeness.COMPLETE
    fault: Fault | None = None

    @property
    def complete(self) -> bool:
        return self.completeness is Completeness.COMPLETE
