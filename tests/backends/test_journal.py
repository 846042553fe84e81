"""The journal: no call without a durable intent, and no call twice."""

from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future

import pytest

from reconciler.backends.backend import Backend
from reconciler.backends.connect import connect
from reconciler.backends.entries import (
    ActionResult,
    ActionState,
    AlreadyDone,
    AlreadyIntended,
    Intent,
    NoOpenIntent,
    RunEnd,
    RunStart,
    TaskOutcome,
)
from reconciler.backends.fencing import Fence
from reconciler.backends.history import History
from reconciler.backends.journal import Journal, new_run_id
from reconciler.backends.leases import acquire
from reconciler.exceptions import BackendError
from reconciler.tasks.observation import Fault, Meaning

Build = Callable[..., Intent]


NOW = 1_700_000_000_000


@pytest.fixture
def journal(backend: Backend) -> Iterator[Journal]:
    with Journal(backend, clock=lambda: NOW) as journal:
        yield journal


@pytest.fixture
def run_id(journal: Journal, start: RunStart) -> str:
    return journal.begin_run(start)


def states(journal: Journal, run_id: str) -> list[tuple[str, int, str]]:
    return [(row.key.id, row.attempt, row.state.value) for row in History(journal.backend).actions(run_id)]


def test_an_intent_is_visible_to_others_once_its_future_is_done(
    journal: Journal, run_id: str, url: str, intent: Build
) -> None:
    journal.intend(run_id, [intent("7")], Fence(())).result()
    (row,) = History(connect(url)).actions(run_id)
    assert (row.key.id, row.state, row.intent_at, row.result_at) == ("7", ActionState.INTENT, NOW, None)


def test_a_result_keeps_what_the_cloud_answered(journal: Journal, run_id: str, intent: Build) -> None:
    journal.intend(run_id, [intent()], Fence(())).result()
    fault = Fault(Meaning.CHANGED, "task is \udc80running\0", code="MPC.10212", http_status=400, request_id="r-1")
    journal.record(run_id, [ActionResult(intent(), ActionState.REFUSED, fault)]).result()
    (row,) = History(journal.backend).actions(run_id)
    assert (row.state, row.fault_meaning, row.fault_code) == (ActionState.REFUSED, "changed", "MPC.10212")
    assert (row.fault_message, row.http_status, row.request_id) == (r"task is \udc80running\x00", 400, "r-1")
    assert row.result_at == NOW


def test_what_is_done_is_never_let_through_again(journal: Journal, run_id: str, intent: Build) -> None:
    journal.intend(run_id, [intent()], Fence(())).result()
    journal.record(run_id, [ActionResult(intent(), ActionState.DONE)]).result()
    for attempt in (1, 2):
        with pytest.raises(AlreadyDone, match="already done") as refused:
            journal.intend(run_id, [intent(attempt=attempt)], Fence(())).result()
        assert refused.value.intents == (intent(attempt=attempt),)
    assert states(journal, run_id) == [("1", 1, "done")]


def test_a_refused_batch_is_refused_whole(journal: Journal, run_id: str, intent: Build) -> None:
    journal.intend(run_id, [intent("a")], Fence(()))
    journal.record(run_id, [ActionResult(intent("a"), ActionState.DONE)])
    with pytest.raises(AlreadyDone) as refused:
        journal.intend(run_id, [intent("b"), intent("a"), intent("c")], Fence(())).result()
    assert refused.value.intents == (intent("a"),)
    journal.intend(run_id, [intent("b"), intent("c")], Fence(())).result()
    assert states(journal, run_id) == [("a", 1, "done"), ("b", 1, "intent"), ("c", 1, "intent")]


@pytest.mark.parametrize("attempt", [1, 2])
def test_what_is_in_flight_is_not_let_through(journal: Journal, run_id: str, intent: Build, attempt: int) -> None:
    journal.intend(run_id, [intent()], Fence(())).result()
    with pytest.raises(AlreadyIntended):
        journal.intend(run_id, [intent(attempt=attempt)], Fence(())).result()


def test_the_same_intent_twice_in_one_request_is_refused(journal: Journal, run_id: str, intent: Build) -> None:
    with pytest.raises(AlreadyIntended):
        journal.intend(run_id, [intent(), intent()], Fence(())).result()
    assert states(journal, run_id) == []


