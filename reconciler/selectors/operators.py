"""The operators of selectors: what differs between them is a row of one table.

Parsing, compiling, the static analysis, descriptions, the JSON Schema and the reference all read the row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from types import MappingProxyType

from reconciler.selectors.patterns import compile_glob, compile_regex, glob_size, program_size
from reconciler.selectors.syntax import Operand, Operator, Truth, composed
from reconciler.tasks.task import FieldType, Value

__all__ = ["APPLICABLE", "OPERATORS", "TYPE_NAMES", "Form", "OperatorSpec", "Pattern", "Predicate"]

Predicate = Callable[[Mapping[str, Value]], Truth]
"""The truth of a selector for the values of one task. Returns the members of `Truth` themselves: compare by `is`."""

_Test = Callable[[str, Operand, int | None], Predicate]
"""Makes the predicate of one condition: of its field, its operand and the clock (None: there is none)."""


class Form(Enum):
    """What stands after an operator: how it is read, checked by editors, and written."""

    VALUE = auto()
    """A value of the field's type."""
    VALUES = auto()
    """A list of them."""
    TEXT = auto()
    FLAG = auto()
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
    test: _Test
    words: str
    """How a description calls it, between field and operand."""
    meaning: str
    """A sentence for editors and the reference."""
    examples: tuple[object, ...] = ()
    """What may stand after it; none where that depends on the field."""
    pattern: Pattern | None = None
    otherwise: Truth | None = None
    """Its truth where the field is known to have a value that is none of the operand's; None: either is possible."""
    plural: Operator | None = None
    """The operator that takes a list of such operands."""


# In what follows the three truths are bound to local names first: a closure's cell is the cheapest to reach, and a
# condition takes some 60 ns in all.


def _equals(same: Truth, other: Truth) -> _Test:
    def test(field: str, operand: Operand, _: int | None) -> Predicate:
        unknown = Truth.UNKNOWN

        def predicate(values: Mapping[str, Value]) -> Truth:
            value = values.get(field)
            if value is None:
                return unknown
            return same if value == operand or _composed(value) == operand else other

        return predicate

    return test


def _is_in(inside: Truth, outside: Truth) -> _Test:
    def test(field: str, operand: Operand, _: int | None) -> Predicate:
        if not isinstance(operand, tuple):
            raise TypeError(f"this operator takes a list, not {operand!r}")
        unknown, members = Truth.UNKNOWN, frozenset[str | int](operand)

        def predicate(values: Mapping[str, Value]) -> Truth:
            value = values.get(field)
            if value is None:
                return unknown
            return inside if value in members or _composed(value) in members else outside

        return predicate

    return test


def _exists(field: str, operand: Operand, _: int | None) -> Predicate:
    there, missing = (Truth.TRUE, Truth.FALSE) if operand else (Truth.FALSE, Truth.TRUE)
    return lambda values: missing if values.get(field) is None else there


def _contains(field: str, operand: Operand, _: int | None) -> Predicate:
    """Part of a text, or a member of a list of texts."""
    part = _text(operand)
    false, unknown, true = Truth

    def predicate(values: Mapping[str, Value]) -> Truth:
        value = values.get(field)
        if value is None:
            return unknown
        return true if part in _composed(value) else false  # type: ignore[operator]  # text or list, by its type

    return predicate


def _matches(pattern: Pattern) -> _Test:
    def test(field: str, operand: Operand, _: int | None) -> Predicate:
        passes = pattern.compile(_text(operand))
        false, unknown, true = Truth

        def predicate(values: Mapping[str, Value]) -> Truth:
            value = values.get(field)
            if value is None:
                return unknown
            return true if passes(composed(value)) else false  # type: ignore[arg-type]  # text, by the field's type

        return predicate

    return test


def _composed(value: Value) -> Value:
    match value:
        case str():
            return composed(value)
        case tuple():
            return tuple(map(composed, value))
    return value


def _above(field: str, bound: int) -> Predicate:
    false, unknown, true = Truth

    def predicate(values: Mapping[str, Value]) -> Truth:
        value = values.get(field)
        if value is None:
            return unknown
        return true if value > bound else false  # type: ignore[operator]  # a number, by the field's type

    return predicate


def _below(field: str, bound: int) -> Predicate:
    false, unknown, true = Truth

    def predicate(values: Mapping[str, Value]) -> Truth:
        value = values.get(field)
        if value is None:
            return unknown
        return true if value < bound else false  # type: ignore[operator]  # a number, by the field's type

    return predicate


def _bound(side: Callable[[str, int], Predicate], shift: int = 0) -> _Test:
    """All comparisons of whole numbers come down to "above" and "below"."""
    return lambda field, operand, _: side(field, _number(operand) + shift)


