"""Times of tasks, which come as text that may be anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.reports.ages import age
from reconciler.reports.html.elements import Markup, element
from reconciler.tasks.timestamps import format_timestamp, parse_timestamp

if TYPE_CHECKING:
    from reconciler.planning.change import Observed

__all__ = ["created", "moment"]


def created(observed: Observed) -> int | None:
    """When the task was created, in seconds since the epoch; None where that is not known."""
    value = observed.get("created_at")
    if not isinstance(value, str):
        return None
    try:
        found = parse_timestamp(value)
        format_timestamp(found)
    except (ValueError, OverflowError):
        return None
    return found


def moment(seconds: int | None, now: int) -> Markup:
    """How long ago something was. The time itself stands in an attribute, which the style sheet shows as well."""
    if seconds is None:
        return Markup("unknown")
    return element("time", age(seconds, now), datetime=format_timestamp(seconds))
