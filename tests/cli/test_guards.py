"""Guards as a user meets them: one noisy policy, a backlog, and what all commands say of them."""

import json
import re

import pytest

from tests.terminal import HEAD, Terminal

PACKAGING, SNAPSHOT, TRANSCODING = (f"huaweicloud.mpc.{kind}" for kind in ("packaging", "snapshot", "transcoding"))
POLICIES = """
policies:
  noisy:
    resource: huaweicloud.mpc.transcoding
    match: {status: pending}
    ensure: absent
    limits: {max_actions: 2, max_percent: 100}
  calm:
    resource: huaweicloud.mpc.snapshot
    match: {status: pending}
    ensure: absent
    limits: {max_percent: 100}
"""
BACKLOG = POLICIES.replace("max_percent: 100}", "max_percent: 100, on_excess: defer}", 1)


@pytest.fixture(autouse=True)
def world(terminal: Terminal) -> None:
    terminal.write(HEAD + POLICIES)
    for number in range(1, 6):
        terminal.simulator.huaweicloud.add(TRANSCODING, id=number, created=f"{number}d")
    terminal.simulator.huaweicloud.add(SNAPSHOT, id=9, created="1d")


def outcomes(document: dict[str, list[dict[str, str]]]) -> dict[str, str]:
    return {result["task_id"]: result["outcome"] for result in document["results"]}


def test_the_others_go_ahead_and_the_exit_code_says_that_one_did_not(terminal: Terminal) -> None:
    plan = terminal.run("plan", "--out", "plan.json")
    assert plan.code == 4
    assert "policy noisy: 5 changes, more than max_actions 2" in plan.out
    assert "Plan: 1 change: 1 cancel; 0 blocked, 0 protected, 5 refused." in plan.out
    applied = terminal.run("apply", "--plan", "plan.json", "--format", "json")
    assert (applied.code, outcomes(applied.json)) == (4, {"9": "done"})
    assert applied.json["outcome"] == "refused"
    told = [note["message"] for note in terminal.run("apply", "--auto-approve", "--format", "json").json["diagnostics"]]
    assert "to allow all that guards refuse, on plan and apply: --max-actions noisy=5" in told
    assert terminal.run("apply", "--auto-approve").code == 4
    assert len(terminal.destructive()) == 1


def test_a_refused_change_of_a_saved_plan_never_goes_ahead_whatever_flags_are_given_then(terminal: Terminal) -> None:
    """It was shown as refused: what was agreed to are the changes."""
    terminal.run("plan", "--out", "plan.json")
    applied = terminal.run("apply", "--plan", "plan.json", "--max-actions", "noisy=5", "--format", "json")
    assert (applied.code, outcomes(applied.json)) == (4, {"9": "done"})


def test_a_limit_for_one_policy_is_honoured_with_the_approval_of_its_plan_or_given_again(terminal: Terminal) -> None:
    planned = terminal.run("plan", "--out", "plan.json", "--max-actions", "noisy=5", "--format", "json")
    assert (planned.code, planned.json["overrides"]["max_actions_of"]) == (0, {"noisy": 5})
    without = terminal.run("apply", "--plan", "plan.json", "--format", "json")
    assert (without.code, {*outcomes(without.json).values()}) == (4, {"not_attempted", "done"})
    assert "max_actions 2 refuses so many changes: the plan has --max-actions noisy=5, which counts" in without.out
    again = terminal.run("apply", "--plan", "plan.json", "--approved-digest", planned.json["digest"])
    assert again.code == 0, again.out + again.err
    assert len(terminal.destructive()) == 6


@pytest.mark.parametrize("flag", ["--max-actions", "--max-percent"])
def test_a_limit_for_no_policy_is_a_mistake(terminal: Terminal, flag: str) -> None:
    for command in (("plan",), ("apply", "--auto-approve")):
        terminal.tells(64, "did you mean noisy?", *command, flag, "noissy=5")
        terminal.tells(64, "two numbers are given for noisy", *command, flag, "noisy=5", flag, "noisy=6")
        terminal.tells(64, "names no policy", *command, flag, "=5")
        terminal.tells(64, "is not a valid integer", *command, flag, "noisy=")
    assert terminal.destructive() == []


