"""The operators of selectors: what differs between them is a row of one table.

Parsing, compiling, the static analysis, descriptions, the JSON Schema and the reference all read the row.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from types import MappingProxyType
from typing import Any

from reconciler.selectors.patterns import compile_glob, compile_regex, glob_size, program_size
from reconciler.selectors.syntax import Operand, Operator, composed
from reconciler.tasks.task import FieldType, Value

_Holds = Callable[[Any], bool]
"""Whether a condition holds of a value, which is of the field's type."""


class Form(Enum):
    """What stands after an operator: how it is read, checked by editors, and written."""

    VALUE = auto()
    """A value of the field's type."""
    VALUES = auto()
    """A list of them."""
    TEXT = auto()
    FLAG = auto()
    """Whether the field is to be there at all: the one question that a missing field answers."""
    DURATION = auto()
    """Counted back from the clock; without one the condition is unknown."""
    TIME = auto()


@dataclass(frozen=True, slots=True)
class Pattern:
    """How an operator matches texts. `whole`: all of a text, not any part of it.

    `compile` raises ValueError, whose text is for the user. `size` is the instructions that one character of a task may
    cost at the worst, `cost` the time of a usual match, relative to that of other conditions.
    """

    compile: Callable[[str], Callable[[str], bool]]
    size: Callable[[str], int]
    cost: int
    whole: bool


@dataclass(frozen=True, slots=True)
class OperatorSpec:
    """One operator."""

    operator: Operator
    types: tuple[FieldType, ...]
    """The types of field that it applies to."""
    form: Form
    holds: Callable[[Operand], _Holds]
    """What an operand asks of a value; of a duration, the moment that it leads back to. Raises TypeError for an operand
    that no parser makes."""
    words: str
    """How a description calls it, between field and operand."""
    meaning: str
    """A sentence for editors and the reference."""
    examples: tuple[object, ...] = ()
    """What may stand after it; none where that depends on the field."""
    pattern: Pattern | None = None
    negated: bool = False
    """It holds where `holds` does not. Of a field that is missing it is unknown all the same."""
    excludes: bool = False
    """To know that a field has none of the values of the operand is to know that `holds` does not."""
    plural: Operator | None = None
    """The operator that takes a list of such operands."""


def _equal(operand: Operand) -> _Holds:
    return lambda value: value == operand or _composed(value) == operand


def _among(operand: Operand) -> _Holds:
    if not isinstance(operand, tuple):
        raise TypeError(f"this operator takes a list, not {operand!r}")
    members = frozenset[str | int](operand)
    return lambda value: value in members or _composed(value) in members


def _contains(operand: Operand) -> _Holds:
    """Part of a text, or a member of a list of texts."""
    part = _text(operand)
    return lambda value: part in _composed(value)


def _matches(pattern: Pattern) -> Callable[[Operand], _Holds]:
    def holds(operand: Operand) -> _Holds:
        passes = pattern.compile(_text(operand))
        return lambda value: passes(composed(value))

    return holds


def _is(compare: Callable[[int, int], bool]) -> Callable[[Operand], _Holds]:
    def holds(operand: Operand) -> _Holds:
        if not isinstance(operand, int):
            raise TypeError(f"this operator takes a whole number, not {operand!r}")
        return lambda value: compare(value, operand)

    return holds


def _there(operand: Operand) -> _Holds:
    return lambda _: bool(operand)


def _composed(value: Value) -> Any:  # noqa: ANN401 - a value of the same type
    match value:
        case str():
            return composed(value)
        case tuple():
            return tuple(map(composed, value))
    return value


def _text(operand: Operand) -> str:
    if not isinstance(operand, str):
        raise TypeError(f"this operator takes a text, not {operand!r}")
    return operand


TYPE_NAMES: Mapping[FieldType, str] = MappingProxyType(
    {
        FieldType.STRING: "text",
        FieldType.INTEGER: "a whole number",
        FieldType.TIMESTAMP: "a timestamp",
        FieldType.STRINGS: "a list of texts",
        FieldType.STATUS: "a status",
    }
)
"""How messages name a type of field, after "is"."""

