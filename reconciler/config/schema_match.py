"""JSON Schema of selectors, so that editors complete fields, operators and values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.selectors.operands import LIST_OPERATORS, OPERATORS
from reconciler.selectors.syntax import Operator
from reconciler.tasks.field import FieldType
from reconciler.tasks.status import OBSERVABLE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.config.schema_parts import Schema
    from reconciler.tasks.catalogue import Catalogue
    from reconciler.tasks.resource_type import ResourceType

__all__ = ["any_match_schema", "match_definitions", "match_schema"]

_ANY = "any"
_DURATION = "^[0-9]+[wdhms](?:[0-9]+[dhms])*$"
_TIMESTAMP = "^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]+)?(?:[Zz]|[+-][0-9]{2}:?[0-9]{2})$"

_MEANINGS = {
    Operator.EQ: "Equal.",
    Operator.NE: "Not equal; a task without the field is not selected.",
    Operator.IN: "Equal to any of these.",
    Operator.NOT_IN: "Equal to none of these; a task without the field is not selected.",
    Operator.GLOB: "Like, case-sensitive: `*` any run of characters, `?` one, `[abc]` and `[!abc]` sets.",
    Operator.REGEX: "Contains a match of this regular expression (RE2); anchor it yourself.",
    Operator.CONTAINS: "Contains this text, or this member of a list.",
    Operator.EXISTS: "Whether the task has the field at all.",
    Operator.GT: "Greater than.",
    Operator.GTE: "Greater than or equal.",
    Operator.LT: "Less than.",
    Operator.LTE: "Less than or equal.",
    Operator.OLDER_THAN: "Longer ago than this, such as 6h or 30d.",
    Operator.NEWER_THAN: "Less long ago than this, such as 6h or 30d.",
    Operator.BEFORE: "Before this time (RFC 3339 with a zone).",
    Operator.AFTER: "After this time (RFC 3339 with a zone).",
}


def match_schema(resource: ResourceType) -> Schema:
    """The `match` of a policy on `resource`."""
    return _match(resource.name)


def any_match_schema() -> Schema:
    """The `match` of a protection, whose resource types a schema cannot tell: fields of any of them."""
    return _match(_ANY)


def match_definitions(catalogue: Catalogue) -> dict[str, Schema]:
    """Selectors of each resource type, and one of all of them together."""
    resources = catalogue.resource_types.values()
    definitions = {f"match.{row.name}": _selector(row.name, _conditions([row])) for row in resources}
    conditions = {f"condition.{kind}": _condition(kind, _value(kind)) for kind in FieldType}
    return conditions | definitions | {f"match.{_ANY}": _selector(_ANY, _conditions(resources))}


def _match(name: str) -> Schema:
    return {
        "description": "Which tasks: `all`, or conditions on fields, ANDed; `all: [...]`, `any: [...]`, `not: {...}`.",
        "if": {"type": "string"},
        "then": {"enum": ["all"]},
        "else": {"$ref": f"#/definitions/match.{name}"},
    }


def _selector(name: str, conditions: dict[str, Schema]) -> Schema:
    nested: Schema = {"$ref": f"#/definitions/match.{name}"}
    several: Schema = {"type": "array", "minItems": 1, "items": nested}
    combinators: dict[str, Schema] = {
        "all": {"description": "All of these hold.", **several},
        "any": {"description": "At least one of these holds.", **several},
        "not": {"description": "This does not hold; what is unknown stays unknown.", "allOf": [nested]},
    }
    return {"type": "object", "minProperties": 1, "additionalProperties": False, "properties": conditions | combinators}


def _conditions(resources: Iterable[ResourceType]) -> dict[str, Schema]:
    """Conditions by field; where resource types give a field several types, it is left to the program."""
    found: dict[str, Schema] = {}
    kinds: dict[str, FieldType] = {}
    rows = list(resources)
    words = sorted({word for row in rows for word in row.statuses})
    for field in (field for row in rows for field in row.fields.values()):
        if kinds.setdefault(field.name, field.type) is not field.type:
            found[field.name] = {"description": field.summary}
        elif field.name == "provider_status" and words:
            found[field.name] = {"description": field.summary, **_condition(field.type, {"enum": words})}
        else:
            found[field.name] = {"description": field.summary, "allOf": [_reference(field.type)]}
    return found


def _reference(kind: FieldType) -> Schema:
    return {"$ref": f"#/definitions/condition.{kind}"}


def _condition(kind: FieldType, value: Schema) -> Schema:
    operators: Schema = {
        "type": "object",
        "minProperties": 1,
        "additionalProperties": False,
        "properties": {operator.value: _operand(operator, value) for operator in OPERATORS[kind]},
    }
    if Operator.EQ not in OPERATORS[kind]:
        return operators
    return {
        "if": {"type": "object"},
        "then": operators,
        "else": {"if": {"type": "array"}, "then": {"type": "array", "minItems": 1, "items": value}, "else": value},
    }


def _value(kind: FieldType) -> Schema:
    match kind:
        case FieldType.STATUS:
            return {"enum": [status.value for status in OBSERVABLE]}
        case FieldType.INTEGER:
            return {"type": "integer"}
        case _:
            return {"type": "string", "minLength": 1}


def _operand(operator: Operator, value: Schema) -> Schema:
    return {"description": _MEANINGS[operator], **_operand_type(operator, value)}


def _operand_type(operator: Operator, value: Schema) -> Schema:
    if operator in LIST_OPERATORS:
        return {"type": "array", "minItems": 1, "items": value}
    match operator:
        case Operator.EXISTS:
            return {"type": "boolean"}
        case Operator.OLDER_THAN | Operator.NEWER_THAN:
            return {
                "type": "string",
                "pattern": _DURATION,
                "patternErrorMessage": "must be a duration such as 6h or 30d",
            }
        case Operator.BEFORE | Operator.AFTER:
            return {
                "type": "string",
                "pattern": _TIMESTAMP,
                "patternErrorMessage": "must be a time such as 2025-01-31T08:00:00Z",
            }
        case Operator.GLOB | Operator.REGEX | Operator.CONTAINS:
            return {"type": "string", "minLength": 1}
        case _:
            return value
