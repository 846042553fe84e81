"""Conditions on one field that must all hold, and that no value satisfies together."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, NamedTuple

from reconciler.selectors.mistake import Misfit, shown
from reconciler.selectors.operators import OPERATORS, Form
from reconciler.selectors.syntax import AllOf, AnyOf, Negation, Selector, Test
from reconciler.selectors.trace import describe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from reconciler.selectors.operators import OperatorSpec


_MOST = 1_000
"""Values, or conditions, that are held against all others."""


class _Demand(NamedTuple):
    """A condition that must hold, or must not."""

    test: Test
    denied: bool

    @property
    def spec(self) -> OperatorSpec:
        return OPERATORS[self.test.operator]

    @property
    def negative(self) -> bool:
        """Whether it asks that something is not so."""
        return self.spec.negated is not self.denied

    @property
    def values(self) -> tuple[object, ...] | None:
        """The only values that satisfy it; None: there is no end to them."""
        if self.spec.form not in (Form.VALUE, Form.VALUES) or self.spec.bound or self.negative:
            return None
        operand = self.test.operand
        return operand if isinstance(operand, tuple) else (operand,)

    @property
    def takes(self) -> Callable[[object], bool]:
        """Whether a value may satisfy it. What hangs on the clock may."""
        if self.spec.form in (Form.FLAG, Form.DURATION):
            return lambda _: True
        holds, negative = self.spec.holds(self.test.operand), self.negative
        return lambda value: holds(value) is not negative

    @property
    def present(self) -> bool:
        """Whether a task without the field never satisfies it."""
        if self.spec.form is Form.FLAG:
            return bool(self.test.operand) is not self.denied
        return self.test.missing is None or self.test.missing is self.denied

    def __str__(self) -> str:
        return describe(Negation(self.test) if self.denied else self.test)


def check_together(parts: Sequence[Selector]) -> None:
    """Raises Misfit where some of these contradict each other, all of which must hold."""
    by_name: dict[str, dict[_Demand, None]] = {}
    for demand in _demands(parts, denied=False):
        by_name.setdefault(demand.test.name, {})[demand] = None
    for name, demands in by_name.items():
        if len(demands) > 1:
            _check_range(name, [demand.test for demand in demands if not demand.denied])
            _check_values(name, list(demands))
            _check_presence(name, list(demands))
            _check_opposites(name, list(demands))


def _demands(parts: Sequence[Selector], *, denied: bool) -> Iterator[_Demand]:
    for part in parts:
        match part:
            case Test():
                yield _Demand(part, denied)
            case AllOf(parts=inner) if not denied:
                yield from _demands(inner, denied=denied)
            case AnyOf(parts=inner) if denied:
                yield from _demands(inner, denied=denied)
            case Negation(inner):
                yield from _demands((inner,), denied=not denied)


def _check_values(name: str, demands: Sequence[_Demand]) -> None:
    """Refuse values beside what excludes all of them."""
    limited = [(demand, values) for demand in demands if (values := demand.values) is not None]
    if not limited:
        return
    first, left = min(limited, key=lambda entry: len(entry[1]))
    narrowing = [first]
    for demand in demands if len(left) <= _MOST else ():
        takes = demand.takes
        rest = tuple(value for value in left if takes(value))
        if not rest:
            raise _none(name, *narrowing, demand)
        if len(rest) < len(left):
            left = rest
            narrowing.append(demand)


def _check_presence(name: str, demands: Sequence[_Demand]) -> None:
    """Refuse what a task without the field never satisfies beside the condition that it has none."""
    absent = next((one for one in demands if one.spec.form is Form.FLAG and not one.present), None)
    present = next((one for one in demands if one.present), None)
    if absent and present:
        raise _none(name, absent, present)


def _check_opposites(name: str, demands: Sequence[_Demand]) -> None:
    """Refuse to look for texts all of which must not be found."""
    texts = [(one, _texts(one.test.operand)) for one in demands if one.spec.form is Form.TEXT]
    negative = [entry for entry in texts if entry[0].negative and len(texts) <= _MOST]
    for one, wanted in texts if negative else ():
        for other, unwanted in negative:
            if not one.negative and one.spec.pattern is other.spec.pattern and wanted <= unwanted:
                raise _none(name, one, other)


def _texts(operand: object) -> frozenset[object]:
    return frozenset(operand if isinstance(operand, tuple) else (operand,))


def _none(name: str, *demands: _Demand, hint: str = "") -> Misfit:
    all_of = "both" if len(demands) <= 2 else "all"
    return Misfit(f"no value of {shown(name)} satisfies {all_of}: {' and '.join(map(str, demands))}", hint)


def _check_range(name: str, parts: Sequence[Test]) -> None:
    for by_age in (True, False):
        lowest: tuple[int, Test] | None = None
        highest: tuple[int, Test] | None = None
        for part in parts:
            spec = OPERATORS[part.operator]
            if spec.bound is None or not isinstance(part.operand, int) or (spec.form is Form.DURATION) is not by_age:
                continue
            end = (-part.operand if by_age else part.operand) + spec.bound.step
            if spec.bound.upper:
                highest = min(highest or (end, part), (end, part), key=itemgetter(0))
            else:
                lowest = max(lowest or (end, part), (end, part), key=itemgetter(0))
        if lowest and highest and lowest[0] > highest[0]:
            hint = "exchange the two, or write one under each of `any: [...]`" if by_age else ""
            raise _none(name, _Demand(lowest[1], denied=False), _Demand(highest[1], denied=False), hint=hint)
