"""One-offs: plan and apply for the tasks that --task and --tasks-file name, and for no others."""

import json
from typing import TYPE_CHECKING

import pytest

from reconciler.documents.files import PLAN_FILE
from tests.terminal import HEAD, Terminal

if TYPE_CHECKING:
    from pathlib import Path

SNAPSHOT, PACKAGING = "huaweicloud.mpc.snapshot", "huaweicloud.mpc.packaging"
FINISH = "apply the plan without them to finish it"
POLICIES = """
protect:
  legal: {resource: huaweicloud.mpc.packaging, match: {input.bucket: legal}}
policies:
  waiting:
    resource: huaweicloud.mpc.snapshot
    match: {status: pending}
    ensure: absent
    limits: {max_actions: 2, max_percent: 100}
  packages:
    resource: huaweicloud.mpc.packaging
    match: {status: [pending, running]}
    ensure: absent
"""


@pytest.fixture(autouse=True)
def world(terminal: Terminal) -> None:
    terminal.write(HEAD + POLICIES)
    for number in range(1, 8):
        terminal.simulator.huaweicloud.add(SNAPSHOT, id=number, created="1d")
    terminal.simulator.huaweicloud.add(PACKAGING, id=1, created="1d", input={"bucket": "b"})
    terminal.simulator.huaweicloud.add(PACKAGING, id=20, created="1d", status="running", input={"bucket": "b"})
    terminal.simulator.huaweicloud.add(PACKAGING, id=21, created="1d", input={"bucket": "legal"})


def changed(document: dict[str, list[dict[str, str]]]) -> list[str]:
    return [f"{change['resource'].rpartition('.')[2]}/{change['task_id']}" for change in document["changes"]]


def test_only_these_go_ahead_and_guards_count_these(terminal: Terminal) -> None:
    planned = terminal.run("plan", "--task", "3", "--task", f"huawei/{SNAPSHOT}/1", "--format", "json")
    assert (planned.code, changed(planned.json)) == (0, ["snapshot/1", "snapshot/3"])
    assert planned.json["excluded"] == 6
    text = terminal.run("plan", "--task", "3")
    assert "Plan: 1 change: 1 cancel; 0 blocked, 0 protected, 7 left out." in text.out
    refused = terminal.run("plan", *(f"--task={number}" for number in (2, 3, 4)))
    assert refused.code == 4, "of a limit of two, three are too many"


def test_an_id_is_that_of_every_kind_of_task_and_a_whole_name_that_of_one(terminal: Terminal) -> None:
    assert changed(terminal.run("plan", "--task", "1", "--format", "json").json) == ["packaging/1", "snapshot/1"]


def test_those_that_nothing_is_done_about_are_named(terminal: Terminal) -> None:
    terminal.simulator.huaweicloud.add("huaweicloud.mpc.transcoding", id=99, created="1d")
    words = ("--task", "20", "--task", "21", "--task", "99", "--task", f"other/{SNAPSHOT}/1")
    planned = terminal.run("plan", *words, "--format", "json").json
    assert [entry["task_id"] for entry in planned["blocked"] + planned["protected"]] == ["20", "21"]
    assert [note["message"] for note in planned["diagnostics"] if "named" in note["message"]] == [
        f"2 of the tasks that were named are not among what was listed for the policies: 99, other/{SNAPSHOT}/1"
    ]
    terminal.write(HEAD + POLICIES.replace("{status: pending}", "{status: pending, created_at: {older_than: 2d}}"))
    planned = terminal.run("plan", "--task", "2", "--format", "json").json
    assert "1 of the tasks that were named is asked for by no policy: 2" in json.dumps(planned["diagnostics"])


def test_apply_does_these_and_says_in_one_line_what_it_left_out(terminal: Terminal) -> None:
    applied = terminal.run("apply", "--auto-approve", "--task", "3", "--format", "json")
    assert (applied.code, [result["task_id"] for result in applied.json["results"]]) == (0, ["3"])
    assert applied.json["excluded"] == 7
    assert len(terminal.destructive()) == 1
    words = ("apply", "--auto-approve", "--task", "4", "--fail-on", "excluded")
    assert terminal.run(*words).code == 3


def test_a_saved_plan_is_narrowed_and_what_is_not_in_it_is_named(terminal: Terminal) -> None:
    terminal.run("plan", "--out", "plan.json", "--task", "1", "--task", "2", "--max-actions", "9")
    applied = terminal.run("apply", "--plan", "plan.json", "--task", "2", "--task", "7", "--format", "json")
    assert (applied.code, [result["task_id"] for result in applied.json["results"]]) == (0, ["2"])
    messages = [note["message"] for note in applied.json["diagnostics"]]
    assert messages == [
        "1 of the tasks that were named is no change of the plan: 7",
        f"2 of the plan's 3 changes were left out by --task, --target or --policy: {FINISH}",
    ]


def test_a_plan_that_was_forged_to_leave_nothing_out_does_not_grow(terminal: Terminal) -> None:
    terminal.run("plan", "--out", "plan.json", "--task", f"huawei/{SNAPSHOT}/1")
    path = terminal.directory / "plan.json"
    plan = PLAN_FILE.read(path.read_text())
    from dataclasses import replace  # noqa: PLC0415 - of this test alone

    path.write_text(PLAN_FILE.text(replace(plan, excluded=0)))
    applied = terminal.run("apply", "--plan", "plan.json", "--format", "json")
    assert [result["task_id"] for result in applied.json["results"]] == ["1"]


@pytest.mark.parametrize("text", ["3\n# no\n\n'4'\n", "\ufeff3\r\n4\r\n", '  "3",\n4'])
def test_a_file_names_one_a_line(terminal: Terminal, text: str) -> None:
    file: Path = terminal.directory / "ids.txt"
    file.write_text(text, encoding="utf-8")
    planned = terminal.run("plan", "--tasks-file", "ids.txt", "--format", "json").json
    assert changed(planned) == ["snapshot/3", "snapshot/4"]


@pytest.mark.parametrize("command", [("plan",), ("apply", "--auto-approve")])
def test_a_file_that_names_none_is_a_mistake_and_not_everything(terminal: Terminal, command: tuple[str, ...]) -> None:
    (terminal.directory / "none.txt").write_text("# none\n\n", encoding="utf-8")
    terminal.tells(64, "names no task", *command, "--tasks-file", "none.txt")
    terminal.tells(64, "there is no file", *command, "--tasks-file", "nowhere.txt")
    terminal.tells(64, "--task is empty", *command, "--task", "")
    assert terminal.destructive() == []
