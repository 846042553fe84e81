"""Times of tasks, which come as text that may be anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.planning.records import rfc3339, seconds_of
from reconciler.reports.ages import age
from reconciler.reports.html.elements import Markup, element

if TYPE_CHECKING:
    from reconciler.planning.plan import Observed

__all__ = ["created", "moment"]


def created(observed: Observed) -> int | None:
    """When the task was created, in seconds since the epoch; None where that is not known."""
    value = observed.get("created_at")
    if not isinstance(value, str):
        return None
    try:
        found = seconds_of(value)
        rfc3339(found)
    except (ValueError, OverflowError):
        return None
    return found


def moment(seconds: int | None, now: int) -> Markup:
    """How long ago something was. The time itself stands in an attribute, which the style sheet shows as well."""
    if seconds is None:
        return Markup("unknown")
    return element("time", age(seconds, now), datetime=rfc3339(seconds))
