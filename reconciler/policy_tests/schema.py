"""The JSON Schema (draft-07) of a test file, built from the resource types that are installed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.config.schema_parts import (
    NAME_PATTERN,
    Schema,
    described,
    either,
    glob,
    list_of,
    map_of_named,
    optional_choice,
    record,
    rendered,
    snippet,
    text,
    whole_number,
)
from reconciler.policy_tests.model import Fate
from reconciler.policy_tests.schema_tasks import task_definitions, tasks_by_resource, tasks_key
from reconciler.tasks.resource_type import Action
from reconciler.tasks.timestamps import TIMESTAMP_PATTERN

if TYPE_CHECKING:
    from reconciler.tasks.catalogue import Catalogue

__all__ = ["build_schema", "render_schema", "structure_schema"]

_FATES = {
    Fate.CHANGE: "Tasks that the policy changes: all of them, any other change that it asks for fails the test.",
    Fate.KEEP: "Tasks that the policy leaves alone, because they do not match or are within its quota.",
    Fate.BLOCKED: "Tasks that the policy wants out and no operation can take out. Where it is given: all of them.",
    Fate.PROTECTED: "Tasks that the policy wants out and a protection holds. Where it is given: all of them.",
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
