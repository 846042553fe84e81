"""A selector in words, and why it holds or not: its tree with the truth of every part, and which conditions decide."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, assert_never

from reconciler.redaction import presentable
from reconciler.selectors.compile import compile_selector, seen_by
from reconciler.selectors.operators import OPERATORS, Form
from reconciler.selectors.syntax import AllOf, AnyOf, Everything, Negation, Operand, Operator, Selector, Test, Truth
from reconciler.tasks.timestamps import format_duration, format_timestamp

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reconciler.selectors.operators import OperatorSpec
    from reconciler.tasks.task import Value


@lru_cache  # the reason of each change has that of its policy
def describe(selector: Selector) -> str:
    """One line of text, presentable: `status is pending and created_at older than 6h`."""
    return presentable(_words(selector))


def _words(selector: Selector) -> str:
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


def gaps(selector: Selector, *, positive: bool = True) -> Iterator[tuple[Test, bool]]:
    """The conditions that are unknown of a task without their field, each with what it would have to count as there for
    the whole to hold sooner."""
    match selector:
        case Everything():
            return
        case Test(missing=None):
            if OPERATORS[selector.operator].form is not Form.FLAG:
                yield selector, positive
        case Test():
            return
        case AllOf(parts) | AnyOf(parts):
            for part in parts:
                yield from gaps(part, positive=positive)
        case Negation(part):
            yield from gaps(part, positive=not positive)
        case _:
            assert_never(selector)


def named_ids(selector: Selector) -> frozenset[str]:
    """The ids that a selector names as those that it is about."""
    match selector:
        case Test(field="id", operator=Operator.EQ | Operator.IN, operand=operand):
            return frozenset(map(str, operand if isinstance(operand, tuple) else (operand,)))
        case AllOf(parts) | AnyOf(parts):
            return frozenset[str]().union(*map(named_ids, parts))
        case _:
            return frozenset()


def _grouped(selector: Selector) -> str:
    text = _words(selector)
    compound = isinstance(selector, AllOf | AnyOf) and len(selector.parts) > 1
    return f"({text})" if compound else text


def _test(test: Test) -> str:
    spec = OPERATORS[test.operator]
    said = f"{test.name} {spec.words} {_operand(spec, test.operand)}"
    return said if test.missing is None else f"{said} ({'or' if test.missing else 'and not'} missing)"


def _operand(spec: OperatorSpec, operand: Operand) -> str:
    match spec.form, operand:
        case Form.FLAG, _:
            return "set" if operand else "not set"
        case Form.DURATION, int():
            return format_duration(operand)
        case Form.TIME, int():
            return format_timestamp(operand)
        case form, tuple():
            some = ", ".join(map(str, operand[:_LISTED]))
            listed = f"{some} and {len(operand) - _LISTED} more" if len(operand) > _LISTED else some
            return f"{'any' if spec.negated else 'one'} of {listed}" if form is Form.TEXT else listed
    return str(operand)


_LISTED = 10
"""Values of a list that a description names."""


@dataclass(frozen=True, slots=True)
class Trace:
    """The truth of one node of a selector. `value` is what a condition looked at: None where the field is missing.

    `decides` marks a set of conditions that settles the whole, whatever the others were, and from which none could
    be left out: where the whole is true, it stays true; where it is false, false; where it is unknown, never true.
    Of several such sets it is the one that comes first as written.
    """

    selector: Selector
    truth: Truth
    value: Value | None = None
    parts: tuple[Trace, ...] = ()
    decides: bool = False


def trace(selector: Selector, values: Mapping[str, Value], now: int | None, *, unknown_holds: bool = False) -> Trace:
    """The truth of every part for one task, in the order written and without any short cut.

    `unknown_holds`: the selector is a protection's, which holds a task also where its truth is unknown.
    """
    seen = _seen(selector, values, now)
    return _marked(seen, holding=seen.truth is Truth.TRUE or (unknown_holds and seen.truth is Truth.UNKNOWN))


def leaves(node: Trace) -> Iterator[Trace]:
    """The conditions of a trace, in the order written."""
    if node.parts:
        for part in node.parts:
            yield from leaves(part)
    else:
        yield node


def _seen(selector: Selector, values: Mapping[str, Value], now: int | None) -> Trace:
    truth = compile_selector(selector, now)(values)
    match selector:
        case Everything():
            return Trace(selector, truth)
        case Test():
            return Trace(selector, truth, seen_by(selector, values))
        case AllOf(parts) | AnyOf(parts):
            return Trace(selector, truth, parts=tuple(_seen(part, values, now) for part in parts))
        case Negation(part):
            return Trace(selector, truth, parts=(_seen(part, values, now),))
        case _:
            assert_never(selector)


def _marked(node: Trace, *, holding: bool) -> Trace:
    """Mark what keeps the truth of a node from falling below what it is (`holding`), or else from rising above it."""
    match node.selector:
        case Everything() | Test():
            return replace(node, decides=True)
        case Negation():
            return replace(node, parts=(_marked(node.parts[0], holding=not holding),), decides=True)
        case AllOf():
            return _joined(node, node.parts if holding else _first(node), holding=holding)
        case AnyOf():
            return _joined(node, _first(node) if holding else node.parts, holding=holding)
        case _:
            assert_never(node.selector)


def _first(node: Trace) -> tuple[Trace, ...]:
    """The first part that alone makes the node as true, or as little true, as it is."""
    return (next(part for part in node.parts if part.truth is node.truth),) if node.parts else ()


def _joined(node: Trace, deciding: tuple[Trace, ...], *, holding: bool) -> Trace:
    chosen = {id(part) for part in deciding}
    parts = tuple(_marked(part, holding=holding) if id(part) in chosen else part for part in node.parts)
    return replace(node, parts=parts, decides=True)