def _age(side: Callable[[str, int], Predicate]) -> _Test:
    def test(field: str, operand: Operand, now: int | None) -> Predicate:
        return (lambda _: Truth.UNKNOWN) if now is None else side(field, now - _number(operand))

    return test


def _text(operand: Operand) -> str:
    if not isinstance(operand, str):
        raise TypeError(f"this operator takes a text, not {operand!r}")
    return operand


def _number(operand: Operand) -> int:
    if not isinstance(operand, int):
        raise TypeError(f"this operator takes a whole number, not {operand!r}")
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

_F, _, _T = Truth
_EQUAL = (FieldType.STRING, FieldType.INTEGER, FieldType.STATUS)
_TEXT, _NUMBER, _TIME = (FieldType.STRING,), (FieldType.INTEGER,), (FieldType.TIMESTAMP,)
_GLOB = Pattern(compile_glob, glob_size, cost=8, whole=True)
_REGEX = Pattern(compile_regex, program_size, cost=30, whole=False)
_MOMENTS = ("2025-01-31T08:00:00Z", "2025-01-31T08:00:00+08:00")

# A table, which the formatter would stand on end.
# fmt: off
_ROWS = (
    OperatorSpec(Operator.EQ, _EQUAL, Form.VALUE, _equals(_T, _F), "is",
        "Equal to this; the same as the plain value.", otherwise=_F, plural=Operator.IN),
    OperatorSpec(Operator.NE, _EQUAL, Form.VALUE, _equals(_F, _T), "is not",
        "Not equal to this. A task without the field is not selected.", otherwise=_T, plural=Operator.NOT_IN),
    OperatorSpec(Operator.IN, _EQUAL, Form.VALUES, _is_in(_T, _F), "is one of",
        "Equal to any of these; the same as a plain list.", otherwise=_F),
    OperatorSpec(Operator.NOT_IN, _EQUAL, Form.VALUES, _is_in(_F, _T), "is none of",
        "Equal to none of these. A task without the field is not selected.", otherwise=_T),
    OperatorSpec(Operator.GLOB, _TEXT, Form.TEXT, _matches(_GLOB), "like",
        "The whole text is like this, with case: * any run of characters, ? one, [abc] and [!abc] sets.",
        ("legal-*", "*.mp4"), _GLOB),
    OperatorSpec(Operator.REGEX, _TEXT, Form.TEXT, _matches(_REGEX), "matches",
        "Contains a match of this regular expression (syntax of RE2). Anchor it with ^ and $ yourself.",
        ("^tmp/[0-9]+/", r"\.(mov|avi)$"), _REGEX),
    OperatorSpec(Operator.CONTAINS, (FieldType.STRING, FieldType.STRINGS), Form.TEXT, _contains, "contains",
        "Contains this text, or has this member.", ("keep", "7000523")),
    OperatorSpec(Operator.GT, _NUMBER, Form.VALUE, _bound(_above), ">", "Greater than this."),
    OperatorSpec(Operator.GTE, _NUMBER, Form.VALUE, _bound(_above, -1), ">=", "Greater than this, or equal."),
    OperatorSpec(Operator.LT, _NUMBER, Form.VALUE, _bound(_below), "<", "Less than this."),
    OperatorSpec(Operator.LTE, _NUMBER, Form.VALUE, _bound(_below, 1), "<=", "Less than this, or equal."),
    OperatorSpec(Operator.OLDER_THAN, _TIME, Form.DURATION, _age(_below), "older than",
        "Longer ago than this duration: 90s, 15m, 6h, 7d, 2w or several, such as 1d12h.", ("6h", "30d")),
    OperatorSpec(Operator.NEWER_THAN, _TIME, Form.DURATION, _age(_above), "newer than",
        "Less long ago than this duration: 90s, 15m, 6h, 7d, 2w or several, such as 1d12h.", ("15m", "1d12h")),
    OperatorSpec(Operator.BEFORE, _TIME, Form.TIME, _bound(_below), "before",
        "Before this time, as RFC 3339 with a zone.", _MOMENTS),
    OperatorSpec(Operator.AFTER, _TIME, Form.TIME, _bound(_above), "after",
        "After this time, as RFC 3339 with a zone.", _MOMENTS),
    OperatorSpec(Operator.EXISTS, tuple(FieldType), Form.FLAG, _exists, "is",
        "Whether the task has the field at all; an empty one counts as missing.", (True, False)),
)
# fmt: on

OPERATORS: Mapping[Operator, OperatorSpec] = MappingProxyType({spec.operator: spec for spec in _ROWS})

APPLICABLE: Mapping[FieldType, tuple[Operator, ...]] = MappingProxyType(
    {kind: tuple(spec.operator for spec in OPERATORS.values() if kind in spec.types) for kind in FieldType}
)
"""The operators that apply to each type of field."""
