"""The applier against scripted answers: what is called, in which order, how often, and what is said about it."""

import asyncio
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from reconciler.backends.entries import ActionState, NoOpenIntent
from reconciler.engine import batch
from reconciler.engine.clouds import Clouds
from reconciler.exceptions import CredentialsError
from reconciler.planning.change import Change
from reconciler.planning.report import Outcome
from reconciler.tasks.observation import Completeness, Fault, Meaning, Observation, Scope
from reconciler.tasks.resource_type import Action
from reconciler.tasks.task import Status
from tests.engine.cloud import (
    ACCEPTED,
    ACCEPTED_IN_VAIN,
    BATCHED,
    BOTH,
    BRIEF,
    CATALOGUE,
    DELETE,
    FULL,
    LOCK_LOST,
    LOST,
    LOST_IN_VAIN,
    OTHERS,
    SHARED,
    SINGLY,
    UNREAD,
    Call,
    Reading,
    ScriptedProvider,
    World,
    changes,
    move,
    refused,
    waiting,
)
from tests.planning.world import CANCEL_ONLY, STOPPABLE, TWO_STEP, configuration, policy

LATE = 3
"""Readings after which a slow effect shows."""


def outcomes(world: World) -> list[str]:
    return [result.outcome.value for result in world.apply(*changes(world))]


# -- one call ------------------------------------------------------------------------------------------------
def test_intent_call_result_reading_in_this_order() -> None:
    world = World(waiting())
    result = world.apply_one()
    assert (result.outcome, result.before, result.now, result.calls) == (Outcome.DONE, "pending", "canceled", 1)
    assert [event.what for event in world.events] == ["intend", "perform", "record", "read"]


def test_an_accepted_call_is_done_only_once_its_effect_is_read() -> None:
    world = World(waiting(), {"1": [Call(None, LATE)]})
    assert world.apply_one().outcome is Outcome.DONE
    shown = [event.shown for event in world.events if event.what == "read"]
    assert shown == [Status.PENDING] * LATE + [Status.CANCELED]


def test_an_accepted_call_without_effect_is_unknown_and_not_sent_again() -> None:
    world = World(waiting(), {"1": [ACCEPTED_IN_VAIN]})
    result = world.apply_one()
    assert (result.outcome, result.now, result.calls) == (Outcome.UNKNOWN, "pending", 1)


@pytest.mark.parametrize("cancel_running", [True, False])
def test_an_accepted_cancel_is_read_until_it_shows_though_the_task_started_before_it(cancel_running: bool) -> None:
    world = World(waiting(row=STOPPABLE), {"1": [Call(None, LATE)]}, {"1": [Status.RUNNING]})
    world.configuration = configuration(policy(row=STOPPABLE, cancel_running=cancel_running))
    assert world.apply_one(Action.CANCEL).outcome is Outcome.DONE
    shown = [event.shown for event in world.events if event.what == "read"]
    assert shown == [Status.RUNNING] * LATE + [Status.CANCELED]


@pytest.mark.parametrize(("cancel_running", "calls"), [(True, 2), (False, 1)])
def test_a_call_whose_answer_was_lost_is_made_again_of_a_running_task_only_where_the_policy_says_so(
    cancel_running: bool, calls: int
) -> None:
    world = World(waiting(row=STOPPABLE), {"1": [LOST_IN_VAIN]}, {"1": [Status.RUNNING]})
    world.configuration = configuration(policy(row=STOPPABLE, cancel_running=cancel_running))
    result = world.apply_one(Action.CANCEL)
    assert result.calls == calls
    assert result.outcome is (Outcome.DONE if cancel_running else Outcome.UNKNOWN)


def test_a_status_nobody_knows_is_done_where_no_policy_selects_it_any_more() -> None:
    world = World(waiting(), {"1": [ACCEPTED_IN_VAIN]}, {"1": [Status.UNKNOWN]})
    world.configuration = configuration(policy(match={"status": "pending"}, more=OTHERS))
    assert world.apply_one().outcome is Outcome.DONE


