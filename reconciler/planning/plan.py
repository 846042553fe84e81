"""The plan: what a run would do, as data. Every output format is a rendering of it, and its JSON has these names.

The docstrings of the fields are the descriptions in the published schema; `DERIVED` names the properties that are
written beside the fields, since a reader wants them, and believed in no file, since they follow from the rest.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from operator import attrgetter
from typing import TYPE_CHECKING, ClassVar

from reconciler.exceptions import ExitCode
from reconciler.planning.canonical import sha256
from reconciler.planning.change import Change, Count, Digest, Skipped
from reconciler.planning.estimate import Estimate
from reconciler.planning.limits import GuardCheck, Overrides, Refused
from reconciler.planning.part import Part
from reconciler.planning.policy_plan import Note, PolicyPlan, ScopePlan
from reconciler.redaction import Shown
from reconciler.tasks.resource_type import Action
from reconciler.tasks.timestamps import Timestamp

if TYPE_CHECKING:
    from collections.abc import Sequence


class RunOutcome(StrEnum):
    """How a plan or a run ended, in one word. Each has its exit codes."""

    OK = "ok"
    CHANGES = "changes"
    """Of a plan: there are some."""
    PARTIAL = "partial"
    """Some change failed, is unknown or was not attempted, or what the caller counts like that."""
    REFUSED = "refused"
    """By a guard."""
    LOCKED = "locked"
    """Another apply holds an account."""
    ERROR = "error"
    """Some scope could not be observed whole; the others were done."""
    INTERRUPTED = "interrupted"


class Cause(StrEnum):
    """What speaks against a plain `ok`, in the order in which the first one decides the exit code."""

    INTERRUPTED = "interrupted"
    ERROR = "error"
    LOCKED = "locked"
    REFUSED = "refused"
    FAILED = "failed"
    UNKNOWN = "unknown"
    NOT_ATTEMPTED = "not_attempted"
    MISSED = "missed"
    EXCLUDED = "excluded"
    BLOCKED = "blocked"
    CHANGES = "changes"


@dataclass(frozen=True, slots=True)
class Summary:
    """Totals in tasks."""

    changes: Count
    """`cancel` + `delete` + `cancel_then_delete`: each task once."""
    cancel: Count
    delete: Count
    cancel_then_delete: Count
    calls: Count
    """The steps of all."""
    blocked: Count
    protected: Count
    kept: Count
    unknown: Count
    refused: Count
    deferred: Count
    reported: Count


@dataclass(frozen=True, slots=True)
class Sources(Shown):
    """The configuration that a plan was made from."""

    digest: Digest
    """Of targets, policies and protections."""
    files: tuple[str, ...]


class _WorkedOut:
    """What follows from a plan and takes long to say, once it was asked for: no field, so of no copy and no file."""

    __slots__ = ("_digest",)
    _digest: Digest


@dataclass(frozen=True, slots=True)
class Plan(Shown, _WorkedOut):
    """A planned run.

    All lists of tasks are ordered by target, resource type, time of creation and id.
    """

    DERIVED: ClassVar = ("outcome", "causes", "complete", "errored", "applyable", "digest", "summary")

    tool_version: str
    created_at: Timestamp
    expires_at: Timestamp
    """When `apply` takes it no more."""
    configuration: Sources
    scopes: tuple[ScopePlan, ...]
    policies: tuple[PolicyPlan, ...]
    changes: tuple[Change, ...]
    """Ordered by target, resource type, time of creation and id."""
    blocked: tuple[Skipped, ...] = ()
    """Surplus tasks that no operation takes out of their policies."""
    protected: tuple[Skipped, ...] = ()
    """Surplus tasks that a protection holds."""
    refused: tuple[Refused, ...] = ()
    """Changes that do not go ahead, because a guard refuses the policies that ask for them, the scope or the run."""
    deferred: Count = 0
    """Surplus tasks that are left to later runs by policies which defer what is more than their limits."""
    reported: tuple[Change, ...] = ()
    """What only policies ask for that are in report mode or outside their windows. In no guard, digest or apply."""
    estimate: Estimate = field(default_factory=Estimate)
    """What applying it takes. No part of the digest."""
    excluded: Count = 0
    """What policies that act ask for besides, of tasks that `--task` leaves out."""
    diagnostics: tuple[Note, ...] = ()
    run_guards: tuple[GuardCheck, ...] = ()
    """The limits of all policies together: of the run, and of each scope."""
    overrides: Overrides = field(default_factory=Overrides)
    part: Part | None = None
    """Of a plan that is a part of one: what joining the parts takes. Such a plan is not applied by itself."""

    @property
    def targets(self) -> tuple[str, ...]:
        """Names of the targets that were looked at, sorted."""
        return tuple(sorted({scope.target for scope in self.scopes}))

    @property
    def complete(self) -> bool:
        """Whether every scope was observed whole."""
        return all(scope.complete for scope in self.scopes)

    @property
    def errored(self) -> bool:
        """Whether some scope could not be observed, so that changes may be missing."""
        return not self.complete

    @property
    def breaches(self) -> tuple[tuple[PolicyPlan | None, GuardCheck], ...]:
        """The guards that refuse, each with its policy; None: it holds for all policies together."""
        return (
            *((policy, verdict) for policy in self.policies for verdict in policy.breaches),
            *((None, verdict) for verdict in self.run_guards if verdict.breached),
        )

    @property
    def breached(self) -> bool:
        return bool(self.breaches)

    @property
    def applyable(self) -> bool:
        """Whether `apply` would act on it: there are changes that no guard refuses, and it is no part of a plan."""
        return bool(self.changes) and self.part is None

    @property
    def digest(self) -> Digest:
        """What is approved: targets, policies and protections (their fingerprint), the limits and verdicts of the
        guards, the overrides, and of each change all that a reviewer reads. The times of the plan and what guards
        count, with whether that takes an override, are left out: planning the same work again gives the same digest."""
        if not hasattr(self, "_digest"):
            object.__setattr__(self, "_digest", self._worked_out_digest())
        return self._digest

    def _worked_out_digest(self) -> Digest:
        overrides = self.overrides
        guards = [(policy.name, verdict) for policy in self.policies for verdict in policy.guards]
        guards += [("", verdict) for verdict in self.run_guards]
        key = attrgetter("target", "resource", "task_id")
        return sha256(
            {
                "configuration": self.configuration.digest,
                "overrides": {
                    "max_actions": overrides.max_actions,
                    "max_percent": overrides.max_percent,
                    "max_actions_of": dict(overrides.max_actions_of),
                    "max_percent_of": dict(overrides.max_percent_of),
                },
                "guards": sorted(
                    [name, one.guard, one.target or "", one.resource or "", one.limit, one.breached]
                    for name, one in guards
                ),
                "changes": [
                    (*key(one), one.steps, _in_order(one.policies), one.reason, one.observed)
                    for one in sorted(self.changes, key=key)
                ],
            }
        )

    @property
    def summary(self) -> Summary:
        """Totals in tasks, and the calls that they take."""
        steps = Counter(change.steps for change in self.changes)
        return Summary(
            changes=len(self.changes),
            cancel=steps[Action.CANCEL,],
            delete=steps[Action.DELETE,],
            cancel_then_delete=steps[Action.CANCEL, Action.DELETE],
            calls=sum(len(change.steps) for change in self.changes),
            blocked=len(self.blocked),
            protected=len(self.protected),
            kept=sum(policy.kept for policy in self.policies),
            unknown=sum(scope.unknown for scope in self.scopes),
            refused=len(self.refused),
            deferred=self.deferred,
            reported=len(self.reported),
        )

    @property
    def blocked_for_acting(self) -> int:
        """The blocked tasks that some policy asks for which does more than report."""
        acting = {policy.name for policy in self.policies if policy.acts}
        return sum(not acting.isdisjoint(entry.policies) for entry in self.blocked)

    @property
    def blocked_fails(self) -> bool:
        """Whether some policy does not tolerate its blocked tasks."""
        return any(policy.blocked_fails for policy in self.policies)

    @property
    def causes(self) -> tuple[Cause, ...]:
        """Everything that speaks against a plain `ok`, the one that decides the exit code first."""
        holds = {
            Cause.ERROR: self.errored,
            Cause.REFUSED: self.breached,
            Cause.BLOCKED: self.blocked_fails,
            Cause.CHANGES: bool(self.changes),
        }
        return tuple(cause for cause in Cause if holds.get(cause))

    @property
    def outcome(self) -> RunOutcome:
        """One word; `partial` where a policy does not tolerate its blocked tasks."""
        first = self.causes[0] if self.causes else None
        return RunOutcome.PARTIAL if first is Cause.BLOCKED else RunOutcome(first or "ok")

    def exit_code(self, *, detailed: bool = False) -> ExitCode:
        """Exit code of `plan`; with `detailed`, changes alone make it 2."""
        code = {
            RunOutcome.ERROR: ExitCode.ERROR,
            RunOutcome.REFUSED: ExitCode.REFUSED,
            RunOutcome.PARTIAL: ExitCode.PARTIAL,
            RunOutcome.CHANGES: ExitCode.CHANGES if detailed else ExitCode.OK,
        }
        return code.get(self.outcome, ExitCode.OK)


def _in_order(names: tuple[str, ...]) -> Sequence[str]:
    return names if len(names) == 1 else sorted(names)
