"""A selector in words, for reasons and reports."""

from __future__ import annotations

from typing import assert_never

from reconciler.selectors.operators import OPERATORS, Form
from reconciler.selectors.syntax import AllOf, AnyOf, Everything, Negation, Operand, Selector, Test
from reconciler.tasks.timestamps import format_duration, format_timestamp

__all__ = ["describe", "fields_of"]


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
    spec = OPERATORS[test.operator]
    return f"{test.field} {spec.words} {_operand(spec.form, test.operand)}"


def _operand(form: Form, operand: Operand) -> str:
    match form, operand:
        case Form.FLAG, _:
            return "set" if operand else "not set"
        case Form.DURATION, int():
            return format_duration(operand)
        case Form.TIME, int():
            return format_timestamp(operand)
        case _, tuple():
            return ", ".join(map(str, operand))
    return str(operand)
