"""Building blocks of the JSON Schema (draft-07). Patterns are ECMA-262 and Python alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.config.environment import PLACEHOLDER

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = [
    "EMPTY",
    "NAME_PATTERN",
    "UNEXPANDED",
    "Schema",
    "either",
    "glob",
    "map_of_named",
    "optional",
    "record",
    "text",
    "whole_number",
]

Schema = dict[str, object]

NAME_PATTERN: Final = "^[a-z0-9][a-z0-9-]*$"
"""Names of targets, policies and protections."""

UNEXPANDED: Final[Schema] = {"type": "string", "pattern": PLACEHOLDER}
"""A variable that is not expanded yet. As second branch of `anyOf` it never speaks up: see structure.py."""

EMPTY: Final[Schema] = {"enum": [None, ""]}
"""An optional key without a value counts as absent; as a branch of `anyOf`, likewise silent."""


def text(description: str, pattern: str | None = None, expected: str = "", *, variables: bool = False) -> Schema:
    """Text that is not empty. `expected` says in words what `pattern` asks for; `variables` admits `${VAR}`."""
    schema: Schema = {"type": "string", "minLength": 1}
    if pattern:
        schema |= {"pattern": pattern, "patternErrorMessage": f"must be {expected}"}
    return _described(_with_variables(schema) if variables else schema, description)


def whole_number(description: str, least: int, most: int | None = None, *, variables: bool = False) -> Schema:
    schema: Schema = {"type": "integer", "minimum": least}
    if most is not None:
        schema["maximum"] = most
    return _described(_with_variables(schema) if variables else schema, description)


def with_variables(schema: Mapping[str, object]) -> Schema:
    """A provider's own schema of a scalar, which a variable may stand for."""
    inner = {key: value for key, value in schema.items() if key != "description"}
    return _described(_with_variables(inner), str(schema.get("description", "")))


def record(
    properties: Mapping[str, Schema], required: Iterable[str] = (), description: str = "", **more: object
) -> Schema:
    """A mapping with these keys and no others; keys that are not `required` may be left empty."""
    needed = sorted(required)
    closed = {key: schema if key in needed else optional(schema) for key, schema in properties.items()}
    schema: Schema = {"type": "object", "properties": closed, "additionalProperties": False, **more}
    if needed:
        schema["required"] = needed
    return _described(schema, description)


def map_of_named(what: str, schema: Schema, description: str) -> Schema:
    """A mapping from names to `schema`."""
    expected = f"a name for {what}: lower-case letters, digits and `-`, which is not first"
    names: Schema = {"pattern": NAME_PATTERN, "patternErrorMessage": f"must be {expected}"}
    return _described({"type": "object", "propertyNames": names, "additionalProperties": schema}, description)


def either(kind: str, then: Schema, otherwise: Schema, description: str) -> Schema:
    """`then` for values of JSON type `kind`, `otherwise` for all others: no riddles as with `oneOf`."""
    return _described({"if": {"type": kind}, "then": then, "else": otherwise}, description)


def glob(description: str) -> Schema:
    return text(f"{description} `*` matches any run of characters, `?` one, `[abc]` a set.")


def optional(schema: Schema) -> Schema:
    """`schema`, or nothing at all."""
    branches = schema.get("anyOf")
    if isinstance(branches, list):
        return {**schema, "anyOf": [*branches, EMPTY]}
    description = str(schema.get("description", ""))
    inner = {key: value for key, value in schema.items() if key != "description"}
    return _described({"anyOf": [inner, EMPTY]}, description)


def _with_variables(schema: Schema) -> Schema:
    return {"anyOf": [schema, UNEXPANDED]}


def _described(schema: Schema, description: str) -> Schema:
    return {"description": description, **schema} if description else schema
