"""The table of verdicts: every answer against every status that the task is read in afterwards."""

import pytest

from reconciler.backends.entries import ActionRecord, ActionState
from reconciler.engine.work import Earlier, Next, Settled, Work, judge, out_of_time, refusal
from reconciler.planning.report import Outcome
from reconciler.tasks.observation import Fault, Meaning
from reconciler.tasks.resource_type import Action
from reconciler.tasks.task import Status
from tests.engine.cloud import BOTH, change
from tests.planning.world import STOPPABLE, TWO_STEP, task

UNCERTAIN = (Meaning.UNAVAILABLE, Meaning.LOST, Meaning.MALFORMED)
CERTAIN = tuple(meaning for meaning in Meaning if meaning not in UNCERTAIN)

READ, CALL = Next.READ_AGAIN, Next.CALL_AGAIN
DONE, SATISFIED, MISSED, UNKNOWN = Outcome.DONE, Outcome.SATISFIED, Outcome.MISSED, Outcome.UNKNOWN

#                    accepted  answer lost  refused
TABLE: dict[Action, dict[Status, tuple[Outcome | Next, Outcome | Next, Outcome | Next]]] = {
    Action.CANCEL: {
        Status.PENDING:   (READ,     CALL,     READ),
        Status.RUNNING:   (MISSED,   MISSED,   MISSED),
        Status.SUCCEEDED: (MISSED,   MISSED,   MISSED),
        Status.FAILED:    (MISSED,   MISSED,   MISSED),
        Status.CANCELED:  (DONE,     DONE,     SATISFIED),
        Status.GONE:      (DONE,     DONE,     SATISFIED),
        Status.UNKNOWN:   (READ,     READ,     UNKNOWN),
    },
    Action.DELETE: {
        Status.PENDING:   (MISSED,   MISSED,   MISSED),
        Status.RUNNING:   (MISSED,   MISSED,   MISSED),
        Status.SUCCEEDED: (READ,     CALL,     READ),
        Status.FAILED:    (READ,     CALL,     READ),
        Status.CANCELED:  (READ,     CALL,     READ),
        Status.GONE:      (DONE,     DONE,     SATISFIED),
        Status.UNKNOWN:   (READ,     READ,     UNKNOWN),
    },
}  # fmt: skip

CELLS = [
    (action, meaning, status, row[0 if meaning is None else 1 if meaning in UNCERTAIN else 2])
    for action, rows in TABLE.items()
    for status, row in rows.items()
    for meaning in (None, *Meaning)
]


def fault(meaning: Meaning | None) -> Fault | None:
    return None if meaning is None else Fault(meaning, meaning.value)


def settled(action: Action, meaning: Meaning | None, status: Status, **facts: bool) -> Outcome | Next:
    operation = TWO_STEP.operation(action)
    assert operation is not None
    selected = facts.pop("selected", True)
    found = judge(operation, fault(meaning), status, selected=selected, asked=None, **facts)
    return found.outcome if isinstance(found, Settled) else found


def test_the_table_is_whole() -> None:
    assert {status for rows in TABLE.values() for status in rows} == set(Status)
    assert len(CELLS) == 2 * len(Status) * (len(Meaning) + 1)


@pytest.mark.parametrize(("action", "meaning", "status", "expected"), CELLS)
def test_every_answer_against_every_status(
    action: Action, meaning: Meaning | None, status: Status, expected: Outcome | Next
) -> None:
    assert settled(action, meaning, status) is expected


@pytest.mark.parametrize(("action", "meaning", "status", "expected"), CELLS)
def test_what_is_selected_matters_only_to_a_status_nobody_knows(
    action: Action, meaning: Meaning | None, status: Status, expected: Outcome | Next
) -> None:
    accepted_and_out = meaning is None and status is Status.UNKNOWN
    assert settled(action, meaning, status, selected=False) is (DONE if accepted_and_out else expected)


@pytest.mark.parametrize("meaning", CERTAIN)
@pytest.mark.parametrize("status", [Status.CANCELED, Status.GONE])
def test_an_effect_after_an_earlier_lost_answer_is_ours_whatever_the_last_call_was_told(
    meaning: Meaning, status: Status
) -> None:
    assert settled(Action.CANCEL, meaning, status) is SATISFIED
    assert settled(Action.CANCEL, meaning, status, lost_answer=True) is DONE


@pytest.mark.parametrize("status", [Status.RUNNING, Status.SUCCEEDED, Status.FAILED])
def test_where_one_id_is_several_pieces_of_work_none_waiting_is_the_effect(status: Status) -> None:
    assert settled(Action.CANCEL, None, status, shared=True) is DONE
    assert settled(Action.CANCEL, Meaning.LOST, status, shared=True) is DONE
    assert settled(Action.CANCEL, Meaning.CHANGED, status, shared=True) is MISSED
    assert settled(Action.CANCEL, None, Status.PENDING, shared=True) is READ


#                                 accepted  answer lost  refused
STOPPED = {
    ("asked", Status.PENDING):    (READ,     CALL,     READ),
    ("asked", Status.RUNNING):    (READ,     CALL,     READ),
    ("asked", Status.SUCCEEDED):  (MISSED,   MISSED,   MISSED),
    ("unasked", Status.PENDING):  (READ,     CALL,     READ),
    ("unasked", Status.RUNNING):  (READ,     READ,     MISSED),
    ("unasked", Status.CANCELED): (DONE,     DONE,     SATISFIED),
}  # fmt: skip


