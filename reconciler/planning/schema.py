"""JSON Schema (draft-07) of a saved plan, and the check of documents against a schema.

Unknown keys are allowed everywhere: a later minor version may add some. What a key means is said here once; the
published file `schemas/plan.schema.json` is written from it (`python -m reconciler.reports.schemas`).
"""

from __future__ import annotations

import json
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from reconciler.exceptions import InvalidPlan
from reconciler.planning.plan import Guard, Summary
from reconciler.redaction import presentable
from reconciler.tasks.fault import Meaning
from reconciler.tasks.observation import Completeness

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from reconciler.planning.strict_json import Document

__all__ = ["DEFINITIONS", "PLAN_SCHEMA", "check", "obj", "optional", "render_schema"]

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


_TASK: dict[str, Schema] = {
    "id": {**TEXT, "description": "<target>/<resource>/<task_id>, unique within the document."},
    "target": NAME,
    "resource": RESOURCE,
    "task_id": {**TEXT, "description": "The id that the cloud gave the task."},
    "policies": array(NAME, "The policies that ask for it."),
    "reason": {**TEXT, "description": "One sentence for a reviewer."},
    "observed": {
        "type": "object",
        "description": "Fields of the task as it was seen; queries of URLs replaced by a short hash.",
        "properties": {"status": TEXT},
        "additionalProperties": {"type": ["string", "integer", "array"], "items": {"type": "string"}},
    },
}

CHANGE: dict[str, Schema] = {
    **_TASK,
    "steps": {"enum": [["cancel"], ["delete"], ["cancel", "delete"]], "description": "The operations, in order."},
}

DEFINITIONS: dict[str, Schema] = {
    "change": obj(CHANGE, "The steps that take one task out of the selectors of its policies."),
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

_SPARED = obj({**_TASK, "protections": array(NAME)}, "A surplus task that is left alone.", without=["protections"])

_SCOPE = obj(
    {
        "target": NAME,
        "resource": RESOURCE,
        "tasks": {"type": "object", "additionalProperties": COUNT, "description": "Tasks seen, by status."},
        "requests": {**COUNT, "description": "Calls made, retries included."},
        "complete": FLAG,
        "completeness": {"enum": [value.value for value in Completeness]},
        "error": optional(ref("fault")),
    },
    "One (target, resource type), and how listing it went.",
)

_GUARD = obj(
    {
        "guard": {"enum": [guard.value for guard in Guard]},
        "limit": COUNT,
        "changes": COUNT,
        "basis": {**COUNT, "description": "Tasks that `max_percent` is a share of. No part of the digest."},
        "needed": {**COUNT, "description": "The least limit that would let the plan pass."},
        "breached": FLAG,
        "overridden": {**FLAG, "description": "It holds only for a limit of the command line."},
        "target": optional(TEXT),
        "resource": {**optional(TEXT), "description": "Set where the limit is of all policies together."},
    },
    "One limit against what a policy, or all policies together, would do.",
)

_POLICY = obj(
    {
        "name": NAME,
        "description": {**TEXT, "description": "Why the policy is there. No part of the digest."},
        "resource": RESOURCE,
        "targets": array(NAME),
        **dict.fromkeys(("matched", "surplus", "changes", "kept", "blocked", "protected", "unknown"), COUNT),
        "guards": array(_GUARD),
        "suspended": FLAG,
        "on_blocked": {"enum": ["report", "fail"]},
        "source": {
            **optional(obj({"file": TEXT, "line": {"type": "integer", "minimum": 1}})),
            "description": "Where the policy is written. No part of the digest.",
        },
    },
    "What one policy found over all its scopes, in tasks.",
)

PLAN_SCHEMA: Schema = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    "title": "Saved plan of media-reconciler",
    **obj(
        {
            "format": {"const": "reconciler.plan"},
            "format_version": VERSION,
            "tool_version": TEXT,
            "created_at": TIME,
            "expires_at": TIME,
            "configuration": obj({"digest": DIGEST, "files": array(TEXT)}, "What it was made from."),
            "overrides": obj(
                {"max_actions": optional(COUNT), "max_percent": optional(COUNT)}, "Limits given on the command line."
            ),
            "scopes": array(_SCOPE),
            "policies": array(_POLICY),
            "run_guards": array(_GUARD, "The limits of all policies together: of the run, and of each scope."),
            "changes": array(ref("change"), "Ordered by target, resource, time of creation and id."),
            "blocked": array(_SPARED, "Surplus tasks that no operation can take out of their policy now."),
            "protected": array(_SPARED, "Surplus tasks that a protection covers."),
            "summary": obj(
                dict.fromkeys((field.name for field in fields(Summary)), COUNT),
                "Totals in tasks: `changes` is `cancel` + `delete` + `cancel_then_delete`; `calls` counts their steps.",
            ),
            "outcome": {"enum": ["ok", "changes", "partial", "refused", "error"]},
            "causes": array(TEXT, "Everything that speaks against a plain `ok`, the decisive one first."),
            "diagnostics": array(ref("note")),
            "complete": {**FLAG, "description": "Every scope was observed whole."},
            "applyable": {**FLAG, "description": "`apply` would act on it."},
            "errored": {**FLAG, "description": "Some scope was not observed whole, so changes may be missing."},
            "digest": {
                **DIGEST,
                "description": "Over targets, policies, protections, limits and verdicts of guards, overrides, and all "
                "that is said of each change; not over times.",
            },
            "checksum": {
                **DIGEST,
                "description": "Over the whole document but itself. No signature: anybody can make it.",
            },
        }
    ),
    "definitions": DEFINITIONS,
}


