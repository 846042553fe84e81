"""What listing one scope brought to light."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.tasks.fault import Fault
    from reconciler.tasks.task import Task

__all__ = ["CLOCKS_APART", "Completeness", "Observation", "Scope", "clocks_off"]


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
    """The tasks of a scope as one listing saw them: what the planner holds against the policies."""

    scope: Scope
    tasks: tuple[Task, ...]
    requests: int
    """Calls made, retries included."""
    completeness: Completeness = Completeness.COMPLETE
    fault: Fault | None = None
    """Why it is not complete."""
    skews: tuple[int, ...] = ()
    """Seconds by which the cloud's clocks were ahead of this machine's, the least and the greatest of all answers;
    empty where none had a `Date`."""
    unfound: tuple[str, ...] = ()
    """What the user named, where no call can list, and the cloud does not know."""

    @property
    def complete(self) -> bool:
        return self.completeness is Completeness.COMPLETE

    @property
    def skew(self) -> int | None:
        """That of `skews` which is furthest off."""
        return max(self.skews, key=abs, default=None)

    @property
    def ahead(self) -> int:
        """Seconds by which the latest clock is ahead of this machine's, which may have been set back; 0: none is."""
        return max((0, *self.skews))


def clocks_off(observations: Iterable[Observation]) -> dict[str, int]:
    """The targets whose clouds and this machine disagree about the time, each with the largest skew."""
    skews: dict[str, int] = {}
    for seen in observations:
        if seen.skew is not None and abs(seen.skew) > max(CLOCKS_APART, abs(skews.get(seen.scope.target, 0))):
            skews[seen.scope.target] = seen.skew
    return skews
