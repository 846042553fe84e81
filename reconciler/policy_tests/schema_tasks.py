"""JSON Schema of the tasks in a test: per resource type the legal fields, statuses and values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.config.schema_parts import Schema, described, list_of, optional, record, reference, text
from reconciler.tasks.field import FieldType
from reconciler.tasks.status import OBSERVABLE
from reconciler.tasks.timestamps import DURATION_PATTERN, TIMESTAMP_PATTERN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.tasks.catalogue import Catalogue
    from reconciler.tasks.field import Field
    from reconciler.tasks.resource_type import ResourceType

__all__ = ["task_definitions", "tasks_by_resource", "tasks_key"]

_MOMENT: Final = f"{TIMESTAMP_PATTERN}|{DURATION_PATTERN}|^0s$"
_ANY: Final = "any"
_EXAMPLES: Final = {
    "id": "a1",
    "upload_url": "https://legacy.example.com/video.mp4",
    "input.bucket": "uploads",
    "input.object": "season-1/1.mp4",
    "output.bucket": "media",
    "output.object": "season-1/1.m3u8",
}


def tasks_by_resource(catalogue: Catalogue) -> list[Schema]:
    """Conditions on a test: its tasks have the fields of the resource type that it names.

    Where it names none, each task may, and else they follow from a policy that no schema can see.
    """
    conditions: list[Schema] = [{"if": {"required": ["resource"]}, "else": _of(_ANY)}]
    conditions += ({"if": _names(name), "then": _of(name)} for name in sorted(catalogue.resource_types))
    return conditions


def tasks_key(tasks: Schema) -> Schema:
    """The key `tasks` of a test."""
    one, other = {"id": "a1", "status": "pending", "created_at": "8h"}, {"id": "a2", "status": "running"}
    return described(tasks, "The tasks that are there, and no others.", [one], [one, other])


def _of(resource: str) -> Schema:
    return {"properties": {"tasks": tasks_key(optional(_tasks(resource)))}}


def task_definitions(catalogue: Catalogue) -> dict[str, Schema]:
    """A task of each resource type, one of any type, and one that names its own."""
    rows = sorted(catalogue.resource_types.values(), key=lambda row: row.name)
    own: list[Schema] = [{"if": _names(row.name), "then": reference(f"task.{row.name}")} for row in rows]
    kind = {"properties": {"resource": _kind(rows)}}
    return {
        "task.own": {"description": "A task that names its kind.", **kind, "allOf": own},
        f"task.{_ANY}": _task(rows, "A task whose kind follows from the policies in expect."),
        **{f"task.{row.name}": _task([row], row.summary) for row in rows},
    }


def _names(resource: str) -> Schema:
    return {"type": "object", "properties": {"resource": {"const": resource}}, "required": ["resource"]}


def _tasks(resource: str) -> Schema:
    # A task that is not even begun is no mapping, and is offered the keys of the test's resource type.
    its_own = {"type": "object", "required": ["resource"]}
    return list_of({"if": its_own, "then": reference("task.own"), "else": reference(f"task.{resource}")})


def _task(rows: Sequence[ResourceType], description: str) -> Schema:
    fields = {
        "target": described(text(), "Where the task is.", *dict.fromkeys(f"{row.provider}-prod" for row in rows)),
        "resource": _kind(rows),
    }
    for field in (field for row in rows for field in row.fields.values()):
        if field.name not in fields:
            value, examples = _value(field, rows)
            fields[field.name] = described(value, f"{field.summary}.", *examples)
    return described(record(fields, ("id",)), description)


def _kind(rows: Sequence[ResourceType]) -> Schema:
    names = [row.name for row in rows]
    return described({"enum": names}, "What kind of task it is.", *names)


def _value(field: Field, rows: Sequence[ResourceType]) -> tuple[Schema, Sequence[object]]:
    """The schema of a field's value, with examples. Where rows give it several types, that is left to the program."""
    if len({row.fields[field.name].type for row in rows if field.name in row.fields}) > 1:
        return {}, ["text"]
    if field.name == "provider_status":
        return text(), list(dict.fromkeys(word for row in rows for word in row.statuses))
    match field.type:
        case FieldType.STATUS:
            reached = {status for row in rows for status in row.statuses.values()}
            words = [status.value for status in OBSERVABLE if status in reached]
            return {"enum": words}, words
        case FieldType.INTEGER:
            return {"type": "integer"}, [field.example or 0]
        case FieldType.TIMESTAMP:
            moment = text(_MOMENT, "a time such as 2026-11-01T12:00:00Z, or an age such as 8h")
            return moment, ["8h", "2026-11-01T04:00:00Z"]
        case FieldType.STRINGS:
            return {"type": "array", "items": text()}, [[field.example or "text"]]
        case FieldType.STRING:
            return text(), [_EXAMPLES.get(field.name, field.example or "text")]