def test_a_status_nobody_knows_is_unknown_where_a_policy_still_selects_it() -> None:
    world = World(waiting(), {"1": [ACCEPTED_IN_VAIN]}, {"1": [Status.UNKNOWN]})
    assert world.apply_one().outcome is Outcome.UNKNOWN


def test_a_cancel_of_several_pieces_of_work_is_done_when_none_waits() -> None:
    world = World(waiting(row=SHARED), {"1": [ACCEPTED_IN_VAIN]}, {"1": [Status.RUNNING]})
    result = world.apply_one()
    assert (result.outcome, result.now, result.detail) == (Outcome.DONE, "running", "none of it waits any more")


# -- lost answers --------------------------------------------------------------------------------------------
def test_a_lost_answer_whose_effect_is_seen_is_done_and_called_once() -> None:
    world = World(waiting(), {"1": [LOST]})
    assert world.apply_one().outcome is Outcome.DONE
    assert world.called() == ["1"]
    assert list(world.ledger.states.values()) == [ActionState.DONE]


def test_a_lost_call_is_made_again_only_after_two_readings_without_a_trace() -> None:
    world = World(waiting(), {"1": [LOST_IN_VAIN]})
    assert world.apply_one().outcome is Outcome.DONE
    assert world.happened("perform", "read") == ["perform", "read", "read", "perform", "read"]
    assert list(world.ledger.states.values()) == [ActionState.REFUSED, ActionState.DONE]


def test_a_reading_that_failed_is_no_reading_without_a_trace() -> None:
    world = World(waiting(), {"1": [LOST_IN_VAIN]}, {"1": [UNREAD, None, UNREAD, None]})
    assert world.apply_one().outcome is Outcome.DONE
    assert world.happened("perform", "read") == ["perform", "read", "read", "perform", "read"]
    assert world.clock.now > 6 * 0.1, "two more readings were tried and failed"


def test_a_call_is_made_three_times_at_most() -> None:
    world = World(waiting(), {"1": [LOST_IN_VAIN] * 9})
    result = world.apply_one()
    assert (result.outcome, result.calls, result.now) == (Outcome.UNKNOWN, 3, "pending")
    assert list(world.ledger.states.values()) == [ActionState.REFUSED, ActionState.REFUSED, ActionState.UNCERTAIN]


def test_an_effect_that_shows_before_the_second_call_keeps_it_from_being_made() -> None:
    world = World(waiting(), {"1": [Call(Fault(Meaning.LOST, "lost"), 1)]})
    assert world.apply_one().outcome is Outcome.DONE
    assert world.called() == ["1"]


@pytest.mark.parametrize("meaning", [Meaning.CHANGED, Meaning.GONE, Meaning.PERMISSION, Meaning.THROTTLED])
def test_a_slow_effect_of_a_lost_call_is_ours_though_the_second_was_refused(meaning: Meaning) -> None:
    world = World(waiting(), {"1": [Call(Fault(Meaning.LOST, "lost"), 2), refused(meaning)]})
    result = world.apply_one()
    assert (result.outcome, result.calls, world.effects["1"]) == (Outcome.DONE, 2, 1)


@pytest.mark.parametrize("meaning", [Meaning.PERMISSION, Meaning.UNREACHABLE, Meaning.CREDENTIALS])
def test_a_refusal_after_a_lost_answer_does_not_tell_what_the_lost_call_did(meaning: Meaning) -> None:
    world = World(waiting(), {"1": [LOST_IN_VAIN, refused(meaning)]})
    result = world.apply_one()
    assert result.outcome is Outcome.UNKNOWN
    assert result.error is not None
    assert result.error.meaning is meaning


