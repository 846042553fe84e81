"""Which states a selector admits, and whether a way leads out of them: the static side of planning.

Everything here follows from the status alone (see `situations.py`): where another field decides, both are possible.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from reconciler.selectors.compile import compile_selector
from reconciler.selectors.situations import joint_truths, situations, spelt, undocumented
from reconciler.selectors.truth import Truth
from reconciler.tasks.field import Value
from reconciler.tasks.status import OBSERVABLE, PROGRESS, Status

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reconciler.selectors.compile import Predicate
    from reconciler.selectors.situations import Situation
    from reconciler.selectors.syntax import Selector
    from reconciler.tasks.resource_type import Action, ResourceType

__all__ = [
    "HoldsAfter",
    "admits",
    "admitted_statuses",
    "after_operation",
    "can_act",
    "dead_ends",
    "holds_in",
    "routes",
    "wanted_statuses",
]


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
    replacements: dict[Status, tuple[dict[str, Value], ...]] = {
        status: _replacements(row, status) for status in Status if status is not Status.GONE
    }

    def holds(values: Mapping[str, Value], status: Status) -> bool:
        rest = dict(values)
        rest.pop("status", None)
        rest.pop("provider_status", None)
        return any(predicate(rest | replaced) is Truth.TRUE for replaced in replacements.get(status, ()))

    return holds


def holds_in(selector: Selector, row: ResourceType, values: Mapping[str, Value], status: Status, now: int) -> bool:
    """The same for a single task; `now` in seconds since the epoch, UTC."""
    return after_operation(compile_selector(selector, now), row)(values, status)


def _replacements(row: ResourceType, status: Status) -> tuple[dict[str, Value], ...]:
    normalised: dict[str, Value] = {"status": status.value} if status in OBSERVABLE else {}
    words = row.vendor_statuses(status)
    return tuple(normalised | {"provider_status": word} for word in words) or (normalised,)
