"""What a plan says of each scope and of each policy, and what a reader should know besides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, ClassVar

from msgspec import Meta

from reconciler.config.model import Mode, OnBlocked, OnExcess
from reconciler.config.window import by_clock_of
from reconciler.diagnostics import Severity
from reconciler.planning.change import Count, Name, ResourceName
from reconciler.planning.limits import GuardCheck
from reconciler.redaction import Shown
from reconciler.tasks.observation import Completeness, Fault, Scope
from reconciler.tasks.timestamps import Timestamp


@dataclass(frozen=True, slots=True)
class ScopePlan(Shown):
    """One (target, resource type), and how listing it went."""

    DERIVED: ClassVar = ("complete",)

    target: Name
    resource: ResourceName
    tasks: Mapping[str, Count]
    """Tasks seen, by status."""
    requests: Count
    """Calls made, retries included."""
    completeness: Completeness
    error: Fault | None = None
    unknown: Count = 0
    """Tasks of which some policy cannot say whether they match, or whether `only` lets them go."""
    object_fields: tuple[str, ...] = ()
    """The fields that say together what a task works on."""
    oldest_pending: Timestamp | None = None
    """When the oldest of those was created that were pending while it was listed; null: none was, or its time is not
    known."""

    @property
    def key(self) -> Scope:
        return Scope(self.target, self.resource)

    @property
    def complete(self) -> bool:
        """Whether all its tasks were seen, and all that policies ask about them is known."""
        return self.completeness is Completeness.COMPLETE and self.error is None


@dataclass(frozen=True, slots=True)
class Source(Shown):
    """Where a policy is written."""

    file: str
    """As messages print it."""
    line: Annotated[int, Meta(ge=1)]


@dataclass(frozen=True, slots=True)
class PolicyPlan(Shown):
    """What one policy found over all its scopes, in tasks.

    `description` and `source` are for readers, and no part of the digest: a policy that moves asks for the same.
    """

    name: Name
    resources: tuple[ResourceName, ...]
    targets: tuple[Name, ...]
    description: str = field(default="", kw_only=True)
    """Why the policy is there."""
    matched: Count = 0
    """Tasks that satisfy its selector."""
    surplus: Count = 0
    """Matches that are more than it tolerates."""
    changes: Count = 0
    kept: Count = 0
    """Matches that an `at_most` leaves."""
    blocked: Count = 0
    """Surplus tasks that no operation takes out of it."""
    protected: Count = 0
    unknown: Count = 0
    """Tasks of which it cannot be said whether they match, or whether `only` lets them go."""
    lacking: Mapping[str, Count] = field(default_factory=dict)
    """How many of them lack each field that `match` or `only` asks about. One may lack several."""
    spared: Count = 0
    """Surplus tasks that stay, since `only` is not true of them."""
    refused: Count = 0
    """Surplus tasks that no change is made of, because a guard refuses this policy, their scope or the run."""
    deferred: Count = 0
    """Surplus tasks that it leaves to later runs, since they are more than its limits allow."""
    reported: Count = 0
    """Surplus tasks that it only reports, since it is in report mode, or outside its window."""
    guards: tuple[GuardCheck, ...] = ()
    mode: Mode = Mode.ENFORCE
    """`report`: what it asks for is shown, and nothing is done for it. So it is outside its window."""
    opens_at: Timestamp | None = None
    """When its window opens next, of a policy that is outside of it; null: it is not, or never opens."""
    timezone: str | None = None
    """Whose clock its window goes by, as the IANA database calls it; null: it has no window."""
    suspended: bool = False
    on_blocked: OnBlocked = OnBlocked.REPORT
    """`fail`: a blocked task counts like a change that failed."""
    on_excess: OnExcess = OnExcess.REFUSE
    """`defer`: what is more than its limits is left to later runs, and nothing is refused."""
    source: Source | None = None
    """Where the policy is written."""

    @property
    def breaches(self) -> tuple[GuardCheck, ...]:
        return tuple(check for check in self.guards if check.breached)

    @property
    def acts(self) -> bool:
        """Whether it does more than report."""
        return self.mode is Mode.ENFORCE and not self.suspended

    @property
    def restraint(self) -> str:
        """Why it only reports, as the end of a sentence about it; empty where it acts."""
        if self.mode is Mode.ENFORCE:
            return ""
        if self.opens_at is None:
            return "in report mode"
        return f"outside its window, which opens at {by_clock_of(self.timezone or 'UTC', self.opens_at)}"

    @property
    def blocked_fails(self) -> bool:
        """Whether it does not tolerate the blocked tasks that it has."""
        return self.acts and self.blocked > 0 and self.on_blocked is OnBlocked.FAIL


@dataclass(frozen=True, slots=True)
class Note(Shown):
    """Something that a reader should know."""

    severity: Severity
    message: str
    target: str | None = None
    resource: str | None = None
    policy: str | None = None
