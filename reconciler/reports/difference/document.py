"""What changed between two plans as a JSON document, and its schema."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from reconciler.documents.document import document_of
from reconciler.documents.strict_json import dump
from reconciler.planning.difference import Kind
from reconciler.planning.schema import (
    COUNT,
    DEFINITIONS,
    DIGEST,
    FLAG,
    TEXT,
    TIME,
    VERSION,
    Schema,
    array,
    obj,
    optional,
    ref,
)
from reconciler.tasks.timestamps import format_timestamp

if TYPE_CHECKING:
    from reconciler.documents.strict_json import Document
    from reconciler.planning.difference import Part, PlanDifference, Standing, TaskDifference
    from reconciler.planning.field_differences import FieldDifference, FieldValue
    from reconciler.planning.plan import Plan

__all__ = ["DIFFERENCE_SCHEMA", "difference_document", "render_difference_json"]

_KIND: Schema = {"enum": [kind.value for kind in Kind]}
_VALUE: Schema = {"type": ["string", "integer", "array", "null"], "items": TEXT}
_FIELDS = array(ref("field"), "What differs; empty where it is in one plan only.")

_SIDE = obj(
    {
        "created_at": TIME,
        "tool_version": TEXT,
        "digest": DIGEST,
        "configuration": DIGEST,
        "outcome": TEXT,
        "summary": {"type": "object", "additionalProperties": COUNT},
    },
    "One of the two plans.",
)

_STANDING = obj(
    {
        "steps": array({"enum": ["cancel", "delete"]}, "Empty where the plan does not change it."),
        "policies": array(TEXT, "The policies behind the steps."),
        "blocked_for": array(TEXT, "The policies for which it is blocked."),
        "protected_from": array(TEXT, "The policies that it is protected from."),
        "protections": array(TEXT),
        "status": TEXT,
    },
    "Where a task stands in a plan: changed, blocked, protected, or changed for some policies and blocked for others.",
)

DIFFERENCE_SCHEMA: Schema = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    "title": "Difference of two plans of media-reconciler",
    **obj(
        {
            "format": {"const": "reconciler.diff"},
            "format_version": VERSION,
            "same": {**FLAG, "description": "Nothing differs but times, versions and reasons."},
            "same_digest": {**FLAG, "description": "Both plans do the same work: an approval of one holds for both."},
            "old": _SIDE,
            "new": _SIDE,
            "summary": obj({kind.value: COUNT for kind in Kind}, "Tasks by what became of them."),
            "tasks": array(
                obj(
                    {
                        "id": {**TEXT, "description": "<target>/<resource>/<task_id>"},
                        "target": TEXT,
                        "resource": TEXT,
                        "task_id": TEXT,
                        "kind": _KIND,
                        "before": optional(ref("standing")),
                        "now": optional(ref("standing")),
                        "fields": _FIELDS,
                    }
                ),
                "Ordered by target, resource, time of creation and id.",
            ),
            "policies": array(obj({"name": TEXT, "kind": _KIND, "fields": _FIELDS})),
            "scopes": array(obj({"target": TEXT, "resource": TEXT, "kind": _KIND, "fields": _FIELDS})),
            "general": array(ref("field"), "Configuration and limits given on the command line."),
            "diagnostics": obj({"added": array(ref("note")), "removed": array(ref("note"))}),
        }
    ),
    "definitions": {
        "field": obj(
            {
                "field": TEXT,
                "before": {**_VALUE, "description": "null: not there"},
                "now": {**_VALUE, "description": "null: not there"},
                "item": {**FLAG, "description": "The values are one item of a list, not the whole."},
            },
            "One field that differs.",
        ),
        "standing": _STANDING,
        "note": DEFINITIONS["note"],
    },
}


def render_difference_json(found: PlanDifference) -> str:
    """The text of the document."""
    return dump(difference_document(found))


def difference_document(found: PlanDifference) -> Document:
    """The keys and values of `diff --format json`."""
    kinds = [task.kind for task in found.tasks]
    return {
        "format": "reconciler.diff",
        "format_version": "1.0",
        "same": found.same,
        "same_digest": found.same_digest,
        "old": _side(found.old),
        "new": _side(found.new),
        "summary": {kind.value: kinds.count(kind) for kind in Kind},
        "tasks": [_task(task) for task in found.tasks],
        "policies": [_part(part, "name") for part in found.policies],
        "scopes": [_part(part, "target", "resource") for part in found.scopes],
        "general": [_field(field) for field in found.general],
        "diagnostics": {
            "added": document_of(found.notes_added),
            "removed": document_of(found.notes_removed),
        },
    }


def _side(plan: Plan) -> Document:
    return {
        "created_at": format_timestamp(plan.created_at),
        "tool_version": plan.tool_version,
        "digest": plan.digest,
        "configuration": plan.configuration.digest,
        "outcome": plan.outcome,
        "summary": asdict(plan.summary),
    }


def _task(task: TaskDifference) -> Document:
    return {
        "id": "/".join(task.key),
        "target": task.key.target,
        "resource": task.key.resource,
        "task_id": task.key.id,
        "kind": task.kind.value,
        "before": _standing(task.before),
        "now": _standing(task.now),
        "fields": [_field(field) for field in task.fields],
    }


def _standing(standing: Standing | None) -> Document | None:
    if standing is None:
        return None
    change, blocked, protected = standing.change, standing.blocked, standing.protected
    return {
        "steps": [step.value for step in change.steps] if change else [],
        "policies": list(change.policies) if change else [],
        "blocked_for": list(blocked.policies) if blocked else [],
        "protected_from": list(protected.policies) if protected else [],
        "protections": list(protected.protections) if protected else [],
        "status": standing.status,
    }


def _part(part: Part, *keys: str) -> Document:
    """`keys` are those of the parts of its name."""
    name = dict(zip(keys, part.name, strict=True))
    return {**name, "kind": part.kind.value, "fields": [_field(field) for field in part.fields]}


def _field(found: FieldDifference) -> Document:
    return {"field": found.field, "before": _plain(found.before), "now": _plain(found.now), "item": found.item}


def _plain(value: FieldValue | None) -> str | int | list[str] | None:
    return list(value) if isinstance(value, tuple) else value
