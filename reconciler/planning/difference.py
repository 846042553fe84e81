"""What changed between two plans, as data: keyed by task, policy and scope, times left out. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar, TypeVar

from reconciler.diagnostics import Severity
from reconciler.planning.change import Change, Digest, Skipped
from reconciler.planning.field_differences import FieldDifference, field_differences
from reconciler.planning.plan import Plan, RunOutcome, Summary
from reconciler.planning.policy_plan import Note
from reconciler.tasks.observation import Scope
from reconciler.tasks.resource_type import Action
from reconciler.tasks.task import TaskKey, id_order
from reconciler.tasks.timestamps import Timestamp

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reconciler.planning.field_differences import FieldValue
    from reconciler.planning.guards import GuardCheck
    from reconciler.planning.policy_plan import PolicyPlan, ScopePlan

__all__ = [
    "Kind",
    "PlanDifference",
    "PolicyDifference",
    "ScopeDifference",
    "Standing",
    "TaskDifference",
    "difference",
]

Name = TypeVar("Name", str, Scope)

_SETS = frozenset({"policies", "blocked_for", "protections", "targets"})
"""Lists of names, in which the order means nothing."""
_PLAN_FIELDS = frozenset({"standing", "policies", "blocked_for", "protections", "reason"})


class Kind(StrEnum):
    """What became of a task, a policy or a scope from one plan to the next."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a task stands in a plan. It may be changed for one policy and blocked for another."""

    WRITTEN: ClassVar = ("steps", "policies", "blocked_for", "protected_from", "protections", "status")

    change: Change | None = None
    blocked: Skipped | None = None
    protected: Skipped | None = None

    @property
    def text(self) -> str:
        """`cancel, then delete`, `blocked`, `protected`, or `cancel and blocked`."""
        words = [] if self.change is None else [", then ".join(self.change.steps)]
        words += [] if self.blocked is None else ["blocked"]
        words += [] if self.protected is None else ["protected"]
        return " and ".join(words)

    @property
    def steps(self) -> tuple[Action, ...]:
        """Empty where the plan does not change it."""
        return self.change.steps if self.change else ()

    @property
    def policies(self) -> tuple[str, ...]:
        """The policies behind the steps."""
        return self.change.policies if self.change else ()

    @property
    def blocked_for(self) -> tuple[str, ...]:
        """The policies for which it is blocked."""
        return self.blocked.policies if self.blocked else ()

    @property
    def protected_from(self) -> tuple[str, ...]:
        """The policies that it is protected from."""
        return self.protected.policies if self.protected else ()

    @property
    def protections(self) -> tuple[str, ...]:
        """The protections that hold it."""
        return self.protected.protections if self.protected else ()

    @property
    def status(self) -> str:
        """The normalised status that the task was seen in."""
        return next((entry.status for entry in self.entries), "unknown")

    @property
    def entries(self) -> tuple[Change | Skipped, ...]:
        return tuple(entry for entry in (self.change, self.blocked, self.protected) if entry is not None)


@dataclass(frozen=True, slots=True)
class TaskDifference:
    """One task that differs. None: the plan does not name it. A task that moved, from change to blocked, is one."""

    WRITTEN: ClassVar = ("id", "target", "resource", "task_id", "kind", "before", "now", "fields")

    key: TaskKey
    before: Standing | None
    now: Standing | None
    fields: tuple[FieldDifference, ...] = ()
    """What differs; empty where it is in one plan only."""

    @property
    def id(self) -> str:
        """`<target>/<resource>/<task_id>`, unique within the document."""
        return "/".join(self.key)

    @property
    def target(self) -> str:
        return self.key.target

    @property
    def resource(self) -> str:
        return self.key.resource

    @property
    def task_id(self) -> str:
        return self.key.id

    @property
    def kind(self) -> Kind:
        return _kind(self.before, self.now)


@dataclass(frozen=True, slots=True)
class PolicyDifference:
    """One policy that differs."""

    name: str
    kind: Kind
    fields: tuple[FieldDifference, ...] = ()
    """What differs; empty where it is in one plan only."""


@dataclass(frozen=True, slots=True)
class ScopeDifference:
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
class NotesDifference:
    """Diagnostics of one plan only; those that repeat the error of a scope are left out."""

    added: tuple[Note, ...] = ()
    removed: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True)
class Side:
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
        tasks=tuple(sorted(_tasks(_standings(old), _standings(new)), key=_task_order)),
        policies=tuple(PolicyDifference(*part) for part in _parts(_policies(old), _policies(new))),
        scopes=tuple(
            ScopeDifference(*scope, kind, fields) for scope, kind, fields in _parts(_scopes(old), _scopes(new))
        ),
        general=field_differences(_general(old), _general(new)),
        diagnostics=NotesDifference(
            tuple(note for note in now if note not in before), tuple(note for note in before if note not in now)
        ),
    )


