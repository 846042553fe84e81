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
from reconciler.selectors.syntax import Operand, Operator
from reconciler.tasks.task import FieldType, Value, composed

_Holds = Callable[[Any], bool]
"""Whether a condition holds of a value, which is of the field's type."""


class Form(Enum):
    """What stands after an operator: how it is read, checked by editors, and written."""

    VALUE = auto()
    """A value of the field's type."""
    VALUES = auto()
    """A list of them."""
    TEXT = auto()
    """A text, or a list of them: any of these."""
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
class Bound:
    """The last value that an operator holds for is the operand and `step`: above it none does, or below."""

    upper: bool
    step: int = 0


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
    """How a description calls it, between field and operand, which may be a list: any of it."""
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
    bound: Bound | None = None
    """It holds for all values on one side of the operand."""
    synonyms: tuple[str, ...] = ()
    """What others call it, where the spelling leads to no operator, or to the opposite one."""


def _equal(operand: Operand) -> _Holds:
    return lambda value: value == operand or _composed(value) == operand


def _among(operand: Operand) -> _Holds:
    if not isinstance(operand, tuple):
        raise TypeError(f"this operator takes a list, not {operand!r}")
    members = frozenset[str | int](operand)
    return lambda value: value in members or _composed(value) in members


def _contains(operand: Operand) -> _Holds:
    """Parts of a text, or members of a list of texts."""
    first, *others = _texts(operand)
    if not others:
        return lambda value: first in _composed(value)

    def holds(value: Any) -> bool:  # noqa: ANN401 - as in `_Holds`
        whole = _composed(value)
        return first in whole or any(part in whole for part in others)

    return holds


def _matches(pattern: Pattern) -> Callable[[Operand], _Holds]:
    """Texts, or lists with some member, that a pattern fits."""

    def matching(operand: Operand) -> _Holds:
        tests = [pattern.compile(text) for text in _texts(operand)]
        fits = tests[0] if len(tests) == 1 else lambda text: any(test(text) for test in tests)

        def holds(value: Any) -> bool:  # noqa: ANN401 - as in `_Holds`
            if isinstance(value, str):
                return fits(value if value.isascii() else composed(value))
            return any(map(holds, value))

        return holds

    return matching


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


def _texts(operand: Operand) -> tuple[str, ...]:
    texts = operand if isinstance(operand, tuple) else (operand,)
    found = tuple(text for text in texts if isinstance(text, str))
    if len(found) < len(texts) or not found:
        raise TypeError(f"this operator takes texts, not {operand!r}")
    return found


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
_TEXT, _NUMBER, _TIME = (FieldType.STRING, FieldType.STRINGS), (FieldType.INTEGER,), (FieldType.TIMESTAMP,)
_GLOB = Pattern(compile_glob, glob_size, cost=8, whole=True)
_REGEX = Pattern(compile_regex, program_size, cost=30, whole=False)
_MOMENTS = ("2025-01-31T08:00:00Z", "2025-01-31T08:00:00+08:00")

_DURATION = "90s, 15m, 6h, 7d, 2w or several, such as 1d12h"