@pytest.mark.parametrize("bucket", ["b", "legal"])
def test_nothing_is_called_again_that_no_policy_selects_or_a_protection_holds_by_now(bucket: str) -> None:
    def leave(world: World, task_id: str) -> None:
        move(world, task_id, Status.PENDING, input__bucket=bucket)

    world = World(waiting(), {"1": [LOST_IN_VAIN]}, before_read=leave)
    match = {"input.bucket": ["a", "legal"]}
    world.configuration = configuration(policy(match=match, more=OTHERS), protect={"hold": {"input.bucket": "legal"}})
    move(world, "1", Status.PENDING, input__bucket="a")
    assert world.apply_one().outcome is Outcome.UNKNOWN
    assert world.called() == ["1"]


# -- refusals and readings -----------------------------------------------------------------------------------
@pytest.mark.parametrize("meaning", [Meaning.PERMISSION, Meaning.PERMANENT, Meaning.CREDENTIALS, Meaning.THROTTLED])
def test_a_refusal_is_failed_without_reading(meaning: Meaning) -> None:
    world = World(waiting(), {"1": [refused(meaning)]})
    assert world.apply_one().outcome is Outcome.FAILED
    assert world.happened("perform", "read") == ["perform"]


def test_a_call_that_could_not_be_sent_is_not_attempted_and_not_counted() -> None:
    result = World(waiting(), {"1": [refused(Meaning.UNREACHABLE)]}).apply_one()
    assert (result.outcome, result.calls) == (Outcome.NOT_ATTEMPTED, 0)


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (Status.GONE, Outcome.SATISFIED),
        (Status.CANCELED, Outcome.SATISFIED),
        (Status.RUNNING, Outcome.MISSED),
        (Status.SUCCEEDED, Outcome.MISSED),
        (Status.PENDING, Outcome.FAILED),
        (Status.UNKNOWN, Outcome.UNKNOWN),
    ],
)
@pytest.mark.parametrize("meaning", [Meaning.CHANGED, Meaning.GONE])
def test_a_task_that_moved_on_is_judged_by_what_it_is_now(status: Status, outcome: Outcome, meaning: Meaning) -> None:
    world = World(waiting(), {"1": [refused(meaning)]}, {"1": [status]})
    assert world.apply_one().outcome is outcome
    assert world.called() == ["1"]


@pytest.mark.parametrize("call", [ACCEPTED, LOST, refused(Meaning.GONE)])
def test_readings_that_keep_failing_are_unknown_and_say_why(call: Call) -> None:
    world = World(waiting(), {"1": [call]}, {"1": [UNREAD] * 99})
    result = world.apply_one()
    assert (result.outcome, result.now, result.calls) == (Outcome.UNKNOWN, None, 1)
    assert "could not be read back" in result.detail
    assert result.error == (call.answer or UNREAD)


def test_a_reading_of_the_step_before_does_not_speak_for_the_next() -> None:
    readings: dict[str, list[Reading]] = {"1": [Status.CANCELED, *[UNREAD] * 99]}
    world = World(waiting(row=TWO_STEP), {"1": [ACCEPTED, refused(Meaning.GONE)]}, readings)
    result = world.apply_one(*BOTH)
    assert (result.outcome, result.now) == (Outcome.UNKNOWN, "canceled")
    assert "could not be read back" in result.detail


# -- batches -------------------------------------------------------------------------------------------------
def test_a_batch_of_ten_is_one_call_and_one_reading() -> None:
    world = World(waiting(23, BATCHED))
    assert outcomes(world) == ["done"] * 23
    reads = [event for event in world.events if event.what in {"read", "perform"}]
    assert len(reads) == 46
    assert world.most_in_flight <= 3


def test_where_ids_are_read_one_by_one_a_whole_step_is_read_back_at_once() -> None:
    """The client may list again instead, which for ten of them would not be worth it."""
    world = World(waiting(40, SINGLY), {"7": [Call(None, LATE)]})
    assert outcomes(world) == ["done"] * 40
    assert world.read_together == [40] + [1] * LATE


def test_what_is_left_of_batches_fills_a_reading_together() -> None:
    halves = [str(number) for number in range(1, 41) if number % 10 < 5]
    world = World(waiting(40), {task_id: [refused(Meaning.PERMISSION)] for task_id in halves})
    assert outcomes(world).count("done") == 20
    assert world.read_together == [10, 10]


