"""The JSON Schema (draft-07) of a test file, built from the resource types that are installed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.config.schema_match import by_key
from reconciler.config.schema_parts import (
    NAME_PATTERN,
    Schema,
    described,
    either,
    glob,
    list_of,
    map_of_named,
    optional,
    optional_choice,
    record,
    reference,
    rendered,
    snippet,
    text,
    whole_number,
)
from reconciler.policy_tests.model import Fate
from reconciler.tasks.resource_type import Action
from reconciler.tasks.task import OBSERVABLE, FieldType
from reconciler.tasks.timestamps import DURATION_PATTERN, TIMESTAMP_PATTERN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.tasks.resource_type import Catalogue, ResourceType
    from reconciler.tasks.task import Field

_FATES = {
    Fate.CHANGE: "Tasks that the policy changes: all of them, any other change that it asks for fails the test.",
    Fate.KEEP: "Tasks that the policy leaves alone, because they do not match or are within its quota.",
    Fate.BLOCKED: "Tasks that the policy wants out and no operation can take out. Where it is given: all of them.",
    Fate.PROTECTED: "Tasks that the policy wants out and a protection holds. Where it is given: all of them.",
    Fate.REFUSED: (
        "Tasks that the policy wants out and a guard refuses. Where it is given: all of them. Guards are in force in "
        "tests that say something here, or under deferred."
    ),
    Fate.DEFERRED: "Tasks that the policy leaves to later runs, by its limits. Where it is given: all of them.",
    Fate.REPORTED: (
        "Tasks that the policy wants out and only reports: in report mode, or outside its window by the clock of the "
        "test. Where it is given: all of them."
    ),
}
_NOON = "2026-11-01T12:00:00Z"
_CLOCK = text(TIMESTAMP_PATTERN, f"a time with a zone, such as {_NOON}")
_EXPECT = {"no-stale-uploads": {"change": ["a1"]}}
_TEST = {"snapshot": "snapshots/november.json", "expect": _EXPECT}
"""An example. Editors cannot insert one with mappings in a list, as `tasks` has."""


def build_schema(catalogue: Catalogue) -> Schema:
    """JSON Schema of one test file, for editors: everything that can be checked without the configuration."""
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "reconciler policy tests",
        "description": "Unit tests of policies: tasks, a frozen clock, and what is expected to become of them.",
        **_document(catalogue, _CLOCK, {"type": "array"}, allOf=tasks_by_resource(catalogue)),
        "definitions": task_definitions(catalogue),
    }


def structure_schema(catalogue: Catalogue) -> Schema:
    """The same without clocks and the fields of tasks, which are parsed and checked on their own."""
    return _document(catalogue, text(), list_of({"type": "object"}))


def render_schema(catalogue: Catalogue) -> str:
    """`build_schema` as it is written to `schemas/reconciler-test.schema.json`, with a final newline."""
    return rendered(build_schema(catalogue)) + "\n"


def _document(catalogue: Catalogue, clock: Schema, tasks: Schema, **conditions: object) -> Schema:
    body = {"tasks": [{"id": "${1:a1}", "status": "${2:pending}"}], "expect": {"${3:policy}": {"change": ["${1:a1}"]}}}
    first = snippet("a test", "One task, and what is expected of it.", {"${4:what-holds}": body})
    tests = map_of_named("test", _test(catalogue, clock, tasks, **conditions), first) | {"minProperties": 1}
    shared = "The clock of all tests of the file, frozen. A test may have its own, and a snapshot has."
    return record(
        {
            "version": described({"const": 1}, "Version of this format. Every file needs it.", 1, default=1),
            "now": described(clock, shared, _NOON),
            "tests": described(tests, "Tests by name; a name says what holds.", {"old-ones-go": _TEST}),
        },
        ("version", "tests"),
    )


def _test(catalogue: Catalogue, clock: Schema, tasks: Schema, **conditions: object) -> Schema:
    names = sorted(catalogue.resource_types)
    kinds = optional_choice({name: catalogue.resource_types[name].summary for name in names})
    target = "Target of the tasks that name none. Default: the first one of the policies in expect."
    kind = "Kind of the tasks that name none. Default: that of the policies in expect."
    only = "Only these policies are there. Default: all of the configuration. Suspended ones stay suspended."
    saved = "File of plan --save-snapshot, relative to this file: its tasks are there, too, and its time is the clock."
    return record(
        {
            "description": described({"type": "string"}, "What the test is for.", "An upload of this morning stays."),
            "now": described(clock, "The clock of this test, frozen.", _NOON),
            "policies": described(list_of(glob("Name of a policy, or a glob.", "no-stale-*")), only, ["no-stale-*"]),
            "target": described(text(), target, "prod"),
            "resource": described(kinds, kind, *names),
            "tasks": tasks_key(tasks),
            "snapshot": described(text(), saved, "snapshots/november.json"),
            "expect": described(_expect(), "What is expected, by policy. {}: that nothing changes.", _EXPECT),
        },
        ("expect",),
        title="test",
        **conditions,
    )


def _expect() -> Schema:
    by_fate = {
        fate.value: described(_tasks_or_number(fate), f"{meaning} Their ids, or their number.", ["a1"], 3)
        for fate, meaning in _FATES.items()
    }
    of_one = described(
        record(by_fate), "What is expected of this policy. {}: that it changes nothing.", {"keep": ["a1"]}
    )
    return map_of_named("policy", of_one, snippet("a policy", "The tasks that it changes.", {"$1": {"change": ["$2"]}}))


def _tasks_or_number(fate: Fate) -> Schema:
    one = either("object", _one_task(fate), text())
    return either("integer", whole_number(0), {"type": "array", "items": described(one, "A task.", "a1")})


def _one_task(fate: Fate) -> Schema:
    where = "Its target, where several have a task of this id."
    keys = {
        "id": described(text(), "Id of the task.", "a1"),
        "target": described(text(NAME_PATTERN, "the name of a target"), where, "prod"),
    }
    if fate is Fate.CHANGE:
        steps = [[Action.CANCEL.value], [Action.DELETE.value], [Action.CANCEL.value, Action.DELETE.value]]
        keys["steps"] = described({"enum": steps}, "The operations, in order.", *steps)
    return record(keys, ("id",))


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
    task = record(fields, ("id",))
    return described(task | by_key(task["properties"]), description)  # type: ignore[arg-type]  # a mapping of schemas


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