_EQUAL = (FieldType.STRING, FieldType.INTEGER, FieldType.STATUS)
_TEXT, _NUMBER, _TIME = (FieldType.STRING,), (FieldType.INTEGER,), (FieldType.TIMESTAMP,)
_GLOB = Pattern(compile_glob, glob_size, cost=8, whole=True)
_REGEX = Pattern(compile_regex, program_size, cost=30, whole=False)
_MOMENTS = ("2025-01-31T08:00:00Z", "2025-01-31T08:00:00+08:00")

# A table, which the formatter would stand on end.
# fmt: off
_ROWS = (
    OperatorSpec(Operator.EQ, _EQUAL, Form.VALUE, _equal, "is",
        "Equal to this; the same as the plain value.", excludes=True, plural=Operator.IN),
    OperatorSpec(Operator.NE, _EQUAL, Form.VALUE, _equal, "is not",
        "Not equal to this. A task without the field is not selected.",
        negated=True, excludes=True, plural=Operator.NOT_IN),
    OperatorSpec(Operator.IN, _EQUAL, Form.VALUES, _among, "is one of",
        "Equal to any of these; the same as a plain list.", excludes=True),
    OperatorSpec(Operator.NOT_IN, _EQUAL, Form.VALUES, _among, "is none of",
        "Equal to none of these. A task without the field is not selected.", negated=True, excludes=True),
    OperatorSpec(Operator.GLOB, _TEXT, Form.TEXT, _matches(_GLOB), "like",
        "The whole text is like this, with case: * any run of characters, ? one, [abc] and [!abc] sets.",
        ("legal-*", "*.mp4"), _GLOB),
    OperatorSpec(Operator.REGEX, _TEXT, Form.TEXT, _matches(_REGEX), "matches",
        "Contains a match of this regular expression (syntax of RE2). Anchor it with ^ and $ yourself.",
        ("^tmp/[0-9]+/", r"\.(mov|avi)$"), _REGEX),
    OperatorSpec(Operator.CONTAINS, (FieldType.STRING, FieldType.STRINGS), Form.TEXT, _contains, "contains",
        "Contains this text, or has this member.", ("keep", "7000523")),
    OperatorSpec(Operator.GT, _NUMBER, Form.VALUE, _is(operator.gt), ">", "Greater than this."),
    OperatorSpec(Operator.GTE, _NUMBER, Form.VALUE, _is(operator.ge), ">=", "Greater than this, or equal."),
    OperatorSpec(Operator.LT, _NUMBER, Form.VALUE, _is(operator.lt), "<", "Less than this."),
    OperatorSpec(Operator.LTE, _NUMBER, Form.VALUE, _is(operator.le), "<=", "Less than this, or equal."),
    OperatorSpec(Operator.OLDER_THAN, _TIME, Form.DURATION, _is(operator.lt), "older than",
        "Longer ago than this duration: 90s, 15m, 6h, 7d, 2w or several, such as 1d12h.", ("6h", "30d")),
    OperatorSpec(Operator.NEWER_THAN, _TIME, Form.DURATION, _is(operator.gt), "newer than",
        "Less long ago than this duration: 90s, 15m, 6h, 7d, 2w or several, such as 1d12h.", ("15m", "1d12h")),
    OperatorSpec(Operator.BEFORE, _TIME, Form.TIME, _is(operator.lt), "before",
        "Before this time, as RFC 3339 with a zone.", _MOMENTS),
    OperatorSpec(Operator.AFTER, _TIME, Form.TIME, _is(operator.gt), "after",
        "After this time, as RFC 3339 with a zone.", _MOMENTS),
    OperatorSpec(Operator.EXISTS, tuple(FieldType), Form.FLAG, _there, "is",
        "Whether the task has the field at all; an empty one counts as missing.", (True, False)),
)
# fmt: on

OPERATORS: Mapping[Operator, OperatorSpec] = MappingProxyType({spec.operator: spec for spec in _ROWS})

APPLICABLE: Mapping[FieldType, tuple[Operator, ...]] = MappingProxyType(
    {kind: tuple(spec.operator for spec in OPERATORS.values() if kind in spec.types) for kind in FieldType}
)
"""The operators that apply to each type of field."""
