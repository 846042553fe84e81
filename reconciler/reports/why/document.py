"""The answer of `why` as a JSON document."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, assert_never

from reconciler.documents.document import Format
from reconciler.planning.change import Observed
from reconciler.planning.policy_plan import Source
from reconciler.planning.why import Verdict
from reconciler.redaction import Shown
from reconciler.reports.why.words import breaches_of, outcome_words, protection_words, truth_word, verdict_words
from reconciler.selectors.syntax import AllOf, AnyOf, Everything, Negation, Operator, Test
from reconciler.selectors.trace import describe
from reconciler.tasks.observation import Completeness, Fault
from reconciler.tasks.resource_type import Action
from reconciler.tasks.task import Value
from reconciler.tasks.timestamps import Timestamp

if TYPE_CHECKING:
    from reconciler.planning.why import PolicyAccount, TaskAccount, Why
    from reconciler.selectors.trace import Trace


@dataclass(frozen=True, slots=True)
class ConditionRecord(Shown):
    """A node of a selector, with its truth for the task."""

    kind: str
    """`all`, `any`, `not`, `test` or `everything`."""
    truth: str
    """`true`, `false` or `unknown`."""
    decides: bool
    """With the marked conditions as they are, the others change nothing."""
    text: str | None = None
    """The condition in words; of a test only."""
    field: str | None = None
    """Of a test only."""
    operator: Operator | None = None
    """Of a test only."""
    value: str | int | tuple[str, ...] | None = None
    """What the task has there; null: it lacks the field. Of a test only."""
    parts: tuple[ConditionRecord, ...] = ()


@dataclass(frozen=True, slots=True)
class Place(Shown):
    """Place of a task in its group, in the order of keeping."""

    rank: int
    """From 1."""
    size: int
    group: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class PolicyRecord(Shown):
    """What one policy makes of the task."""

    name: str
    source: Source | None
    """Where the policy is written."""
    verdict: Verdict
    reason: str
    """The verdict in words."""
    steps: tuple[Action, ...]
    """What this policy asks for."""
    standing: Place | None
    """null where no quota counts it."""
    condition: ConditionRecord
    only: ConditionRecord | None
    """That of `ensure.only`, of a task that is too many; null: there is none, or it is not looked at."""


@dataclass(frozen=True, slots=True)
class ProtectionRecord(Shown):
    """What one protection makes of the task; an unknown condition holds it."""

    name: str
    holds: bool
    reason: str
    condition: ConditionRecord


@dataclass(frozen=True, slots=True)
class TaskRecord(Shown):
    """One task of the id."""

    id: str
    """`<target>/<resource>/<task_id>`"""
    target: str
    resource: str
    task_id: str
    fields: Observed
    """All fields that the task has, as a plan shows them."""
    scope_complete: bool
    steps: tuple[Action, ...]
    """What a plan does to it in all; empty: nothing."""
    reason: str
    """The same in words."""
    refused: tuple[str, ...]
    """The guards that keep a policy from changing it, in words."""
    policies: tuple[PolicyRecord, ...]
    """The policies of its target and resource type, by name."""
    protections: tuple[ProtectionRecord, ...]
    """The protections of its resource type, by name."""
    policies_elsewhere: int
    """Policies that look at other targets or resource types."""


@dataclass(frozen=True, slots=True)
class ScopeRecord(Shown):
    """One (target, resource type) that was looked at."""

    target: str
    resource: str
    tasks: int
    completeness: Completeness
    error: Fault | None


@dataclass(frozen=True, slots=True)
class WhyRecord(Shown):
    """What the policies make of the tasks of one id."""

    task_id: str
    """As it was asked for."""
    now: Timestamp
    """The clock of all ages."""
    snapshot_taken_at: Timestamp | None
    """When the snapshot was taken that was asked; null: the clouds were."""
    found: bool
    complete: bool
    """Every scope was listed whole; else the task may be there unseen."""
    scopes: tuple[ScopeRecord, ...]
    tasks: tuple[TaskRecord, ...]
    near: tuple[str, ...]
    """Ids that begin like it, where none was found."""


WHY = Format("reconciler.why", "2.0", WhyRecord, "Why of media-reconciler to why")


def render_why_json(answer: Why) -> str:
    """The text of the document."""
    return WHY.text(
        WhyRecord(
            task_id=answer.name,
            now=Timestamp(answer.now),
            snapshot_taken_at=None if answer.taken_at is None else Timestamp(answer.taken_at),
            found=bool(answer.tasks),
            complete=not answer.incomplete,
            scopes=tuple(
                ScopeRecord(*seen.scope, len(seen.tasks), seen.completeness, seen.fault) for seen in answer.observations
            ),
            tasks=tuple(_task(task, tuple(breaches_of(task, answer.plan))) for task in answer.tasks),
            near=answer.near,
        )
    )


def _task(task: TaskAccount, refused: tuple[str, ...]) -> TaskRecord:
    return TaskRecord(
        "/".join(task.key),
        *task.key,
        fields=task.fields,
        scope_complete=task.complete,
        steps=task.steps,
        reason=outcome_words(task),
        refused=refused,
        policies=tuple(_policy(policy, task.fields) for policy in task.policies),
        protections=tuple(
            ProtectionRecord(held.name, held.holds, protection_words(held), _condition(held.trace, task.fields))
            for held in task.protections
        ),
        policies_elsewhere=task.elsewhere,
    )


def _policy(account: PolicyAccount, fields: Observed) -> PolicyRecord:
    place, location = account.place, account.policy.location
    return PolicyRecord(
        name=account.policy.name,
        source=Source(location.file, location.line) if location else None,
        verdict=account.verdict,
        reason=verdict_words(account),
        steps=account.steps,
        standing=Place(place.rank, place.size, place.group) if place else None,
        condition=_condition(account.trace, fields),
        only=None if account.only is None else _condition(account.only, fields),
    )


def _condition(node: Trace, fields: Observed) -> ConditionRecord:
    record = partial(ConditionRecord, truth=truth_word(node.truth), decides=node.decides)
    match node.selector:
        case Everything():
            return record("everything")
        case Test(name=field, operator=operator):
            value = None if node.value is None else fields.get(field, node.value)
            return record("test", text=describe(node.selector), field=field, operator=operator, value=value)
        case AllOf():
            kind = "all"
        case AnyOf():
            kind = "any"
        case Negation():
            kind = "not"
        case _:
            assert_never(node.selector)
    return record(kind, parts=tuple(_condition(part, fields) for part in node.parts))