@pytest.mark.parametrize("state", [ActionState.REFUSED, ActionState.UNCERTAIN])
def test_after_a_result_without_effect_the_next_attempt_may_go(
    journal: Journal, run_id: str, intent: Build, state: ActionState
) -> None:
    journal.intend(run_id, [intent()], Fence(()))
    journal.record(run_id, [ActionResult(intent(), state)])  # not waited for: requests keep their order
    with pytest.raises(AlreadyIntended):
        journal.intend(run_id, [intent()], Fence(())).result()
    journal.intend(run_id, [intent(attempt=2)], Fence(())).result()
    assert states(journal, run_id) == [("1", 1, state.value), ("1", 2, "intent")]


def test_an_uncertain_result_may_turn_out_done(journal: Journal, run_id: str, intent: Build) -> None:
    journal.intend(run_id, [intent()], Fence(()))
    for state in (ActionState.UNCERTAIN, ActionState.DONE, ActionState.DONE):
        journal.record(run_id, [ActionResult(intent(), state)]).result()
    with pytest.raises(NoOpenIntent):
        journal.record(run_id, [ActionResult(intent(), ActionState.REFUSED)]).result()
    with pytest.raises(AlreadyDone):
        journal.intend(run_id, [intent(attempt=2)], Fence(())).result()


def test_a_result_without_an_intent_is_refused_alone(journal: Journal, run_id: str, intent: Build) -> None:
    good = journal.intend(run_id, [intent("good")], Fence(()))
    stray = journal.record(run_id, [ActionResult(intent("stray"), ActionState.DONE)])
    with pytest.raises(NoOpenIntent, match="stray"):
        stray.result()
    good.result()


def test_another_run_may_do_the_same_again(journal: Journal, start: RunStart, intent: Build) -> None:
    for run_id in (journal.begin_run(start), journal.begin_run(start)):
        journal.intend(run_id, [intent()], Fence(())).result()
        journal.record(run_id, [ActionResult(intent(), ActionState.DONE)]).result()


def test_two_journals_of_one_run_share_its_gate(journal: Journal, run_id: str, url: str, intent: Build) -> None:
    with Journal.open(url) as other:
        journal.intend(run_id, [intent()], Fence(())).result()
        with pytest.raises(AlreadyIntended):
            other.intend(run_id, [intent()], Fence(())).result()
        other.record(run_id, [ActionResult(intent(), ActionState.DONE)]).result()
        with pytest.raises(AlreadyDone):
            journal.intend(run_id, [intent()], Fence(())).result()


def test_an_unknown_run_is_refused_and_harms_no_other(journal: Journal, run_id: str, intent: Build) -> None:
    stray = journal.intend("nobody", [intent()], Fence(()))
    good = journal.intend(run_id, [intent()], Fence(()))
    end = journal.finish_run("nobody", RunEnd("ok", 0, {}))
    with pytest.raises(BackendError):
        stray.result()
    good.result()
    with pytest.raises(BackendError, match="no run nobody"):
        end.result()
    journal.intend(run_id, [intent("2")], Fence(())).result()


def test_a_task_whose_id_cannot_be_stored_is_not_acted_on(journal: Journal, run_id: str, intent: Build) -> None:
    with pytest.raises(BackendError):
        journal.intend(run_id, [intent("\ud800")], Fence(())).result()
    journal.intend(run_id, [intent()], Fence(())).result()


def test_an_end_and_outcomes_are_kept(journal: Journal, run_id: str, intent: Build) -> None:
    key = intent().key
    journal.record_outcomes(run_id, [TaskOutcome(*key, "unknown", "pending")])
    journal.record_outcomes(run_id, [TaskOutcome(*key, "done", "pending", "canceled", "verified")])
    journal.finish_run(run_id, RunEnd("ok", 0, {"done": 1})).result()
    history = History(journal.backend)
    assert history.outcomes(run_id) == [TaskOutcome(*key, "done", "pending", "canceled", "verified")]
    run = history.run(run_id)
    assert run is not None
    assert (run.outcome, run.exit_code, run.summary, run.finished_ms) == ("ok", 0, {"done": 1}, NOW)


