"""Stopping a run in the middle: what is in flight is finished and reported, and the next run does the rest."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import pytest

from reconciler.planning.report import Report
from tests.terminal import HEAD, Terminal, wait_until

SNAPSHOT = "huaweicloud.mpc.snapshot"
COUNT = 60
CONFIGURATION = f"""{HEAD}
settings: {{concurrency: 2}}
policies:
  p: {{resource: {SNAPSHOT}, match: {{status: pending}}, ensure: absent, limits: {{max_percent: 100}}}}
"""


APPLY = ("-m", "reconciler", "apply", "--auto-approve", "--format", "json", "-v")


@pytest.fixture(autouse=True)
def world(terminal: Terminal) -> None:
    terminal.write(CONFIGURATION)
    for number in range(COUNT):
        terminal.simulator.huaweicloud.add(SNAPSHOT, id=number + 1, created="1d")
    terminal.simulator.faults.add("latency", method="DELETE", times=0, seconds=0.02)


def started(terminal: Terminal, until: str = ": done") -> subprocess.Popen[str]:
    """An apply in a process of its own, of which a line of the log was seen."""
    process = terminal.start(*APPLY)
    assert process.stderr is not None
    for line in process.stderr:
        if until in line:
            return process
    raise AssertionError("the run ended before its first result")


def kill(process: subprocess.Popen[str], terminal: Terminal) -> None:
    """End a run without a chance to tidy up, and let the time pass after which its lock is free."""
    process.kill()
    process.communicate(timeout=60)
    assert terminal.change_database("update leases set expires_at = 0") == 1


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


@pytest.mark.parametrize(
    ("words", "number", "code"),
    [
        (("apply", "--auto-approve"), signal.SIGINT, 130),
        (("apply", "--auto-approve"), signal.SIGTERM, 143),
        (("apply", "--auto-approve"), signal.SIGHUP, 143),
        (("apply", "--plan=plan.json"), signal.SIGINT, 130),
        (("apply", "--plan=plan.json"), signal.SIGHUP, 143),
        (("plan",), signal.SIGINT, 130),
        (("plan",), signal.SIGTERM, 143),
        (("query", SNAPSHOT), signal.SIGHUP, 143),
        (("why", "1"), signal.SIGTERM, 143),
    ],
)
def test_a_signal_while_tasks_are_read_ends_it_in_order(
    terminal: Terminal, words: tuple[str, ...], number: signal.Signals, code: int
) -> None:
    """One document says so, the lock is given back, and nothing is called."""
    assert terminal.run("plan", "--out", "plan.json").code == 0
    listing = terminal.simulator.faults.add("latency", method="GET", path="/thumbnails", seconds=60)
    process = terminal.start("-m", "reconciler", *words, "--format", "json")
    wait_until(lambda: listing not in terminal.simulator.faults.pending, process)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (code, "Error: interrupted\n")
    assert (json.loads(out)["outcome"], json.loads(out)["exit_code"]) == ("interrupted", code)
    terminal.simulator.faults.clear()
    assert terminal.destructive() == []
    terminal.lock().release()


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("unshare"), reason="only root makes namespaces for sure")
def test_as_pid_1_no_signal_is_lost(terminal: Terminal) -> None:
    """There the kernel discards a signal that nobody handles."""
    namespace = ["unshare", "--pid", "--fork", "--mount-proc"]
    if subprocess.run([*namespace, "true"], check=False, capture_output=True).returncode:
        pytest.skip("this machine makes no namespaces")
    listing = terminal.simulator.faults.add("latency", method="GET", path="/thumbnails", seconds=60)
    words = [*namespace, sys.executable, "-m", "reconciler", "apply", "--auto-approve", "--format", "json"]
    outer = subprocess.Popen(words, cwd=terminal.directory, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wait_until(lambda: listing not in terminal.simulator.faults.pending, outer)
    [inner] = Path(f"/proc/{outer.pid}/task/{outer.pid}/children").read_text().split()
    os.kill(int(inner), signal.SIGTERM)
    out, _ = outer.communicate(timeout=60)
    assert outer.returncode == 143
    assert json.loads(out)["outcome"] == "interrupted"
    assert terminal.destructive() == []


MOMENTS = {
    "while commands are imported": "importlib.import_module",
    "while the configuration is read": "reconciler.engine.world.load_configuration",
    "while the lock is taken": "reconciler.engine.hold.acquire",
    "between plan and calls": "reconciler.engine.apply_run.carry_out",
}


@pytest.mark.parametrize("where", MOMENTS.values(), ids=MOMENTS)
def test_a_signal_at_any_moment_before_the_calls_ends_it_in_order(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    terminal.run("validate")
    real = resolve_name(where)

    def signaled(*words: Any, **named: Any) -> Any:  # noqa: ANN401 - handed on
        signal.raise_signal(signal.SIGTERM)
        return real(*words, **named)

    with monkeypatch.context() as patched:
        patched.setattr(where, signaled)
        ended = terminal.run("apply", "--auto-approve", "--format", "json")
    assert ended.code == 143
    assert ended.json["outcome"] == "interrupted"
    assert terminal.destructive() == []
    assert terminal.run("apply", "--auto-approve").code == 0, "the lock is free"


def test_a_signal_while_the_report_is_written_cuts_nothing_off(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def render(name: str, report: Report) -> str:
        signal.raise_signal(signal.SIGTERM)
        return f"{name}: {report.exit_code}"

    html = "reconciler.reports.html.render_report_html"
    monkeypatch.setattr(html, lambda report, now, job: render(f"html {now} {job}", report))
    ended = terminal.run("apply", "--auto-approve", "--format", "json", "--report=html=r.html", "--report=junit=r.xml")
    assert ended.code == 143
    assert ended.json["summary"]["done"] == COUNT
    assert (terminal.directory / "r.html").exists()
    assert (terminal.directory / "r.xml").exists()
    assert terminal.run("apply", "--auto-approve").code == 0, "the lock is free"


def test_a_second_signal_ends_it_at_once(terminal: Terminal) -> None:
    terminal.simulator.faults.clear()
    call = terminal.simulator.faults.add("latency", method="DELETE", seconds=60)
    process = started(terminal, until="listed")
    wait_until(lambda: call not in terminal.simulator.faults.pending, process)
    process.send_signal(signal.SIGTERM)
    assert process.stderr is not None
    while "Stopping" not in process.stderr.readline():
        assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (143, "")
    assert "Second signal: stopping at once" in err


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
    wait_until(lambda: len(terminal.simulator.destructive_requests) > 1, process)
    kill(process, terminal)
    terminal.simulator.faults.clear()
    terminal.tells(0, "An earlier run was cut off", "apply", "--auto-approve")
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
    terminal.write(CONFIGURATION.replace("mpc: 10000/s", "mpc: 60/min").replace("concurrency: 2", "concurrency: 32"))
    process = terminal.start(*APPLY)
    wait_until(lambda: terminal.simulator.destructive_requests, process)  # a dozen go at once, then one a second
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    report = json.loads(out)
    assert report["summary"]["done"] == canceled(terminal)
    waited = [result for result in report["results"] if "not sent" in ((result["error"] or {}).get("message") or "")]
    assert waited, "some calls were waiting for their turn"
    assert {(result["outcome"], result["calls"]) for result in waited} == {("not_attempted", 0)}
