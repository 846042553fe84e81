"""The JSON Schema of a configuration file, built from the resource types and providers that are installed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from reconciler.config.schema_match import any_match_schema, match_definitions, match_schema
from reconciler.config.schema_parts import Schema, optional
from reconciler.config.schema_policies import policies_schema, policy_definitions, protections_schema
from reconciler.config.schema_targets import settings_schema, target_definitions, targets_schema

if TYPE_CHECKING:
    from reconciler.tasks.catalogue import Catalogue

__all__ = ["build_schema", "render_schema", "structure_schema"]


def build_schema(catalogue: Catalogue) -> Schema:
    """JSON Schema (draft-07) of one file, for editors and other tools: everything that can be checked without
    looking at other files, variables or the order of a task's states."""
    definitions = match_definitions(catalogue) | policy_definitions(catalogue, match_schema)
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "reconciler configuration",
        "description": "Which media-processing tasks may exist, and where.",
        **_document(catalogue, any_match_schema(), definitions),
    }


def structure_schema(catalogue: Catalogue) -> Schema:
    """The same without selectors, which are parsed and checked on their own."""
    return _document(catalogue, {}, policy_definitions(catalogue, lambda _: {}))


def render_schema(catalogue: Catalogue) -> str:
    """`build_schema` as it is written to `schemas/reconciler.schema.json`: sorted, indented, with a final newline."""
    return json.dumps(build_schema(catalogue), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _document(catalogue: Catalogue, protected: Schema, definitions: dict[str, Schema]) -> Schema:
    return {
        "type": "object",
        "required": ["version"],
        "additionalProperties": False,
        "properties": {
            "version": {"description": "Version of this format.", "const": 1},
            "settings": optional(settings_schema()),
            "targets": optional(targets_schema(catalogue)),
            "protect": optional(protections_schema(protected)),
            "policies": optional(policies_schema(catalogue)),
        },
        "definitions": target_definitions(catalogue) | definitions,
    }