# A table, which the formatter would stand on end.
# fmt: off
_ROWS = (
    OperatorSpec(Operator.EQ, _EQUAL, Form.VALUE, _equal, "is",
        "Equal to this; the same as the plain value.", excludes=True, plural=Operator.IN,
        synonyms=("=", "==", "is", "equal", "equals")),
    OperatorSpec(Operator.NE, _EQUAL, Form.VALUE, _equal, "is not",
        "Not equal to this. A task without the field is not selected.",
        negated=True, excludes=True, plural=Operator.NOT_IN,
        synonyms=("!=", "neq", "not_eq", "is_not", "not_equal", "not_equals")),
    OperatorSpec(Operator.IN, _EQUAL, Form.VALUES, _among, "is one of",
        "Equal to any of these; the same as a plain list.", excludes=True, synonyms=("any_of", "one_of", "oneof")),
    OperatorSpec(Operator.NOT_IN, _EQUAL, Form.VALUES, _among, "is none of",
        "Equal to none of these. A task without the field is not selected.", negated=True, excludes=True,
        synonyms=("none_of", "not_any_of", "not_one_of", "nin")),
    OperatorSpec(Operator.GLOB, _TEXT, Form.TEXT, _matches(_GLOB), "like",
        "The whole text, or a member, is like this, with case: * any run of characters, ? one, [abc] and [!abc] sets.",
        ("legal-*", "*.mp4"), _GLOB, synonyms=("like", "wildcard", "fnmatch")),
    OperatorSpec(Operator.NOT_GLOB, _TEXT, Form.TEXT, _matches(_GLOB), "not like",
        "The whole text, and each member, is like none of these. A task without the field is not selected.",
        ("legal-*", "*.mp4"), _GLOB, negated=True, synonyms=("not_like", "unlike")),
    OperatorSpec(Operator.REGEX, _TEXT, Form.TEXT, _matches(_REGEX), "matches",
        "Contains a match of this regular expression (syntax of RE2), or a member does. Anchor it yourself: ^ and $.",
        ("^tmp/[0-9]+/", r"\.(mov|avi)$"), _REGEX, synonyms=("match", "matches", "re", "regexp", "pattern", "=~")),
    OperatorSpec(Operator.NOT_REGEX, _TEXT, Form.TEXT, _matches(_REGEX), "does not match",
        "Contains no match of this regular expression, and no member does. A task without the field is not selected.",
        ("^tmp/[0-9]+/", r"\.(mov|avi)$"), _REGEX, negated=True,
        synonyms=("not_match", "not_matches", "not_regexp", "!~")),
    OperatorSpec(Operator.CONTAINS, _TEXT, Form.TEXT, _contains, "contains",
        "Contains this text, or has this member.", ("keep", "7000523"), synonyms=("has", "includes", "substring")),
    OperatorSpec(Operator.NOT_CONTAINS, _TEXT, Form.TEXT, _contains, "does not contain",
        "Neither contains this text nor has this member. A task without the field is not selected.",
        ("keep", "7000523"), negated=True, synonyms=("excludes", "lacks", "not_has", "not_includes", "without")),
    OperatorSpec(Operator.GT, _NUMBER, Form.VALUE, _is(operator.gt), ">", "Greater than this.",
        bound=Bound(upper=False, step=1), synonyms=(">", "above", "over", "more_than", "greater_than", "larger_than")),
    OperatorSpec(Operator.GTE, _NUMBER, Form.VALUE, _is(operator.ge), ">=", "Greater than this, or equal.",
        bound=Bound(upper=False), synonyms=(">=", "ge", "min", "minimum", "at_least")),
    OperatorSpec(Operator.LT, _NUMBER, Form.VALUE, _is(operator.lt), "<", "Less than this.",
        bound=Bound(upper=True, step=-1), synonyms=("<", "below", "under", "less_than", "smaller_than")),
    OperatorSpec(Operator.LTE, _NUMBER, Form.VALUE, _is(operator.le), "<=", "Less than this, or equal.",
        bound=Bound(upper=True), synonyms=("<=", "le", "max", "maximum", "at_most")),
    OperatorSpec(Operator.OLDER_THAN, _TIME, Form.DURATION, _is(operator.lt), "older than",
        f"Longer ago than this duration: {_DURATION}.", ("6h", "30d"), bound=Bound(upper=True, step=-1),
        synonyms=("age_over", "min_age", "older", "over")),
    OperatorSpec(Operator.NEWER_THAN, _TIME, Form.DURATION, _is(operator.gt), "newer than",
        f"Less long ago than this duration: {_DURATION}.", ("15m", "1d12h"), bound=Bound(upper=False, step=1),
        synonyms=("age_under", "max_age", "younger_than", "newer", "within")),
    OperatorSpec(Operator.BEFORE, _TIME, Form.TIME, _is(operator.lt), "before",
        "Before this time, as RFC 3339 with a zone.", _MOMENTS, bound=Bound(upper=True, step=-1),
        synonyms=("earlier_than", "until")),
    OperatorSpec(Operator.AFTER, _TIME, Form.TIME, _is(operator.gt), "after",
        "After this time, as RFC 3339 with a zone.", _MOMENTS, bound=Bound(upper=False, step=1),
        synonyms=("later_than", "since")),
    OperatorSpec(Operator.EXISTS, tuple(FieldType), Form.FLAG, _there, "is",
        "Whether the task has the field at all; an empty one counts as missing.", (True, False),
        synonyms=("defined", "is_set", "present", "set")),
)
# fmt: on

OPERATORS: Mapping[Operator, OperatorSpec] = MappingProxyType({spec.operator: spec for spec in _ROWS})

APPLICABLE: Mapping[FieldType, tuple[Operator, ...]] = MappingProxyType(
    {kind: tuple(spec.operator for spec in OPERATORS.values() if kind in spec.types) for kind in FieldType}
)
"""The operators that apply to each type of field."""

MISSING = "missing"
"""What may stand beside the operators of a condition: whether it holds of a task that does not have the field."""
MISSING_MEANING = (
    "What a task without the field counts as: whether the condition beside it holds. Otherwise that is unknown, and no "
    "such task is selected, nor by `not`."
)
