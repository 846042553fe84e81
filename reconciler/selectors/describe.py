"""A selector in words, for reasons and reports."""

from __future__ import annotations

from typing import assert_never

from reconciler.selectors.durations import format_duration
from reconciler.selectors.syntax import AllOf, AnyOf, Everything, Negation, Operand, Operator, Selector, Test
from reconciler.tasks.timestamps import format_timestamp

__all__ = ["describe", "fields_of"]

_WORDS = {
    Operator.EQ: "is",
    Operator.NE: "is not",
    Operator.IN: "is one of",
    Operator.NOT_IN: "is none of",
    Operator.GLOB: "like",
    Operator.REGEX: "matches",
    Operator.CONTAINS: "contains",
    Operator.GT: ">",
    Operator.GTE: ">=",
    Operator.LT: "<",
    Operator.LTE: "<=",
    Operator.OLDER_THAN: "older than",
    Operator.NEWER_THAN: "newer than",
    Operator.BEFORE: "before",
    Operator.AFTER: "after",
}


def describe(selector: Selector) -> str:
    """One line of text: `status is pending and created_at older than 6h`. URLs are given whole: redact afterwards."""
    match selector:
        case Everything():
            return "any task"
        case Test():
            return _test(selector)
        case AllOf(parts):
            return " and ".join(_grouped(part) for part in parts)
        case AnyOf(parts):
            return " or ".join(_grouped(part) for part in parts)
        case Negation(part):
            return f"not {_grouped(part)}"
        case _:
            assert_never(selector)


def fields_of(selector: Selector) -> tuple[str, ...]:
    """The fields that a selector looks at, in the order in which it names them, each once."""
    match selector:
        case Everything():
            return ()
        case Test(field=field):
            return (field,)
        case AllOf(parts) | AnyOf(parts):
            return tuple(dict.fromkeys(name for part in parts for name in fields_of(part)))
        case Negation(part):
            return fields_of(part)
        case _:
            assert_never(selector)


def _grouped(selector: Selector) -> str:
    text = describe(selector)
    compound = isinstance(selector, AllOf | AnyOf) and len(selector.parts) > 1
    return f"({text})" if compound else text


def _test(test: Test) -> str:
    if test.operator is Operator.EXISTS:
        return f"{test.field} is {'set' if test.operand else 'not set'}"
    return f"{test.field} {_WORDS[test.operator]} {_operand(test.operator, test.operand)}"


def _operand(operator: Operator, operand: Operand) -> str:
    if isinstance(operand, tuple):
        return ", ".join(str(item) for item in operand)
    if isinstance(operand, int):
        if operator in {Operator.OLDER_THAN, Operator.NEWER_THAN}:
            return format_duration(operand)
        if operator in {Operator.BEFORE, Operator.AFTER}:
            return format_timestamp(operand)
    return str(operand)
