"""Which states a selector admits, and whether a way leads out of them: the static side of planning.

Everything here follows from the status alone (see `situations.py`): where another field decides, both are possible.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.selectors.situations import joint_truths, situations, spelt, undocumented
from reconciler.selectors.truth import Truth
from reconciler.tasks.status import OBSERVABLE, PROGRESS, Status

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.selectors.situations import Situation
    from reconciler.selectors.syntax import Selector
    from reconciler.tasks.resource_type import Action, ResourceType

__all__ = ["admits", "admitted_statuses", "can_act", "dead_ends", "routes"]


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
