"""The plan: what a run would do, as data. Every output format is a rendering of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from reconciler.exceptions import ExitCode
from reconciler.planning.digest import sha256
from reconciler.tasks.observation import Completeness
from reconciler.tasks.resource_type import Action
from reconciler.tasks.task import TaskKey

if TYPE_CHECKING:
    from reconciler.tasks.fault import Fault

__all__ = [
    "Change",
    "Guard",
    "GuardVerdict",
    "Note",
    "Observed",
    "Overrides",
    "Plan",
    "PolicyVerdict",
    "ScopeVerdict",
    "Source",
    "Spared",
    "Summary",
]

PERCENT_FLOOR = 10
"""Listed tasks from which on `max_percent` is enforced: below, one task is already 10 percent. 0 means 0 of any."""

Observed = Mapping[str, str | int | tuple[str, ...]]
"""Fields of a task as a reader sees them: URL queries stripped, timestamps in RFC 3339."""


@dataclass(frozen=True, slots=True)
class Change:
    """The steps that take one task out of the selectors of `policies`. `reason` is one sentence for a reviewer."""

    target: str
    resource: str
    task_id: str
    steps: tuple[Action, ...]
    policies: tuple[str, ...]
    reason: str
    observed: Observed

    @property
    def key(self) -> TaskKey:
        return TaskKey(self.target, self.resource, self.task_id)

    @property
    def id(self) -> str:
        """Readable and unique within a plan."""
        return "/".join(self.key)

    @property
    def status(self) -> str:
        """The normalised status that the task was seen in."""
        return str(self.observed.get("status", "unknown"))


@dataclass(frozen=True, slots=True)
class Spared:
    """A surplus task that is left alone: blocked (no operation leads out of its state) or protected.

    `protections` names the protections, and is empty for a blocked task.
    """

    target: str
    resource: str
    task_id: str
    policies: tuple[str, ...]
    reason: str
    observed: Observed
    protections: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ScopeVerdict:
    """How listing one scope went. `observed` counts tasks by status; `requests` counts calls, retries included."""

    target: str
    resource: str
    observed: Mapping[str, int]
    requests: int
    completeness: Completeness
    error: Fault | None = None

    @property
    def whole(self) -> bool:
        """Whether all its tasks were seen, and all that policies ask about them is known."""
        return self.completeness is Completeness.COMPLETE and self.error is None


class Guard(StrEnum):
    MAX_ACTIONS = "max_actions"
    MAX_PERCENT = "max_percent"


@dataclass(frozen=True, slots=True)
class GuardVerdict:
    """One limit against what a policy, or a whole run, would do.

    `max_actions`: `changes` over all scopes against `limit`. `max_percent`: `changes` in one scope against `limit`
    percent of `basis` listed tasks. The scope is that of `target`; of a run, `resource` is named as well. `overridden`:
    it passes only for a limit of the command line.
    """

    guard: Guard
    limit: int
    changes: int
    basis: int
    target: str | None = None
    resource: str | None = None
    overridden: bool = False

    @property
    def share(self) -> int:
        """Percent of the basis that would change, rounded up."""
        return -(-100 * self.changes // self.basis) if self.basis else 0

    @property
    def needed(self) -> int:
        """The least limit that lets it pass."""
        if self.guard is Guard.MAX_ACTIONS:
            return self.changes
        return self.share if self.basis >= PERCENT_FLOOR else min(self.changes, 1)

    @property
    def breached(self) -> bool:
        return self.needed > self.limit

    @property
    def flag(self) -> str:
        """The flag that lets it pass."""
        return f"--{self.guard.value.replace('_', '-')} {self.needed}"


@dataclass(frozen=True, slots=True)
class Source:
    """Where a policy is written: the file as messages print it, and the line, counted from 1."""

    file: str
    line: int


@dataclass(frozen=True, slots=True)
class PolicyVerdict:
    """What one policy found over all its scopes, in tasks. `kept` are the matches that an `at_most` leaves.

    `description` and `source` are for readers, and no part of the digest: a policy that moves asks for the same.
    """

    name: str
    resource: str
    targets: tuple[str, ...]
    description: str = field(default="", kw_only=True)
    matched: int = 0
    surplus: int = 0
    changes: int = 0
    kept: int = 0
    blocked: int = 0
    protected: int = 0
    unknown: int = 0
    guards: tuple[GuardVerdict, ...] = ()
    suspended: bool = False
    fails_on_blocked: bool = False
    source: Source | None = None

    @property
    def breaches(self) -> tuple[GuardVerdict, ...]:
        return tuple(verdict for verdict in self.guards if verdict.breached)


@dataclass(frozen=True, slots=True)
class Overrides:
    """Limits given on the command line instead of the policies' own. Part of the digest."""

    max_actions: int | None = None
    max_percent: int | None = None


