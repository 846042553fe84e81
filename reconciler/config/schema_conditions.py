"""JSON Schema of the conditions in a selector: one value, a list of values, or operators, by type of field."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.config.schema_parts import Schema, choice, described, either, flag, list_of, snippet, text
from reconciler.config.schema_settings import DURATION_PATTERN
from reconciler.selectors.operands import LIST_OPERATORS, OPERATORS, TYPE_NAMES
from reconciler.selectors.syntax import Operator
from reconciler.tasks.field import FieldType
from reconciler.tasks.status import Status

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["STATUS_MEANINGS", "condition", "condition_definitions", "status_condition"]

_TIMESTAMP: Final = (
    "^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:[.,][0-9]+)?(?:[Zz]|[+-][0-9]{2}:?[0-9]{2})$"
)

STATUS_MEANINGS: Final[Mapping[str, str]] = {
    Status.PENDING.value: "Waits in the queue; it can be canceled.",
    Status.RUNNING.value: "Is being worked on; nothing can be done about it until it ends.",
    Status.SUCCEEDED.value: "Has ended well. Its record can be deleted where the vendor has a call for it.",
    Status.FAILED.value: "Has ended badly. Its record can be deleted where the vendor has a call for it.",
    Status.CANCELED.value: "Was canceled. Its record can be deleted where the vendor has a call for it.",
}
"""The statuses that a selector can name, whatever the vendor calls them."""

_MEANINGS: Final = {
    Operator.EQ: "Equal to this; the same as the plain value.",
    Operator.NE: "Not equal to this. A task without the field is not selected.",
    Operator.IN: "Equal to any of these; the same as a plain list.",
    Operator.NOT_IN: "Equal to none of these. A task without the field is not selected.",
    Operator.GLOB: "The whole text is like this, with case: * any run of characters, ? one, [abc] and [!abc] sets.",
    Operator.REGEX: "Contains a match of this regular expression (syntax of RE2). Anchor it with ^ and $ yourself.",
    Operator.CONTAINS: "Contains this text, or has this member.",
    Operator.EXISTS: "Whether the task has the field at all; an empty one counts as missing.",
    Operator.GT: "Greater than this.",
    Operator.GTE: "Greater than this, or equal.",
    Operator.LT: "Less than this.",
    Operator.LTE: "Less than this, or equal.",
    Operator.OLDER_THAN: "Longer ago than this duration: 90s, 15m, 6h, 7d, 2w or several, such as 1d12h.",
    Operator.NEWER_THAN: "Less long ago than this duration: 90s, 15m, 6h, 7d, 2w or several, such as 1d12h.",
    Operator.BEFORE: "Before this time, as RFC 3339 with a zone.",
    Operator.AFTER: "After this time, as RFC 3339 with a zone.",
}
_EXAMPLES: Final[Mapping[Operator, tuple[object, ...]]] = {
    Operator.GLOB: ("legal-*", "*.mp4"),
    Operator.REGEX: ("^tmp/[0-9]+/", r"\.(mov|avi)$"),
    Operator.CONTAINS: ("keep", "7000523"),
    Operator.EXISTS: (True, False),
    Operator.OLDER_THAN: ("6h", "30d"),
    Operator.NEWER_THAN: ("15m", "1d12h"),
    Operator.BEFORE: ("2025-01-31T08:00:00Z", "2025-01-31T08:00:00+08:00"),
    Operator.AFTER: ("2025-01-31T08:00:00Z", "2025-01-31T08:00:00+08:00"),
}
_VALUES: Final[Mapping[FieldType, tuple[object, object]]] = {
    FieldType.STRING: ("drafts", "previews"),
    FieldType.INTEGER: (50, 100),
    FieldType.STATUS: ("succeeded", "failed"),
}
"""Two values of each type that can be compared for equality."""


def condition_definitions() -> dict[str, Schema]:
    """The conditions of each type of field."""
    plain = {f"condition.{kind}": condition(kind) for kind in FieldType if kind is not FieldType.STATUS}
    return plain | {f"condition.{FieldType.STATUS}": status_condition(STATUS_MEANINGS, FieldType.STATUS)}


def condition(kind: FieldType) -> Schema:
    """A condition on a field of this type."""
    value: Schema = {"type": "integer"} if kind is FieldType.INTEGER else text()
    return {"title": f"condition on {TYPE_NAMES[kind]}", **_condition(kind, value, _VALUES.get(kind, ()))}


def status_condition(words: Mapping[str, str], kind: FieldType = FieldType.STRING) -> Schema:
    """A condition on a field that has one of these words, with their meanings."""
    return {
        "title": "condition on a status",
        "defaultSnippets": [snippet(word, meaning, word) for word, meaning in words.items()],
        **_condition(kind, choice(words), tuple(words)[-2:]),
    }


def _condition(kind: FieldType, value: Schema, examples: tuple[object, ...]) -> Schema:
    operators: Schema = {
        "type": "object",
        "minProperties": 1,
        "additionalProperties": False,
        "properties": {operator.value: _operand(operator, value, examples) for operator in OPERATORS[kind]},
    }
    if Operator.EQ not in OPERATORS[kind]:
        offered = ", ".join(operator.value for operator in OPERATORS[kind])
        return operators | {"errorMessage": f"{TYPE_NAMES[kind]} takes operators: {offered}"}
    return either("object", operators, either("array", list_of(value), value))


def _operand(operator: Operator, value: Schema, values: tuple[object, ...]) -> Schema:
    if operator in LIST_OPERATORS:
        return described(list_of(value), _MEANINGS[operator], list(values))
    return described(_operand_type(operator, value), _MEANINGS[operator], *_EXAMPLES.get(operator, values))


def _operand_type(operator: Operator, value: Schema) -> Schema:
    match operator:
        case Operator.EXISTS:
            return flag()
        case Operator.OLDER_THAN | Operator.NEWER_THAN:
            return text(DURATION_PATTERN, "a duration such as 6h or 30d")
        case Operator.BEFORE | Operator.AFTER:
            return text(_TIMESTAMP, "a time such as 2025-01-31T08:00:00Z")
        case Operator.GLOB | Operator.REGEX | Operator.CONTAINS:
            return text()
        case _:
            return value
