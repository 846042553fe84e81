"""The table of verdicts: every answer against every status that the task is read in afterwards."""

import pytest

from reconciler.engine.work import Next, Settled, judge, out_of_time, refusal
from reconciler.planning.report import Outcome
from reconciler.tasks.observation import Fault, Meaning
from reconciler.tasks.resource_type import Action
from reconciler.tasks.task import Status
from tests.planning.world import STOPPABLE, TWO_STEP

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
