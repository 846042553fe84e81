"""What to do about the comments that are there, and what they say was approved.

Pure, so that every order of events can be tried.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from reconciler.exceptions import RefusedError
from reconciler.reports.markdown.marker import MarkerKind
from reconciler.tasks.timestamps import format_timestamp

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from reconciler.reports.markdown.marker import Marker
    from reconciler.review.draft import Draft
    from reconciler.review.platform import Comment

CLOCKS_APART = 60
"""Seconds. The clocks of machines that run jobs are no further apart: a later time is one that has not come, and says
nothing."""


class Reason(StrEnum):
    """Why there is nothing to write."""

    SAME = "same"
    """The comment says so already."""
    NEWER = "newer"
    """A later run has written it, and this one only ends late."""
    QUIET = "quiet"
    """There are no changes, and no comment to say so in."""


@dataclass(frozen=True, slots=True)
class Create:
    pass


@dataclass(frozen=True, slots=True)
class Update:
    comment: Comment


@dataclass(frozen=True, slots=True)
class Withdraw:
    """Delete a comment that this very run created, since another run was quicker."""

    comment: Comment


@dataclass(frozen=True, slots=True)
class Nothing:
    """`others` are further comments of ours on the same targets, which nothing keeps up to date."""

    reason: Reason
    comment: Comment | None = None
    others: tuple[Comment, ...] = ()


Decision = Create | Update | Withdraw | Nothing


def _ours(
    comments: Iterable[Comment], key: str, me: Collection[str], created: Collection[int] = ()
) -> list[tuple[Comment, Marker]]:
    """Our comments on the targets of `key`, in the order of creation, each with what it says of itself.

    A comment is ours if its author is one of `me` (lower case), or if this run created it. A marker alone proves
    nothing: whoever may comment can write one.
    """
    found = [
        (comment, marker)
        for comment in comments
        if comment.id in created or (comment.author and comment.author.casefold() in me)
        if (marker := comment.marker) is not None and marker.key == key
    ]
    return sorted(found, key=lambda entry: entry[0].id)


def decide(
    comments: Iterable[Comment],
    draft: Draft,
    me: Collection[str],
    created: Collection[int] = frozenset(),
    *,
    now: float = math.inf,
) -> Decision:
    """The next step towards one comment that shows the latest run.

    `now` is in seconds since the epoch (UTC). A comment of a time that has not come would otherwise stay for good,
    whatever later runs find: whoever may edit ours, or gets us to publish a plan of theirs, can write any time.

    `created` are the ids that this run created, those it withdrew included. Of several, the last one is kept up to
    date. Where runs created them at the same time, the first one stays: every other run carries its text over to it,
    then withdraws its own, so that nobody deletes what another one wrote.
    """
    found = _ours(comments, draft.marker.key, me, created)
    if not found:
        return Create() if draft.newsworthy else Nothing(Reason.QUIET)
    comment = found[0][0] if created else found[-1][0]
    newer = any(draft.marker.valid_at < marker.valid_at <= now + CLOCKS_APART for _, marker in found)
    if not newer and not comment.shows(draft.body):
        return Update(comment)
    for other, marker in found[1:]:
        if other.id in created and marker.valid_at <= draft.marker.valid_at:  # else a later run has taken it over
            return Withdraw(other)
    others = () if created else tuple(other for other, _ in found[:-1])
    return Nothing(Reason.NEWER if newer else Reason.SAME, comment, others)


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
    found = _ours(comments, key, me)
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
