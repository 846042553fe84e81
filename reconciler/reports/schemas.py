"""The published schemas of what is written as JSON. `python -m reconciler.reports.schemas schemas` writes them anew."""

from __future__ import annotations

import sys
from pathlib import Path

from reconciler.backends.entries import ActionState
from reconciler.documents.files import PLAN_FILE, REPORT_FILE
from reconciler.documents.schema import schema_text
from reconciler.documents.snapshot import SNAPSHOT_FILE
from reconciler.planning.schema import (
    COUNT,
    DEFINITIONS,
    FLAG,
    RESOURCE,
    TEXT,
    TIME,
    VERSION,
    Schema,
    array,
    obj,
    optional,
    ref,
    render_schema,
)
from reconciler.reports.difference.document import DIFFERENCE_SCHEMA
from reconciler.reports.why.document import WHY_SCHEMA
from reconciler.tasks.field import FieldType
from reconciler.tasks.resource_type import Action
from reconciler.tasks.status import OBSERVABLE

__all__ = ["published_schemas"]

_DRAFT = "http://json-schema.org/draft-07/schema#"
_STATUS: Schema = {"enum": [status.value for status in OBSERVABLE]}
_ACTION: Schema = {"enum": [action.value for action in Action]}
_FIELDS: Schema = {"type": ["string", "integer", "array"], "items": TEXT}

_QUERY: Schema = {
    "$schema": _DRAFT,
    "title": "Tasks that `reconciler query` found",
    **obj(
        {
            "format": {"const": "reconciler.tasks"},
            "format_version": VERSION,
            "resource": RESOURCE,
            "complete": {**FLAG, "description": "Whether every target could be listed whole."},
            "errors": array(obj({"target": TEXT, "message": TEXT}), "The targets that could not."),
            "tasks": array(
                {
                    **obj({"target": TEXT, "id": TEXT, "status": TEXT}, "One task, with all fields that it has."),
                    "additionalProperties": _FIELDS,
                }
            ),
        }
    ),
}

_RUN = obj(
    {
        "run_id": TEXT,
        "command": TEXT,
        "tool_version": TEXT,
        "plan_digest": {**TEXT, "description": "Empty for a run that only settled what an earlier one had left open."},
        "configuration_digest": TEXT,
        "started_at": TIME,
        "finished_at": {**optional(TIME), "description": "null, as outcome and the like: still running, or killed."},
        "took_ms": optional(COUNT),
        "outcome": optional(TEXT),
        "exit_code": optional(COUNT),
        "summary": {
            **optional({"type": "object", "additionalProperties": COUNT}),
            "description": "Changes by outcome.",
        },
        "host": TEXT,
        "pid": COUNT,
    },
    "One run.",
)
_KEY: dict[str, Schema] = {
    "id": {**TEXT, "description": "<target>/<resource>/<task_id>"},
    "target": TEXT,
    "resource": TEXT,
    "task_id": TEXT,
}
_ATTEMPT = obj(
    {
        **_KEY,
        "action": _ACTION,
        "attempt": COUNT,
        "state": {"enum": [state.value for state in ActionState]},
        "intended_at": TIME,
        "took_ms": optional(COUNT),
        "error": optional(ref("fault")),
        "request_id": optional(TEXT),
        "settled_by": {**optional(TEXT), "description": "The later run that found out what became of it."},
    },
    "One attempt at one call, written down before it was sent.",
)
_CHANGE = obj(
    {**_KEY, "outcome": TEXT, "before": TEXT, "now": optional(TEXT), "detail": TEXT}, "What became of a task."
)