def test_what_is_left_over_at_the_end_is_read_by_itself() -> None:
    world = World(waiting(23), {"3": [Call(None, LATE)]})
    assert outcomes(world) == ["done"] * 23
    assert sum(world.read_together) == 23 + LATE
    assert max(world.read_together) == 10


def test_changes_that_wait_take_no_tasks_of_their_own() -> None:
    """What is under way costs memory; a hundred thousand changes behind it cost none but their own."""
    most = 0

    def count(_world: World, _task_id: str) -> None:
        nonlocal most
        most = max(most, len(asyncio.all_tasks()))

    world = World(waiting(600), before_call=count)
    assert outcomes(world) == ["done"] * 600
    assert most <= 4 * (1 + 10) + 1


def test_the_journal_learns_of_outcomes_while_the_run_goes_on() -> None:
    seen: list[int] = []
    world = World(waiting(1_200), before_call=lambda world, _: seen.append(len(world.ledger.concluded)))
    assert outcomes(world) == ["done"] * 1_200
    assert max(seen) >= 500
    assert sorted(world.ledger.concluded) == sorted(change.id for change in changes(world))


def test_where_an_error_is_to_stop_the_run_ten_are_called_before_it_is_known() -> None:
    world = World(waiting(40, SINGLY), {"7": [ACCEPTED_IN_VAIN]}, stop_on_error=True, batches_in_flight=1)
    assert outcomes(world).count("not_attempted") == 30


def test_a_row_without_any_status_shows_nothing() -> None:
    """Not even that it left the selector: what a policy asks for is unknown of it."""
    world = World(waiting(), before_read=lambda world, _: _strip(world))
    world.configuration = configuration(policy(match={"status": "pending"}, more=OTHERS))
    result = world.apply_one()
    assert (result.outcome, result.now) == (Outcome.UNKNOWN, None)
    assert result.error is not None
    assert result.error.message == "unexpected answer: the task without a status"


def _strip(world: World) -> None:
    world.tasks["1"] = replace(world.tasks["1"], status=Status.UNKNOWN, values={"id": "1"})


def test_each_of_a_batch_gets_its_own_verdict() -> None:
    world = World(
        waiting(5, BATCHED),
        {"2": [LOST_IN_VAIN], "3": [refused(Meaning.CHANGED)], "4": [refused(Meaning.PERMISSION)]},
        {"3": [Status.RUNNING], "5": [UNREAD] * 99},
    )
    assert outcomes(world) == ["done", "done", "missed", "failed", "unknown"]
    assert world.called() == ["1", "2", "3", "4", "5", "2"]


def test_calls_in_flight_are_bounded_and_intents_with_them() -> None:
    world = World(waiting(40), calls_in_flight=3)
    assert outcomes(world) == ["done"] * 40
    assert world.most_in_flight == 3
    steps = [(event.what, 1 if event.what == "intend" else -1) for event in world.events]
    on_disk = 0
    for what, difference in steps:
        on_disk += difference if what in {"intend", "record"} else 0
        assert on_disk <= 3, "no intent waits on disk for its turn"


def test_results_come_in_the_order_of_the_changes() -> None:
    world = World(waiting(24, BATCHED) | waiting(12))
    asked = list(reversed(changes(world)))
    assert [result.key for result in world.apply(*asked)] == [change.key for change in asked]


# -- two steps -----------------------------------------------------------------------------------------------
def test_cancel_then_delete() -> None:
    world = World(waiting(row=TWO_STEP))
    result = world.apply_one(*BOTH)
    assert (result.outcome, result.now, result.calls) == (Outcome.DONE, "gone", 2)
    assert [event.action for event in world.events if event.what == "perform"] == list(BOTH)


def test_a_protection_that_appears_between_the_steps_holds_the_second_back() -> None:
    world = World(waiting(row=TWO_STEP))
    world.configuration = configuration(policy(more=OTHERS), protect={"canceled": {"status": "canceled"}})
    result = world.apply_one(*BOTH)
    assert (result.outcome, result.now, result.calls) == (Outcome.NOT_ATTEMPTED, "canceled", 1)
    assert "protected by canceled" in result.detail


