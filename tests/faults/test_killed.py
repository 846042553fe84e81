"""Runs that are killed, or frozen and revived: the next one settles what they left, and nothing is done twice."""

import os
import signal
from pathlib import Path

import pytest

from tests.faults.kinds import PACKAGING, SNAPSHOT, applied, calls_by_task, configured
from tests.terminal import Terminal, wait_until

PROGRAM = Path(__file__).with_name("killed.py")
COUNT = 6
IDS = [str(number) for number in range(1, COUNT + 1)]
POINTS = [(when, name) for name in ("intend", "perform", "record", "read") for when in ("before", "after")]
NUMBERS = {"intend": (1, 8), "perform": (1, 8), "record": (1, 8), "read": (1, 2)}
"""Six cancels, one reading, six deletions, one reading: the numbers lie in the first step and in the second."""


@pytest.fixture(autouse=True)
def world(terminal: Terminal) -> None:
    policy = f"{{resource: {PACKAGING}, match: {{input.bucket: legacy}}, ensure: absent}}"
    terminal.write(configured(policy, settings="concurrency: 2"))
    for task_id in IDS:
        terminal.simulator.huaweicloud.add(PACKAGING, id=task_id, created="1d", input={"bucket": "legacy"})


def let_the_lock_expire(terminal: Terminal) -> None:
    assert terminal.change_database("update leases set expires_at = 0") > 0


def status(terminal: Terminal, task_id: str, resource: str = PACKAGING) -> str | None:
    return terminal.simulator.huaweicloud.status(resource, task_id)


@pytest.mark.parametrize(
    ("when", "name", "number"), [(when, name, number) for when, name in POINTS for number in NUMBERS[name]]
)
def test_killed_at_any_point_the_next_run_finishes_and_nothing_is_done_twice(
    terminal: Terminal, when: str, name: str, number: int
) -> None:
    process = terminal.start(str(PROGRAM), when, name, str(number))
    out, err = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL, err
    assert out == "", "a run that was killed claims nothing"
    sent_before = calls_by_task(terminal)
    with terminal.database() as opened:
        assert opened.execute("select count(*) from outcomes").fetchone() == (0,)
        written = {(task_id, action) for task_id, action in opened.execute("select task_id, action from actions")}
    assert {task_id for task_id, _ in written} >= set(sent_before), "no call was sent without an intent on disk"
    let_the_lock_expire(terminal)
    run = applied(terminal)
    assert run.code == 0
    assert run.kinds <= {"done"}
    assert {status(terminal, task_id) for task_id in IDS} == {None}, "every record is gone"
    for calls in calls_by_task(terminal).values():
        assert calls == [True, True], "one cancel and one deletion, each with its effect, and not one more"
    with terminal.database() as opened:
        assert opened.execute("select count(*) from actions where state = 'intent'").fetchone() == (0,)


@pytest.mark.parametrize("took_effect", [True, False])
def test_the_next_run_says_what_became_of_the_calls_left_open(terminal: Terminal, took_effect: bool) -> None:
    words = ("after", "perform", "1") if took_effect else ("after", "intend", "1")
    terminal.start(str(PROGRAM), *words).communicate(timeout=60)
    let_the_lock_expire(terminal)
    run = applied(terminal)
    assert run.code == 0
    assert "An earlier run was cut off" in run.finished.err
    with terminal.database() as opened:
        settled = opened.execute("select state from actions where settled_by is not null").fetchall()
    assert ("done",) in settled if took_effect else ("refused",) in settled


def test_calls_left_open_whose_task_cannot_be_read_stay_open_and_are_not_called_done(terminal: Terminal) -> None:
    terminal.start(str(PROGRAM), "after", "perform", "1").communicate(timeout=60)
    let_the_lock_expire(terminal)
    sent = len(terminal.destructive())
    terminal.simulator.faults.add("html", method="GET", times=0)
    run = applied(terminal)
    assert run.code == 1
    assert "could not be told yet" in run.finished.err
    assert len(terminal.destructive()) == sent
    with terminal.database() as opened:
        (left,) = opened.execute("select count(*) from actions where state = 'intent'").fetchone()
    assert left > 0


def test_a_status_that_nobody_knows_does_not_settle_a_call_left_open(terminal: Terminal) -> None:
    terminal.start(str(PROGRAM), "after", "intend", "1").communicate(timeout=60)
    let_the_lock_expire(terminal)
    for task_id in IDS:
        terminal.simulator.huaweicloud.set_status(PACKAGING, task_id, "NEVER_SEEN")
    run = applied(terminal)
    assert "0 took effect, 0 did not" in run.finished.err
    with terminal.database() as opened:
        states = {state for (state,) in opened.execute("select state from actions")}
    assert states == {"uncertain"}


def test_a_frozen_holder_that_comes_back_to_life_does_no_more(terminal: Terminal) -> None:
    ids = [str(number) for number in range(1, 41)]
    policy = f"{{resource: {SNAPSHOT}, match: {{status: pending}}, ensure: absent}}"
    terminal.write(configured(policy, settings="concurrency: 1"))
    for task_id in ids:
        terminal.simulator.huaweicloud.add(SNAPSHOT, id=task_id, created="1d")
    # The holder is frozen while it waits for an answer, and not in the middle of a commit, which would lock the file.
    waiting = terminal.simulator.faults.add("latency", method="DELETE", nth=12, seconds=5.0)
    process = terminal.start("-m", "reconciler", "apply", "--auto-approve", "--format", "json")
    wait_until(lambda: waiting not in terminal.simulator.faults.pending, process)
    os.kill(process.pid, signal.SIGSTOP)
    try:
        let_the_lock_expire(terminal)
        run = applied(terminal)
    finally:
        os.kill(process.pid, signal.SIGCONT)
    finished_by_the_other = len(terminal.destructive())
    assert run.code == 0
    assert {status(terminal, task_id, SNAPSHOT) for task_id in ids} == {"CANCELED"}
    out, err = process.communicate(timeout=60)
    assert process.returncode in {1, 6}
    assert "is no longer ours" in out + err or "has no open intent" in out + err
    assert "Traceback" not in err
    assert len(terminal.destructive()) <= finished_by_the_other + 1, "at most the call whose intent was on disk"
    assert all(calls.count(True) == 1 for calls in calls_by_task(terminal).values())
