"""A selector as a predicate: closures made once per run, called once per task.

Truth is Kleene's. A test on a field that the task does not have is unknown, save `exists`, which is never unknown, and
a test that says what it is then.
AND is the least, OR the greatest and NOT the mirror of its parts, so an unknown never turns into true by negation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, assert_never

from reconciler.selectors.operators import OPERATORS, Form
from reconciler.selectors.syntax import AllOf, AnyOf, Everything, Negation, Test, Truth
from reconciler.tasks.task import Value, part_in

if TYPE_CHECKING:
    from reconciler.selectors.syntax import Selector

Predicate = Callable[[Mapping[str, Value]], Truth]
"""The truth of a selector for the values of one task. Returns the members of `Truth` themselves: compare by `is`."""


KNOWN = (False, None, True)
"""Whether something holds, by its truth; None: that is unknown."""


def compile_selector(selector: Selector, now: int | None) -> Predicate:
    """The predicate of a selector, with every age counted back from `now` (seconds since the epoch, UTC).

    Without a clock (None) every condition on an age is unknown.

    `older_than: d` holds where the age is more than d, `newer_than: d` where it is less; at exactly d neither does.
    A time in the future has a negative age, so it is newer than any duration.
    The operands must be those of parsed selectors, and values of the fields' types.
    """
    match selector:
        case Everything():
            return _joined([], Truth.FALSE, Truth.TRUE)
        case Test():
            return _condition(selector, now)
        case AllOf(parts):
            ordered = [compile_selector(part, now) for part in sorted(parts, key=_cost)]
            return _joined(ordered, Truth.FALSE, Truth.TRUE)
        case AnyOf(parts):
            ordered = [compile_selector(part, now) for part in sorted(parts, key=_cost)]
            return _joined(ordered, Truth.TRUE, Truth.FALSE)
        case Negation(part):
            return _negation(compile_selector(part, now))
        case _:
            assert_never(selector)


def compile_column(selector: Selector, field: str, now: int | None) -> tuple[Callable[[Any], bool | None], bool]:
    """The same of a selector that looks at this field alone, for one value of it: whether it holds, None where that is
    unknown; and whether it is the other way round."""
    match selector:
        case Negation(part):
            holds, negated = compile_column(part, field, now)
            return holds, not negated
        case Test(part=None) if now is not None or OPERATORS[selector.operator].form is not Form.DURATION:
            return _holds(selector, now), OPERATORS[selector.operator].negated
        case _:
            predicate = compile_selector(selector, now)
            return lambda value: KNOWN[predicate({field: value})], False


def _holds(test: Test, now: int | None) -> Callable[[Any], bool]:
    spec, operand = OPERATORS[test.operator], test.operand
    if spec.form is Form.DURATION and now is not None and isinstance(operand, int):
        operand = now - operand
    return spec.holds(operand)


def _condition(test: Test, now: int | None) -> Predicate:
    spec, field, part = OPERATORS[test.operator], test.field, test.part
    missing = _counted(not test.operand if spec.form is Form.FLAG else test.missing)
    if spec.form is Form.DURATION and now is None:
        return lambda _: Truth.UNKNOWN
    holds = _holds(test, now)
    hit, miss = (Truth.FALSE, Truth.TRUE) if spec.negated else (Truth.TRUE, Truth.FALSE)

    def predicate(values: Mapping[str, Value]) -> Truth:
        value = values.get(field)
        if value is None:
            return missing
        return hit if holds(value) else miss

    def of_part(values: Mapping[str, Value]) -> Truth:
        value = seen_by(test, values)
        if value is None:
            return missing
        return hit if holds(value) else miss

    return of_part if part else predicate


def seen_by(test: Test, values: Mapping[str, Value]) -> Value | None:
    """What a condition looks at; None where the task does not have it."""
    value = values.get(test.field)
    return part_in(value, test.part) if test.part and value is not None else value


def _counted(holds: bool | None) -> Truth:
    return Truth.UNKNOWN if holds is None else Truth.TRUE if holds else Truth.FALSE


def _cost(selector: Selector) -> int:
    """Relative time that a selector takes; only the order matters."""
    match selector:
        case Everything():
            return 0
        case Test(field, operator, operand):
            pattern = OPERATORS[operator].pattern
            each = pattern.cost if pattern else 1 if field == "status" else 2
            return each * len(operand) if pattern and isinstance(operand, tuple) else each
        case AllOf(parts) | AnyOf(parts):
            return 1 + sum(map(_cost, parts))
        case Negation(part):
            return 1 + _cost(part)
        case _:
            assert_never(selector)


def _joined(parts: list[Predicate], decisive: Truth, otherwise: Truth) -> Predicate:
    """AND and OR: decided as soon as one part is `decisive`, which may still overrule an unknown one."""
    unknown = Truth.UNKNOWN  # a closure's cell is the cheapest to reach

    def predicate(values: Mapping[str, Value]) -> Truth:
        truth = otherwise
        for part in parts:
            result = part(values)
            if result is decisive:
                return decisive
            if result is unknown:
                truth = unknown
        return truth

    return predicate


def _negation(part: Predicate) -> Predicate:
    mirror = (Truth.TRUE, Truth.UNKNOWN, Truth.FALSE)
    return lambda values: mirror[part(values)]