def test_no_second_step_for_what_no_policy_selects_after_the_first() -> None:
    world = World(waiting(row=TWO_STEP))
    world.configuration = configuration(policy(match={"status": ["pending", "failed"]}, more=OTHERS))
    result = world.apply_one(*BOTH)
    assert (result.outcome, result.calls) == (Outcome.DONE, 1)


def test_what_somebody_else_canceled_and_nobody_selects_is_satisfied() -> None:
    world = World(waiting(row=TWO_STEP), {"1": [refused(Meaning.CHANGED)]}, {"1": [Status.CANCELED]})
    world.configuration = configuration(policy(match={"status": ["pending", "failed"]}, more=OTHERS))
    assert world.apply_one(*BOTH).outcome is Outcome.SATISFIED


def test_a_task_that_vanishes_after_the_first_step_needs_no_second() -> None:
    world = World(waiting(row=TWO_STEP), readings={"1": [Status.GONE]})
    result = world.apply_one(*BOTH)
    assert (result.outcome, result.calls) == (Outcome.DONE, 1)


def test_done_counts_for_the_change_where_the_last_step_was_done_by_others() -> None:
    world = World(waiting(row=TWO_STEP), {"1": [ACCEPTED, refused(Meaning.GONE)]}, {"1": [None, Status.GONE]})
    assert world.apply_one(*BOTH).outcome is Outcome.DONE


def test_a_failed_second_step_says_what_was_done_before() -> None:
    world = World(waiting(row=TWO_STEP), {"1": [ACCEPTED, refused(Meaning.PERMISSION)]})
    result = world.apply_one(*BOTH)
    assert (result.outcome, result.now) == (Outcome.FAILED, "canceled")
    assert result.detail.startswith("after cancel: ")


def test_a_run_that_is_stopped_between_the_steps_takes_no_second() -> None:
    world = World(waiting(row=TWO_STEP), before_read=lambda world, _: world.stop.ask())
    result = world.apply_one(*BOTH)
    assert (result.outcome, result.calls, result.now) == (Outcome.NOT_ATTEMPTED, 1, "canceled")
    assert result.detail == "after cancel: the run was interrupted first"


def test_a_record_that_ended_by_itself_can_be_deleted() -> None:
    world = World(waiting(row=TWO_STEP, status=Status.FAILED))
    assert world.apply_one(*DELETE).outcome is Outcome.DONE


# -- the journal ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize("error", [FULL, LOCK_LOST])
def test_without_an_intent_on_disk_nothing_is_called(error: Exception) -> None:
    world = World(waiting(25))
    world.ledger.fail_intend = (1, error)
    assert outcomes(world) == ["not_attempted"] * 25
    assert world.called() == []
    assert world.context.journal_fault == str(error)


def test_a_lock_that_may_be_lost_by_now_ends_the_calls_that_have_their_intent(monkeypatch: pytest.MonkeyPatch) -> None:
    """As after a sleep of the machine between the two: nobody is asked, and the intents are closed."""
    world = World(waiting(3))
    real = world.ledger.intend

    async def intend(action: Action, attempts: Sequence[tuple[Change, int]]) -> None:
        await real(action, attempts)
        world.ledger.lock_lost = LOCK_LOST

    monkeypatch.setattr(world.ledger, "intend", intend)
    assert outcomes(world) == ["not_attempted"] * 3
    assert world.called() == []
    assert world.context.journal_fault == str(LOCK_LOST)
    assert ActionState.INTENT not in world.ledger.states.values()


def test_a_result_that_cannot_be_written_ends_the_calls_and_not_the_readings() -> None:
    world = World(waiting(50), batches_in_flight=1, calls_in_flight=1)
    world.ledger.fail_record = (3, FULL)
    results = world.apply(*changes(world))
    assert [result.outcome.value for result in results] == ["done"] * 3 + ["not_attempted"] * 47
    assert world.called() == ["1", "2", "3"]


