"""What listing one scope brought to light, and what a cloud, or the way to it, answered instead of what was asked."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from reconciler.redaction import Shown

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.tasks.task import Task

AGES_UNKNOWN = "no task is judged by its age there"
"""What follows for a target where a clock is off."""


class Meaning(StrEnum):
    """What a refusal means to us, whatever the vendor calls it. Decided by vendor code, not by HTTP status."""

    GONE = "gone"
    """The task does not exist (any more)."""
    CHANGED = "changed"
    """The task is not in the state the operation needs: it moved on meanwhile. Read it again."""
    THROTTLED = "throttled"
    """Refused before any effect because of a quota; retryable."""
    UNAVAILABLE = "unavailable"
    """5xx and the like: retryable, but whether a write took effect is not known. Read it again."""
    LOST = "lost"
    """Sent, and no answer came. Whether it took effect is not known. Read it again."""
    UNREACHABLE = "unreachable"
    """Never sent: no connection."""
    PERMISSION = "permission"
    """The credentials are good but may not do this."""
    CREDENTIALS = "credentials"
    """The credentials are missing, wrong, expired or the clock is off: the whole target is out."""
    PERMANENT = "permanent"
    """Refused, and the same request would be refused again."""
    MALFORMED = "malformed"
    """An answer that is not of the documented form: redirect, HTML, empty, broken JSON, wrong envelope."""

    @property
    def effect_uncertain(self) -> bool:
        """Whether a write that ended so may have taken effect all the same."""
        return self in {Meaning.UNAVAILABLE, Meaning.LOST, Meaning.MALFORMED}


@dataclass(frozen=True, slots=True)
class Fault(Shown):
    """One refusal or failure, with the facts a reader needs. `message` is stripped of secrets and URL queries."""

    meaning: Meaning
    message: str
    code: str | None = None
    http_status: int | None = None
    request_id: str | None = None

    def __str__(self) -> str:
        facts = [f"HTTP {self.http_status}" if self.http_status else "", self.code or ""]
        prefix = " ".join(fact for fact in facts if fact)
        return f"{prefix}: {self.message}" if prefix else self.message


def clock_fault(skew: int) -> Fault:
    """That the cloud's clock is `skew` seconds ahead of this machine's: one of them is wrong, so no age is known."""
    how = "behind" if skew > 0 else "ahead of"
    return Fault(Meaning.CREDENTIALS, f"this machine's clock is {abs(skew)} s {how} the cloud's: set it right")


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
    """What one listing of a scope brought: what the planner holds against the policies."""

    scope: Scope
    tasks: tuple[Task, ...]
    """Those that were seen, save those of `rows`; none where they went into a sink."""
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
    elsewhere: int = 0
    """How many tasks went into a sink."""
    rows: tuple[Task, ...] = ()
    """Rows of tasks that contradict each other, so that they only count: see `reconciler.tasks.sink.Sink`."""

    @property
    def total(self) -> int:
        """How many tasks were seen."""
        return len(self.tasks) + len({row.id for row in self.rows}) + self.elsewhere

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
