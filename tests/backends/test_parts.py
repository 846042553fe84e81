"""Parts of one run: an execution again takes over at once, and neither an earlier one nor the end is written over."""

from collections.abc import Callable, Iterator

import pytest

from reconciler.backends.backend import Backend
from reconciler.backends.entries import (
    ActionResult,
    ActionState,
    Intent,
    RunEnd,
    RunOver,
    RunPart,
    RunStart,
    TaskOutcome,
)
from reconciler.backends.fencing import LeaseHeld, LeaseLost
from reconciler.backends.history import History
from reconciler.backends.journal import Journal
from reconciler.backends.leases import Lease, acquire
from reconciler.exceptions import LockedError

Build = Callable[..., Intent]

GROUPS = {"cloud/a": ["prod"]}
END = RunEnd("ok", 0, {"done": 1})


@pytest.fixture
def journal(backend: Backend) -> Iterator[Journal]:
    with Journal(backend) as journal:
        yield journal


@pytest.fixture
def part(journal: Journal, start: RunStart) -> RunPart:
    return RunPart(journal.begin_run(start), "unit-1")


def taken(journal: Journal, part: RunPart | None, on_stop: Callable[[], object] = lambda: None) -> Lease:
    return acquire(journal.backend, GROUPS, part=part, on_stop=on_stop, heartbeat=False)


def test_an_execution_again_takes_over_at_once_and_nobody_else_does(journal: Journal, part: RunPart) -> None:
    earlier = taken(journal, part)
    again = taken(journal, RunPart(part.run_id, part.unit))
    assert again.fence.tokens[0][1] > earlier.fence.tokens[0][1]
    with pytest.raises(LeaseLost, match="is no longer ours"):
        earlier.renew()
    earlier.release()
    again.renew()
    for other in (RunPart(part.run_id, "unit-2"), None):
        with pytest.raises(LeaseHeld):
            taken(journal, other)


def test_the_units_of_two_runs_are_two(journal: Journal, part: RunPart, start: RunStart) -> None:
    with taken(journal, part), pytest.raises(LeaseHeld):
        taken(journal, RunPart(journal.begin_run(start), part.unit))


def test_an_earlier_execution_writes_nothing_more(journal: Journal, part: RunPart, intent: Build) -> None:
    earlier = taken(journal, part)
    journal.intend(part.run_id, [intent("1")], earlier.fence).result()
    with taken(journal, part) as again:
        _check_shut_out(journal, part.run_id, earlier, intent)
        journal.intend(part.run_id, [intent("2")], again.fence).result()
        journal.record(part.run_id, [ActionResult(intent("1"), ActionState.DONE)], again.fence).result()
        journal.record_outcomes(part.run_id, [TaskOutcome(*intent("1").key, "done", "pending")], again.fence).result()


def _check_shut_out(journal: Journal, run_id: str, lease: Lease, intent: Build) -> None:
    (open_intent,) = journal.open_intents(GROUPS, ["prod"])
    for written in (
        journal.intend(run_id, [intent("3")], lease.fence),
        journal.record(run_id, [ActionResult(intent("1"), ActionState.REFUSED)], lease.fence),
        journal.record_outcomes(run_id, [TaskOutcome(*intent("1").key, "failed", "pending")], lease.fence),
        journal.resolve(open_intent, ActionState.REFUSED, by=run_id, fence=lease.fence),
    ):
        with pytest.raises(LockedError, match="is no longer ours"):
            written.result()


def test_after_the_end_no_part_writes_anything_or_begins(
    journal: Journal, part: RunPart, start: RunStart, intent: Build
) -> None:
    lease = taken(journal, part)
    journal.intend(part.run_id, [intent("1")], lease.fence).result()
    journal.finish_run(part.run_id, END).result()
    _check_shut_out(journal, part.run_id, lease, intent)
    with pytest.raises(LeaseLost):
        lease.renew()
    with pytest.raises(RunOver, match=f"run {part.run_id} has ended"):
        taken(journal, part)
    assert History(journal.backend).verify().verified
    with taken(journal, None):
        pass  # free at once


def test_the_end_of_another_run_takes_nothing(journal: Journal, part: RunPart, start: RunStart) -> None:
    lease = taken(journal, part)
    journal.finish_run(journal.begin_run(start), END).result()
    lease.renew()


def test_a_part_of_a_run_that_is_not_there_does_not_begin(journal: Journal) -> None:
    for groups in (GROUPS, {}):
        with pytest.raises(RunOver, match="there is no run nothing in this database") as refused:
            acquire(journal.backend, groups, part=RunPart("nothing", "unit-1"))
        assert "the same database" in refused.value.hint


def test_a_run_is_told_to_stop(journal: Journal, part: RunPart, start: RunStart) -> None:
    """Its parts are told with the next renewal, which goes on; none begins any more."""
    told: list[str] = []
    lease = taken(journal, part, lambda: told.append("stop"))
    other = acquire(
        journal.backend,
        {"cloud/b": []},
        part=RunPart(journal.begin_run(start), "unit-1"),
        heartbeat=False,
        on_stop=lambda: told.append("other"),
    )
    lease.renew()
    assert told == []
    journal.ask_to_stop(part.run_id)
    for each in (lease, other):
        each.renew()
    assert told == ["stop"]
    assert lease.held
    with pytest.raises(RunOver, match="was told to stop"):
        taken(journal, part)
    journal.finish_run(part.run_id, END).result()
    journal.ask_to_stop(part.run_id)
    assert History(journal.backend).verify().verified
