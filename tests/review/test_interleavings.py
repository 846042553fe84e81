"""Two runs at once, one step at a time, in every order that hypothesis thinks of."""

import threading
from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.review.draft import Draft
from reconciler.review.platform import Comment
from reconciler.review.publishing import Action, Published, publish
from tests.reports.examples import NOW
from tests.review.world import Clock, plan_draft

FOREIGN = Comment(1, "mallory", plan_draft(NOW + 999).body)
DRAFTS = {moment: plan_draft(NOW + moment) for moment in (-1, 0, 1)}


class Turns:
    """Lets one run at a time take a step, in the order given; one that has ended is passed over."""

    def __init__(self, order: Sequence[int], runs: int) -> None:
        self._order = list(order)
        self._left = set(range(runs))
        self._changed = threading.Condition()

    def _next(self) -> int:
        while self._order and self._order[0] not in self._left:
            self._order.pop(0)
        return self._order[0] if self._order else min(self._left)

    def take(self, run: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: self._next() == run, timeout=20)

    def done(self) -> None:
        with self._changed:
            if self._order:
                self._order.pop(0)
            self._changed.notify_all()

    def end(self, run: int) -> None:
        with self._changed:
            self._left.discard(run)
            self._changed.notify_all()


class Thread:
    """The comments of one request: what both platforms have in common, in memory."""

    def __init__(self, comments: Sequence[Comment]) -> None:
        self.held = {comment.id: comment for comment in comments}
        self.created = 0
        self.last_writer = -1


class Seat:
    """The platform as one run sees it."""

    def __init__(self, thread: Thread, turns: Turns, run: int) -> None:
        self._thread, self._turns, self._run = thread, turns, run

    def place(self, number: int) -> str:
        return f"request {number}"

    def myself(self) -> str:
        return "reviewer"

    def request_of(self, commit: str) -> Sequence[int]:  # noqa: ARG002 - the protocol's
        return (7,)

    def comments(self, number: int) -> list[Comment]:  # noqa: ARG002 - the protocol's
        self._turns.take(self._run)
        found = list(self._thread.held.values())
        self._turns.done()
        return found

    def create(self, number: int, body: str) -> Comment:  # noqa: ARG002 - the protocol's
        self._turns.take(self._run)
        self._thread.created += 1
        made = Comment(100 + self._thread.created, "reviewer", body)
        self._put(made)
        self._turns.done()
        return made

    def update(self, number: int, comment: Comment, body: str) -> Comment:  # noqa: ARG002 - the protocol's
        self._turns.take(self._run)
        assert comment.id in self._thread.held
        made = replace(self._thread.held[comment.id], body=body)
        self._put(made)
        self._turns.done()
        return made

    def delete(self, number: int, comment: Comment) -> None:  # noqa: ARG002 - the protocol's
        self._turns.take(self._run)
        del self._thread.held[comment.id]
        self._turns.done()

    def _put(self, comment: Comment) -> None:
        self._thread.held[comment.id] = comment
        self._thread.last_writer = self._run


def run_all(order: Sequence[int], drafts: Sequence[Draft], there: Sequence[Comment]) -> tuple[Thread, list[Published]]:
    thread, turns = Thread([FOREIGN, *there]), Turns(order, len(drafts))
    published: list[Published | Exception] = [RuntimeError("did not end")] * len(drafts)

    def run(index: int) -> None:
        try:
            seat = Seat(thread, turns, index)
            published[index] = publish(seat, 7, drafts[index], "reviewer", Clock().patience())
        except Exception as error:  # noqa: BLE001 - shown by the test, which a thread's own error would not be
            published[index] = error
        finally:
            turns.end(index)

    threads = [threading.Thread(target=run, args=(index,)) for index in range(len(drafts))]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    for outcome in published:
        if isinstance(outcome, Exception):
            raise outcome
    return thread, [outcome for outcome in published if not isinstance(outcome, Exception)]


orders = st.lists(st.integers(0, 1), max_size=24)
moments = st.sampled_from(list(DRAFTS))


@given(orders, moments, moments, st.booleans())
@settings(max_examples=300)
def test_two_runs_leave_one_comment(order: list[int], one: int, other: int, there: bool) -> None:
    drafts = [DRAFTS[one], DRAFTS[other]]
    before = [Comment(5, "reviewer", plan_draft(NOW - 9).body)] if there else []
    thread, published = run_all(order, drafts, before)
    assert thread.held.pop(1) == FOREIGN
    (comment,) = thread.held.values()
    assert not any(outcome.others for outcome in published)
    assert {outcome.action for outcome in published} <= {*Action} - {Action.NONE}
    if not there:
        assert thread.created in {1, 2}
        assert Action.CREATED in {outcome.action for outcome in published}
    # The later run is shown, unless the other one was already on its way to write and wrote last of all: the
    # platforms have no write on condition.
    latest = max(draft.marker.valid_at for draft in drafts)
    assert comment.marker is not None
    if comment.marker.valid_at != latest:
        assert drafts[thread.last_writer].marker.valid_at == comment.marker.valid_at
    assert any(comment.shows(draft.body) for draft in drafts)
