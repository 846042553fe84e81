"""What a reviewer saw: the digest that the comment on the request shows, and until when it is good, for `apply`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.exceptions import RefusedError
from reconciler.reports.markdown.marker import MarkerKind
from reconciler.review.decision import CLOCKS_APART, ours
from reconciler.tasks.timestamps import format_timestamp

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from reconciler.review.platform import Comment

__all__ = ["Approved", "approved"]

_PLAN_ANEW = "plan again, comment, and have that reviewed"


@dataclass(frozen=True, slots=True)
class Approved:
    """`until` is seconds since the epoch (UTC): when the plan expires that the comment shows."""

    digest: str
    until: int


def approved(comments: Iterable[Comment], key: str, me: Collection[str], now: float) -> Approved:
    """`now` is in seconds since the epoch (UTC).

    Raises RefusedError where no comment of ours shows a plan for these targets that could be applied.
    """
    found = ours(comments, key, me)
    if not found:
        raise RefusedError("no comment of ours on the request shows a plan for these targets", _PLAN_ANEW)
    comment, marker = max(found, key=lambda entry: (entry[1].valid_at, entry[0].id))
    if len({entry.digest for _, entry in found}) > 1:
        numbers = ", ".join(str(other.id) for other, _ in found)
        raise RefusedError(
            f"comments {numbers} on the request are all ours and show different plans",
            "which of them was approved cannot be told: delete the outdated ones",
        )
    if marker.kind is MarkerKind.REPORT:
        raise RefusedError("the comment on the request shows the report of an apply, not a plan", _PLAN_ANEW)
    if marker.valid_at > now + CLOCKS_APART:
        raise RefusedError(
            f"the comment on the request shows a plan of {format_timestamp(marker.valid_at)}, a time that has not come",
            _PLAN_ANEW,
        )
    if not marker.applyable:
        raise RefusedError(
            f"the plan that the comment on the request shows cannot be applied: its outcome is {marker.outcome}, "
            f"with {marker.changes} changes",
            _PLAN_ANEW if marker.changes else "there is nothing to apply",
        )
    text = comment.body.partition("\n")[2]
    if marker.digest.removeprefix("sha256:") not in text:
        raise RefusedError("the comment on the request was edited: its text does not show its digest", _PLAN_ANEW)
    if marker.expires_at is None or format_timestamp(marker.expires_at) not in text:
        raise RefusedError("the comment on the request does not show when its plan expires", _PLAN_ANEW)
    return Approved(marker.digest, marker.expires_at)
