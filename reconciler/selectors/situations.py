"""What is known of a task beforehand, and every truth that a selector can then have.

A situation knows the status of a task and lets other fields have any value. Two tests on such fields count as
independent, even two on one field, so a selector may be taken to allow more truths than it does, never fewer.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import reduce
from itertools import product
from types import MappingProxyType
from typing import TYPE_CHECKING, assert_never

from reconciler.selectors.compile import compile_selector
from reconciler.selectors.syntax import AllOf, AnyOf, Everything, Negation, Operator, Test
from reconciler.selectors.truth import Truth
from reconciler.tasks.status import OBSERVABLE, Status

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from reconciler.selectors.syntax import Selector
    from reconciler.tasks.field import Value
    from reconciler.tasks.resource_type import ResourceType

__all__ = ["Situation", "Truths", "joint_truths", "possible_truths", "situations", "spelt", "undocumented"]

Truths = tuple[Truth, ...]
"""The truth of one selector for one task in several situations."""

_EXCLUDING = MappingProxyType(
    {Operator.EQ: Truth.FALSE, Operator.IN: Truth.FALSE} | dict.fromkeys((Operator.NE, Operator.NOT_IN), Truth.TRUE)
)
_RELATIVE = frozenset({Operator.OLDER_THAN, Operator.NEWER_THAN})
_DEFINITE = frozenset({Truth.FALSE, Truth.TRUE})


@dataclass(frozen=True, slots=True)
class Situation:
    """`known` gives values of fields, None for one that is missing; `excluded` values that a field does not have.

    `fields` are those that the task can have at all; None where any field may be there.
    """

    known: Mapping[str, Value | None]
    excluded: Mapping[str, frozenset[str]] = field(default_factory=lambda: MappingProxyType({}))
    fields: Collection[str] | None = None

    def fixes(self, name: str) -> bool:
        """Whether something particular to this situation is known of a field."""
        return name in self.known or name in self.excluded


def spelt(row: ResourceType, word: str) -> Situation:
    """A task whose vendor status is `word`."""
    status = row.statuses.get(word, Status.UNKNOWN)
    known = {"status": status.value if status in OBSERVABLE else None, "provider_status": word}
    return Situation(known, fields=row.fields)


def undocumented(row: ResourceType) -> Situation:
    """A task whose vendor status is not in the table, or missing."""
    return Situation({"status": None}, {"provider_status": frozenset(row.statuses)}, row.fields)


def situations(row: ResourceType, status: Status) -> tuple[Situation, ...]:
    """The ways in which a task can be in a state: one for each word that the vendor has for it.

    Without a word, as for what an operation leads to and a list never shows, `provider_status` is missing.
    """
    words = tuple(spelt(row, word) for word in row.vendor_statuses(status))
    if status is Status.UNKNOWN:
        return (*words, undocumented(row))
    return words or (Situation({"status": status.value, "provider_status": None}, fields=row.fields),)


def possible_truths(selector: Selector, known: Mapping[str, Value | None]) -> frozenset[Truth]:
    """Every truth that a selector can have for a task with these values (None: missing) and any others."""
    return frozenset(truth for (truth,) in joint_truths(selector, [Situation(known)]))


def joint_truths(selector: Selector, cases: Sequence[Situation]) -> frozenset[Truths]:
    """The truths that a selector can have for one task in several situations, such as before and after a cancel.

    What a situation does not fix is the same in all of them: the file name stays when the status changes.
    """
    match selector:
        case Everything():
            return frozenset({(Truth.TRUE,) * len(cases)})
        case Test():
            return _test_truths(selector, cases)
        case AllOf(parts):
            return _combined(min, Truth.TRUE, parts, cases)
        case AnyOf(parts):
            return _combined(max, Truth.FALSE, parts, cases)
        case Negation(part):
            return frozenset(tuple(Truth(2 - truth) for truth in truths) for truths in joint_truths(part, cases))
        case _:
            assert_never(selector)


def _combined(
    pick: Callable[[Truth, Truth], Truth], neutral: Truth, parts: Sequence[Selector], cases: Sequence[Situation]
) -> frozenset[Truths]:
    def add(sofar: frozenset[Truths], part: Selector) -> frozenset[Truths]:
        pairs = product(sofar, joint_truths(part, cases))
        return frozenset(tuple(map(pick, left, right)) for left, right in pairs)

    return reduce(add, parts, frozenset({(neutral,) * len(cases)}))


def _test_truths(test: Test, cases: Sequence[Situation]) -> frozenset[Truths]:
    each = [_truths(test, case) for case in cases]
    if any(case.fixes(test.field) for case in cases):
        return frozenset(product(*each))
    return frozenset((truth,) * len(cases) for truth in frozenset.intersection(*each))


def _truths(test: Test, case: Situation) -> frozenset[Truth]:
    """Every truth of one condition in one situation."""
    lacking = case.fields is not None and test.field not in case.fields
    if test.field in case.known or (lacking and not case.fixes(test.field)):
        value = case.known.get(test.field)
        if value is not None and test.operator in _RELATIVE:
            return _DEFINITE  # depends on the clock
        return frozenset({compile_selector(test, 0)({} if value is None else {test.field: value})})
    if test.operator is Operator.EXISTS:
        return _DEFINITE
    if test.operator in _EXCLUDING:
        operands = set(test.operand) if isinstance(test.operand, tuple) else {test.operand}
        if operands <= case.excluded.get(test.field, frozenset()):
            return frozenset({_EXCLUDING[test.operator], Truth.UNKNOWN})
    return frozenset(Truth)
