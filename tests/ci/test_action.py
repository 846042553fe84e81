"""The composite action, run: real bash, the real program, local clouds."""

import json
import signal
import subprocess
from pathlib import Path

import pytest
import yaml

from reconciler.simulator import Simulator
from tests.ci.conftest import CONFIGURATION, ROOT, SNAPSHOT, merge, typed
from tests.ci.platforms import GitHubActions
from tests.ci.runner import Runner
from tests.review.forge import TOKEN, Account
from tests.terminal import wait_until

ACTION = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))


def planned(runner: Runner) -> str:
    """Save a plan beforehand. Returns its digest."""
    typed(runner.workspace, runner.environment, "plan", "--out", "plan.json")
    digest = json.loads((runner.workspace / "plan.json").read_text(encoding="utf-8"))["digest"]
    assert isinstance(digest, str)
    return digest


# -- plan -----------------------------------------------------------------------------------------------------
def test_a_plan_has_outputs_a_summary_and_files(runner: Runner, waiting: Simulator) -> None:
    finished = runner.action(ROOT, artifact_name="plan")

    plan = json.loads(Path(finished.outputs["plan-path"]).read_text(encoding="utf-8"))
    assert finished.succeeded
    assert dict(finished.outputs) == {
        "outcome": "changes",
        "exit-code": "0",
        "digest": plan["digest"],
        "changes": "3",
        "cancel": "3",
        "delete": "0",
        "cancel-then-delete": "0",
        "blocked": "0",
        "protected": "0",
        "applyable": "true",
        "plan-path": finished.outputs["plan-path"],
        "report-path": "",
    }
    assert Path(finished.outputs["plan-path"]).is_relative_to(runner.temporary), "no file of the checkout passes for it"
    assert runner.summary.startswith("<!-- reconciler:plan ")
    assert "Plan: 3 changes: 3 cancel;" in finished.step("Show what came of it").log
    kept = {path.name for path in (runner.artifacts / "this-run" / "plan").iterdir()}
    assert kept == {"plan.json", "plan.html"}
    assert waiting.destructive_requests == []


def test_without_changes_nothing_is_to_do(runner: Runner) -> None:
    finished = runner.action(ROOT)
    assert finished.succeeded
    assert (finished.outputs["outcome"], finished.outputs["changes"]) == ("ok", "0")
    assert not runner.artifacts.exists(), "no name of an artifact, no artifact"


def test_mistakes_are_annotations_and_fail_the_plan(runner: Runner) -> None:
    (runner.workspace / "reconciler.yaml").write_text(CONFIGURATION.replace("pending", "waiting"), encoding="utf-8")
    finished = runner.action(ROOT)
    assert not finished.succeeded
    assert (finished.outputs["outcome"], finished.outputs["exit-code"]) == ("invalid", "65")
    assert "file=reconciler.yaml," in finished.step("Show what came of it").log
    assert finished.outputs["digest"] == ""


def test_a_plan_beyond_its_limit_fails_and_is_shown(runner: Runner, waiting: Simulator) -> None:
    finished = runner.action(ROOT, args="--max-actions 2")
    assert finished.step("Run reconciler").code == 4
    assert (finished.outputs["outcome"], finished.outputs["exit-code"]) == ("refused", "4")
    assert finished.outputs["applyable"] == "false"
    assert "--max-actions" in runner.summary
    assert waiting.destructive_requests == []


@pytest.mark.usefixtures("waiting")
def test_with_detailed_exit_codes_changes_are_exit_2(runner: Runner) -> None:
    finished = runner.action(ROOT, args="--detailed-exitcode")
    assert (finished.outputs["outcome"], finished.outputs["exit-code"]) == ("changes", "2")
    assert not finished.succeeded


def test_paths_and_flags_are_words_of_their_own(runner: Runner) -> None:
    for name in ("two words", "other"):
        (runner.workspace / name).mkdir()
    (runner.workspace / "reconciler.yaml").rename(runner.workspace / "two words" / "reconciler.yaml")
    (runner.workspace / "other" / "a.reconciler.yaml").write_text("version: 1\n", encoding="utf-8")
    finished = runner.action(ROOT, paths="two words\nother\n", args="--target=h*\n  --policy none-*  -v\n")
    assert finished.succeeded, finished.log
    files = json.loads(Path(finished.outputs["plan-path"]).read_text(encoding="utf-8"))["configuration"]["files"]
    assert len(files) == 2


