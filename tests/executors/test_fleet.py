"""Accounts that other processes work on: one plan, one run, one report, whatever becomes of the workers."""

import json
import os
import signal
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import NullPool, create_engine, text

from reconciler import __version__
from reconciler.config.loader import load_configuration
from reconciler.executors.partition import units
from reconciler.executors.pool import pool_of
from reconciler.providers.registry import catalogue
from tests.executors.cluster import running_cluster
from tests.executors.pools import interrupted
from tests.executors.world import PACKAGING, Accounts
from tests.terminal import Terminal, wait_until

ACCOUNTS = Accounts(10, 2, PACKAGING)

pytestmark = pytest.mark.usefixtures("database")


def calls(terminal: Terminal) -> Counter[tuple[str, str]]:
    """How often each call was sent."""
    return Counter((record.path, record.raw_query) for record in terminal.simulator.destructive_requests)


def pid_at(database: str, target: str) -> int:
    """The process that holds the account of a target."""
    engine = create_engine(database.replace("postgresql:", "postgresql+psycopg:"), poolclass=NullPool)
    with engine.begin() as connection:
        held = text("select pid from leases where targets = :target and holder is not null")
        pid: int = connection.execute(held, {"target": target}).scalar_one()
        return pid


def digest_of(terminal: Terminal, file: str) -> object:
    return json.loads((terminal.directory / file).read_text(encoding="utf-8"))["digest"]


def check_all_done(terminal: Terminal, report: dict[str, Any], accounts: Accounts = ACCOUNTS) -> None:
    """Each call was sent once, and the report, the history and the journal have them all."""
    sent, tasks = calls(terminal), accounts.number * accounts.tasks
    assert {*sent.values()} == {1}, "no call twice"
    assert sum(sent.values()) == 2 * tasks
    assert (report["outcome"], report["summary"]["done"]) == ("ok", tasks)
    (run,) = terminal.run("history", "--format", "json").json["runs"]
    assert (run["run_id"], run["outcome"], run["summary"]["done"]) == (report["run_id"], "ok", tasks)
    assert terminal.run("history", "verify").code == 0


@pytest.mark.parametrize("pool", ["threads", "processes"])
def test_any_executor_will_do(terminal: Terminal, pool: str) -> None:
    elsewhere = ["--executor", f"tests.executors.pools:{pool}"]
    assert terminal.run("plan", "--out", "whole.json").code == 0
    assert terminal.run("plan", "--out", "plan.json", *elsewhere).code == 0
    assert digest_of(terminal, "plan.json") == digest_of(terminal, "whole.json")
    approved = ["--approved-digest", str(digest_of(terminal, "plan.json"))]
    applied = terminal.run("apply", "--plan", "plan.json", *approved, *elsewhere, "--format", "json")
    assert applied.code == 0, applied
    check_all_done(terminal, applied.json)
    assert applied.json["plan_digest"] == digest_of(terminal, "plan.json")
    again = terminal.run("apply", "--auto-approve", *elsewhere, "--format", "json")
    assert (again.code, again.json["results"]) == (0, []), again


def test_a_pool_that_breaks_is_made_anew(terminal: Terminal, database: str) -> None:
    """Its process was killed between a cancel and a delete."""
    terminal.simulator.faults.add("hang", method="GET", path=f"^/v1/{ACCOUNTS.projects[4]}/", nth=2, seconds=3600.0)
    words = ["--executor", "tests.executors.pools:processes", "--auto-approve"]
    applying = terminal.start("-m", "reconciler", "apply", *words, "--report", "json=report.json")
    wait_until(lambda: not terminal.simulator.faults.pending, applying)
    os.kill(pid_at(database, "t4"), signal.SIGKILL)
    out, err = applying.communicate(timeout=120)
    assert applying.returncode == 0, out + err
    check_all_done(terminal, json.loads((terminal.directory / "report.json").read_text(encoding="utf-8")))