@pytest.mark.parametrize(("asked", "status"), STOPPED)
def test_where_the_cloud_cancels_what_runs_a_call_takes_its_course_and_is_not_made_again(
    asked: str, status: Status
) -> None:
    """A task may start before an accepted cancel reaches it: it is canceled all the same, soon."""
    full = STOPPABLE.operation(Action.CANCEL)
    narrowed = STOPPABLE.as_asked(cancel_running=asked == "asked").operation(Action.CANCEL)
    assert full is not None
    for meaning, expected in zip((None, Meaning.LOST, Meaning.CHANGED), STOPPED[asked, status], strict=True):
        found = judge(full, fault(meaning), status, selected=True, asked=narrowed)
        assert (found.outcome if isinstance(found, Settled) else found) is expected


REFUSALS = {
    Meaning.GONE: None,
    Meaning.CHANGED: None,
    Meaning.UNAVAILABLE: None,
    Meaning.LOST: None,
    Meaning.MALFORMED: None,
    Meaning.THROTTLED: Outcome.FAILED,
    Meaning.PERMISSION: Outcome.FAILED,
    Meaning.CREDENTIALS: Outcome.FAILED,
    Meaning.PERMANENT: Outcome.FAILED,
    Meaning.UNREACHABLE: Outcome.NOT_ATTEMPTED,
}


@pytest.mark.parametrize("meaning", Meaning)
def test_what_is_settled_without_reading(meaning: Meaning) -> None:
    found = refusal(Fault(meaning, "why"))
    assert (found.outcome if found else None) is REFUSALS[meaning]


@pytest.mark.parametrize("meaning", [None, *Meaning])
@pytest.mark.parametrize("status", [None, *Status])
@pytest.mark.parametrize("lost", [False, True])
def test_out_of_time_is_never_a_success(meaning: Meaning | None, status: Status | None, lost: bool) -> None:
    found = out_of_time(fault(meaning), status, lost_answer=lost)
    certain = meaning is not None and meaning not in UNCERTAIN and not lost and status is not None
    assert found.outcome is (Outcome.FAILED if certain else Outcome.UNKNOWN)
    assert found.detail


# -- what earlier executions of a unit have done ---------------------------------------------------------------
def call(
    state: ActionState, meaning: Meaning | None = None, *, attempt: int = 1, by: str | None = None
) -> ActionRecord:
    return ActionRecord(
        *("here", TWO_STEP.name, "1", Action.CANCEL, attempt),
        run_id="run",
        sequence=attempt,
        state=state,
        intent_at=0,
        result_at=0,
        fault_meaning=meaning,
        fault_code=None,
        fault_message=None,
        http_status=None,
        request_id=None,
        rate_group=None,
        settled_by=by,
    )


OPEN, SAID_DONE, REFUSED, LOST = (
    call(ActionState.INTENT),
    call(ActionState.DONE),
    call(ActionState.REFUSED, Meaning.PERMISSION),
    call(ActionState.UNCERTAIN, Meaning.LOST),
)


@pytest.mark.parametrize(
    ("calls", "sent", "doubtful"),
    [
        ([SAID_DONE], 1, False),
        ([OPEN], 1, True),
        ([LOST], 1, True),
        ([REFUSED], 1, False),
        ([call(ActionState.REFUSED)], 0, False),
        ([call(ActionState.REFUSED, Meaning.UNREACHABLE)], 0, False),
        ([call(ActionState.REFUSED, by="run")], 0, True),
        ([call(ActionState.REFUSED, Meaning.LOST), call(ActionState.DONE, attempt=2)], 2, True),
    ],
)
def test_what_the_journal_has_of_a_step(calls: list[ActionRecord], sent: int, doubtful: bool) -> None:
    assert Earlier.of(calls) == Earlier(len(calls), sent, calls[-1].state, doubtful)


@pytest.mark.parametrize(
    ("before", "now", "outcome"),
    [
        (SAID_DONE, Status.CANCELED, DONE),
        (SAID_DONE, Status.GONE, DONE),
        (SAID_DONE, Status.PENDING, UNKNOWN),
        (SAID_DONE, Status.RUNNING, MISSED),
        (OPEN, Status.CANCELED, DONE),
        (LOST, Status.PENDING, UNKNOWN),
        (LOST, Status.SUCCEEDED, MISSED),
        (call(ActionState.REFUSED, by="run"), Status.CANCELED, DONE),
        (REFUSED, Status.CANCELED, None),
    ],
)
def test_a_change_that_was_begun_before_is_concluded_by_what_its_task_shows(
    before: ActionRecord, now: Status, outcome: Outcome | None
) -> None:
    work = Work(change(task("1", Status.PENDING), *BOTH), {Action.CANCEL: Earlier.of([before])})
    result = work.left_as(task("1", now), TWO_STEP)
    assert (result and result.outcome) == outcome
    assert result is None or result.calls == Earlier.of([before]).sent


def test_a_change_that_is_given_up_was_not_attempted_only_if_no_call_was_sent() -> None:
    asked = change(task("1", Status.PENDING))
    for calls, outcome in (([OPEN], UNKNOWN), ([SAID_DONE], UNKNOWN), ([], Outcome.NOT_ATTEMPTED)):
        earlier = {Action.CANCEL: Earlier.of(calls)} if calls else {}
        assert Work(asked, earlier).cut_off("why").outcome is outcome
