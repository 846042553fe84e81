"""A selector as a predicate: closures made once per run, called once per task.

Truth is Kleene's. A test on a field that the task does not have is unknown, save `exists`, which is never unknown.
AND is the least, OR the greatest and NOT the mirror of its parts, so an unknown never turns into true by negation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, assert_never

from reconciler.selectors.globs import compile_glob
from reconciler.selectors.patterns import compile_regex
from reconciler.selectors.syntax import AllOf, AnyOf, Everything, Negation, Operator, Test, composed
from reconciler.selectors.truth import Truth
from reconciler.tasks.field import Value

if TYPE_CHECKING:
    from reconciler.selectors.syntax import Operand, Selector

__all__ = ["Predicate", "compile_selector"]

Predicate = Callable[[Mapping[str, Value]], Truth]
"""The truth of a selector for the values of one task. Returns the members of `Truth` themselves: compare by `is`."""


def compile_selector(selector: Selector, now: int | None) -> Predicate:
    """The predicate of a selector, with every age counted back from `now` (seconds since the epoch, UTC).

    Without a clock (None) every condition on an age is unknown.

    `older_than: d` holds where the age is more than d, `newer_than: d` where it is less; at exactly d neither does.
    A time in the future has a negative age, so it is newer than any duration.
    The operands must be those of parsed selectors, and values of the fields' types.
    """
    match selector:
        case Everything():
            return _conjunction([])
        case Test():
            return _test(selector, now)
        case AllOf(parts):
            return _conjunction([compile_selector(part, now) for part in sorted(parts, key=_cost)])
        case AnyOf(parts):
            return _disjunction([compile_selector(part, now) for part in sorted(parts, key=_cost)])
        case Negation(part):
            return _negation(compile_selector(part, now))
        case _:
            assert_never(selector)


def _cost(selector: Selector) -> int:
    """Relative time that a selector takes; only the order matters."""
    match selector:
        case Everything():
            return 0
        case Test(field, operator, _):
            if operator is Operator.REGEX:
                return 30
            if operator is Operator.GLOB:
                return 8
            return 1 if field == "status" else 2
        case AllOf(parts) | AnyOf(parts):
            return 1 + sum(map(_cost, parts))
        case Negation(part):
            return 1 + _cost(part)
        case _:
            assert_never(selector)


# In what follows the three truths are bound to local names first: a closure's cell is the cheapest to reach, and a
# condition takes some 60 ns in all.


def _conjunction(parts: list[Predicate]) -> Predicate:
    """AND: false as soon as one is; an unknown part may still be overruled by a false one."""
    false, unknown, true = Truth

    def predicate(values: Mapping[str, Value]) -> Truth:
        truth = true
        for part in parts:
            result = part(values)
            if result is false:
                return false
            if result is unknown:
                truth = unknown
        return truth

    return predicate


def _disjunction(parts: list[Predicate]) -> Predicate:
    """OR: true as soon as one is; an unknown part may still be overruled by a true one."""
    false, unknown, true = Truth

    def predicate(values: Mapping[str, Value]) -> Truth:
        truth = false
        for part in parts:
            result = part(values)
            if result is true:
                return true
            if result is unknown:
                truth = unknown
        return truth

    return predicate


def _negation(part: Predicate) -> Predicate:
    mirror = (Truth.TRUE, Truth.UNKNOWN, Truth.FALSE)
    return lambda values: mirror[part(values)]


def _test(test: Test, now: int | None) -> Predicate:
    """One condition. All comparisons of whole numbers come down to "above" and "below"."""
    field, operand = test.field, test.operand
    match test.operator:
        case Operator.EQ:
            return _equals(field, operand, Truth.TRUE, Truth.FALSE)
        case Operator.NE:
            return _equals(field, operand, Truth.FALSE, Truth.TRUE)
        case Operator.IN:
            return _is_in(field, _members(operand), Truth.TRUE, Truth.FALSE)
        case Operator.NOT_IN:
            return _is_in(field, _members(operand), Truth.FALSE, Truth.TRUE)
        case Operator.EXISTS:
            there, missing = (Truth.TRUE, Truth.FALSE) if operand else (Truth.FALSE, Truth.TRUE)
            return lambda values: missing if values.get(field) is None else there
        case Operator.CONTAINS:
            return _contains(field, _text(operand))
        case Operator.GLOB:
            return _passes(field, compile_glob(_text(operand)))
        case Operator.REGEX:
            return _passes(field, compile_regex(_text(operand)))
        case Operator.GT | Operator.AFTER:
            return _above(field, _number(operand))
        case Operator.GTE:
            return _above(field, _number(operand) - 1)
        case Operator.LT | Operator.BEFORE:
            return _below(field, _number(operand))
        case Operator.LTE:
            return _below(field, _number(operand) + 1)
        case Operator.OLDER_THAN | Operator.NEWER_THAN if now is None:
            return lambda _: Truth.UNKNOWN
        case Operator.OLDER_THAN:
            return _below(field, now - _number(operand))
        case Operator.NEWER_THAN:
            return _above(field, now - _number(operand))
        case _:
            assert_never(test.operator)


def _equals(field: str, operand: Operand, same: Truth, other: Truth) -> Predicate:
    unknown = Truth.UNKNOWN

    def predicate(values: Mapping[str, Value]) -> Truth:
        value = values.get(field)
        if value is None:
            return unknown
        return same if value == operand or _composed(value) == operand else other

    return predicate


def _is_in(field: str, members: frozenset[str | int], inside: Truth, outside: Truth) -> Predicate:
    unknown = Truth.UNKNOWN

    def predicate(values: Mapping[str, Value]) -> Truth:
        value = values.get(field)
        if value is None:
            return unknown
        return inside if value in members or _composed(value) in members else outside

    return predicate


def _contains(field: str, operand: str) -> Predicate:
    """Part of a text, or a member of a list of texts."""
    false, unknown, true = Truth

    def predicate(values: Mapping[str, Value]) -> Truth:
        value = values.get(field)
        if value is None:
            return unknown
        return true if operand in _composed(value) else false  # type: ignore[operator]  # text or list, by its type

    return predicate


def _passes(field: str, test: Callable[[str], bool]) -> Predicate:
    false, unknown, true = Truth

    def predicate(values: Mapping[str, Value]) -> Truth:
        value = values.get(field)
        if value is None:
            return unknown
        return true if test(composed(value)) else false  # type: ignore[arg-type]  # text, by the field's type

    return predicate


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


def _text(operand: Operand) -> str:
    if not isinstance(operand, str):
        raise TypeError(f"this operator takes a text, not {operand!r}")
    return operand


def _number(operand: Operand) -> int:
    if not isinstance(operand, int):
        raise TypeError(f"this operator takes a whole number, not {operand!r}")
    return operand


def _members(operand: Operand) -> frozenset[str | int]:
    if not isinstance(operand, tuple):
        raise TypeError(f"this operator takes a list, not {operand!r}")
    return frozenset(operand)