@pytest.mark.parametrize("pool", ["threads", "processes"])
def test_a_run_that_is_asked_to_stop_waits_for_its_workers(terminal: Terminal, pool: str) -> None:
    """One of them is in the midst of a call, and goes on to read back what became of it."""
    terminal.simulator.faults.add("hang", method="DELETE", path=f"^/v1/{ACCOUNTS.projects[4]}/", seconds=2.0)
    words = ["--executor", f"tests.executors.pools:{pool}", "--auto-approve"]
    applying = terminal.start("-m", "reconciler", "apply", *words, "--report", "json=report.json")
    wait_until(lambda: not terminal.simulator.faults.pending, applying)
    applying.send_signal(signal.SIGTERM)
    out, err = applying.communicate(timeout=120)
    assert applying.returncode == 143, out + err
    report = json.loads((terminal.directory / "report.json").read_text(encoding="utf-8"))
    assert report["outcome"] == "interrupted"
    assert sum(report["summary"].values()) == ACCOUNTS.number * ACCOUNTS.tasks
    untouched = {(one["target"], one["task_id"]) for one in report["results"] if one["outcome"] == "not_attempted"}
    named = {
        (f"t{ACCOUNTS.projects.index(path.split('/')[2])}", query.removeprefix("task_id="))
        for path, query in calls(terminal)
    }
    assert named, "it was in the midst of them"
    assert not untouched & named
    (run,) = terminal.run("history", "--format", "json").json["runs"]
    assert (run["outcome"], run["summary"]) == ("interrupted", report["summary"])