def test_a_backlog_is_worked_off_in_portions_the_oldest_first(terminal: Terminal) -> None:
    terminal.write(HEAD + BACKLOG)
    planned = terminal.run("plan")
    assert planned.code == 0
    assert "3 deferred." in planned.out
    seen = []
    for _ in range(3):
        applied = terminal.run("apply", "--auto-approve", "--format", "json", "--policy", "noisy")
        assert applied.code == 0
        seen.append([*outcomes(applied.json)])
    assert seen == [["5", "4"], ["3", "2"], ["1"]]


def test_a_saved_portion_is_what_was_approved_and_no_more(terminal: Terminal) -> None:
    terminal.write(HEAD + BACKLOG)
    digest = terminal.run("plan", "--out", "plan.json", "--format", "json").json["digest"]
    terminal.simulator.huaweicloud.add(TRANSCODING, id=6, created="9d")
    applied = terminal.run("apply", "--plan", "plan.json", "--approved-digest", digest, "--format", "json")
    assert (applied.code, outcomes(applied.json)) == (0, {"5": "done", "4": "done", "9": "done"})


def test_a_portion_that_became_smaller_misses_what_is_left_to_later_runs(terminal: Terminal) -> None:
    terminal.write(HEAD + BACKLOG)
    planned = terminal.run("plan", "--out", "plan.json", "--max-actions", "noisy=4", "--format", "json").json
    assert [check["overridden"] for check in planned["policies"][1]["guards"]] == [True, False]
    applied = terminal.run("apply", "--plan", "plan.json", "--report", "json=report.json")
    report = json.loads((terminal.directory / "report.json").read_text())
    assert (applied.code, outcomes(report)) == (
        0,
        {"5": "done", "4": "done", "3": "missed", "2": "missed", "9": "done"},
    )
    why = (
        "it is left to a later run, since the limits allow fewer changes now: "
        "the plan has --max-actions noisy=4, which counts with --approved-digest or given again"
    )
    assert [why in result["detail"] for result in report["results"]].count(True) == 2
    assert why in applied.out
    given = terminal.run("apply", "--plan", "plan.json", "--max-actions", "1", "--format", "json")
    assert ([*outcomes(given.json).values()].count("missed"), why in given.out) == (1, False)


def test_why_a_task_is_refused_or_left_to_later(terminal: Terminal) -> None:
    answer = terminal.run("why", "1")
    assert "it is surplus to policy noisy, but a guard refuses so many changes" in answer.out
    assert "--max-actions noisy=5" in answer.out
    terminal.write(HEAD + BACKLOG)
    answer = terminal.run("why", "1", "--format", "json").json
    assert [policy["verdict"] for policy in answer["tasks"][0]["policies"]] == ["deferred"]


def test_policy_tests_of_guards(terminal: Terminal) -> None:
    """A few tasks show what a selector does; guards are in force where something is expected of them."""
    tasks = [{"id": f"t{number}", "status": "pending", "created_at": f"{number}h"} for number in range(1, 5)]
    every = {"noisy": {"change": [task["id"] for task in tasks]}}
    tests = {
        "without-guards": {"tasks": tasks, "expect": every},
        "refused": {"tasks": tasks, "expect": {"noisy": {"refused": 4}}},
        "within": {"tasks": tasks[:2], "expect": {"noisy": {"change": ["t1", "t2"], "refused": 0}}},
    }
    document = {"version": 1, "now": "2026-11-01T12:00:00Z", "tests": tests}
    terminal.write(json.dumps(document), "reconciler-test.yaml")
    assert terminal.run("test").code == 0
    tests["refused"]["expect"] = {"noisy": {"change": ["t1"], "refused": ["t2", "t3", "t4"]}}
    terminal.write(json.dumps(document), "reconciler-test.yaml")
    failed = terminal.run("test")
    assert failed.code == 3 or failed.code == 1, failed.out
    assert "t1 on huawei: expected to be changed by noisy, but a guard refuses that" in failed.out
    terminal.write(HEAD + BACKLOG)
    tests["refused"]["expect"] = {"noisy": {"change": ["t4", "t3"], "deferred": ["t1", "t2"]}}
    terminal.write(json.dumps(document), "reconciler-test.yaml")
    assert terminal.run("test").code == 0