def test_a_result_that_cannot_be_written_keeps_the_next_step_from_being_taken() -> None:
    world = World(waiting(row=TWO_STEP))
    world.ledger.fail_record = (1, FULL)
    result = world.apply_one(*BOTH)
    assert (result.outcome, result.calls) == (Outcome.NOT_ATTEMPTED, 1)
    assert result.detail == "after cancel: history.db: the disk is full"


def test_a_second_intent_that_fails_leaves_the_lost_call_unknown() -> None:
    world = World(waiting(), {"1": [LOST_IN_VAIN]})
    world.ledger.fail_intend = (2, FULL)
    result = world.apply_one()
    assert (result.outcome, result.calls) == (Outcome.UNKNOWN, 1)


def test_an_effect_is_still_seen_where_the_second_intent_fails() -> None:
    world = World(waiting(), {"1": [Call(Fault(Meaning.LOST, "lost"), 2)]})
    world.ledger.fail_intend = (2, FULL)
    assert world.apply_one().outcome is Outcome.DONE
    assert world.called() == ["1"]


def test_an_intent_that_another_run_has_closed_ends_the_calls() -> None:
    world = World(waiting(50), batches_in_flight=1, calls_in_flight=1)
    world.ledger.fail_record = (1, NoOpenIntent("another run closed it"))
    results = world.apply(*changes(world))
    assert [result.outcome.value for result in results] == ["done"] + ["not_attempted"] * 49
    assert world.context.journal_fault == "another run closed it"


# -- holding back --------------------------------------------------------------------------------------------
def test_stop_on_error_starts_no_new_batch() -> None:
    world = World(waiting(50), {"3": [refused(Meaning.PERMISSION)]}, stop_on_error=True, batches_in_flight=1)
    results = world.apply(*changes(world))
    assert [result.outcome.value for result in results] == [
        *["done"] * 2,
        "failed",
        *["done"] * 7,
        *["not_attempted"] * 40,
    ]
    assert "an earlier change did not succeed" in results[-1].detail


def test_an_error_alone_does_not_stop_the_rest() -> None:
    world = World(waiting(50), {"3": [refused(Meaning.PERMISSION)]}, batches_in_flight=1)
    assert outcomes(world).count("done") == 49


@pytest.mark.parametrize(
    ("meaning", "outcome"), [(Meaning.CREDENTIALS, "failed"), (Meaning.UNREACHABLE, "not_attempted")]
)
def test_after_a_batch_that_could_not_succeed_no_other_of_the_target_starts(meaning: Meaning, outcome: str) -> None:
    tasks = waiting(50)
    world = World(tasks, {task_id: [refused(meaning)] for task_id in list(tasks)[:10]}, batches_in_flight=1)
    assert outcomes(world) == [outcome] * 10 + ["not_attempted"] * 40
    assert len(world.called()) == 10


@pytest.mark.parametrize("meaning", [Meaning.CREDENTIALS, Meaning.UNREACHABLE])
def test_what_cannot_succeed_is_not_tried_for_the_rest_of_a_batch(meaning: Meaning) -> None:
    tasks = waiting(50, SINGLY)
    world = World(tasks, {task_id: [refused(meaning)] for task_id in tasks}, calls_in_flight=2)
    results = world.apply(*changes(world))
    assert len(world.called()) == 2
    assert [result.outcome for result in results[2:]] == [Outcome.NOT_ATTEMPTED] * 48
    assert results[-1].detail.startswith(("the credentials of here were refused", "here could not be reached: "))


@pytest.mark.parametrize(
    ("error", "detail"),
    [
        (CredentialsError("no credentials found"), "no credentials found"),
        (
            LookupError("hunter2"),
            "bug in reconciler: LookupError at cloud.py in client; please report it: -v shows more",
        ),
    ],
    ids=["error", "bug"],
)
def test_a_target_without_a_client_is_not_attempted_and_says_why(error: Exception, detail: str) -> None:
    result = World(waiting(), no_client=error).apply_one()
    assert result.outcome is Outcome.NOT_ATTEMPTED
    assert re.sub(r":[0-9]+", "", result.detail).startswith(detail)


