"""Commenting on real servers: one comment, whatever happens to the requests."""

import threading

import pytest

from reconciler.review.draft import Draft
from reconciler.review.failures import ReviewError
from reconciler.review.publishing import Action, Published, intended, publish
from reconciler.review.request import Request, found_request
from tests.reports.examples import NOW
from tests.review.forge import TOKEN, Account, Call, Fault, Forge, GitHubServer, GitLabServer, Note, Reply
from tests.review.world import Clock, job_for, plan_draft, quiet_draft, report_draft

DRAFT = plan_draft()
UPDATES = ("PATCH", "PUT")


def written(pull: Request, draft: Draft, clock: Clock, author: str | None = None) -> Published:
    return publish(pull.platform, pull.number, draft, author or pull.platform.myself(), clock.patience())


def test_the_life_of_a_comment(forge: Forge, pull: Request, clock: Clock) -> None:
    forge.add("Please have a look.", "alice")
    assert written(pull, quiet_draft(), clock).action is Action.NONE
    assert written(pull, DRAFT, clock).action is Action.CREATED
    assert written(pull, DRAFT, clock).action is Action.UNCHANGED
    assert written(pull, plan_draft(NOW + 60), clock).action is Action.UPDATED
    assert written(pull, DRAFT, clock).action is Action.SUPERSEDED
    assert written(pull, quiet_draft(NOW + 120), clock).action is Action.UPDATED
    assert "No changes" in forge.notes[1].body
    assert written(pull, report_draft(NOW + 180), clock).action is Action.UPDATED
    assert [note.body for note in forge.notes] == ["Please have a look.", report_draft(NOW + 180).body]
    assert [call.method for call in forge.writes].count("POST") == 1
    assert clock.slept == []


def test_it_is_found_on_a_later_page(forge: Forge, pull: Request, clock: Clock) -> None:
    forge.page_size = 3
    for number in range(7):
        forge.add(f"comment {number}", "alice")
    forge.add(plan_draft(NOW - 1).body)
    for number in range(7):
        forge.add(f"comment {number}", "bob")
    assert written(pull, DRAFT, clock).action is Action.UPDATED
    assert [call.method for call in forge.writes] in (["PATCH"], ["PUT"])


def test_hostile_comments_are_neither_believed_nor_edited(forge: Forge, pull: Request, clock: Clock) -> None:
    hostile = [
        forge.add(plan_draft(NOW + 10**8).body, "mallory"),
        forge.add(plan_draft(NOW + 10**8).body, "github-actions[bot]"),  # a person who calls herself so
        forge.add("<!-- reconciler:plan v1 {" + "[" * 600 + "} -->\nbroken"),
        forge.add(""),
    ]
    before = [note.body for note in hostile]
    assert written(pull, DRAFT, clock).action is Action.CREATED
    assert written(pull, plan_draft(NOW + 1), clock).action is Action.UPDATED
    assert [note.body for note in hostile] == before
    assert len(forge.notes) == 5


def test_of_several_the_last_is_updated_and_the_others_are_named(forge: Forge, pull: Request, clock: Clock) -> None:
    notes = [forge.add(plan_draft(NOW - age).body) for age in (9, 8, 7)]
    published = written(pull, DRAFT, clock)
    assert published.action is Action.UPDATED
    assert published.comment is not None
    assert published.comment.id == notes[2].id
    assert [other.id for other in published.others] == [notes[0].id, notes[1].id]
    assert [len(forge.writes), len(forge.notes)] == [1, 3]


def test_a_dry_run_writes_nothing(forge: Forge, pull: Request, clock: Clock) -> None:
    assert intended(pull.platform.comments(7), DRAFT, "reviewer", clock.patience()).action is Action.CREATED
    forge.add(plan_draft(NOW - 1).body)
    assert intended(pull.platform.comments(7), DRAFT, "reviewer", clock.patience()).action is Action.UPDATED
    assert forge.writes == []


@pytest.mark.parametrize("status", [500, 502, 503, None])
def test_a_created_comment_whose_answer_is_lost_is_not_created_twice(
    forge: Forge, pull: Request, clock: Clock, status: int | None
) -> None:
    reply = None if status is None else Reply(status, raw=b"<html>Bad gateway</html>")
    forge.faults = [Fault("POST", reply, after=True)]
    assert written(pull, DRAFT, clock).action is Action.CREATED
    assert [note.body for note in forge.notes] == [DRAFT.body]
    assert len(forge.writes) == 1