def test_it_runs_in_the_directory_named(runner: Runner) -> None:
    (runner.workspace / "media").mkdir()
    (runner.workspace / "reconciler.yaml").rename(runner.workspace / "media" / "reconciler.yaml")
    finished = runner.action(ROOT, working_directory="media", plan_file="saved.json")
    saved = runner.workspace / "media" / "saved.json"
    assert saved.read_bytes() == Path(finished.outputs["plan-path"]).read_bytes()


# -- validate and test ----------------------------------------------------------------------------------------
def test_validate_annotates(runner: Runner, simulator: Simulator) -> None:
    assert runner.action(ROOT, command="validate").succeeded
    (runner.workspace / "reconciler.yaml").write_text(CONFIGURATION.replace("pending", "waiting"), encoding="utf-8")
    finished = runner.action(ROOT, command="validate")
    assert finished.step("Run reconciler").code == 65
    assert "::error " in finished.log
    assert "stop-commands" not in finished.log
    assert simulator.requests == []


def test_test_runs_the_tests(runner: Runner, simulator: Simulator) -> None:
    finished = runner.action(ROOT, command="test")
    assert finished.succeeded
    assert "1 passed" in finished.log
    (runner.workspace / "reconciler.yaml").write_text(CONFIGURATION.replace("pending", "running"), encoding="utf-8")
    assert runner.action(ROOT, command="test").step("Run reconciler").code == 1
    assert simulator.requests == []


def test_another_command_is_refused(runner: Runner) -> None:
    finished = runner.action(ROOT, command="simulator")
    assert finished.step("Run reconciler").code == 64
    assert "The input command must be" in finished.log


# -- apply ----------------------------------------------------------------------------------------------------
def test_the_approved_plan_is_applied(runner: Runner, waiting: Simulator) -> None:
    digest = planned(runner)
    finished = runner.action(
        ROOT, command="apply", plan_file="plan.json", approved_digest=digest, artifact_name="report"
    )
    assert finished.succeeded, finished.log
    assert (finished.outputs["outcome"], finished.outputs["exit-code"]) == ("ok", "0")
    assert finished.outputs["digest"] == digest
    assert len(waiting.destructive_requests) == 3
    report = json.loads(Path(finished.outputs["report-path"]).read_text(encoding="utf-8"))
    assert report["summary"]["done"] == 3
    kept = {path.name for path in (runner.artifacts / "this-run" / "report").iterdir()}
    assert kept == {"report.json", "report.html"}
    assert "3 done" in runner.summary


def test_another_digest_is_refused_and_nothing_is_called(runner: Runner, waiting: Simulator) -> None:
    planned(runner)
    before = len(waiting.requests)
    finished = runner.action(ROOT, command="apply", plan_file="plan.json", approved_digest=f"sha256:{'0' * 64}")
    assert finished.step("Run reconciler").code == 4
    assert (finished.outputs["outcome"], finished.outputs["exit-code"]) == ("refused", "4")
    assert "the approved digest is sha256:000" in finished.step("Run reconciler").log
    assert len(waiting.requests) == before


def test_apply_without_approval_does_nothing(runner: Runner, waiting: Simulator) -> None:
    finished = runner.action(ROOT, command="apply")
    assert (finished.outputs["outcome"], finished.outputs["exit-code"]) == ("usage", "64")
    assert waiting.requests == []


@pytest.mark.usefixtures("real_program")
def test_a_canceled_run_finishes_what_is_in_flight_and_reports(runner: Runner, simulator: Simulator) -> None:
    """GitHub sends SIGINT to the step's bash, and to nothing else."""
    for number in range(60):
        simulator.huaweicloud.add(SNAPSHOT, id=number + 1, created="1d")
    simulator.faults.add("latency", method="DELETE", times=0, seconds=0.05)

    def cancel(process: subprocess.Popen[str]) -> None:
        wait_until(lambda: len(simulator.destructive_requests) > 1, process)
        process.send_signal(signal.SIGINT)

    runner.meanwhile["Run reconciler"] = cancel
    finished = runner.action(ROOT, command="apply", args="--auto-approve")
    assert finished.step("Run reconciler").code == 130
    assert (finished.outputs["outcome"], finished.outputs["exit-code"]) == ("interrupted", "130")
    summary = json.loads(Path(finished.outputs["report-path"]).read_text(encoding="utf-8"))["summary"]
    canceled = sum(simulator.huaweicloud.status(SNAPSHOT, number + 1) == "CANCELED" for number in range(60))
    assert summary["done"] == canceled
    assert summary["not_attempted"] == 60 - canceled > 0
    assert "not attempted" in runner.summary


