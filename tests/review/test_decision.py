"""What to do about the comments that are there, in whatever order things happened."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.exceptions import ExitCode, RefusedError
from reconciler.review.decision import (
    CLOCKS_APART,
    Approved,
    Create,
    Decision,
    Nothing,
    Reason,
    Update,
    Withdraw,
    approved,
    decide,
)
from reconciler.review.draft import Draft
from reconciler.review.platform import Comment
from reconciler.tasks.timestamps import format_timestamp
from tests.reports.examples import NOW, PLANS
from tests.review.world import plan_draft, quiet_draft, report_draft

ME = {"reviewer"}
DRAFT = plan_draft()


def comment(number: int, body: str, author: str = "Reviewer") -> Comment:
    return Comment(number, author, body)


def test_the_first_comment_is_created() -> None:
    assert decide([], DRAFT, ME) == Create()
    assert decide([comment(1, "looks good"), comment(2, DRAFT.body, "mallory")], DRAFT, ME) == Create()


def test_a_plan_without_changes_creates_none_and_updates_one() -> None:
    quiet = quiet_draft(NOW + 1)
    assert decide([], quiet, ME) == Nothing(Reason.QUIET)
    assert decide([comment(1, DRAFT.body)], quiet, ME) == Update(comment(1, DRAFT.body))


def test_the_same_text_is_not_written_again() -> None:
    there = comment(1, DRAFT.body.replace("\n", "\r\n").rstrip())
    assert decide([there], DRAFT, ME) == Nothing(Reason.SAME, there)


def test_an_older_run_that_ends_late_leaves_the_newer_text() -> None:
    there = comment(1, plan_draft(NOW + 1).body)
    assert decide([there], DRAFT, ME) == Nothing(Reason.NEWER, there)
    assert decide([there], quiet_draft(), ME) == Nothing(Reason.NEWER, there)


def test_a_report_takes_the_comment_of_its_plan() -> None:
    assert decide([comment(1, DRAFT.body)], report_draft(), ME) == Update(comment(1, DRAFT.body))


def test_other_targets_have_their_own_comment() -> None:
    elsewhere = replace(DRAFT, marker=replace(DRAFT.marker, key="0" * 12))
    assert decide([comment(1, DRAFT.body)], elsewhere, ME) == Create()


def test_of_several_the_last_is_kept_up_to_date_and_the_others_are_named() -> None:
    there = [comment(number, plan_draft(NOW - number).body) for number in (5, 1, 3)]
    assert decide(there, DRAFT, ME) == Update(there[0])
    there[0] = comment(5, DRAFT.body)
    assert decide(there, DRAFT, ME) == Nothing(Reason.SAME, there[0], (there[1], there[2]))


def test_a_comment_from_the_future_by_somebody_else_keeps_nobody_from_writing() -> None:
    hostile = comment(9, plan_draft(NOW + 10**8).body, "mallory")
    unknown = comment(10, plan_draft(NOW + 10**8).body, "")
    mine = comment(1, plan_draft(NOW - 1).body)
    assert decide([mine, hostile, unknown], DRAFT, ME) == Update(mine)


def test_our_own_comment_of_a_time_that_has_not_come_keeps_nobody_from_writing() -> None:
    """Whoever may edit comments of ours wrote that; it would stay whatever later runs find."""
    ahead, beyond = (comment(1, plan_draft(NOW + CLOCKS_APART + more).body) for more in (0, 1))
    assert decide([ahead], DRAFT, ME, now=NOW) == Nothing(Reason.NEWER, ahead)
    assert decide([beyond], DRAFT, ME, now=NOW) == Update(beyond)


def test_two_runs_created_one_each() -> None:
    """The first one stays. The other run brings its text over before it takes its own away."""
    first, second = comment(1, plan_draft(NOW - 5).body), comment(2, DRAFT.body)
    assert decide([first, second], DRAFT, ME, {2}) == Update(first)
    first = comment(1, DRAFT.body)
    assert decide([first, second], DRAFT, ME, {2}) == Withdraw(second)
    assert decide([first, second], DRAFT, ME, {1}) == Nothing(Reason.SAME, first)


def test_what_a_later_run_took_over_is_not_withdrawn() -> None:
    first, taken = comment(1, DRAFT.body), comment(2, plan_draft(NOW + 5).body)
    assert decide([first, taken], DRAFT, ME, {2}) == Nothing(Reason.NEWER, first)


bodies = st.one_of(
    st.builds(lambda moment: plan_draft(NOW + moment).body, st.integers(-3, 3)),
    st.builds(lambda moment: report_draft(NOW + moment).body, st.integers(-3, 3)),
    st.sampled_from(["", "looks good", plan_draft(NOW, "blocked").body, "\n" + DRAFT.body, DRAFT.body[1:]]),
)
threads = st.lists(st.tuples(st.sampled_from(["reviewer", "Reviewer", "mallory", ""]), bodies), max_size=6).map(
    lambda entries: [comment(number, body, author) for number, (author, body) in enumerate(entries, start=1)]
)
drafts = st.builds(
    lambda make, moment: make(NOW + moment),
    st.sampled_from([plan_draft, report_draft, quiet_draft]),
    st.integers(-3, 3),
)


def carried_out(decision: Decision, thread: list[Comment], draft: Draft) -> list[Comment]:
    match decision:
        case Create():
            return [*thread, comment(len(thread) + 1, draft.body, "reviewer")]
        case Update(there):
            return [replace(entry, body=draft.body) if entry.id == there.id else entry for entry in thread]
        case Withdraw(there):
            return [entry for entry in thread if entry.id != there.id]
        case Nothing():
            return thread


@given(threads, drafts, st.sets(st.integers(1, 6), max_size=2))
def test_it_comes_to_rest_and_touches_nothing_of_others(thread: list[Comment], draft: Draft, numbers: set[int]) -> None:
    created = {entry.id for entry in thread if entry.id in numbers and entry.author == "reviewer"}
    now, steps = thread, 0
    while not isinstance(decision := decide(now, draft, ME, created), Nothing):
        if isinstance(decision, Update | Withdraw):
            before = decision.comment
            assert before.author.casefold() == "reviewer"
            assert before.marker is not None
            assert before.marker.key == draft.marker.key
            assert before.marker.valid_at <= draft.marker.valid_at
            assert isinstance(decision, Update) or before.id in created
        now = carried_out(decision, now, draft)
        steps += 1
        assert steps <= 4
    assert decide(carried_out(decision, now, draft), draft, ME, created) == decision
    assert [entry for entry in now if entry.author in {"mallory", ""}] == [
        entry for entry in thread if entry.author in {"mallory", ""}
    ]


@given(threads, drafts)
def test_what_is_shown_at_rest_is_the_latest(thread: list[Comment], draft: Draft) -> None:
    decision = decide(carried_out(decide(thread, draft, ME), thread, draft), draft, ME)
    assert isinstance(decision, Nothing)
    if decision.comment is not None:
        marker = decision.comment.marker
        assert marker is not None
        assert decision.reason is Reason.NEWER or decision.comment.shows(draft.body)


@given(threads)
def test_a_run_that_created_nothing_deletes_nothing(thread: list[Comment]) -> None:
    assert not isinstance(decide(thread, DRAFT, ME), Withdraw)


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
    "a guard": ([plan_draft(NOW, "run_breach").body], "cannot be applied: its outcome is refused"),
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