def test_a_comment_that_was_not_created_is_tried_again(forge: Forge, pull: Request, clock: Clock) -> None:
    forge.faults = [Fault("POST", Reply(502)), Fault("POST")]
    assert written(pull, DRAFT, clock).action is Action.CREATED
    assert len(forge.notes) == 1
    assert clock.slept == [1.0, 2.0]


@pytest.mark.parametrize("number", [1, 999])
def test_a_comment_that_comes_up_only_after_the_second_was_sent(
    forge: Forge, pull: Request, clock: Clock, number: int
) -> None:
    """The platform took its time over the first one, whose answer was a 504. Of the two, one is taken away again."""
    forge.faults = [Fault("POST", Reply(504))]
    late: list[Note] = []

    def before(call: Call) -> None:
        if call.method == "GET" and len(forge.writes) == 2 and not late:
            late.append(forge.add(forge.writes[0].body["body"]))
            late[0].id = number

    forge.before = before
    assert written(pull, DRAFT, clock).action in {Action.CREATED, Action.UPDATED}
    assert [note.body for note in forge.notes] == [DRAFT.body]
    assert [call.method for call in forge.writes] == ["POST", "POST", "DELETE"]


@pytest.mark.parametrize("after", [True, False])
def test_an_update_whose_answer_is_lost(forge: Forge, pull: Request, clock: Clock, after: bool) -> None:
    forge.add(plan_draft(NOW - 1).body)
    forge.faults = [Fault(method, Reply(502), after=after) for method in UPDATES]
    assert written(pull, DRAFT, clock).action is Action.UPDATED
    assert forge.notes[0].body == DRAFT.body
    assert len(forge.writes) == (1 if after else 2)


def test_a_run_that_comes_in_between_is_not_overwritten(forge: Forge, pull: Request, clock: Clock) -> None:
    """The first try to write is refused by a quota; until the second, a later run has written."""
    note = forge.add(plan_draft(NOW - 1).body)
    newer = plan_draft(NOW + 1).body
    limited = Reply(429, {"message": "Too many requests"}, {"Retry-After": "7"})
    forge.faults = [Fault(method, limited) for method in UPDATES]

    def meanwhile() -> None:
        note.body = newer

    clock.meanwhile = meanwhile
    published = written(pull, DRAFT, clock)
    assert published.action is Action.SUPERSEDED
    assert note.body == newer
    assert clock.slept == [7.0]


@pytest.mark.parametrize("first_is_newer", [True, False])
def test_two_runs_at_once_leave_one_comment(forge: Forge, clock: Clock, first_is_newer: bool) -> None:
    """Both look before either writes, so that both create one; in the end there is one, and it shows the later run."""
    gate = threading.Barrier(2, timeout=10)

    def before(call: Call) -> None:
        if call.method == "POST":
            gate.wait()

    forge.before = before
    older, newer = plan_draft(NOW), plan_draft(NOW + 5)
    order = [newer, older] if first_is_newer else [older, newer]
    actions: list[Action] = []

    def run(draft: Draft) -> None:
        with found_request(job_for(forge), TOKEN, clock.patience()) as request:
            actions.append(publish(request.platform, 7, draft, "reviewer", clock.patience()).action)

    threads = [threading.Thread(target=run, args=(draft,)) for draft in order]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [call.method for call in forge.writes].count("POST") == 2
    assert len(forge.notes) == 1
    assert len(actions) == 2
    assert Action.CREATED in actions


def test_a_list_that_lags_behind(forge: Forge, pull: Request, clock: Clock) -> None:
    forge.lag = 1
    assert written(pull, DRAFT, clock).action is Action.CREATED
    assert written(pull, plan_draft(NOW + 1), clock).action is Action.UPDATED
    assert [call.method for call in forge.writes] in (["POST", "PATCH"], ["POST", "PUT"])
    assert [note.body for note in forge.notes] == [plan_draft(NOW + 1).body]