@pytest.mark.usefixtures("real_program")
def test_a_killed_run_has_an_outcome_and_no_exit_code(runner: Runner, waiting: Simulator) -> None:
    waiting.faults.add("latency", method="DELETE", times=0, seconds=1)

    def kill(process: subprocess.Popen[str]) -> None:
        wait_until(lambda: waiting.destructive_requests, process)
        process.kill()

    runner.meanwhile["Run reconciler"] = kill
    finished = runner.action(ROOT, command="apply", args="--auto-approve")
    assert not finished.succeeded
    assert (finished.outputs["outcome"], finished.outputs["exit-code"]) == ("killed", "")


# -- the comment ----------------------------------------------------------------------------------------------
@pytest.mark.usefixtures("waiting")
def test_a_plan_on_a_pull_request_is_its_one_comment(on_pull_request: Runner, github: GitHubActions) -> None:
    first = on_pull_request.action(ROOT)
    again = on_pull_request.action(ROOT)
    assert (first.step("Write the comment").code, again.step("Write the comment").code) == (0, 0)
    (comment,) = github.notes
    assert first.outputs["digest"] in comment.body
    assert "none-waits" in comment.body


@pytest.mark.usefixtures("waiting")
def test_a_comment_that_cannot_be_written_is_a_warning(on_pull_request: Runner, github: GitHubActions) -> None:
    """So it is on a pull request from a fork."""
    github.accounts[TOKEN] = Account("reader[bot]", "Bot")
    finished = on_pull_request.action(ROOT)
    assert finished.succeeded
    assert "::warning title=reconciler::" in finished.step("Write the comment").log
    assert finished.outputs["changes"] == "3"
    assert github.notes == []


@pytest.mark.parametrize(("event", "inputs"), [("push", {}), ("schedule", {}), ("pull_request", {"comment": "false"})])
@pytest.mark.usefixtures("waiting")
def test_no_comment_elsewhere(
    on_pull_request: Runner, github: GitHubActions, event: str, inputs: dict[str, str]
) -> None:
    on_pull_request.environment["GITHUB_EVENT_NAME"] = event
    assert on_pull_request.action(ROOT, **inputs).succeeded
    assert github.calls == []


def test_the_digest_of_the_comment_is_the_approval(
    on_pull_request: Runner, github: GitHubActions, waiting: Simulator
) -> None:
    digest = on_pull_request.action(ROOT, plan_file="plan.json").outputs["digest"]
    merge(on_pull_request, github)
    finished = on_pull_request.action(ROOT, command="apply", plan_file="plan.json", approved_digest="comment")
    assert finished.succeeded, finished.log
    assert finished.outputs["digest"] == digest
    assert len(waiting.destructive_requests) == 3
    (comment,) = github.notes
    assert comment.body.startswith("<!-- reconciler:report ")


def test_a_plan_that_no_comment_shows_is_refused(runner: Runner, github: GitHubActions, waiting: Simulator) -> None:
    planned(runner)
    before = len(waiting.requests)
    merge(runner, github)
    finished = runner.action(ROOT, command="apply", plan_file="plan.json", approved_digest="comment")
    assert finished.step("Read the approved digest").code == 4
    assert finished.step("Run reconciler").outcome == "skipped"
    assert (finished.outputs["outcome"], finished.outputs["exit-code"]) == ("refused", "4")
    assert len(waiting.requests) == before


def test_a_plan_without_changes_needs_no_comment(runner: Runner, github: GitHubActions, simulator: Simulator) -> None:
    planned(runner)
    merge(runner, github)
    finished = runner.action(ROOT, command="apply", plan_file="plan.json", approved_digest="comment")
    assert finished.succeeded, finished.log
    assert (finished.outputs["outcome"], finished.outputs["exit-code"], github.notes) == ("ok", "0", [])
    assert finished.step("Run reconciler").outcome == "skipped"
    assert simulator.destructive_requests == []


# -- hostile text ---------------------------------------------------------------------------------------------

HOSTILE = "$(touch pwned) `touch pwned`; touch pwned; ${{ github.token }} '\" * \\"


