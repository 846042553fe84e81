"""The JSON Schema of a configuration file, built from the resource types and providers that are installed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.config.schema_match import any_match_schema, match_definitions, match_schema
from reconciler.config.schema_parts import Schema, described, optional, rendered, variable_definitions
from reconciler.config.schema_policies import policies_schema, policy_definitions
from reconciler.config.schema_protections import protections_schema
from reconciler.config.schema_settings import settings_schema
from reconciler.config.schema_targets import target_definitions, targets_schema

if TYPE_CHECKING:
    from reconciler.tasks.catalogue import Catalogue

__all__ = ["build_schema", "render_schema", "structure_schema"]


def build_schema(catalogue: Catalogue) -> Schema:
    """JSON Schema (draft-07) of one file, for editors and other tools: everything that can be checked without
    looking at other files, variables or the order of a task's states."""
    policies = policy_definitions(catalogue, match_schema) | match_definitions(catalogue)
    definitions = variable_definitions(expanded=False) | policies
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "reconciler configuration",
        "description": "Which media-processing tasks may exist, and where.",
        **_document(catalogue, definitions, protections_schema(catalogue, any_match_schema)),
    }


def structure_schema(catalogue: Catalogue) -> Schema:
    """The same for data whose variables were expanded; without selectors, which are parsed and checked on their own."""
    definitions = variable_definitions(expanded=True) | policy_definitions(catalogue, lambda _: {})
    return _document(catalogue, definitions, protections_schema(catalogue, None))


def render_schema(catalogue: Catalogue) -> str:
    """`build_schema` as it is written to `schemas/reconciler.schema.json`, with a final newline.

    Keys stay in the order in which people write them, which is also that of the editors' skeletons.
    """
    return rendered(build_schema(catalogue)) + "\n"


def _document(catalogue: Catalogue, definitions: dict[str, Schema], protections: Schema) -> Schema:
    return {
        "type": "object",
        "required": ["version"],
        "additionalProperties": False,
        "properties": {
            "version": described({"const": 1}, "Version of this format. Every file needs it.", 1, default=1),
            "settings": optional(settings_schema()),
            "targets": optional(targets_schema(catalogue)),
            "protect": optional(protections),
            "policies": optional(policies_schema(catalogue)),
        },
        "definitions": target_definitions(catalogue) | definitions,
    }