def test_a_list_that_lags_behind_while_two_run_at_once(forge: Forge, pull: Request, clock: Clock) -> None:
    """The other run's comment comes first; our own, taken away, is shown once more."""
    forge.lag = 1

    def before(call: Call) -> None:
        if call.method == "POST":
            forge.add(plan_draft(NOW - 1).body)

    forge.before = before
    published = written(pull, DRAFT, clock)
    assert (published.action, published.others) == (Action.UPDATED, ())
    assert [call.method for call in forge.writes] in (["POST", verb, "DELETE"] for verb in UPDATES)
    assert [note.body for note in forge.notes] == [DRAFT.body]


class TestWhoWeAre:
    def test_the_token_of_a_workflow(self, github: GitHubServer, clock: Clock) -> None:
        github.accounts = {TOKEN: Account("github-actions[bot]", "Bot")}
        impostor = github.add(plan_draft(NOW + 999).body, "github-actions[bot]", "User")
        mine = github.add(plan_draft(NOW - 1).body, "github-actions[bot]", "Bot")
        with found_request(job_for(github), TOKEN, clock.patience()) as pull:
            assert pull.platform.myself() == "github-actions[bot]"
            assert written(pull, DRAFT, clock).action is Action.UPDATED
        assert mine.body == DRAFT.body
        assert impostor.body != DRAFT.body

    def test_a_limit_says_nothing_about_whose_token_it_is(self, github: GitHubServer, clock: Clock) -> None:
        limited = Reply(403, {"message": "API rate limit exceeded"}, {"retry-after": "3600"})
        github.faults = [Fault("GET", limited, times=99, path="/user")]
        with (
            found_request(job_for(github), TOKEN, clock.patience()) as pull,
            pytest.raises(ReviewError, match="rate limit"),
        ):
            pull.platform.myself()

    def test_an_app_that_was_not_named(self, github: GitHubServer, clock: Clock) -> None:
        """The answer to the first comment tells who we are; what that account wrote before is then found."""
        github.accounts = {TOKEN: Account("media-bot[bot]", "Bot")}
        before = github.add(plan_draft(NOW - 1).body, "media-bot[bot]", "Bot")
        with found_request(job_for(github), TOKEN, clock.patience()) as pull:
            published = written(pull, DRAFT, clock)
            assert published.stranger == "media-bot[bot]"
            assert [note.id for note in github.notes] == [before.id]
            assert before.body == DRAFT.body
            named = written(pull, plan_draft(NOW + 1), clock, "Media-Bot[bot]")
            assert (named.action, named.stranger) == (Action.UPDATED, "")

    def test_a_deleted_account(self, github: GitHubServer, clock: Clock) -> None:
        github.add(plan_draft(NOW + 999).body, "")
        with found_request(job_for(github), TOKEN, clock.patience()) as pull:
            assert written(pull, DRAFT, clock).action is Action.CREATED


def test_notes_that_the_system_writes_are_passed_over(gitlab: GitLabServer, clock: Clock) -> None:
    gitlab.add(plan_draft(NOW + 999).body, system=True)
    with found_request(job_for(gitlab), TOKEN, clock.patience()) as pull:
        assert written(pull, DRAFT, clock).action is Action.CREATED


def test_a_platform_that_holds_another_text(forge: Forge, pull: Request, clock: Clock) -> None:
    original = forge.add
    forge.add = lambda body, *rest, **more: original(body + " and more", *rest, **more)  # type: ignore[method-assign]
    with pytest.raises(ReviewError, match="holds another text"):
        written(pull, DRAFT, clock)
    assert len(forge.writes) == 1


def test_a_comment_that_others_keep_changing(forge: Forge, pull: Request, clock: Clock) -> None:
    note = forge.add(plan_draft(NOW - 1).body)

    def before(call: Call) -> None:
        if call.method == "GET":
            note.body = plan_draft(NOW - 2).body

    forge.before = before
    with pytest.raises(ReviewError, match="does not come to rest"):
        written(pull, DRAFT, clock)
    assert len(forge.writes) < 8


def test_a_comment_of_the_future_is_written_over(forge: Forge, pull: Request, clock: Clock) -> None:
    """Else whoever once planned with `--now 2099-01-01` would keep all later plans from being shown."""
    forge.add(plan_draft(NOW + 10**9, "blocked").body)
    assert intended(pull.platform.comments(7), DRAFT, "reviewer", clock.patience()).action is Action.UPDATED
    assert written(pull, DRAFT, clock).action is Action.UPDATED
    assert DRAFT.marker.digest in forge.notes[0].body
