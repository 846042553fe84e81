"""Watch mode and windows as a user meets them."""

import json
import time
from types import SimpleNamespace

import pytest

from tests.terminal import HEAD, Terminal

SNAPSHOT = "huaweicloud.mpc.snapshot"
POLICIES = """
policies:
  watched:
    resource: huaweicloud.mpc.snapshot
    match: {status: pending}
    ensure: absent
    limits: {max_percent: 100}
    mode: report
"""
WINDOW = POLICIES.replace("mode: report", "window: {days: %s, from: '00:00', until: '24:00'}")
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def today(ahead: int = 0) -> str:
    return DAYS[time.gmtime(time.time() + ahead * 86_400).tm_wday]


@pytest.fixture(autouse=True)
def world(terminal: Terminal) -> None:
    terminal.write(HEAD + POLICIES)
    for number in (1, 2):
        terminal.simulator.huaweicloud.add(SNAPSHOT, id=number, created="1d")


def test_what_is_watched_is_shown_and_nothing_more(terminal: Terminal) -> None:
    plan = terminal.run("plan", "--detailed-exitcode")
    assert plan.code == 0
    assert "Only reporting: watched is in report mode" in plan.out
    assert "~ would cancel 1" in plan.out
    assert "Plan: 0 changes; 0 blocked, 0 protected, 2 reported." in plan.out
    applied = terminal.run("apply", "--auto-approve", "--format", "json")
    assert (applied.code, applied.json["results"]) == (0, [])
    assert terminal.destructive() == []


def test_settings_have_the_mode_of_policies_that_say_nothing(terminal: Terminal) -> None:
    own = POLICIES.replace("    mode: report\n", "")
    terminal.write(HEAD + "\nsettings: {mode: report}\n" + own)
    assert len(terminal.run("plan", "--format", "json").json["reported"]) == 2
    terminal.write(HEAD + "\nsettings: {mode: report}\n" + POLICIES.replace("mode: report", "mode: enforce"))
    assert len(terminal.run("plan", "--format", "json").json["changes"]) == 2


@pytest.mark.parametrize("written", ["mode:", "mode: off", "window:", "window: {}", "window: {days: []}"])
def test_an_empty_mode_or_window_is_a_mistake_and_not_any_time(terminal: Terminal, written: str) -> None:
    terminal.write(HEAD + POLICIES.replace("mode: report", written))
    assert terminal.run("validate").code == 65


def test_outside_its_window_a_policy_reports_and_inside_it_acts(terminal: Terminal) -> None:
    terminal.write(HEAD + WINDOW % today(3))
    plan = terminal.run("plan", "--format", "json").json
    assert (len(plan["reported"]), plan["changes"], plan["policies"][0]["mode"]) == (2, [], "report")
    assert plan["policies"][0]["opens_at"].endswith("T00:00:00Z")
    opens = plan["policies"][0]["opens_at"][:16].replace("T", " ")
    assert f"outside its window, which opens at {opens} UTC" in " ".join(terminal.run("plan").out.split())
    terminal.write(HEAD + WINDOW % f"[{today()}, {today(1)}]")
    assert terminal.run("apply", "--auto-approve").code == 0
    assert len(terminal.destructive()) == 2


def test_a_saved_plan_whose_window_has_closed_is_missed(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal.write(HEAD + WINDOW % f"[{today()}, {today(1)}]")
    assert terminal.run("plan", "--out", "plan.json", "--expires", "7d").code == 0
    later = SimpleNamespace(time=lambda: time.time() + 3 * 86_400)
    monkeypatch.setattr("reconciler.engine.session.time", later)  # the clouds keep their clocks
    applied = terminal.run("apply", "--plan", "plan.json", "--format", "json")
    assert applied.code == 0, applied.out + applied.err
    assert [result["outcome"] for result in applied.json["results"]] == ["missed", "missed"]
    assert "outside its window, which opens at" in applied.json["results"][0]["detail"]
    assert terminal.destructive() == []


def test_why_and_tests_and_diff(terminal: Terminal) -> None:
    answer = terminal.run("why", "1")
    assert "matches, and is only reported: the policy is in report mode" in answer.out
    tasks = [{"id": "t1", "status": "pending"}, {"id": "t2", "status": "running"}]
    document = {"version": 1, "now": "2026-11-01T12:00:00Z", "tests": {}}
    document["tests"] = {"watched": {"tasks": tasks, "expect": {"watched": {"reported": ["t1"], "keep": ["t2"]}}}}
    terminal.write(json.dumps(document), "reconciler-test.yaml")
    tested = terminal.run("test")
    assert tested.code == 0, tested.out
    terminal.run("plan", "--out", "old.json")
    terminal.write(HEAD + POLICIES.replace("mode: report", "mode: enforce"))
    terminal.run("plan", "--out", "new.json")
    assert "reported -> cancel" in terminal.run("diff", "old.json", "new.json").out
    failed = terminal.run("test")
    assert "t1 on huawei: expected to be only reported by watched, but it would be changed" in failed.out


def test_the_clock_of_a_test_decides_on_the_window(terminal: Terminal) -> None:
    """2026-11-01 is a Sunday."""
    terminal.write(HEAD + WINDOW % "[sat, sun]")
    tests = {
        "sunday": {"now": "2026-11-01T12:00:00Z", "expect": {"watched": {"change": ["t1"]}}},
        "monday": {"now": "2026-11-02T12:00:00Z", "expect": {"watched": {"reported": ["t1"]}}},
    }
    every = {name: {"tasks": [{"id": "t1", "status": "pending"}], **test} for name, test in tests.items()}
    terminal.write(json.dumps({"version": 1, "tests": every}), "reconciler-test.yaml")
    tested = terminal.run("test")
    assert tested.code == 0, tested.out