# -- bugs ----------------------------------------------------------------------------------------------------


SECRET = "hunter" + "2"


def bug_at(*task_ids: str) -> Callable[[World, str], None]:
    def raise_at(_: World, task_id: str) -> None:
        if task_id in task_ids:
            raise ExceptionGroup(SECRET, [LookupError(SECRET)]) from ValueError(SECRET)

    return raise_at


@pytest.mark.parametrize("where", ["before_call", "before_read"])
def test_a_bug_in_a_client_is_an_answer_that_was_lost(where: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "reconciler")
    world = World(waiting(30))
    setattr(world, where, bug_at("4"))
    results = {result.task_id: result for result in world.apply(*changes(world))}
    assert results["4"].outcome is Outcome.UNKNOWN
    assert results["4"].error is not None
    assert "bug in reconciler: LookupError at test_applier.py:" in results["4"].error.message
    assert "in raise_at" in caplog.text
    assert SECRET not in caplog.text + str(results)
    others = {result.outcome for task_id, result in results.items() if int(task_id) > 10}
    assert others == {Outcome.DONE}, "other batches go on"


@pytest.mark.parametrize(("where", "outcome"), [("judge", Outcome.UNKNOWN), ("intend", Outcome.NOT_ATTEMPTED)])
def test_a_bug_in_a_batch_settles_its_changes(monkeypatch: pytest.MonkeyPatch, where: str, outcome: Outcome) -> None:
    world = World(waiting(20), batches_in_flight=1)
    module = batch if where == "judge" else world.ledger
    real, errors = getattr(module, where), iter([LookupError("hunter2")])

    def broken_once(*words: Any, **named: Any) -> Any:  # noqa: ANN401 - handed on
        for error in errors:
            raise error
        return real(*words, **named)

    monkeypatch.setattr(module, where, broken_once)
    results = world.apply(*changes(world))
    first, rest = results[:10], results[10:]
    assert {result.outcome for result in first} == {outcome}
    assert {result.outcome for result in rest} == {Outcome.DONE}
    assert world.context.bug.startswith("bug in reconciler: LookupError at ")
    assert "hunter2" not in str(results)


@pytest.mark.parametrize("odd", ["", "4,5", "\x1b[31m"])
def test_a_listing_with_an_id_that_none_can_have_is_no_listing(odd: str) -> None:
    """Whoever wrote the provider: such an id is shown to nobody, and is no task that could be changed."""
    world = World({odd: replace(waiting()["1"], id=odd)})
    scope = Scope("here", CANCEL_ONLY.name)

    async def listed() -> Observation:
        async with Clouds(world.configuration, CATALOGUE, {"cloud": ScriptedProvider(world)}) as clouds:
            return (await clouds.observe({scope: None}))[scope]

    seen = asyncio.run(listed())
    assert (seen.completeness, seen.tasks) == (Completeness.FAILED, ())
    assert seen.fault is not None
    assert seen.fault.meaning is Meaning.MALFORMED


# -- interruption --------------------------------------------------------------------------------------------
def test_interrupted_before_the_first_call() -> None:
    world = World(waiting(30))
    world.stop.ask()
    assert outcomes(world) == ["not_attempted"] * 30
    assert world.events == []


def test_interrupted_while_calling_what_is_in_flight_is_read_back() -> None:
    def interrupt(world: World, task_id: str) -> None:
        if task_id == "4":
            world.stop.ask()

    world = World(waiting(30), before_call=interrupt, calls_in_flight=2)
    results = world.apply(*changes(world))
    sent = set(world.called())
    assert 4 <= len(sent) <= 6
    for result in results:
        assert result.outcome is (Outcome.DONE if result.task_id in sent else Outcome.NOT_ATTEMPTED)
    assert ActionState.INTENT not in world.ledger.states.values(), "no intent is left open"
    intended = {event.task_id for event in world.events if event.what == "intend"}
    assert len(intended - sent) <= world.calls_in_flight, "what waits for its turn is not even written down"