def _kind(before: object | None, now: object | None) -> Kind:
    if before is None:
        return Kind.ADDED
    return Kind.REMOVED if now is None else Kind.CHANGED


# -- tasks --------------------------------------------------------------------------------------------------


def _standings(plan: Plan) -> dict[TaskKey, Standing]:
    changes = {change.key: change for change in plan.changes}
    blocked = {skipped.key: skipped for skipped in plan.blocked}
    protected = {skipped.key: skipped for skipped in plan.protected}
    return {
        key: Standing(changes.get(key), blocked.get(key), protected.get(key))
        for key in {**changes, **blocked, **protected}
    }


def _tasks(before: Mapping[TaskKey, Standing], now: Mapping[TaskKey, Standing]) -> Iterator[TaskDifference]:
    for key in {**before, **now}:
        old, new = before.get(key), now.get(key)
        if old is None or new is None:
            yield TaskDifference(key, old, new)
        elif old != new:  # most pairs end here, and cheaply
            fields = field_differences(*_task_fields(old, new), sets=_SETS)
            if fields or (fields := _reasons(old, new)):
                yield TaskDifference(key, old, new, fields)


def _task_fields(old: Standing, new: Standing) -> tuple[dict[str, FieldValue], dict[str, FieldValue]]:
    """What is compared of a task. The reasons are left out: they nearly always follow from the rest.

    A plan records the usual fields and those that the policies of the task name. Of other policies, it may have
    recorded other fields, which is no difference of the task.
    """
    before, now = _observed(old), _observed(new)
    if _wanting(old) != _wanting(new):
        both = before.keys() & now.keys()
        before, now = ({name: fields[name] for name in both} for fields in (before, now))
    return before | _plan_fields(old), now | _plan_fields(new)


def _reasons(old: Standing, new: Standing) -> tuple[FieldDifference, ...]:
    """How the reasons of a change differ: of two that are the same but for their place in a group, say."""
    if old.change is None or new.change is None:
        return ()
    return field_differences({"reason": old.change.reason}, {"reason": new.change.reason})


def _observed(standing: Standing) -> dict[str, FieldValue]:
    """The fields of all entries, which only in an altered plan differ: then those of the change, as in the digest."""
    return {
        name: value
        for entry in reversed(standing.entries)
        for name, value in entry.observed.items()
        if name not in _PLAN_FIELDS
    }


def _wanting(standing: Standing) -> set[str]:
    return {policy for entry in standing.entries for policy in entry.policies}


def _plan_fields(standing: Standing) -> dict[str, FieldValue]:
    """What the plan says of the task: under these names only the plan speaks, whatever fields a task claims."""
    fields: dict[str, FieldValue] = {"standing": standing.text, "policies": tuple(sorted(_wanting(standing)))}
    if standing.protected is not None:
        fields["protections"] = standing.protected.protections
    if standing.change is not None and standing.blocked is not None:
        fields["blocked_for"] = standing.blocked.policies
    return fields


def _task_order(found: TaskDifference) -> tuple[str, str, bool, str, tuple[int, int, str]]:
    """As in a plan; where a time of creation differs, the new one counts."""
    standing = found.now or found.before or Standing()
    created = next((str(entry.observed.get("created_at", "")) for entry in standing.entries), "")
    return (found.key.target, found.key.resource, not created, created, id_order(found.key.id))


# -- policies and scopes ------------------------------------------------------------------------------------


def _parts(
    before: Mapping[Name, Mapping[str, FieldValue]], now: Mapping[Name, Mapping[str, FieldValue]]
) -> Iterator[tuple[Name, Kind, tuple[FieldDifference, ...]]]:
    for name in sorted({**before, **now}):
        old, new = before.get(name), now.get(name)
        if old is None or new is None:
            yield name, _kind(old, new), ()
        elif fields := field_differences(old, new, sets=_SETS):
            yield name, Kind.CHANGED, fields


def _policies(plan: Plan) -> dict[str, dict[str, FieldValue]]:
    return {policy.name: _policy_fields(policy) for policy in plan.policies}


def _policy_fields(policy: PolicyPlan) -> dict[str, FieldValue]:
    counts = ("matched", "surplus", "changes", "kept", "blocked", "protected", "unknown")
    fields: dict[str, FieldValue] = {
        "resource": policy.resource,
        "targets": policy.targets,
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


# -- the rest -----------------------------------------------------------------------------------------------


def _general(plan: Plan) -> dict[str, FieldValue]:
    overrides = {"max_actions": plan.overrides.max_actions, "max_percent": plan.overrides.max_percent}
    given = {f"--{name.replace('_', '-')}": value for name, value in overrides.items() if value is not None}
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
