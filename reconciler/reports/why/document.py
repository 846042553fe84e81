"""The answer of `why` as a JSON document, and its schema."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from reconciler.documents.document import document_of
from reconciler.documents.strict_json import dump
from reconciler.planning.schema import COUNT, DEFINITIONS, FLAG, TEXT, TIME, VERSION, Schema, array, obj, optional, ref
from reconciler.planning.why import Verdict
from reconciler.redaction import presentable
from reconciler.reports.why.words import outcome_words, protection_words, truth_word, verdict_words
from reconciler.reports.wording import guard_breach
from reconciler.selectors.describe import describe
from reconciler.selectors.syntax import AllOf, AnyOf, Everything, Negation, Test
from reconciler.selectors.truth import Truth
from reconciler.tasks.observation import Completeness
from reconciler.tasks.timestamps import format_timestamp

if TYPE_CHECKING:
    from reconciler.documents.strict_json import Document
    from reconciler.planning.plan import Observed
    from reconciler.planning.why import Answer, PolicyAccount, ProtectionAccount, TaskAccount
    from reconciler.selectors.trace import Trace
    from reconciler.tasks.field import Value
    from reconciler.tasks.observation import Observation

__all__ = ["WHY_SCHEMA", "render_why_json", "why_document"]

_TRUTH: Schema = {"enum": [truth_word(truth) for truth in Truth]}
_STEPS = array({"enum": ["cancel", "delete"]})

_CONDITION = obj(
    {
        "kind": {"enum": ["all", "any", "not", "test", "everything"]},
        "truth": _TRUTH,
        "decides": {**FLAG, "description": "With the marked conditions as they are, the others change nothing."},
        "text": {**TEXT, "description": "The condition in words; of a test only."},
        "field": {**TEXT, "description": "Of a test only."},
        "operator": {**TEXT, "description": "Of a test only."},
        "value": {
            "type": ["string", "integer", "array", "null"],
            "items": TEXT,
            "description": "What the task has there; null: it lacks the field. Of a test only.",
        },
        "parts": array(ref("condition")),
    },
    "A node of a selector, with its truth for the task.",
    without=("text", "field", "operator", "value", "parts"),
)

_POLICY = obj(
    {
        "name": TEXT,
        "source": {
            **optional(obj({"file": TEXT, "line": {"type": "integer", "minimum": 1}})),
            "description": "Where the policy is written.",
        },
        "verdict": {"enum": [verdict.value for verdict in Verdict]},
        "reason": {**TEXT, "description": "The verdict in words."},
        "steps": {**_STEPS, "description": "What this policy asks for."},
        "standing": {
            **optional(obj({"rank": COUNT, "size": COUNT, "group": array({"type": ["string", "integer", "array"]})})),
            "description": "Place in its group, from 1, in the order of keeping; null where no quota counts it.",
        },
        "condition": ref("condition"),
    },
    "What one policy makes of the task.",
)

_PROTECTION = obj(
    {"name": TEXT, "holds": FLAG, "reason": TEXT, "condition": ref("condition")},
    "What one protection makes of the task; an unknown condition holds it.",
)

_TASK = obj(
    {
        "id": {**TEXT, "description": "<target>/<resource>/<task_id>"},
        "target": TEXT,
        "resource": TEXT,
        "task_id": TEXT,
        "fields": {"type": "object", "description": "All fields that the task has, as a plan shows them."},
        "scope_complete": FLAG,
        "steps": {**_STEPS, "description": "What a plan does to it in all; empty: nothing."},
        "reason": {**TEXT, "description": "The same in words."},
        "refused": array(TEXT, "The guards that would refuse the plan that changes it."),
        "policies": array(_POLICY, "The policies of its target and resource type, by name."),
        "protections": array(_PROTECTION, "The protections of its resource type, by name."),
        "policies_elsewhere": {**COUNT, "description": "Policies that look at other targets or resource types."},
    },
    "One task of the id.",
)

WHY_SCHEMA: Schema = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    "title": "Answer of media-reconciler to why",
    **obj(
        {
            "format": {"const": "reconciler.why"},
            "format_version": VERSION,
            "task_id": {**TEXT, "description": "As it was asked for."},
            "now": {**TIME, "description": "The clock of all ages."},
            "snapshot_taken_at": {
                **optional(TIME),
                "description": "When the snapshot was taken that was asked; null: the clouds were.",
            },
            "found": FLAG,
            "complete": {**FLAG, "description": "Every scope was listed whole; else the task may be there unseen."},
            "scopes": array(
                obj(
                    {
                        "target": TEXT,
                        "resource": TEXT,
                        "tasks": COUNT,
                        "completeness": {"enum": [value.value for value in Completeness]},
                        "error": optional(ref("fault")),
                    }
                )
            ),
            "tasks": array(_TASK),
            "near": array(TEXT, "Ids that begin like it, where none was found."),
        }
    ),
    "definitions": {"condition": _CONDITION, "fault": DEFINITIONS["fault"]},
}


def render_why_json(answer: Answer) -> str:
    """The text of the document."""
    return dump(why_document(answer))


def why_document(answer: Answer) -> Document:
    """The keys and values of `why --format json`."""
    breaches = [guard_breach(policy, verdict) for policy, verdict in answer.plan.breaches]
    return {
        "format": "reconciler.why",
        "format_version": "1.0",
        "task_id": answer.name,
        "now": format_timestamp(answer.now),
        "snapshot_taken_at": None if answer.taken_at is None else format_timestamp(answer.taken_at),
        "found": bool(answer.tasks),
        "complete": not answer.incomplete,
        "scopes": [_scope(seen) for seen in answer.observations],
        "tasks": [_task(task, breaches if task.steps else []) for task in answer.tasks],
        "near": list(answer.near),
    }


def _scope(seen: Observation) -> Document:
    return {
        "target": seen.scope.target,
        "resource": seen.scope.resource,
        "tasks": len(seen.tasks),
        "completeness": seen.completeness.value,
        "error": document_of(seen.fault),
    }


def _task(task: TaskAccount, refused: list[str]) -> Document:
    return {
        "id": "/".join(task.key),
        "target": task.key.target,
        "resource": task.key.resource,
        "task_id": task.key.id,
        "fields": {name: list(value) if isinstance(value, tuple) else value for name, value in task.fields.items()},
        "scope_complete": task.complete,
        "steps": [step.value for step in task.steps],
        "reason": outcome_words(task),
        "refused": refused,
        "policies": [_policy(policy, task.fields) for policy in task.policies],
        "protections": [_protection(protection, task.fields) for protection in task.protections],
        "policies_elsewhere": task.elsewhere,
    }


def _policy(account: PolicyAccount, fields: Observed) -> Document:
    place, location = account.standing, account.policy.location
    group = [] if place is None else [_plain(part) for part in place.group]
    return {
        "name": account.policy.name,
        "source": location and {"file": presentable(location.file), "line": location.line},
        "verdict": account.verdict.value,
        "reason": verdict_words(account),
        "steps": [step.value for step in account.steps],
        "standing": place and {"rank": place.rank, "size": place.size, "group": group},
        "condition": _condition(account.trace, fields),
    }


def _protection(account: ProtectionAccount, fields: Observed) -> Document:
    return {
        "name": account.name,
        "holds": account.holds,
        "reason": protection_words(account),
        "condition": _condition(account.trace, fields),
    }


def _condition(node: Trace, fields: Observed) -> Document:
    common: Document = {"truth": truth_word(node.truth), "decides": node.decides}
    match node.selector:
        case Everything():
            return {"kind": "everything", **common}
        case Test(field, operator, _):
            return {
                "kind": "test",
                **common,
                "text": presentable(describe(node.selector)),
                "field": field,
                "operator": operator.value,
                "value": None if node.value is None else _plain(fields.get(field, node.value)),
            }
        case AllOf():
            kind = "all"
        case AnyOf():
            kind = "any"
        case Negation():
            kind = "not"
        case _:
            assert_never(node.selector)
    return {"kind": kind, **common, "parts": [_condition(part, fields) for part in node.parts]}


def _plain(value: Value) -> str | int | list[str]:
    """A value of a task as JSON may hold it."""
    if isinstance(value, tuple):
        return [presentable(item) for item in value]
    return presentable(value) if isinstance(value, str) else value