def test_a_scheduler_that_is_gone_is_not_waited_for(
    terminal: Terminal, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was killed while a worker was in the midst of a call; the same command again finishes the work."""
    monkeypatch.setenv("DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT", "2s")
    terminal.simulator.faults.add("hang", method="DELETE", path=f"^/v1/{ACCOUNTS.projects[4]}/", seconds=3600.0)
    with running_cluster(terminal, 2, monkeypatch) as cluster:
        words = ["--executor", "dask", "--scheduler", cluster.address, "--auto-approve"]
        applying = terminal.start("-m", "reconciler", "apply", *words, "--report", "json=report.json")
        wait_until(lambda: not terminal.simulator.faults.pending, applying)
        cluster.scheduler.kill()
        out, err = applying.communicate(timeout=120)
    assert applying.returncode == 1, out + err
    report = json.loads((terminal.directory / "report.json").read_text(encoding="utf-8"))
    assert sum(report["summary"].values()) == ACCOUNTS.number * ACCOUNTS.tasks
    assert any("the scheduler does not answer any more" in note["message"] for note in report["diagnostics"])
    outcomes = {(one["target"], one["outcome"]) for one in report["results"]}
    assert ("t4", "unknown") in outcomes
    assert terminal.run("apply", "--auto-approve").code == 0
    twice = {path for (path, _), times in calls(terminal).items() if times > 1}
    assert len(twice) == 1, "but for the call that was swallowed, and that had no effect"
    assert terminal.run("plan", "--detailed-exitcode").code == 0, "nothing is left"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--executor", "dask"], "--executor dask needs --scheduler"),
        (["--executor", "dask", "--scheduler", "tcp://127.0.0.1:9"], "cannot be reached"),
        (["--scheduler", "tcp://127.0.0.1:9"], "--scheduler is of --executor dask"),
        (["--executor", "no.such.module:factory"], "No module named"),
        (["--executor", "tests.executors.pools:no_such"], "has no attribute"),
        (["--executor", "tests.executors.pools:nothing"], "the factory gave NoneType"),
        (["--executor", "tests.executors.pools:broken"], "the factory raised LookupError at pools.py"),
        (["--executor", "tests.executors.pools:mute"], "its worker was lost (what came back is no answer)"),
        (["--executor", "tests.executors.pools:threads", "--shard", "0/2"], "exclude each other"),
    ],
)
def test_who_cannot_work_is_told(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, words: list[str], told: str
) -> None:
    monkeypatch.setenv("DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT", "1s")
    finished = terminal.run("plan", *words)
    assert finished.code in {1, 64}
    assert told in finished.err
    assert not terminal.simulator.requests


def test_ctrl_c_does_not_reach_workers() -> None:
    pool = pool_of("tests.executors.pools:processes", None)()
    try:
        assert pool.submit(interrupted, b"finished ", pool.hand(b"all the same")).result() == b"finished all the same"
    finally:
        pool.close()


def test_cycles_hand_out_accounts_as_well(terminal: Terminal) -> None:
    (terminal.directory / ".git").mkdir()
    (terminal.directory / ".git" / "HEAD").write_text(f"{'5' * 40}\n")
    words = ["run", "--once", "--executor", "tests.executors.pools:threads"]
    finished = terminal.run(*words, "--report", "json=report.json")
    assert finished.code == 0, finished
    check_all_done(terminal, json.loads((terminal.directory / "report.json").read_text(encoding="utf-8")))
    assert terminal.run("history", "--format", "json").json["runs"][0]["commit"] == "5" * 40


def test_workers_of_another_version_are_named(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    with running_cluster(terminal, 2, monkeypatch) as cluster:
        elsewhere = ["--executor", "dask", "--scheduler", cluster.address]
        monkeypatch.setattr("reconciler.executors.pool.__version__", "9.9.9")
        finished = terminal.run("plan", *elsewhere)
        assert finished.code == 1
        assert finished.err.count(f"has reconciler {__version__}") == 2
        assert "install media-reconciler[dask]==9.9.9" in finished.err
    assert not terminal.simulator.requests


def test_calls_of_several_processes_need_a_database_that_they_share(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BACKEND", "sqlite:///history.db")
    elsewhere = ["--executor", "tests.executors.pools:threads"]
    terminal.tells(64, "set settings.backend to a PostgreSQL database", "apply", "--auto-approve", *elsewhere)
    assert not terminal.destructive()


def test_a_worker_without_room_is_told(
    terminal: Terminal, database: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "nowhere"))
    finished = terminal.run("plan", "--executor", "tests.executors.pools:threads", "--format", "json")
    assert finished.code == 1, finished
    errors = [scope["error"]["message"] for scope in finished.json["scopes"]]
    assert all("the configuration cannot be unpacked: No such file or directory" in error for error in errors), errors


def test_a_worker_with_other_variables_is_told(terminal: Terminal) -> None:
    words = ["--executor", "tests.executors.pools:elsewhere"]
    finished = terminal.run("plan", *words, "--format", "json")
    assert finished.code == 1, finished
    errors = {scope["error"]["message"] for scope in finished.json["scopes"]}
    assert all("the configuration reads otherwise here" in error for error in errors), errors


@pytest.mark.parametrize("accounts", [Accounts(40, 1, PACKAGING)], indirect=True)
def test_one_worker_is_killed_and_one_frozen(
    terminal: Terminal, accounts: Accounts, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Forty accounts, three workers: all work is done, no call twice, and the frozen one sends nothing more."""
    faults = terminal.simulator.faults
    with running_cluster(terminal, 3, monkeypatch) as cluster:
        elsewhere = ["--executor", "dask", "--scheduler", cluster.address]
        assert terminal.run("plan", "--out", "whole.json").code == 0
        # Both are in the middle of their unit, between the cancel and the delete, and get no answer there.
        configuration = load_configuration([], catalogue(), environment=os.environ, strict=True)
        middle = units(configuration)[accounts.number // 2 :][:2]
        slow = [configuration.targets[unit.targets[0]].options["project_id"] for unit in middle]
        for project in slow:
            faults.add("hang", method="GET", path=f"^/v1/{project}/", nth=3, seconds=3600.0)
        words = ["apply", "--auto-approve", "--report", "json=report.json", *elsewhere]
        applying = terminal.start("-m", "reconciler", *words)
        wait_until(lambda: not faults.pending, applying)
        killed, frozen = (pid_at(database, unit.targets[0]) for unit in middle)
        assert {killed, frozen} < {worker.pid for worker in cluster.workers}
        os.kill(killed, signal.SIGKILL)
        os.kill(frozen, signal.SIGSTOP)
        out, err = applying.communicate(timeout=240)
        assert applying.returncode == 0, out + err
        os.kill(frozen, signal.SIGCONT)
        next(worker for worker in cluster.workers if worker.pid == frozen).communicate(timeout=240)
    report = json.loads((terminal.directory / "report.json").read_text(encoding="utf-8"))
    assert report["plan_digest"] == digest_of(terminal, "whole.json")
    check_all_done(terminal, report, accounts)
    engine = create_engine(database.replace("postgresql:", "postgresql+psycopg:"), poolclass=NullPool)
    with engine.connect() as connection:
        states = connection.execute(text("select state, count(*) from actions group by state")).all()
    assert [tuple(row) for row in states] == [("done", 2 * accounts.number)]
