"""Stopping a run in the middle: what is in flight is finished and reported, and the next run does the rest."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tests.terminal import HEAD

if TYPE_CHECKING:
    from tests.terminal import Terminal

SNAPSHOT = "huaweicloud.mpc.snapshot"
COUNT = 60
CONFIGURATION = f"""{HEAD}
settings: {{concurrency: 2}}
policies:
  p: {{resource: {SNAPSHOT}, match: {{status: pending}}, ensure: absent, limits: {{max_percent: 100}}}}
"""


@pytest.fixture(autouse=True)
def world(terminal: Terminal) -> None:
    terminal.write(CONFIGURATION)
    for number in range(COUNT):
        terminal.simulator.huaweicloud.add(SNAPSHOT, id=number + 1, created="1d")
    terminal.simulator.faults.add("latency", method="DELETE", times=0, seconds=0.02)


def started(terminal: Terminal, until: str = ": done") -> subprocess.Popen[str]:
    """An apply in a process of its own, of which a line of the log was seen."""
    words = [sys.executable, "-m", "reconciler", "apply", "--auto-approve", "--format", "json", "-v"]
    process = subprocess.Popen(
        words, cwd=terminal.directory, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ)
    )
    assert process.stderr is not None
    for line in process.stderr:
        if until in line:
            return process
    raise AssertionError("the run ended before its first result")


def kill(process: subprocess.Popen[str], terminal: Terminal) -> None:
    """End a run without a chance to tidy up, and let the time pass after which its lock is free."""
    process.kill()
    process.communicate(timeout=60)
    with closing(sqlite3.connect(terminal.directory / ".reconciler" / "history.db")) as database, database:
        assert database.execute("update leases set expires_at = 0").rowcount == 1


def canceled(terminal: Terminal) -> int:
    return sum(terminal.simulator.huaweicloud.status(SNAPSHOT, n + 1) == "CANCELED" for n in range(COUNT))


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_drains_reports_and_leaves_the_rest(terminal: Terminal, number: int, code: int) -> None:
    process = started(terminal)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == code
    report = json.loads(out)
    assert report["outcome"] == "interrupted"
    assert sum(report["summary"].values()) == COUNT
    assert report["summary"]["not_attempted"] > 0
    assert report["summary"]["done"] == canceled(terminal), "every done is true, and nothing else was done"
    assert "Stopping" in err


def test_the_same_command_again_finishes_the_work(terminal: Terminal) -> None:
    process = started(terminal)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert terminal.run("apply", "--auto-approve").code == 0
    assert canceled(terminal) == COUNT
    queries = [query for _, _, query in terminal.destructive()]
    assert len(queries) == len(set(queries)), "no task was called twice"


def test_a_killed_run_leaves_its_intents_and_the_next_one_finishes(terminal: Terminal) -> None:
    process = started(terminal)
    kill(process, terminal)
    finished = terminal.run("apply", "--auto-approve", "--format", "json")
    assert finished.code == 0
    assert {result["outcome"] for result in finished.json["results"]} == {"done"}
    assert canceled(terminal) == COUNT


def test_the_next_run_settles_the_calls_that_a_killed_one_left_open(terminal: Terminal) -> None:
    terminal.simulator.faults.add("lost_answer", method="DELETE", times=0)
    process = started(terminal, until="listed")
    while len(terminal.simulator.destructive_requests) < 2:
        assert process.poll() is None
    kill(process, terminal)
    terminal.simulator.faults.clear()
    finished = terminal.run("apply", "--auto-approve")
    assert finished.code == 0
    assert "An earlier run was cut off" in finished.err
    assert canceled(terminal) == COUNT
    queries = [query for _, _, query in terminal.destructive()]
    assert len(queries) == len(set(queries)), "no task was called twice after its effect was seen"


def test_two_at_once_exclude_each_other(terminal: Terminal) -> None:
    process = started(terminal)
    second = terminal.run("apply", "--auto-approve")
    assert second.code == 6
    assert str(process.pid) in second.err
    assert terminal.run("plan").code == 0, "a plan takes no lock"
    process.communicate(timeout=60)
    assert process.returncode == 0


def test_calls_that_wait_for_the_quota_are_not_sent_any_more(terminal: Terminal) -> None:
    terminal.write(CONFIGURATION.replace("mpc: 10000/s", "mpc: 120/min").replace("concurrency: 2", "concurrency: 32"))
    process = started(terminal)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    report = json.loads(out)
    assert report["summary"]["done"] == canceled(terminal)
    waited = [result for result in report["results"] if "not sent" in ((result["error"] or {}).get("message") or "")]
    assert waited, "some calls were waiting for their turn"
    assert {(result["outcome"], result["calls"]) for result in waited} == {("not_attempted", 0)}
