"""This machine's clock, held against the `Date` of what the clouds answer."""

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from reconciler.engine.apply_run import carry_out
from reconciler.planning.report import Report
from tests.terminal import HEAD, Terminal

TRANSCODING = "huaweicloud.mpc.transcoding"
POLICY = """
policies:
  tidy:
    resource: huaweicloud.mpc.transcoding
    match: {status: pending, created_at: {older_than: 6h}}
    ensure: absent
"""
EDITING = "  edits: {resource: huaweicloud.vod.editing, match: {status: pending}, ensure: absent}\n"
SNAPSHOT_TEST = """
version: 1
tests:
  by-the-clock-of-the-snapshot: {snapshot: s.json, expect: {}}
  by-its-own: {snapshot: s.json, now: 2100-01-01T00:00:00Z, expect: {tidy: {change: 1}}}
"""
OFF = [timedelta(minutes=6), timedelta(minutes=-6), timedelta(days=365 * 70)]


@pytest.fixture(autouse=True)
def world(terminal: Terminal) -> None:
    terminal.write(HEAD + POLICY)
    terminal.simulator.huaweicloud.add(TRANSCODING, id=1, created="1d")


@pytest.mark.parametrize("skew", OFF, ids=str)
@pytest.mark.parametrize("command", ["plan", "apply"])
def test_one_that_is_off_lets_nothing_be_judged_by_its_age(terminal: Terminal, command: str, skew: timedelta) -> None:
    terminal.simulator.clock.skew = skew
    finished = terminal.run(command, *(["--auto-approve"] if command == "apply" else []))
    assert finished.code == 1
    assert "this machine's clock is" in finished.out
    assert "a clock is off on 1 of 1 scope" in finished.out
    assert "observed whole" not in finished.out, "all was seen"
    assert terminal.destructive() == []


@pytest.mark.parametrize("skew", [timedelta(0), timedelta(minutes=4)], ids=str)
def test_one_that_is_about_right_does(terminal: Terminal, skew: timedelta) -> None:
    terminal.simulator.clock.skew = skew
    assert terminal.run("apply", "--auto-approve").code == 0
    assert len(terminal.destructive()) == 1


def test_neither_a_service_that_is_right_nor_one_that_is_late_hides_one_that_is_ahead(terminal: Terminal) -> None:
    """By the clock of one service the plan has expired; by that of another, which is further off, it has not."""
    terminal.write(HEAD + POLICY + EDITING)
    assert terminal.run("plan", "--out", "plan.json", "--expires", "1h").code == 0
    for path, rows, hours in (("/transcodings$", "task_array", -3), ("/asset/editing/tasks$", "tasks", 2)):
        headers = {"Date": format_datetime(datetime.now(UTC) + timedelta(hours=hours), usegmt=True)}
        body = json.dumps({"total": 0, rows: []})
        terminal.simulator.faults.add("status", path=path, status=200, body=body, headers=headers, times=0)
    assert terminal.run("plan").code == 1
    assert terminal.run("apply", "--plan", "plan.json").code == 5
    assert terminal.destructive() == []


@pytest.mark.parametrize(
    "date", ["", "soon", "Mon, 99 Jan 99999999999999999999 00:00:00 GMT", "Thu, 01 Jan 1970 00:00:00 GMT", "9" * 5000]
)
def test_a_date_that_is_none_says_nothing(terminal: Terminal, date: str) -> None:
    listing = json.dumps({"total": 0, "task_array": []})
    terminal.simulator.faults.add("status", path="/transcodings$", status=200, body=listing, headers={"Date": date})
    assert terminal.run("plan").code == 0


def test_a_clock_that_was_set_on_purpose_is_not_held_against_any(terminal: Terminal) -> None:
    terminal.simulator.clock.skew = OFF[0]
    finished = terminal.run("plan", "--now", "2100-01-01T00:00:00Z", "--format", "json")
    assert (finished.code, finished.json["summary"]["changes"]) == (0, 1)


@pytest.mark.parametrize(
    ("words", "code"), [([], 1), (["--now", "2100-01-01T00:00:00Z"], 0)], ids=["its own", "set on purpose"]
)
def test_that_of_a_snapshot_is_off_as_well(terminal: Terminal, words: list[str], code: int) -> None:
    terminal.simulator.clock.skew = OFF[0]
    assert terminal.run("plan", "--save-snapshot", "s.json").code == 1
    terminal.write(SNAPSHOT_TEST, "reconciler-test.yaml")
    assert [terminal.run("plan", "--snapshot", "s.json", *words).code, terminal.run("test").code] == [code, 0]
    assert terminal.run("why", "1", "--snapshot", "s.json", *words).code == code


def test_a_saved_plan_is_held_against_it_again(terminal: Terminal) -> None:
    assert terminal.run("plan", "--out", "plan.json").code == 0
    terminal.simulator.clock.skew = -OFF[0]
    finished = terminal.run("apply", "--plan", "plan.json", "--report", "json=r.json")
    assert finished.code == 1
    report = json.loads((terminal.directory / "r.json").read_text())
    assert [result["outcome"] for result in report["results"]] == ["missed"]
    assert "A clock is off: no task is judged by its age there." in finished.out
    assert "observed whole" not in finished.out
    assert terminal.destructive() == []


def test_a_clock_that_was_set_back_does_not_revive_a_plan(terminal: Terminal) -> None:
    """The plan asks for no age, and this clock says that there is time left; the cloud's says otherwise."""
    terminal.write(HEAD + POLICY.replace(", created_at: {older_than: 6h}", ""))
    assert terminal.run("plan", "--out", "plan.json", "--expires", "1h").code == 0
    planned = json.loads((terminal.directory / "plan.json").read_text())
    approval = ("--approved-digest", planned["digest"], "--approved-until", planned["expires_at"])
    terminal.simulator.clock.skew = timedelta(hours=2)
    assert terminal.run("apply", "--plan", "plan.json").code == 5
    assert terminal.run("apply", *approval).code == 5
    assert terminal.destructive() == []
    terminal.simulator.clock.skew = timedelta(0)
    assert terminal.run("apply", *approval).code == 0


def test_one_that_goes_off_after_the_plan_lets_no_age_decide_about_the_next_step(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cancel is sent; its answer tells the time. Whether the record is old enough to go is then not known."""
    terminal.write(HEAD + POLICY.replace("transcoding", "packaging").replace("status: pending, ", ""))
    terminal.simulator.huaweicloud.add("huaweicloud.mpc.packaging", id=2, created="1d")

    async def late(*words: Any, **named: Any) -> Report:  # noqa: ANN401 - handed on
        terminal.simulator.clock.skew = OFF[0]
        return await carry_out(*words, **named)

    monkeypatch.setattr("reconciler.engine.apply_run.carry_out", late)
    finished = terminal.run("apply", "--auto-approve", "--format", "json")
    assert [result["now"] for result in finished.json["results"]] == ["canceled"]
    assert len(terminal.destructive()) == 1


def test_why_and_query_say_so_too(terminal: Terminal) -> None:
    terminal.simulator.clock.skew = OFF[0]
    assert terminal.run("why", "1", "--now", "2100-01-01T00:00:00Z").code == 0
    why = terminal.run("why", "1")
    assert why.code == 1
    assert "this machine's clock is" in why.out + why.err
    query = terminal.run("query", TRANSCODING)
    assert query.code == 1
    assert "this machine's clock is" in query.err