def test_close_writes_what_is_queued(journal: Journal, run_id: str, url: str, intent: Build) -> None:
    futures = [journal.intend(run_id, [intent(str(number))], Fence(())) for number in range(300)]
    journal.close()
    assert all(future.done() and future.exception() is None for future in futures)
    assert [row.key.id for row in History(connect(url)).actions(run_id)] == [str(number) for number in range(300)]


def test_a_closed_journal_lets_nothing_through(journal: Journal, run_id: str, intent: Build) -> None:
    journal.close()
    journal.close()
    with pytest.raises(BackendError, match="closed"):
        journal.intend(run_id, [intent()], Fence(())).result(timeout=0)


def test_who_listens_is_woken_after_the_futures_of_a_group_are_done(
    journal: Journal, run_id: str, intent: Build
) -> None:
    done: list[int] = []
    futures: list[Future[None]] = []
    with journal.waking(lambda: done.append(sum(future.done() for future in futures))):
        futures += [journal.intend(run_id, [intent(str(number))], Fence(())) for number in range(50)]
        journal.close()
    assert done[-1] == 50
    assert len(done) < 50, "once for a group, not for each"


def test_a_withdrawn_intent_is_not_written(url: str, start: RunStart, intent: Build) -> None:
    backend = connect(url)
    with Journal(backend) as journal:
        run_id = journal.begin_run(start)
        with backend.writing() as connection:
            if backend.engine.dialect.name == "postgresql":
                connection.exec_driver_sql("LOCK TABLE actions")
            first = journal.intend(run_id, [intent("first")], Fence(()))
            while not first.running():  # the writer took it, and now waits for our lock
                pass
            second = journal.intend(run_id, [intent("second")], Fence(()))
            assert second.cancel()
            assert not journal.record(run_id, [ActionResult(intent("first"), ActionState.DONE)]).cancel()
        with pytest.raises(CancelledError):
            second.result()
    assert [(row.key.id, row.state) for row in History(backend).actions(run_id)] == [("first", ActionState.DONE)]


def test_open_intents_are_those_for_the_targets(journal: Journal, start: RunStart, intent: Build) -> None:
    killed, current = journal.begin_run(start), journal.begin_run(start)
    journal.intend(killed, [intent("1"), intent("2"), intent("3", target="other")], Fence(())).result()
    journal.record(killed, [ActionResult(intent("2"), ActionState.UNCERTAIN)])
    found, doubtful = journal.open_intents((), {"prod"})
    assert (found.run_id, found.key, found.attempt, found.intent_at) == (killed, intent("1").key, 1, NOW)
    assert doubtful.key == intent("2").key
    journal.resolve(found, ActionState.DONE, by=current).result()
    journal.resolve(doubtful, ActionState.REFUSED, by=current).result()
    assert journal.open_intents((), {"prod"}) == []
    assert [row.settled_by for row in History(journal.backend).actions(killed)] == [current, current, None]


def test_what_is_open_belongs_to_an_account_whatever_the_target_was_called(
    journal: Journal, start: RunStart, intent: Build
) -> None:
    run_id = journal.begin_run(start)
    groups = {"old-name": "cloud/a", "prod": "cloud/b", "gone": "cloud/c"}
    intents = [intent(name, target=name) for name in groups]
    journal.intend(run_id, intents, Fence(()), groups=groups).result()
    (renamed,) = journal.open_intents({"cloud/a"}, {"new-name"})
    assert (renamed.target, renamed.rate_group) == ("old-name", "cloud/a")
    assert journal.open_intents({"cloud/x"}, {"prod"}) == [], "prod is another account now, which cannot tell"
    assert journal.strays({"cloud/a"}, {"new-name", "prod"}) == {"gone": 1}
    with acquire(journal.backend, {"cloud/c": ()}):
        assert journal.strays({"cloud/a"}, {"new-name", "prod"}) == {}, "another apply is at work on it"


def test_run_ids_sort_by_time() -> None:
    ids = [new_run_id(now) for now in (0, 1, NOW, NOW + 1)]
    assert ids == sorted(ids)
    assert {len(run_id) for run_id in ids} == {32}
