"""What became of tasks from one plan to the next. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar

from reconciler.planning.change import Change, Skipped
from reconciler.planning.field_differences import FieldDifference, field_differences
from reconciler.redaction import Shown
from reconciler.tasks.resource_type import Action
from reconciler.tasks.task import TaskKey, id_order

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reconciler.planning.field_differences import FieldValue
    from reconciler.planning.plan import Plan

SETS = frozenset({"policies", "blocked_for", "protections", "targets"})
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
    refused: Change | None = None
    reported: Change | None = None
    blocked: Skipped | None = None
    protected: Skipped | None = None

    @property
    def text(self) -> str:
        """`cancel, then delete`, `refused`, `reported`, `blocked`, `protected`, or `cancel and blocked`."""
        words = [] if self.change is None else [", then ".join(self.change.steps)]
        words += [] if self.refused is None else ["refused"]
        words += [] if self.reported is None else ["reported"]
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
        every = (self.change, self.refused, self.reported, self.blocked, self.protected)
        return tuple(entry for entry in every if entry is not None)


@dataclass(frozen=True, slots=True)
class TaskDifference(Shown):
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
        return kind_of(self.before, self.now)


def task_differences(old: Plan, new: Plan) -> tuple[TaskDifference, ...]:
    """The tasks that differ, ordered by target, resource type, time of creation and id."""
    return tuple(sorted(_differences(_standings(old), _standings(new)), key=_task_order))


def kind_of(before: object | None, now: object | None) -> Kind:
    """What became of something that was so before, and is so now; None: it is not there."""
    if before is None:
        return Kind.ADDED
    return Kind.REMOVED if now is None else Kind.CHANGED


def _standings(plan: Plan) -> dict[TaskKey, Standing]:
    changes, refused, reported = (
        {change.key: change for change in changes} for changes in (plan.changes, plan.refused, plan.reported)
    )
    blocked, protected = ({skipped.key: skipped for skipped in found} for found in (plan.blocked, plan.protected))
    return {
        key: Standing(changes.get(key), refused.get(key), reported.get(key), blocked.get(key), protected.get(key))
        for key in {**changes, **refused, **reported, **blocked, **protected}
    }


def _differences(before: Mapping[TaskKey, Standing], now: Mapping[TaskKey, Standing]) -> Iterator[TaskDifference]:
    for key in {**before, **now}:
        old, new = before.get(key), now.get(key)
        if old is None or new is None:
            yield TaskDifference(key, old, new)
        elif old != new:  # most pairs end here, and cheaply
            fields = field_differences(*_task_fields(old, new), sets=SETS)
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
