"""Shards as processes that know nothing of each other: all work is done, and none of it twice."""

import json
import os
import subprocess
import time
from collections import Counter

import pytest
from sqlalchemy import NullPool, create_engine, text

from reconciler.config.loader import load_configuration
from reconciler.executors.partition import split, units
from reconciler.providers.registry import catalogue
from tests.executors.world import SNAPSHOT, Accounts
from tests.terminal import Terminal, wait_until

ACCOUNTS, SHARDS = Accounts(30, 4, SNAPSHOT), 4
TASKS = ACCOUNTS.number * ACCOUNTS.tasks

pytestmark = pytest.mark.usefixtures("database")


def projects_of(index: int) -> set[str]:
    """The projects of a shard."""
    configuration = load_configuration([], catalogue(), environment=os.environ, strict=True)
    part = split(units(configuration), SHARDS, {})[index]
    return {configuration.targets[name].options["project_id"] for unit in part for name in unit.targets}


def calls(terminal: Terminal) -> Counter[str]:
    """How often each task was called, by project and id."""
    sent = terminal.simulator.destructive_requests
    return Counter(f"{record.path.split('/')[2]} {record.raw_query}" for record in sent)


def all_canceled(terminal: Terminal) -> bool:
    store = terminal.simulator.huaweicloud
    return {task.status for project in ACCOUNTS.projects for task in store.tasks(SNAPSHOT, project)} == {"CANCELED"}


def apply(terminal: Terminal, index: int) -> subprocess.Popen[str]:
    words = ["apply", "--shard", f"{index}/{SHARDS}", "--auto-approve", "--lock-timeout", "60s"]
    words += ["--report", f"json=report-{index}.json"]
    return terminal.start("-m", "reconciler", *words)


def test_one_of_four_is_killed_and_started_again(terminal: Terminal, database: str) -> None:
    theirs = projects_of(2)
    assert 0 < len(theirs) < ACCOUNTS.number
    # One account of the shard that is killed gets no answer when it reads back, so that the run cannot be over by then.
    terminal.simulator.faults.add("hang", method="GET", path=f"^/v1/{min(theirs)}/", nth=2, seconds=3600.0)
    processes = [apply(terminal, index) for index in range(SHARDS)]

    def is_in_the_middle() -> bool:
        sent = [name for name in calls(terminal) if name.split()[0] in theirs]
        return len(sent) >= len(theirs) and not terminal.simulator.faults.pending

    wait_until(is_in_the_middle, processes[2])
    processes[2].kill()
    processes[2].communicate()
    for index in {*range(SHARDS)} - {2}:
        out, err = processes[index].communicate(timeout=120)
        assert processes[index].returncode == 0, out + err
    assert not (terminal.directory / "report-2.json").exists(), "a run that was killed claims nothing"

    # What it leaves behind expires within half a minute, for which nobody waits here.
    engine = create_engine(database.replace("postgresql:", "postgresql+psycopg:"), poolclass=NullPool)
    with engine.begin() as connection:
        expired = connection.execute(
            text("update leases set expires_at = 0 where pid = :pid and holder is not null"), {"pid": processes[2].pid}
        )
        assert expired.rowcount == len(theirs)
    again = apply(terminal, 2)
    out, err = again.communicate(timeout=120)
    assert again.returncode == 0, out + err

    assert all_canceled(terminal)
    sent = calls(terminal)
    assert len(sent) == TASKS
    assert {*sent.values()} == {1}, "no call twice"
    reports = [f"report-{index}.json" for index in range(SHARDS)]
    found = [json.loads((terminal.directory / name).read_text(encoding="utf-8")) for name in reports]
    assert len({report["shard"]["partition"] for report in found}) == 1
    whole = terminal.run("show", *reports, "--format", "json").json
    assert whole["summary"]["done"] == sum(report["summary"]["done"] for report in found)
    assert whole["outcome"] == "ok"
    verified = terminal.run("history", "verify")
    assert verified.code == 0, verified
    with engine.connect() as connection:
        left = connection.execute(text("select count(*) from actions where state = 'intent'")).scalar_one()
        done = connection.execute(text("select count(*) from actions where state = 'done'")).scalar_one()
    assert (left, done) == (0, TASKS)


