"""Parts of the JSON Schemas (draft-07) of what is only written. Unknown keys are allowed everywhere."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from reconciler.tasks.fault import Meaning

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["DEFINITIONS", "obj", "optional", "render_schema"]

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
FLAG: Schema = {"type": "boolean"}
COUNT: Schema = {"type": "integer", "minimum": 0}
TIME: Schema = {
    "type": "string",
    "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$",
    "description": "RFC 3339, UTC, whole seconds.",
}
DIGEST: Schema = {"type": "string", "pattern": "^sha256:[0-9a-f]+$"}
VERSION: Schema = {"type": "string", "pattern": "^1\\.[0-9]+$"}
NAME: Schema = {"type": "string", "pattern": "^[a-z0-9][a-z0-9-]*$"}
RESOURCE: Schema = {"type": "string", "pattern": "^[A-Za-z0-9_-]+(\\.[A-Za-z0-9_-]+)*$"}


def obj(properties: Mapping[str, Schema], description: str = "", without: Iterable[str] = ()) -> Schema:
    """An object in which every property is required, save those named in `without`."""
    schema: Schema = {
        "type": "object",
        "required": sorted(set(properties) - set(without)),
        "properties": dict(properties),
    }
    return {"description": description, **schema} if description else schema


def array(items: Schema, description: str = "") -> Schema:
    schema: Schema = {"type": "array", "items": items}
    return {"description": description, **schema} if description else schema


def optional(schema: Schema) -> Schema:
    """`schema`, or null."""
    if "type" in schema and "enum" not in schema:
        return {**schema, "type": [schema["type"], "null"]}
    return {"anyOf": [schema, {"type": "null"}]}


def ref(name: str) -> Schema:
    return {"$ref": f"#/definitions/{name}"}


DEFINITIONS: dict[str, Schema] = {
    "fault": obj(
        {
            "meaning": {"enum": [meaning.value for meaning in Meaning]},
            "message": TEXT,
            "code": optional(TEXT),
            "http_status": optional({"type": "integer"}),
            "request_id": optional(TEXT),
        },
        "What the cloud, or the way to it, answered.",
    ),
    "note": obj(
        {
            "severity": {"enum": ["error", "warning"]},
            "message": TEXT,
            "target": optional(TEXT),
            "resource": optional(TEXT),
            "policy": optional(TEXT),
        },
        "Something a reader should know.",
    ),
}


def render_schema(schema: Schema) -> str:
    """The text of a published schema file."""
    return json.dumps(schema, indent=2, ensure_ascii=True) + "\n"