def test_interrupted_while_verifying_the_follow_up_ends_within_the_drain() -> None:
    world = World(waiting(), {"1": [ACCEPTED_IN_VAIN]}, before_read=lambda world, _: world.stop.ask())
    assert world.apply_one().outcome is Outcome.UNKNOWN
    assert world.clock.now < 2 * world.patience.drain


def test_interrupted_while_verifying_a_slow_effect_is_still_seen() -> None:
    world = World(waiting(), {"1": [Call(None, LATE)]}, before_read=lambda world, _: world.stop.ask())
    assert world.apply_one().outcome is Outcome.DONE


def test_interrupted_while_reading_the_answer_is_not_waited_for_longer_than_the_drain() -> None:
    world = World(waiting(), patience=replace(BRIEF, drain=0.01))
    world.reading_hangs = True
    result = world.apply_one()
    assert result.outcome is Outcome.UNKNOWN
    assert result.error is not None
    assert result.error.message == "not read: the run is stopping"


def test_interrupted_nothing_is_called_again() -> None:
    world = World(waiting(), {"1": [LOST_IN_VAIN]}, before_read=lambda world, _: world.stop.ask())
    result = world.apply_one()
    assert (result.outcome, result.calls) == (Outcome.UNKNOWN, 1)
    assert list(world.ledger.states.values()) == [ActionState.UNCERTAIN], "nobody claims that it had no effect"


def test_interrupted_just_before_the_second_call_the_lost_one_is_still_followed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World(waiting(), {"1": [Call(Fault(Meaning.LOST, "lost"), 2)]})
    real = world.ledger.intend

    async def intend(action: Action, attempts: Sequence[tuple[Change, int]]) -> None:
        await real(action, attempts)
        if attempts[0][1] == 2:
            world.stop.ask()

    monkeypatch.setattr(world.ledger, "intend", intend)
    result = world.apply_one()
    assert (result.outcome, result.calls, world.called()) == (Outcome.DONE, 1, ["1"])
    assert world.context.journal_fault == ""


# -- windows and the end of the time -------------------------------------------------------------------------
def test_what_was_not_called_when_its_window_closes_is_missed_and_not_called() -> None:
    world = World(waiting(), closes_after=0)
    result = world.apply_one()
    assert (result.outcome, result.detail, result.calls) == (Outcome.MISSED, "its window has closed", 0)
    assert [event.what for event in world.events if event.what in {"intend", "perform"}] == []


def test_what_was_called_is_read_to_the_end_and_takes_no_further_step() -> None:
    world = World(waiting(row=TWO_STEP), {"1": [Call(None, LATE)]}, closes_after=0.001)
    result = world.apply_one(*BOTH)
    assert (result.outcome, result.now, result.calls) == (Outcome.MISSED, "canceled", 1)
    assert result.detail == "after cancel: its window has closed"


def test_a_call_whose_answer_was_lost_is_not_made_again_once_the_window_has_closed() -> None:
    world = World(waiting(), {"1": [LOST_IN_VAIN, ACCEPTED]}, closes_after=0.001)
    result = world.apply_one()
    assert (result.outcome, result.calls) == (Outcome.UNKNOWN, 1)


def test_nothing_is_sent_once_the_time_is_over_and_what_was_sent_is_read() -> None:
    over = World(waiting(), stop_at=0)
    result = over.apply_one()
    assert (result.outcome, result.calls) == (Outcome.NOT_ATTEMPTED, 0)
    assert result.detail == "the time of --max-duration was over first"
    late = World(waiting(row=TWO_STEP), {"1": [Call(None, LATE)]}, stop_at=0.001)
    result = late.apply_one(*BOTH)
    assert (result.outcome, result.now, result.calls) == (Outcome.NOT_ATTEMPTED, "canceled", 1)