def test_a_whole_is_asked_for(terminal: Terminal) -> None:
    """One report, one plan that is missing; parts of different narrowings; and one that is given twice."""
    for index in range(3):
        assert terminal.run("plan", "--shard", f"{index}/3", "--out", f"part-{index}.json").code == 0
    assert terminal.run("plan", "--shard", "0/3", "--target", "t1*", "--out", "other.json").code == 0
    before = len(terminal.destructive())
    for parts, told in (
        (("part-0.json", "part-2.json"), "a part is missing: 1/3"),
        (("part-0.json", "part-1.json", "part-1.json"), "1/3 is given twice"),
        (("other.json", "part-1.json", "part-2.json"), "are parts of different things"),
    ):
        terminal.tells(65, told, "show", *parts)
        flags = [word for part in parts for word in ("--plan", part)]
        terminal.tells(65, told, "apply", "--auto-approve", *flags)
    assert len(terminal.destructive()) == before


def test_three_plan_and_one_applies_the_plan_that_one_would_have_made(terminal: Terminal) -> None:
    for index in range(3):
        assert terminal.run("plan", "--shard", f"{index}/3", "--out", f"part-{index}.json").code == 0
    parts = [f"part-{index}.json" for index in range(3)]
    assert terminal.run("plan", "--out", "whole.json").code == 0
    whole = json.loads((terminal.directory / "whole.json").read_text(encoding="utf-8"))
    joined = terminal.run("show", *parts, "--format", "json").json
    assert joined["digest"] == whole["digest"]
    assert joined["changes"] == whole["changes"]
    flags = [word for part in parts for word in ("--plan", part)]
    applied = terminal.run("apply", *flags, "--approved-digest", whole["digest"], "--format", "json")
    assert (applied.code, applied.json["summary"]["done"]) == (0, TASKS), applied
    assert applied.json["plan_digest"] == whole["digest"]
    assert all_canceled(terminal)
    assert {*calls(terminal).values()} == {1}


def test_a_clock_that_is_off_parts_nothing_otherwise(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine for which tomorrow has begun finds the same partition as all others: the database says when that is."""
    for project in ACCOUNTS.projects[::7]:
        for _ in range(12):
            terminal.simulator.huaweicloud.add(SNAPSHOT, owner=project, created="1d")
    assert terminal.run("apply", "--auto-approve", "--max-actions", "1000").code == 0
    found = []
    for offset in (0, 2 * 86_400 * 10**9):
        monkeypatch.setattr(time, "time_ns", lambda offset=offset: time.clock_gettime_ns(time.CLOCK_REALTIME) + offset)
        report = terminal.run("apply", "--shard", f"1/{SHARDS}", "--auto-approve", "--format", "json")
        found.append(report.json["shard"]["partition"])
    assert found[0] == found[1]


def test_limits_hold_for_all_shards_together(terminal: Terminal) -> None:
    """Of sixty changes that are allowed, each of four shards may make fifteen, and asks for some thirty."""
    written = (terminal.directory / "reconciler.yaml").read_text(encoding="utf-8")
    terminal.write(written.replace("max_percent: 100", "max_percent: 100, max_actions: 60, on_excess: defer"))
    for index in range(SHARDS):
        terminal.run("apply", "--shard", f"{index}/{SHARDS}", "--auto-approve")
    assert len(terminal.destructive()) == 60


def test_every_shard_names_the_partition(terminal: Terminal) -> None:
    """Also one that has no account."""
    told = [terminal.run("apply", "--shard", f"{index}/70", "--auto-approve").err for index in (0, 69)]
    digests = [text.partition("partition ")[2].partition(":")[2][:64] for text in told]
    assert digests[0] == digests[1]
    assert [text.splitlines()[0].rpartition(": ")[2] for text in told] == ["1 scope of 30.", "0 scopes of 30."]
