"""Which states a selector admits, and whether a way leads out of them: the static side of planning.

Everything here follows from the status alone: where another field decides, both are possible. A situation knows the
status of a task and lets other fields have any value. Two tests on such fields count as independent, even two on one
field, so a selector may be taken to allow more truths than it does, never fewer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import reduce
from itertools import product
from types import MappingProxyType
from typing import TYPE_CHECKING, assert_never

from reconciler.selectors.compile import compile_selector
from reconciler.selectors.operators import OPERATORS, Form
from reconciler.selectors.syntax import AllOf, AnyOf, Everything, Negation, Test, Truth
from reconciler.tasks.task import OBSERVABLE, PROGRESS, Status, Value

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from reconciler.selectors.compile import Predicate
    from reconciler.selectors.syntax import Selector
    from reconciler.tasks.resource_type import Action, ResourceType

Truths = tuple[Truth, ...]
"""The truth of one selector for one task in several situations."""

_DEFINITE = frozenset({Truth.FALSE, Truth.TRUE})


@dataclass(frozen=True, slots=True)
class Situation:
    """`known` gives values of fields, None for one that is missing; `excluded` values that a field does not have.

    `row` is its resource type, which says what fields it can have at all; None where any may be there.
    """

    known: Mapping[str, Value | None]
    excluded: Mapping[str, frozenset[str]] = field(default_factory=lambda: MappingProxyType({}))
    row: ResourceType | None = None

    def fixes(self, name: str) -> bool:
        """Whether something particular to this situation is known of a field."""
        return name in self.known or name in self.excluded


def spelt(row: ResourceType, word: str) -> Situation:
    """A task whose vendor status is `word`."""
    status = row.statuses.get(word, Status.UNKNOWN)
    known = {"status": status.value if status in OBSERVABLE else None, "provider_status": word}
    return Situation(known, row=row)


def undocumented(row: ResourceType) -> Situation:
    """A task whose vendor status is not in the table, or missing."""
    return Situation({"status": None}, {"provider_status": frozenset(row.statuses)}, row)


def situations(row: ResourceType, status: Status) -> tuple[Situation, ...]:
    """The ways in which a task can be in a state: one for each word that the vendor has for it.

    Without a word, as for what an operation leads to and a list never shows, `provider_status` is missing.
    """
    words = tuple(spelt(row, word) for word in row.vendor_statuses(status))
    if status is Status.UNKNOWN:
        return (*words, undocumented(row))
    return words or (Situation({"status": status.value, "provider_status": None}, row=row),)


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
    spec = OPERATORS[test.operator]
    lacking = case.row is not None and case.row.field_named(test.field) is None
    if test.field in case.known or (lacking and not case.fixes(test.field)):
        value = case.known.get(test.field)
        if value is not None and spec.form is Form.DURATION:
            return _DEFINITE  # depends on the clock
        return frozenset({compile_selector(test, 0)({} if value is None else {test.field: value})})
    if spec.form is Form.FLAG:
        return _DEFINITE
    if spec.excludes:
        operands = set(test.operand) if isinstance(test.operand, tuple) else {test.operand}
        if operands <= case.excluded.get(test.field, frozenset()):
            return frozenset({Truth.TRUE if spec.negated else Truth.FALSE, *_where_missing(test)})
    return _DEFINITE.union(_where_missing(test))


def _where_missing(test: Test) -> frozenset[Truth]:
    """The truth of a condition on a field that is not there, as the condition itself has it."""
    return frozenset({compile_selector(test, 0)({})})


def admits(selector: Selector, row: ResourceType, vendor_status: str | None) -> bool:
    """Whether the selector can be true of a task in this vendor status; None stands for any undocumented one.

    Never of a vendor status that means `gone`, which satisfies nothing.
    """
    if vendor_status is None:
        return _can_be_true(selector, undocumented(row))
    if row.statuses.get(vendor_status) is Status.GONE:
        return False
    return _can_be_true(selector, spelt(row, vendor_status))


def admitted_statuses(selector: Selector, row: ResourceType) -> frozenset[Status]:
    """The states in which the selector can be true of a task: observable ones, and `UNKNOWN`."""
    states = (*OBSERVABLE, Status.UNKNOWN)
    return frozenset(state for state in states if any(_can_be_true(selector, case) for case in situations(row, state)))


def dead_ends(selector: Selector, row: ResourceType) -> tuple[Status, ...]:
    """The states that the selector admits and that nothing leads out of, in lifecycle order.

    Only terminal states can be: any other is left by the task itself, and where its progress ends in a state that is
    still selected and has no operation, that state is the dead end. `UNKNOWN` is never one.
    """
    return tuple(state for state in OBSERVABLE if state not in PROGRESS and None in set(routes(selector, row, state)))


def can_act(selector: Selector, row: ResourceType) -> bool:
    """Whether there is any task, in any state, that operations lead out of the selector."""
    return any(route is not None for state in OBSERVABLE for route in routes(selector, row, state))


def routes(selector: Selector, row: ResourceType, start: Status) -> Iterator[tuple[Action, ...] | None]:
    """For each way in which the selector can be true of a task in `start`: what leads out of it; None for nothing."""
    ends = {operation.ends for operation in row.operations} - {Status.GONE}
    after = [(end, case) for end in ends for case in situations(row, end)]
    for before in situations(row, start):
        for truths in joint_truths(selector, [before, *(case for _, case in after)]):
            if truths[0] is Truth.TRUE:
                still = {end for (end, _), truth in zip(after, truths[1:], strict=True) if truth is Truth.TRUE}
                route = row.route(start, still.__contains__)
                yield None if route is None else tuple(operation.action for operation in route)


def _can_be_true(selector: Selector, case: Situation) -> bool:
    return (Truth.TRUE,) in joint_truths(selector, [case])


def wanted_statuses(selectors: Iterable[Selector], row: ResourceType) -> frozenset[str] | None:
    """The vendor statuses in which any of the selectors can be true of a task; None where the whole list is wanted.

    That is where a selector may be true for an undocumented status, which no filter can name, and where every
    documented one that a selector can name is wanted anyway. A task left out can not be selected, by any of the
    selectors; at most its truth is unknown, and unknown results are counted among listed tasks only.
    No selector, or none that can be true, gives the empty set. Whether the API has a status filter at all is for
    `row.listing.status_parameter` to say.
    """
    union = tuple(selectors)
    if any(admits(selector, row, None) for selector in union):
        return None
    wanted = frozenset(word for word in row.statuses if any(admits(selector, row, word) for selector in union))
    observable = frozenset(word for word, status in row.statuses.items() if status in OBSERVABLE)
    return None if observable and observable <= wanted else wanted


HoldsAfter = Callable[[Mapping[str, Value], Status], bool]
"""Whether the task with these values would still be selected once its status is the given one."""


def after_operation(predicate: Predicate, row: ResourceType) -> HoldsAfter:
    """The question that the search for a route asks of each state, for the tasks of one resource type.

    Only the status changes, and with it `provider_status`: to each word that the vendor has for the state, or to
    missing without one. True where the selector is true for any of them. Never true for `GONE`.
    """
    replacements: dict[Status, list[dict[str, Value]]] = {Status.GONE: []}
    for status in {*Status} - {Status.GONE}:
        known = [case.known for case in situations(row, status)]
        replacements[status] = [{name: to for name, to in case.items() if to is not None} for case in known]

    def holds(values: Mapping[str, Value], status: Status) -> bool:
        rest = dict(values)
        rest.pop("status", None)
        rest.pop("provider_status", None)
        return any(predicate(rest | replaced) is Truth.TRUE for replaced in replacements[status])

    return holds
