"""What an operation makes of a task's values, and whether a selector still holds then."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from reconciler.selectors.compile import compile_selector
from reconciler.selectors.truth import Truth
from reconciler.tasks.field import Value
from reconciler.tasks.status import OBSERVABLE, Status

if TYPE_CHECKING:
    from reconciler.selectors.compile import Predicate
    from reconciler.selectors.syntax import Selector
    from reconciler.tasks.resource_type import ResourceType

__all__ = ["HoldsAfter", "after_operation", "holds_in"]

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
