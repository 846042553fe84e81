"""What changed between two plans, as data: keyed by task, policy and scope, times left out. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, TypeVar

from reconciler.diagnostics import Severity
from reconciler.planning.change import Digest
from reconciler.planning.field_differences import FieldDifference, field_differences
from reconciler.planning.plan import Plan, RunOutcome, Summary
from reconciler.planning.policy_plan import Note
from reconciler.planning.task_differences import SETS, Kind, TaskDifference, kind_of, task_differences
from reconciler.redaction import Shown
from reconciler.tasks.observation import Scope
from reconciler.tasks.timestamps import Timestamp

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reconciler.planning.field_differences import FieldValue
    from reconciler.planning.limits import GuardCheck
    from reconciler.planning.policy_plan import PolicyPlan, ScopePlan

Name = TypeVar("Name", str, Scope)


@dataclass(frozen=True, slots=True)
class PolicyDifference(Shown):
    """One policy that differs."""

    name: str
    kind: Kind
    fields: tuple[FieldDifference, ...] = ()
    """What differs; empty where it is in one plan only."""


@dataclass(frozen=True, slots=True)
class ScopeDifference(Shown):
    """One scope that differs."""

    target: str
    resource: str
    kind: Kind
    fields: tuple[FieldDifference, ...] = ()
    """What differs; empty where it is in one plan only."""

    @property
    def name(self) -> str:
        return f"{self.target} / {self.resource}"


@dataclass(frozen=True, slots=True)
class NotesDifference(Shown):
    """Diagnostics of one plan only; those that repeat the error of a scope are left out."""

    added: tuple[Note, ...] = ()
    removed: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True)
class Side(Shown):
    """One of the two plans."""

    created_at: Timestamp
    tool_version: str
    digest: Digest
    configuration: Digest
    outcome: RunOutcome
    summary: Summary

    @classmethod
    def of(cls, plan: Plan) -> Side:
        return cls(
            plan.created_at, plan.tool_version, plan.digest, plan.configuration.digest, plan.outcome, plan.summary
        )


@dataclass(frozen=True, slots=True)
class PlanDifference:
    """What differs between two plans."""

    WRITTEN: ClassVar = (
        *("same", "same_digest", "old", "new", "summary", "tasks", "policies", "scopes", "general", "diagnostics"),
    )

    old_plan: Plan
    new_plan: Plan
    tasks: tuple[TaskDifference, ...] = ()
    """Ordered by target, resource type, time of creation and id."""
    policies: tuple[PolicyDifference, ...] = ()
    """By name."""
    scopes: tuple[ScopeDifference, ...] = ()
    """By name."""
    general: tuple[FieldDifference, ...] = ()
    """Configuration, limits of all policies together, and limits given on the command line."""
    diagnostics: NotesDifference = NotesDifference()

    @property
    def old(self) -> Side:
        return Side.of(self.old_plan)

    @property
    def new(self) -> Side:
        return Side.of(self.new_plan)

    @property
    def same(self) -> bool:
        """Whether nothing differs but times, versions and reasons."""
        notes = self.diagnostics
        return not any((self.tasks, self.policies, self.scopes, self.general, notes.added, notes.removed))

    @property
    def same_digest(self) -> bool:
        """Whether both plans would do the same work, so that the approval of one holds for the other."""
        return self.old_plan.digest == self.new_plan.digest

    @property
    def summary(self) -> dict[str, int]:
        """Tasks by what became of them."""
        kinds = Counter(task.kind for task in self.tasks)
        return {kind.value: kinds[kind] for kind in Kind}


def difference(old: Plan, new: Plan) -> PlanDifference:
    """Compare two plans. What they are made at, with which version and with how many requests, does not count."""
    before, now = _notes(old), _notes(new)
    return PlanDifference(
        old_plan=old,
        new_plan=new,
        tasks=task_differences(old, new),
        policies=tuple(PolicyDifference(*part) for part in _parts(_policies(old), _policies(new))),
        scopes=tuple(
            ScopeDifference(*scope, kind, fields) for scope, kind, fields in _parts(_scopes(old), _scopes(new))
        ),
        general=field_differences(_general(old), _general(new)),
        diagnostics=NotesDifference(
            tuple(note for note in now if note not in before), tuple(note for note in before if note not in now)
        ),
    )


def _parts(
    before: Mapping[Name, Mapping[str, FieldValue]], now: Mapping[Name, Mapping[str, FieldValue]]
) -> Iterator[tuple[Name, Kind, tuple[FieldDifference, ...]]]:
    for name in sorted({**before, **now}):
        old, new = before.get(name), now.get(name)
        if old is None or new is None:
            yield name, kind_of(old, new), ()
        elif fields := field_differences(old, new, sets=SETS):
            yield name, Kind.CHANGED, fields


def _policies(plan: Plan) -> dict[str, dict[str, FieldValue]]:
    return {policy.name: _policy_fields(policy) for policy in plan.policies}


def _policy_fields(policy: PolicyPlan) -> dict[str, FieldValue]:
    counts = (
        "matched",
        "surplus",
        "changes",
        "kept",
        "blocked",
        "protected",
        "unknown",
        "spared",
        "refused",
        "deferred",
        "reported",
    )
    fields: dict[str, FieldValue] = {
        "resources": policy.resources,
        "targets": policy.targets,
        "mode": policy.mode.value,
        "suspended": _flag(policy.suspended),
        "on_blocked": policy.on_blocked.value,
    }
    fields |= {count: getattr(policy, count) for count in counts}
    for verdict in policy.guards:
        fields[_guard_name(verdict)] = _guard_text(verdict)
    return fields


def _guard_name(verdict: GuardCheck) -> str:
    place = " / ".join(name for name in (verdict.target, verdict.resource) if name)
    return f"{verdict.guard.value} on {place}" if place else verdict.guard.value


def _guard_text(verdict: GuardCheck) -> str:
    """A guard that holds is as it was, whatever the numbers; one that refuses is told by the number to pass."""
    if verdict.breached:
        return f"refuses: {verdict.needed} is more than {verdict.limit}"
    return f"{verdict.limit}, overridden" if verdict.overridden else f"{verdict.limit}, holds"


def _scopes(plan: Plan) -> dict[Scope, dict[str, FieldValue]]:
    return {scope.key: _scope_fields(scope) for scope in plan.scopes}


def _scope_fields(scope: ScopePlan) -> dict[str, FieldValue]:
    """How far the listing came. How many tasks it saw is no difference of the plan."""
    fields: dict[str, FieldValue] = {"listing": scope.completeness.value}
    if scope.error is not None:
        fields["error"] = str(scope.error)
    return fields


def _general(plan: Plan) -> dict[str, FieldValue]:
    given: dict[str, FieldValue] = {
        " ".join(filter(None, (guard.flag, policy))): number for guard, policy, number in plan.overrides.given
    }
    guards = {f"run_limits: {_guard_name(verdict)}": _guard_text(verdict) for verdict in plan.run_guards}
    return {"configuration": plan.configuration.digest, **given, **guards}


def _notes(plan: Plan) -> list[Note]:
    """The diagnostics, without those that repeat the error of a scope."""
    return list(
        dict.fromkeys(
            note for note in plan.diagnostics if note.policy is not None or note.severity is not Severity.ERROR
        )
    )


def _flag(value: bool) -> str:
    return "yes" if value else "no"
