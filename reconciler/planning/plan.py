"""The plan: what a run would do, as data. Every output format is a rendering of it, and its JSON has these names.

The docstrings of the fields are the descriptions in the published schema; `DERIVED` names the properties that are
written beside the fields, since a reader wants them, and believed in no file, since they follow from the rest.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, ClassVar

from msgspec import Meta

from reconciler.config.model import OnBlocked
from reconciler.diagnostics import Severity
from reconciler.exceptions import ExitCode
from reconciler.tasks.fault import Fault
from reconciler.tasks.observation import Completeness
from reconciler.tasks.resource_type import Action
from reconciler.tasks.task import ID_FORM, TaskKey
from reconciler.tasks.timestamps import Timestamp

__all__ = [
    "Cause",
    "Change",
    "Count",
    "Digest",
    "Guard",
    "GuardVerdict",
    "Name",
    "Note",
    "Observed",
    "Overrides",
    "Plan",
    "PolicyVerdict",
    "ResourceName",
    "RunOutcome",
    "ScopeVerdict",
    "Skipped",
    "Source",
    "Sources",
    "Summary",
    "TaskId",
    "canonical_json",
    "sha256",
]

PERCENT_FLOOR = 10
"""Listed tasks from which on `max_percent` is enforced: below, one task is already 10 percent. 0 means 0 of any."""

# What a file may hold. In Python `$` also matches before a line break at the end, hence what follows it.
Name = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9-]*$(?!\n)")]
ResourceName = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$(?!\n)")]
TaskId = Annotated[str, Meta(pattern=rf"^{ID_FORM.pattern}$(?!\n)")]
Digest = Annotated[str, Meta(pattern=r"^sha256:[0-9a-f]+$(?!\n)")]
Count = Annotated[int, Meta(ge=0)]

Observed = Mapping[str, str | int | tuple[str, ...]]
"""Fields of a task as a reader sees them: URL queries replaced by a short hash, timestamps in RFC 3339."""

_STEPS = frozenset({(Action.CANCEL,), (Action.DELETE,), (Action.CANCEL, Action.DELETE)})


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
    BLOCKED = "blocked"
    CHANGES = "changes"


@dataclass(frozen=True, slots=True)
class Change:
    """The steps that take one task out of the selectors of its policies."""

    DERIVED: ClassVar[tuple[str, ...]] = ("id",)

    target: Name
    resource: ResourceName
    task_id: TaskId
    """The id that the cloud gave the task."""
    steps: tuple[Action, ...]
    """The operations, in order: cancel, delete, or cancel and then delete."""
    policies: tuple[Name, ...]
    """The policies that ask for it."""
    reason: str
    """One sentence for a reviewer."""
    observed: Observed
    """Fields of the task as it was seen; queries of URLs replaced by a short hash."""

    def __post_init__(self) -> None:
        if self.steps not in _STEPS:
            raise ValueError("the steps are cancel, delete, or cancel and then delete")

    @property
    def key(self) -> TaskKey:
        return TaskKey(self.target, self.resource, self.task_id)

    @property
    def id(self) -> str:
        """`<target>/<resource>/<task_id>`, unique within the document."""
        return "/".join(self.key)

    @property
    def status(self) -> str:
        """The normalised status that the task was seen in."""
        return str(self.observed.get("status", "unknown"))


@dataclass(frozen=True, slots=True)
class Skipped:
    """A surplus task that is left alone: blocked (no operation leads out of its state) or protected."""

    DERIVED: ClassVar[tuple[str, ...]] = ("id",)

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
    protections: tuple[Name, ...] = ()
    """The protections that hold it; none of a blocked task."""

    @property
    def key(self) -> TaskKey:
        return TaskKey(self.target, self.resource, self.task_id)

    @property
    def id(self) -> str:
        """`<target>/<resource>/<task_id>`, unique within its list."""
        return "/".join(self.key)


@dataclass(frozen=True, slots=True)
class ScopeVerdict:
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

    @property
    def complete(self) -> bool:
        """Whether all its tasks were seen, and all that policies ask about them is known."""
        return self.completeness is Completeness.COMPLETE and self.error is None


class Guard(StrEnum):
    MAX_ACTIONS = "max_actions"
    """So many changes, over all scopes."""
    MAX_PERCENT = "max_percent"
    """Such a share of the tasks listed in one scope."""


@dataclass(frozen=True, slots=True)
class GuardVerdict:
    """One limit against what a policy, or all policies together, would do."""

    DERIVED: ClassVar = ("needed", "breached")

    guard: Guard
    limit: Count
    changes: Count
    basis: Count
    """Tasks that `max_percent` is a share of. No part of the digest."""
    target: Name | None = None
    """Set where the limit holds for one scope."""
    resource: ResourceName | None = None
    """Set where it holds for all policies of that scope together."""
    overridden: bool = False
    """It holds only for a limit of the command line."""

    @property
    def share(self) -> int:
        """Percent of the basis that would change, rounded up."""
        return -(-100 * self.changes // self.basis) if self.basis else 0

    @property
    def needed(self) -> Count:
        """The least limit that lets it pass."""
        if self.guard is Guard.MAX_ACTIONS:
            return self.changes
        return self.share if self.basis >= PERCENT_FLOOR else min(self.changes, 1)

    @property
    def breached(self) -> bool:
        """Whether it refuses."""
        return self.needed > self.limit

    @property
    def flag(self) -> str:
        """The flag that lets it pass."""
        return f"--{self.guard.value.replace('_', '-')} {self.needed}"


@dataclass(frozen=True, slots=True)
class Source:
    """Where a policy is written."""

    file: str
    """As messages print it."""
    line: Annotated[int, Meta(ge=1)]


@dataclass(frozen=True, slots=True)
class PolicyVerdict:
    """What one policy found over all its scopes, in tasks.

    `description` and `source` are for readers, and no part of the digest: a policy that moves asks for the same.
    """

    name: Name
    resource: ResourceName
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
    """Tasks of which it cannot be said whether they match."""
    guards: tuple[GuardVerdict, ...] = ()
    suspended: bool = False
    on_blocked: OnBlocked = OnBlocked.REPORT
    """`fail`: a blocked task counts like a change that failed."""
    source: Source | None = None
    """Where the policy is written."""

    @property
    def breaches(self) -> tuple[GuardVerdict, ...]:
        return tuple(verdict for verdict in self.guards if verdict.breached)

    @property
    def blocked_fails(self) -> bool:
        """Whether it does not tolerate the blocked tasks that it has."""
        return self.blocked > 0 and self.on_blocked is OnBlocked.FAIL


@dataclass(frozen=True, slots=True)
class Overrides:
    """Limits given on the command line instead of the policies' own. Part of the digest."""

    max_actions: Count | None = None
    max_percent: Count | None = None