@dataclass(frozen=True, slots=True)
class Note:
    """Something a reader of the plan should know: `severity` is `error` or `warning`."""

    severity: str
    message: str
    target: str | None = None
    resource: str | None = None
    policy: str | None = None


@dataclass(frozen=True, slots=True)
class Summary:
    """Totals in tasks: `changes` is `cancel` + `delete` + `cancel_then_delete`. `calls` are the steps of all."""

    changes: int
    cancel: int
    delete: int
    cancel_then_delete: int
    calls: int
    blocked: int
    protected: int
    kept: int
    unknown: int


@dataclass(frozen=True, slots=True)
class Plan:
    """A planned run. Times are seconds since the epoch (UTC).

    `changes`, `blocked` and `protected` are ordered by target, resource type, time of creation and id. `run_guards`
    hold for all policies together.
    """

    tool_version: str
    created_at: int
    expires_at: int
    fingerprint: str
    files: tuple[str, ...]
    scopes: tuple[ScopeVerdict, ...]
    policies: tuple[PolicyVerdict, ...]
    changes: tuple[Change, ...]
    blocked: tuple[Spared, ...] = ()
    protected: tuple[Spared, ...] = ()
    notes: tuple[Note, ...] = ()
    run_guards: tuple[GuardVerdict, ...] = ()
    overrides: Overrides = Overrides()
    unknown: int = 0

    @property
    def targets(self) -> tuple[str, ...]:
        """Names of the targets that were looked at, sorted."""
        return tuple(sorted({scope.target for scope in self.scopes}))

    @property
    def complete(self) -> bool:
        """Whether every scope was observed whole."""
        return all(scope.whole for scope in self.scopes)

    @property
    def errored(self) -> bool:
        """Whether some scope could not be observed, so that changes may be missing."""
        return not self.complete

    @property
    def breaches(self) -> tuple[tuple[PolicyVerdict | None, GuardVerdict], ...]:
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
        """Whether `apply` would act on it: there are changes, and no guard refuses."""
        return bool(self.changes) and not self.breached

    @property
    def digest(self) -> str:
        """What is approved: targets, policies and protections (their fingerprint), the limits and verdicts of the
        guards, the overrides, and of each change all that a reviewer reads. The times of the plan and what guards
        count, with whether that takes an override, are left out: planning the same work again gives the same digest."""
        overrides = self.overrides
        guards = [(policy.name, verdict) for policy in self.policies for verdict in policy.guards]
        guards += [("", verdict) for verdict in self.run_guards]
        return sha256(
            {
                "configuration": self.fingerprint,
                "overrides": {"max_actions": overrides.max_actions, "max_percent": overrides.max_percent},
                "guards": sorted(
                    [name, one.guard, one.target or "", one.resource or "", one.limit, one.breached]
                    for name, one in guards
                ),
                "changes": [
                    [*change.key, change.steps, sorted(change.policies), change.reason, dict(change.observed)]
                    for change in sorted(self.changes, key=lambda change: change.key)
                ],
            }
        )

    @property
    def summary(self) -> Summary:
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
            unknown=self.unknown,
        )

    @property
    def causes(self) -> tuple[str, ...]:
        """Everything that speaks against a plain `ok`, in the order in which the first one wins the exit code."""
        found = []
        if self.errored:
            found.append("error")
        if self.breached:
            found.append("refused")
        if any(policy.blocked and policy.fails_on_blocked for policy in self.policies):
            found.append("blocked")
        if self.changes:
            found.append("changes")
        return tuple(found)

    @property
    def outcome(self) -> str:
        """One word: error, refused, partial (blocked tasks that a policy does not tolerate), changes or ok."""
        first = self.causes[0] if self.causes else "ok"
        return "partial" if first == "blocked" else first

    def exit_code(self, *, detailed: bool = False) -> ExitCode:
        """Exit code of `plan`; with `detailed`, changes alone make it 2."""
        code = {
            "error": ExitCode.ERROR,
            "refused": ExitCode.REFUSED,
            "partial": ExitCode.PARTIAL,
            "changes": ExitCode.CHANGES if detailed else ExitCode.OK,
        }
        return code.get(self.outcome, ExitCode.OK)
