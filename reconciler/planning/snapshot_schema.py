"""JSON Schema (draft-07) of a snapshot. Unknown keys are allowed: a later minor version may add some."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.planning.schema import DEFINITIONS, NAME, RESOURCE, TEXT, TIME, VERSION, array, obj, optional, ref
from reconciler.tasks.observation import Completeness
from reconciler.tasks.status import OBSERVABLE, Status

if TYPE_CHECKING:
    from reconciler.planning.schema import Schema

__all__ = ["SNAPSHOT_SCHEMA"]

_WORD: Schema = {"type": "string", "minLength": 1}

_TASK = obj(
    {
        "id": {**_WORD, "description": "The id that the cloud gave the task."},
        "status": {
            "enum": [*(status.value for status in OBSERVABLE), Status.UNKNOWN.value],
            "description": "Follows from `provider_status`; `unknown` for a vendor status that is not documented.",
        },
        "values": {
            "type": "object",
            "description": "The other fields that the task has; times in RFC 3339.",
            "additionalProperties": {"type": ["string", "integer", "array"], "minItems": 1, "items": _WORD},
        },
    },
    "One task. Queries of URLs are replaced by a short hash.",
)

_SCOPE = obj(
    {
        "target": NAME,
        "resource": RESOURCE,
        "completeness": {
            "enum": [value.value for value in Completeness],
            "description": "`unstable`: other tasks may have been there. `failed`: nothing is known of the scope.",
        },
        "error": {**optional(ref("fault")), "description": "Why it was not listed whole."},
        "clock_skew": {
            "type": "integer",
            "description": "Seconds that the cloud's clock was ahead of that of `taken_at`; left out where they agree.",
        },
        "unfound": {
            **array(_WORD),
            "description": "Entries of the inventory that the cloud does not know; left out where there are none.",
        },
        "statuses": {
            **optional(array(_WORD)),
            "description": "The vendor statuses that were listed; null for all.",
        },
        "tasks": array(_TASK, "Ordered by time of creation and id."),
    },
    "One (target, resource type), and what listing it brought.",
    without=["clock_skew", "unfound"],
)

SNAPSHOT_SCHEMA: Schema = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    "title": "Snapshot of media-reconciler: what `plan --save-snapshot` listed",
    **obj(
        {
            "format": {"const": "reconciler.snapshot"},
            "format_version": VERSION,
            "tool_version": TEXT,
            "taken_at": {**TIME, "description": "When the listing began; RFC 3339, UTC, whole seconds."},
            "scopes": array(_SCOPE),
        }
    ),
    "definitions": {"fault": DEFINITIONS["fault"]},
}
