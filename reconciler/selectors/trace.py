"""Why a selector holds or not: its tree with the truth of every part, for `why`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, assert_never

from reconciler.selectors.compile import compile_selector
from reconciler.selectors.syntax import AllOf, AnyOf, Everything, Negation, Test

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.selectors.syntax import Selector
    from reconciler.selectors.truth import Truth
    from reconciler.tasks.field import Value

__all__ = ["Trace", "trace"]


@dataclass(frozen=True, slots=True)
class Trace:
    """The truth of one node of a selector. `value` is what a condition looked at: None where the field is missing."""

    selector: Selector
    truth: Truth
    value: Value | None = None
    parts: tuple[Trace, ...] = ()


def trace(selector: Selector, values: Mapping[str, Value], now: int) -> Trace:
    """The truth of every part for one task, in the order written and without any short cut."""
    truth = compile_selector(selector, now)(values)
    match selector:
        case Everything():
            return Trace(selector, truth)
        case Test(field, _, _):
            return Trace(selector, truth, values.get(field))
        case AllOf(parts) | AnyOf(parts):
            return Trace(selector, truth, parts=tuple(trace(part, values, now) for part in parts))
        case Negation(part):
            return Trace(selector, truth, parts=(trace(part, values, now),))
        case _:
            assert_never(selector)