def test_diff_tells_what_is_refused_now(terminal: Terminal) -> None:
    terminal.run("plan", "--out", "old.json", "--max-actions", "noisy=5")
    terminal.run("plan", "--out", "new.json")
    text = terminal.run("diff", "old.json", "new.json").out
    assert "refused" in text
    assert "--max-actions noisy" in text


def test_only_takes_of_the_surplus_what_is_old_enough(terminal: Terminal) -> None:
    terminal.write(
        HEAD
        + """
policies:
  keep-two:
    resource: huaweicloud.mpc.transcoding
    match: {status: pending}
    ensure: {at_most: 2, keep: newest, only: {created_at: {older_than: 84h}}}
    limits: {max_percent: 100}
  old-snapshots:
    resource: huaweicloud.mpc.snapshot
    match: {status: pending}
    ensure: {absent: true, only: {created_at: {older_than: 2d}}}
"""
    )
    assert terminal.run("validate").code == 0
    plan = terminal.run("plan", "--out", "plan.json", "--format", "json").json
    assert [change["task_id"] for change in plan["changes"]] == ["5", "4"]
    assert [policy["spared"] for policy in plan["policies"]] == [1, 1]
    assert "only those go whose created_at older than 3d12h" in terminal.run("why", "3").out
    assert "and stays (number 3 of 5, newest first)" in terminal.run("why", "3").out
    assert terminal.run("apply", "--plan", "plan.json").code == 0
    assert len(terminal.destructive()) == 2


@pytest.mark.parametrize(
    "ensure",
    [
        "{only: {status: pending}}",
        "{absent: true, at_most: 1, only: {status: pending}}",
        "{absent: false, only: {status: pending}}",
        "{absent: true, only: }",
        "{at_most: 1, only: {}}",
        "{at_most: 1, only: {statu: pending}}",
    ],
)
def test_mistakes_in_only(terminal: Terminal, ensure: str) -> None:
    terminal.write(HEAD + POLICIES.replace("ensure: absent", f"ensure: {ensure}", 1))
    assert terminal.run("validate").code == 65


def test_only_that_lets_nothing_go_is_a_warning(terminal: Terminal) -> None:
    terminal.write(HEAD + POLICIES.replace("ensure: absent", "ensure: {at_most: 1, only: {status: running}}", 1))
    finished = terminal.run("validate")
    assert finished.code == 0
    assert "a state that `only` lets go" in finished.out + finished.err


LONGER = """
policies:
  nothing-of-the-kind:
    resource: huaweicloud.mpc.packaging
    match: {input.bucket: drafts}
    ensure: absent
    limits: {max_actions: 1, max_percent: 100, on_excess: EXCESS}
  nothing-waits:
    resource: huaweicloud.mpc.packaging
    match: {status: pending, input.bucket: drafts}
    ensure: absent
    limits: {max_percent: 100}
"""


@pytest.mark.parametrize(
    ("excess", "reviewed"), [("refuse", ["cancel"] * 3), ("defer", ["cancel", "cancel", "cancel, delete"])]
)
def test_a_saved_plan_does_what_it_shows_for_one_policy_where_another_that_is_held_back_wants_more(
    terminal: Terminal, excess: str, reviewed: list[str]
) -> None:
    """And no more than that, though the other would pass its guard when fewer tasks are left."""
    terminal.write(HEAD + LONGER.replace("EXCESS", excess))
    for number in range(21, 24):
        terminal.simulator.huaweicloud.add(PACKAGING, id=number, created=f"{number}d", input={"bucket": "drafts"})
    planned = terminal.run("plan", "--out", "plan.json", "--format", "json").json
    assert sorted(", ".join(change["steps"]) for change in planned["changes"]) == reviewed
    applied = terminal.run("apply", "--plan", "plan.json", "--format", "json").json
    assert outcomes(applied) == dict.fromkeys(("21", "22", "23"), "done")
    assert len(terminal.destructive()) == sum(len(change["steps"]) for change in planned["changes"])


def test_where_only_cannot_say_which_go_it_is_not_said_that_every_policy_holds(terminal: Terminal) -> None:
    only = "{absent: true, only: {user_data: old}}"
    terminal.write(HEAD + POLICIES.partition("  calm:")[0].replace("ensure: absent", f"ensure: {only}"))
    plan = terminal.run("plan", "--view", "summary")
    assert re.search(r"No changes: of \d+ tasks on the 1 scope listed it is not known whether they may go\.", plan.out)
