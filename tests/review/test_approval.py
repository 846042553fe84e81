"""The digest that a reviewer saw, or a refusal."""

import pytest

from reconciler.exceptions import ExitCode, RefusedError
from reconciler.review.approval import Approved, approved
from reconciler.review.decision import CLOCKS_APART
from reconciler.review.platform import Comment
from reconciler.tasks.timestamps import format_timestamp
from tests.reports.examples import NOW, PLANS
from tests.review.world import plan_draft, quiet_draft, report_draft

DRAFT = plan_draft()
KEY = DRAFT.marker.key
EXPIRES = format_timestamp(PLANS["five_kinds"].expires_at)
OTHER = plan_draft(NOW - 1, "blocked")


def shown(*bodies: str, author: str = "reviewer") -> Approved:
    comments = [Comment(number, author, body) for number, body in enumerate(bodies, start=1)]
    return approved(comments, KEY, {"reviewer"}, NOW)


def test_the_digest_of_the_plan_and_until_when_it_is_good() -> None:
    plan = PLANS["five_kinds"]
    expected = Approved(plan.digest, plan.expires_at)
    assert shown("looks good", DRAFT.body) == expected
    assert shown(plan_draft(NOW + 60).body, DRAFT.body) == expected


REFUSED = {
    "no comment": ([], "no comment of ours"),
    "a report": ([report_draft().body], "report of an apply"),
    "no changes": ([quiet_draft().body], "cannot be applied: its outcome is ok, with 0 changes"),
    "a guard": ([plan_draft(NOW, "guard_breach").body], "cannot be applied: its outcome is refused"),
    "two plans": ([DRAFT.body, OTHER.body], "comments 1, 2 on the request are all ours and show different plans"),
    "a time ahead": ([plan_draft(NOW + CLOCKS_APART + 1).body], "a time that has not come"),
    "another end": ([DRAFT.body.replace(EXPIRES, "2999-01-01T00:00:00Z", 1)], "does not show when its plan expires"),
    "no end": ([DRAFT.body.replace(f',"expires_at":"{EXPIRES}"', "", 1)], "does not show when its plan expires"),
    "edited": ([DRAFT.body.replace(DRAFT.marker.digest, OTHER.marker.digest, 1)], "was edited"),
}


@pytest.mark.parametrize(("bodies", "words"), REFUSED.values(), ids=REFUSED)
def test_refusals(bodies: list[str], words: str) -> None:
    with pytest.raises(RefusedError, match=words) as caught:
        shown(*bodies)
    assert caught.value.exit_code is ExitCode.REFUSED
    assert caught.value.hint


def test_a_comment_of_somebody_else_approves_nothing() -> None:
    for author in ("mallory", ""):
        with pytest.raises(RefusedError, match="no comment of ours"):
            shown(DRAFT.body, author=author)
    with pytest.raises(RefusedError, match="no comment of ours"):
        approved([Comment(1, "reviewer", DRAFT.body)], "0" * 12, {"reviewer"}, NOW)