_HISTORY: Schema = {
    "$schema": _DRAFT,
    "title": "What `reconciler history` says: of all runs, of one, of what it forgot, and of the locks that it freed",
    "oneOf": [
        obj(
            {
                "format": {"const": "reconciler.history"},
                "format_version": VERSION,
                "more": {**FLAG, "description": "Whether --limit kept others out."},
                "runs": array(ref("run"), "The latest first."),
            },
        ),
        obj(
            {
                "format": {"const": "reconciler.run"},
                "format_version": VERSION,
                "run": ref("run"),
                "actions": array(_ATTEMPT),
                "outcomes": array(_CHANGE),
            },
        ),
        obj(
            {
                "format": {"const": "reconciler.pruning"},
                "format_version": VERSION,
                "before": TIME,
                "pruned": COUNT,
                "unsettled": {
                    **COUNT,
                    "description": "Runs that stayed, since the next apply has to settle calls of theirs.",
                },
            },
        ),
        obj(
            {
                "format": {"const": "reconciler.unlocking"},
                "format_version": VERSION,
                "freed": array(
                    obj(
                        {
                            "group": TEXT,
                            "targets": array(TEXT, "What its holder calls the targets of that account."),
                            "host": TEXT,
                            "pid": COUNT,
                            "since": {**COUNT, "description": "Milliseconds since the epoch, UTC."},
                        }
                    ),
                    "At most one.",
                ),
            },
        ),
    ],
    "definitions": {"run": _RUN, "fault": DEFINITIONS["fault"]},
}

_TRANSITION = obj(
    {
        "from": _STATUS,
        "to": TEXT,
        "by": {"enum": [*_ACTION["enum"], "progress"], "description": "progress: the task gets there by itself."},
        "call": optional(TEXT),
    }
)
_OPERATION = obj(
    {"from": array(_STATUS), "to": TEXT, "call": TEXT, "tasks_per_call": {"type": "integer", "minimum": 1}}
)
_RESOURCE_TYPE = obj(
    {
        "name": RESOURCE,
        "summary": TEXT,
        "documentation": TEXT,
        "fields": {
            "type": "object",
            "additionalProperties": obj({"type": {"enum": [kind.value for kind in FieldType]}, "summary": TEXT}),
        },
        "statuses": {
            **obj({status.value: array(TEXT) for status in OBSERVABLE}),
            "description": "The vendor's words for each.",
        },
        "operations": {
            "type": "object",
            "propertyNames": _ACTION,
            "additionalProperties": _OPERATION,
        },
        "lifecycle": obj(
            {
                "states": array(obj({"status": _STATUS, "provider_statuses": array(TEXT), "dead_end": FLAG})),
                "transitions": array(_TRANSITION),
            }
        ),
        "list": {**TEXT, "description": "The call that lists tasks."},
        "permissions": {
            "type": "object",
            "additionalProperties": optional(TEXT),
            "description": "By call; null: the vendor publishes no name.",
        },
    },
    "One kind of task, and what can be done with it.",
)
_EXPLANATION: Schema = {
    "$schema": _DRAFT,
    "title": "Resource types, as `reconciler explain` describes them",
    **obj(
        {
            "format": {"const": "reconciler.resource_types"},
            "format_version": VERSION,
            "resource_types": array(_RESOURCE_TYPE),
        }
    ),
}


def published_schemas() -> dict[str, str]:
    """Text of each schema file, by its name."""
    return {
        "plan.schema.json": schema_text(PLAN_FILE.title, PLAN_FILE),
        "report.schema.json": schema_text(REPORT_FILE.title, REPORT_FILE),
        "snapshot.schema.json": schema_text(SNAPSHOT_FILE.title, SNAPSHOT_FILE),
        "diff.schema.json": render_schema(DIFFERENCE_SCHEMA),
        "why.schema.json": render_schema(WHY_SCHEMA),
        "query.schema.json": render_schema(_QUERY),
        "history.schema.json": render_schema(_HISTORY),
        "explain.schema.json": render_schema(_EXPLANATION),
    }


if __name__ == "__main__":
    for name, text in published_schemas().items():
        (Path(sys.argv[1]) / name).write_text(text, encoding="utf-8")
