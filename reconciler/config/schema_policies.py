"""JSON Schema of `policies` and `protect`, told apart by resource type so that editors complete fields and values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.config.schema_parts import Schema, either, glob, map_of_named, record, text, whole_number
from reconciler.config.schema_targets import limits_schema

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.tasks.catalogue import Catalogue
    from reconciler.tasks.resource_type import ResourceType

__all__ = ["policies_schema", "policy_definitions", "protections_schema"]


def policies_schema(catalogue: Catalogue) -> Schema:
    names = sorted(catalogue.resource_types)
    branches = [
        {
            "if": {"properties": {"resource": {"const": name}}, "required": ["resource"]},
            "then": {"$ref": f"#/definitions/policy.{name}"},
        }
        for name in names
    ]
    any_match: Schema = {"description": "Which tasks the policy is about: `all`, or conditions on fields."}
    # The keys are closed here too, so that they are checked where `resource` is wrong.
    policy = record(_keys(text("The kind of task."), any_match, []), _REQUIRED, allOf=branches)
    policy["properties"] = {
        **_mapping(policy["properties"]),
        "resource": {"description": "The kind of task.", "enum": names},
    }
    return map_of_named("a policy", policy, "Policies: how many tasks may match a selector, by name.")


def policy_definitions(catalogue: Catalogue, match: Callable[[ResourceType], Schema]) -> dict[str, Schema]:
    """What a policy on each resource type may say; `match` gives the schema of its selector."""
    return {
        f"policy.{name}": {
            "description": resource.summary,
            "properties": {
                "match": match(resource),
                "ensure": {"then": {"properties": {"per": _per(list(resource.fields))}}, "if": {"type": "object"}},
            },
        }
        for name, resource in catalogue.resource_types.items()
    }


def protections_schema(match: Schema) -> Schema:
    protection = record(
        {"resource": glob("The kinds of task that are protected."), "match": match}, {"resource", "match"}
    )
    return map_of_named("a protection", protection, "Tasks that no policy may touch: their match is true or unknown.")


_REQUIRED = ("resource", "match", "ensure")


def _keys(resource: Schema, match: Schema, fields: list[str]) -> dict[str, Schema]:
    return {
        "description": {"description": "What the policy is for.", "type": "string"},
        "resource": resource,
        "targets": {
            "description": "Targets it holds on; default: every target of the provider.",
            "type": "array",
            "minItems": 1,
            "items": glob("Name of a target, or a glob."),
        },
        "match": match,
        "ensure": _ensure(fields),
        "limits": limits_schema("Guards of this policy; default: those of the settings."),
        "suspend": {"description": "Leave this policy out of every run.", "type": "boolean"},
        "on_blocked": {
            "description": "Whether tasks that nothing can be done about are reported, or make the run fail.",
            "enum": ["report", "fail"],
        },
    }


def _ensure(fields: list[str]) -> Schema:
    quota = record(
        {
            "at_most": whole_number("How many matching tasks may exist in each group.", 0),
            "per": _per(fields),
            "keep": {"description": "Which tasks of a group stay; default: newest.", "enum": ["newest", "oldest"]},
        },
        {"at_most"},
    )
    description = "`absent`: no task may match. `{at_most: N, per: [fields], keep: newest|oldest}`: no more than N."
    return either("object", quota, {"enum": ["absent"]}, description)


def _per(fields: list[str]) -> Schema:
    item: Schema = {"enum": sorted(fields)} if fields else {"type": "string"}
    return {
        "description": "Fields whose equal values make a group; default: one group of all.",
        "type": "array",
        "minItems": 1,
        "uniqueItems": True,
        "items": item,
    }


def _mapping(value: object) -> dict[str, object]:
    return dict(value) if isinstance(value, dict) else {}