@pytest.mark.parametrize(
    "inputs",
    [
        {"args": HOSTILE, "paths": HOSTILE, "plan_file": HOSTILE},
        {"command": "apply", "approved_digest": HOSTILE, "plan_file": HOSTILE},
        {"command": HOSTILE},
    ],
    ids=["plan", "apply", "command"],
)
def test_no_input_is_executed(inputs: dict[str, str], runner: Runner) -> None:
    finished = runner.action(ROOT, **inputs)
    assert finished.step("Run reconciler").outcome == "failure"
    assert TOKEN not in finished.log
    assert list(runner.workspace.parent.rglob("pwned")) == []


def test_what_clouds_answer_is_no_command_to_the_runner(runner: Runner, simulator: Simulator) -> None:
    """Between stop-commands and its token, the runner takes nothing for a command."""
    simulator.huaweicloud.add(
        SNAPSHOT, id=1, created="1d", input={"bucket": "##[add-matcher]x", "object": "\n::error::hello"}
    )
    finished = runner.action(ROOT)
    lines = finished.step("Show what came of it").log.splitlines()
    token = lines[0].removeprefix("::stop-commands::")
    assert lines[0] != token != ""
    assert any("##[add-matcher]" in line for line in lines)
    assert lines[-1] == f"::{token}::"
    assert not any(line.lstrip().startswith("::") for line in lines[1:-1])


@pytest.mark.usefixtures("waiting")
def test_a_directory_with_line_breaks_in_its_name_writes_no_outputs_of_its_own(runner: Runner) -> None:
    place = runner.workspace / "a\noutcome=ok\n::error::x\nb"
    place.mkdir()
    (runner.workspace / "reconciler.yaml").rename(place / "reconciler.yaml")
    finished = runner.action(ROOT, working_directory=place.name, plan_file="plan.json", artifact_name="plan")
    assert (finished.outputs["outcome"], finished.outputs["changes"]) == ("changes", "3")


@pytest.mark.usefixtures("waiting")
@pytest.mark.parametrize("broken", ["version: 2\n", None], ids=["invalid", "no configuration"])
def test_a_plan_in_the_checkout_is_not_taken_for_one_that_failed(
    on_pull_request: Runner, github: GitHubActions, broken: str | None
) -> None:
    runner = on_pull_request
    planned(runner)
    file = runner.workspace / "reconciler.yaml"
    file.unlink() if broken is None else file.write_text(broken, encoding="utf-8")
    finished = runner.action(ROOT, plan_file="plan.json", artifact_name="plan")
    assert (finished.outputs["digest"], finished.outputs["plan-path"], github.calls) == ("", "", [])
    assert runner.summary == ""
    assert [path.name for path in (runner.artifacts / "this-run" / "plan").iterdir()] == ["failure.json"]


@pytest.mark.usefixtures("waiting")
@pytest.mark.parametrize("field", ["outcome", "changes"])
def test_a_plan_that_claims_to_have_no_changes_is_not_applied(
    runner: Runner, github: GitHubActions, simulator: Simulator, field: str
) -> None:
    """Such a plan needs no approval, and so nothing is done on its word."""
    planned(runner)
    file = runner.workspace / "plan.json"
    plan = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps(plan | {"outcome": "ok"} | ({"changes": []} if field == "changes" else {})))
    merge(runner, github)
    finished = runner.action(ROOT, command="apply", plan_file="plan.json", approved_digest="comment")
    assert finished.step("Run reconciler").outcome == "skipped"
    assert simulator.destructive_requests == []


# -- form -----------------------------------------------------------------------------------------------------
def test_scripts_take_inputs_from_the_environment_only() -> None:
    scripts = [step["run"] for step in ACTION["runs"]["steps"] if "run" in step]
    assert scripts
    assert [script for script in scripts if "${{" in script] == []


def test_the_token_reaches_only_the_steps_that_speak_to_github() -> None:
    steps = {step["name"]: json.dumps(step) for step in ACTION["runs"]["steps"]}
    assert {name for name, text in steps.items() if "inputs.token" in text} == {
        "Read the approved digest",
        "Write the comment",
    }


def test_actions_of_others_are_pinned_to_a_commit() -> None:
    used = [step["uses"] for step in ACTION["runs"]["steps"] if "uses" in step]
    assert used
    assert all(len(action.partition("@")[2]) == 40 for action in used)