@dataclass(frozen=True, slots=True)
class Note:
    """Something that a reader should know."""

    severity: Severity
    message: str
    target: str | None = None
    resource: str | None = None
    policy: str | None = None


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


@dataclass(frozen=True, slots=True)
class Sources:
    """The configuration that a plan was made from."""

    digest: Digest
    """Of targets, policies and protections."""
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """A planned run.

    `changes`, `blocked` and `protected` are ordered by target, resource type, time of creation and id.
    """

    DERIVED: ClassVar = ("outcome", "causes", "complete", "errored", "applyable", "digest", "summary")

    tool_version: str
    created_at: Timestamp
    expires_at: Timestamp
    """When `apply` takes it no more."""
    configuration: Sources
    scopes: tuple[ScopeVerdict, ...]
    policies: tuple[PolicyVerdict, ...]
    changes: tuple[Change, ...]
    """Ordered by target, resource type, time of creation and id."""
    blocked: tuple[Skipped, ...] = ()
    """Surplus tasks that no operation takes out of their policies."""
    protected: tuple[Skipped, ...] = ()
    """Surplus tasks that a protection holds."""
    diagnostics: tuple[Note, ...] = ()
    run_guards: tuple[GuardVerdict, ...] = ()
    """The limits of all policies together: of the run, and of each scope."""
    overrides: Overrides = Overrides()
    unknown: Count = 0
    """Tasks of which some policy cannot say whether they match."""

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
    def digest(self) -> Digest:
        """What is approved: targets, policies and protections (their fingerprint), the limits and verdicts of the
        guards, the overrides, and of each change all that a reviewer reads. The times of the plan and what guards
        count, with whether that takes an override, are left out: planning the same work again gives the same digest."""
        overrides = self.overrides
        guards = [(policy.name, verdict) for policy in self.policies for verdict in policy.guards]
        guards += [("", verdict) for verdict in self.run_guards]
        return sha256(
            {
                "configuration": self.configuration.digest,
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
            unknown=self.unknown,
        )

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


def canonical_json(data: object) -> str:
    """JSON with sorted keys and no blanks. Equal to RFC 8785 for what plans hold: no floats, keys in ASCII."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def sha256(data: object) -> str:
    """`sha256:<hex>` of the canonical JSON of `data`."""
    return "sha256:" + hashlib.sha256(canonical_json(data).encode("utf-8", "surrogatepass")).hexdigest()