def render_schema(schema: Schema) -> str:
    """The text of a published schema file."""
    return json.dumps(schema, indent=2, ensure_ascii=True) + "\n"


def check(document: Document, schema: Schema, source: str, *, oldest: int = 0) -> None:
    """Raise InvalidPlan unless `document` is what `schema` says; names the first place that is not.

    `oldest` is the least minor version that is still read.
    """
    expected, found = schema["properties"]["format"]["const"], document.get("format")
    if found != expected:
        given = repr(found) if isinstance(found, str) else "missing"
        raise InvalidPlan(
            f"{source}: format is {_short(given)}, not {expected!r}", f"give a file of the format {expected}"
        )
    version = document.get("format_version")
    if isinstance(version, str) and not version.startswith("1."):
        raise InvalidPlan(
            f"{source}: format_version {_short(repr(version))} cannot be read here, only 1.x",
            "use the version of reconciler that wrote the file, or make the plan again",
        )
    if isinstance(version, str) and version in {f"1.{minor}" for minor in range(oldest)}:
        raise InvalidPlan(
            f"{source}: format_version {version} is of an older reconciler, whose digest covers less of the work",
            "make the plan again, and have that reviewed",
        )
    if _holds(document, expected, schema):
        return
    import jsonschema  # noqa: PLC0415 - only to say what is wrong

    try:
        error = next(jsonschema.Draft7Validator(schema).iter_errors(document), None)
        # A name with a line break behind it passes there: in Python, `$` matches before one.
        where = "" if error is None else _dotted(error.absolute_path)
        what = "a name or a digest ends with a line break" if error is None else _short(error.message)
    except RecursionError:  # a deep value where a flat one belongs cannot even be quoted
        where, what = "", "nested too deeply"
    raise InvalidPlan(
        f"{source}: {f'{where}: ' if where else ''}{what}",
        "the file was torn or altered; use it as `reconciler` wrote it, or make the plan again",
    )


_compiled: dict[str, Callable[[Document], object]] = {}
"""The schema of each format as generated code, which checks ten times as fast as `jsonschema` walks the schema."""


def _holds(document: Document, name: str, schema: Schema) -> bool:
    """Whether the document is what the schema of the format `name` says; why not is left to `jsonschema`."""
    import fastjsonschema  # noqa: PLC0415 - only where a saved file is read

    if name not in _compiled:
        _compiled[name] = fastjsonschema.compile(schema, use_default=False)
    try:
        _compiled[name](document)
    except (fastjsonschema.JsonSchemaException, RecursionError):
        return False
    return True


def _dotted(path: Iterable[str | int]) -> str:
    """`changes[3].steps`"""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{_short(step)}" for step in path)
    return text.removeprefix(".")


def _short(text: str) -> str:
    text = presentable(text)
    return text if len(text) <= 200 else text[:199] + "…"
