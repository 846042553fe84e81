"""Saved plans: they can shrink, never grow, and never be forged."""

import html
import json
import re
import shlex
import stat
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reconciler.backends.leases import Lease, acquire
from reconciler.documents.files import PLAN_FILE
from reconciler.planning.change import Change
from reconciler.tasks.resource_type import Action
from tests.terminal import HEAD, Terminal

TRANSCODING = "huaweicloud.mpc.transcoding"
PACKAGING = "huaweicloud.mpc.packaging"
POLICY = """
policies:
  tidy:
    resource: huaweicloud.mpc.transcoding
    match: {status: pending, input.bucket: legacy}
    ensure: absent
    limits: {max_actions: 3, max_percent: 100}
"""


@pytest.fixture(autouse=True)
def world(terminal: Terminal) -> None:
    terminal.write(HEAD + POLICY)
    for number in (1, 2):
        terminal.simulator.huaweicloud.add(TRANSCODING, id=number, created="1d", input={"bucket": "legacy"})
    terminal.simulator.huaweicloud.add(TRANSCODING, id=3, created="1d", input={"bucket": "current"})


def plan(terminal: Terminal, *words: str) -> Path:
    finished = terminal.run("plan", "--out", "plan.json", *words)
    assert finished.code in {0, 4}, finished.out + finished.err
    return terminal.directory / "plan.json"


def apply(terminal: Terminal, *words: str) -> tuple[int, dict[str, dict[str, Any]]]:
    finished = terminal.run("apply", "--plan", "plan.json", "--format", "json", *words)
    return finished.code, {result["task_id"]: result for result in finished.json.get("results", [])}


def forge(path: Path, changes: Callable[[tuple[Change, ...]], tuple[Change, ...]]) -> None:
    """Rewrite the changes of a plan with a digest that fits: the digest is no signature."""
    plan = PLAN_FILE.read(path.read_text())
    path.write_text(PLAN_FILE.text(replace(plan, changes=changes(plan.changes))))


def test_applying_it_does_what_it_shows_and_no_more(terminal: Terminal) -> None:
    assert stat.S_IMODE(plan(terminal).stat().st_mode) == 0o600, "readable by its owner only"
    code, results = apply(terminal)
    assert code == 0
    assert {task: result["outcome"] for task, result in results.items()} == {"1": "done", "2": "done"}
    assert len(terminal.destructive()) == 2


def test_two_plans_of_the_same_work_have_the_same_digest(terminal: Terminal) -> None:
    first = json.loads(plan(terminal).read_text())
    terminal.simulator.clock.advance("1h")
    second = json.loads(plan(terminal, "--expires", "3h").read_text())
    assert first["digest"] == second["digest"]
    assert first["expires_at"] != second["expires_at"]


def test_tasks_that_no_policy_selects_make_no_other_digest(terminal: Terminal) -> None:
    """They make the share smaller, and with it the limit of the command line one that is not needed any more."""
    terminal.write(HEAD + POLICY.replace("max_percent: 100", "max_percent: 20"))
    for number in range(10, 17):
        terminal.simulator.huaweicloud.add(TRANSCODING, id=number, created="1d", input={"bucket": "current"})
    limit = ("--max-percent", "50", "--format", "json")
    terminal.simulator.huaweicloud.add(TRANSCODING, id=4, created="1d", input={"bucket": "legacy"})
    before = terminal.run("plan", *limit).json
    for number in range(20, 30):
        terminal.simulator.huaweicloud.add(TRANSCODING, id=number, created="1d", input={"bucket": "current"})
    after = terminal.run("plan", *limit).json
    verdicts = [found["policies"][0]["guards"][1]["overridden"] for found in (before, after)]
    assert verdicts == [True, False]
    assert before["digest"] == after["digest"]


def test_applied_twice_it_ends_satisfied(terminal: Terminal) -> None:
    plan(terminal)
    apply(terminal)
    code, results = apply(terminal)
    assert code == 0
    assert {result["outcome"] for result in results.values()} == {"satisfied"}
    assert len(terminal.destructive()) == 2


def test_it_does_not_grow(terminal: Terminal) -> None:
    plan(terminal)
    terminal.simulator.huaweicloud.add(TRANSCODING, id=4, created="1d", input={"bucket": "legacy"})
    code, results = apply(terminal)
    assert (code, set(results)) == (0, {"1", "2"})
    assert terminal.simulator.huaweicloud.status(TRANSCODING, 4) == "WAITING"


def test_it_shrinks_by_what_moved_on(terminal: Terminal) -> None:
    plan(terminal)
    terminal.simulator.huaweicloud.set_status(TRANSCODING, 1, "running")
    code, results = apply(terminal)
    assert code == 0
    assert (results["1"]["outcome"], results["1"]["before"], results["1"]["now"]) == ("missed", "pending", "running")
    assert results["2"]["outcome"] == "done"


def test_a_change_added_by_hand_that_no_policy_asks_for_is_never_carried_out(terminal: Terminal) -> None:
    path = plan(terminal)

    forge(path, lambda changes: (*changes, replace(changes[0], task_id="3")))
    code, results = apply(terminal)
    assert code == 0
    assert (results["3"]["outcome"], results["3"]["calls"]) == ("missed", 0)
    assert {query for _, _, query in terminal.destructive()} == {"task_id=1", "task_id=2"}


def test_steps_added_by_hand_are_never_carried_out(terminal: Terminal) -> None:
    path = plan(terminal)
    both = (Action.CANCEL, Action.DELETE)
    forge(path, lambda changes: tuple(replace(change, steps=both) for change in changes))
    code, results = apply(terminal)
    assert code == 0
    assert {result["outcome"] for result in results.values()} == {"missed"}
    assert terminal.destructive() == []


FORGED_FIELDS = {
    "bucket": {"input.bucket": "current"},
    "object": {"input.object": "another.mp4"},
    "a field more": {"user_data": "nobody needs it"},
    "created_at": {"created_at": "2020-01-01T00:00:00Z"},
    "an end that it is not at": {"status": "canceled"},
    "a start that it has not made": {"status": "running"},
    "a status that leads nowhere": {"status": "unknown"},
}


@pytest.mark.parametrize("name", FORGED_FIELDS)
def test_a_task_that_is_not_what_the_plan_shows_is_left_alone(terminal: Terminal, name: str) -> None:
    path = plan(terminal)
    honest = json.loads(path.read_text())["digest"]
    field = FORGED_FIELDS[name]
    forge(path, lambda changes: (replace(changes[0], observed={**changes[0].observed, **field}), *changes[1:]))
    assert apply(terminal, "--approved-digest", honest)[0] == 4, "what a reviewer reads is in the digest"
    code, results = apply(terminal)
    assert (code, results["1"]["outcome"], results["2"]["outcome"]) == (0, "missed", "done")
    assert "it is not what the plan shows of it" in results["1"]["detail"]
    assert next(iter(field)) in results["1"]["detail"]


@pytest.mark.parametrize("status", ["pending", "running"])
def test_neither_is_one_of_which_it_hides_a_field(terminal: Terminal, status: str) -> None:
    """A lie about the status, which may change, is no cover for the fields, which do not."""
    forge(plan(terminal), lambda changes: tuple(replace(each, observed={"status": status}) for each in changes))
    assert {result["outcome"] for result in apply(terminal)[1].values()} == {"missed"}
    assert terminal.destructive() == []


@pytest.mark.parametrize("policies", [(), ("other",)])
def test_nor_one_that_other_policies_ask_for_than_it_shows(terminal: Terminal, policies: tuple[str, ...]) -> None:
    forge(plan(terminal), lambda changes: tuple(replace(each, policies=policies) for each in changes))
    code, results = apply(terminal)
    assert (code, terminal.destructive()) == (0, [])
    assert {result["outcome"] for result in results.values()} == {"missed"}
    assert "none of the policies that the plan names asks for it" in results["1"]["detail"]


def test_a_reason_that_was_rewritten_is_not_what_was_approved(terminal: Terminal) -> None:
    path = plan(terminal)
    honest = json.loads(path.read_text())["digest"]
    forge(path, lambda changes: tuple(replace(change, reason="tidy: nobody needs it") for change in changes))
    assert apply(terminal, "--approved-digest", honest)[0] == 4


def test_a_task_that_goes_on_by_itself_is_still_what_was_reviewed(terminal: Terminal) -> None:
    """Reviewed was to cancel and delete it; somebody has canceled it since, so a part of that is left to do."""
    terminal.write(HEAD + POLICY.replace("transcoding", "packaging").replace("status: pending, ", ""))
    terminal.simulator.huaweicloud.add(PACKAGING, id=7, created="1d", input={"bucket": "legacy"})
    plan(terminal)
    terminal.simulator.huaweicloud.set_status(PACKAGING, 7, "canceled")
    code, results = apply(terminal)
    assert (code, results["7"]["outcome"], results["7"]["calls"]) == (0, "done", 1)


def test_the_figures_of_a_file_let_no_guard_pass(terminal: Terminal) -> None:
    """What a guard counted is in no digest: the share is counted anew, of what is listed now."""
    terminal.write(HEAD + POLICY.replace("max_percent: 100", "max_percent: 10"))
    for number in range(10, 30):
        terminal.simulator.huaweicloud.add(TRANSCODING, id=number, created="1d", input={"bucket": "current"})
    path = plan(terminal)
    for number in range(10, 20):
        terminal.simulator.huaweicloud.remove(TRANSCODING, number)
    saved = PLAN_FILE.read(path.read_text())
    guards = tuple(replace(verdict, basis=10**6) for verdict in saved.policies[0].guards)
    forged = replace(
        saved,
        policies=(replace(saved.policies[0], guards=guards),),
        scopes=tuple(replace(scope, requests=10**6) for scope in saved.scopes),
    )
    assert forged.digest == saved.digest
    path.write_text(PLAN_FILE.text(forged))
    code, results = apply(terminal, "--approved-digest", saved.digest)
    assert (code, {result["outcome"] for result in results.values()}) == (4, {"not_attempted"})
    assert terminal.destructive() == []


def test_guards_of_the_run_are_checked_again(terminal: Terminal) -> None:
    path = plan(terminal)
    terminal.write(HEAD + "settings: {run_limits: {max_actions: 1}}\n" + POLICY)
    assert json.loads(path.read_text())["applyable"]
    code, results = apply(terminal)
    assert (code, {result["outcome"] for result in results.values()}) == (4, {"not_attempted"})
    assert apply(terminal, "--max-actions", "2")[0] == 0


def test_a_plan_of_a_time_ahead_is_stale_since_a_clock_set_back_would_revive_it(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan(terminal)
    real = time.time
    monkeypatch.setattr("reconciler.engine.session.time.time", lambda: real() - 200)
    assert terminal.run("apply", "--plan", "plan.json", "--approved-digest", "sha256:0").code == 4
    monkeypatch.setattr("reconciler.engine.session.time.time", lambda: real() - 400)
    assert apply(terminal)[0] == 5
    assert terminal.destructive() == []


def test_a_plan_altered_without_its_digest_is_invalid(terminal: Terminal) -> None:
    path = plan(terminal)
    document = json.loads(path.read_text())
    document["changes"].pop()
    path.write_text(json.dumps(document))
    assert apply(terminal)[0] == 65
    assert terminal.destructive() == []


@pytest.mark.parametrize("torn", ["", "{", "null", "[]", '{"format": "reconciler.plan"}', "\udcff"])
def test_a_torn_plan_is_invalid(terminal: Terminal, torn: str) -> None:
    (terminal.directory / "plan.json").write_bytes(torn.encode("utf-8", "surrogateescape"))
    assert apply(terminal)[0] == 65


def test_other_policies_make_it_stale(terminal: Terminal) -> None:
    plan(terminal)
    terminal.write(HEAD + POLICY.replace("bucket: legacy", "bucket: current"))
    assert apply(terminal)[0] == 5
    assert terminal.destructive() == []


def test_other_settings_and_descriptions_do_not(terminal: Terminal) -> None:
    plan(terminal)
    policy = POLICY.replace("    ensure", "    description: Tidy up.\n    ensure")
    terminal.write(HEAD + "settings: {concurrency: 2}\n" + policy)
    assert apply(terminal)[0] == 0


def test_it_expires_while_a_lock_is_waited_for(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    plan(terminal, "--expires", "1h")
    late = int(time.time()) + 3601

    def acquired(*words: Any, **named: Any) -> Lease:  # noqa: ANN401 - handed on
        monkeypatch.setattr("reconciler.engine.session.time.time", lambda: late)
        return acquire(*words, **named)

    monkeypatch.setattr("reconciler.engine.hold.acquire", acquired)
    assert apply(terminal, "--lock-timeout", "2h")[0] == 5
    assert terminal.destructive() == []


def test_no_limit_is_larger_than_what_can_be_read_back(terminal: Terminal) -> None:
    largest = plan(terminal, "--max-actions", str(10**9))
    assert PLAN_FILE.read(largest.read_text()).overrides.max_actions == 10**9
    assert terminal.run("plan", "--max-actions", str(10**9 + 1)).code == 64
    terminal.write(HEAD + POLICY.replace("max_actions: 3", f"max_actions: {10**9 + 1}"))
    assert terminal.run("plan").code == 65


def test_a_byte_order_mark_before_it_is_none_of_its_text(terminal: Terminal) -> None:
    path = plan(terminal)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert apply(terminal)[0] == 0


def test_another_approved_digest_refuses_before_any_request(terminal: Terminal) -> None:
    plan(terminal)
    before = len(terminal.simulator.requests)
    assert apply(terminal, "--approved-digest", "sha256:" + "0" * 64)[0] == 4
    assert len(terminal.simulator.requests) == before


AHEAD, PAST = "2999-01-01T00:00:00Z", "2020-01-01T00:00:00Z"


@pytest.mark.parametrize(("until", "code"), [(AHEAD, 0), (PAST, 5), ("soon", 64), ("", 64), (" ", 64)])
@pytest.mark.parametrize("saved", [True, False], ids=["saved", "made now"])
def test_an_approval_may_end_before_the_plan(terminal: Terminal, until: str, code: int, saved: bool) -> None:
    digest = json.loads(plan(terminal).read_text())["digest"]
    of = ["--plan", "plan.json"] if saved else []
    finished = terminal.run("apply", *of, "--approved-digest", digest, "--approved-until", until)
    assert finished.code == code
    assert bool(terminal.destructive()) is (code == 0)


def test_its_end_is_not_what_the_file_says(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    """A time of expiry is in no digest, and whoever moves it makes a checksum to match."""
    path = plan(terminal, "--expires", "1h")
    honest = json.loads(path.read_text())
    saved = PLAN_FILE.read(path.read_text())
    path.write_text(PLAN_FILE.text(replace(saved, expires_at=saved.expires_at + 10**6)))
    real = time.time
    monkeypatch.setattr("reconciler.engine.session.time.time", lambda: real() + 3601)
    words = ("--approved-digest", honest["digest"], "--approved-until", honest["expires_at"])
    assert apply(terminal, *words)[0] == 5
    assert terminal.destructive() == []


@pytest.mark.parametrize("variable", [False, True])
def test_an_end_without_an_approval_is_a_mistake(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, variable: bool
) -> None:
    plan(terminal)
    if variable:
        monkeypatch.setenv("RECONCILER_APPROVED_UNTIL", AHEAD)
    assert apply(terminal, *([] if variable else ["--approved-until", AHEAD]))[0] == 64


@pytest.mark.parametrize("approved", [True, False])
def test_a_recorded_override_counts_only_with_the_digest_or_the_flag(terminal: Terminal, approved: bool) -> None:
    for number in range(10, 14):
        terminal.simulator.huaweicloud.add(TRANSCODING, id=number, created="1d", input={"bucket": "legacy"})
    assert terminal.run("plan").code == 4
    digest = json.loads(plan(terminal, "--max-actions", "10").read_text())["digest"]
    code, results = apply(terminal)
    assert code == 4
    assert {result["outcome"] for result in results.values()} == {"not_attempted"}
    assert terminal.destructive() == []
    assert apply(terminal, *(("--approved-digest", digest) if approved else ("--max-actions", "10")))[0] == 0
    assert len(terminal.destructive()) == 6


def test_a_scope_that_cannot_be_listed_holds_its_changes_back(terminal: Terminal) -> None:
    plan(terminal)
    terminal.simulator.faults.add("html", method="GET", path="/transcodings$", times=0)
    code, results = apply(terminal)
    assert code == 1
    assert {result["outcome"] for result in results.values()} == {"not_attempted"}
    assert terminal.destructive() == []


# -- how the tasks are seen again -------------------------------------------------------------------------------
def crowd(terminal: Terminal, percent: int) -> str:
    """Let a policy pick two tasks out of a list of several pages; returns the digest of its plan."""
    limits = f"limits: {{max_percent: {percent}}}"
    terminal.write(HEAD + POLICY.replace("limits: {max_actions: 3, max_percent: 100}", limits))
    for number in range(1000, 1450):
        terminal.simulator.huaweicloud.add(TRANSCODING, id=number, created="1d", input={"bucket": "current"})
    digest = json.loads(plan(terminal, "--max-percent", "100").read_text())["digest"]
    assert isinstance(digest, str)
    terminal.simulator.log.clear()
    return digest


def readings(terminal: Terminal) -> list[str]:
    queries = [record.raw_query for record in terminal.simulator.requests if not record.destructive]
    first_call = [record.destructive for record in terminal.simulator.requests].index(True)
    return queries[:first_call]


@pytest.mark.parametrize(("percent", "approved", "tasks"), [(100, False, 2), (1, True, 2), (50, False, 453)])
def test_tasks_are_read_by_id_where_no_share_can_be_exceeded(
    terminal: Terminal, percent: int, approved: bool, tasks: int
) -> None:
    """Nor where that was approved; a share that is to be checked wants the list."""
    digest = crowd(terminal, percent)
    finished = terminal.run("apply", "--plan", "plan.json", "-v", *(["--approved-digest", digest] if approved else []))
    assert (finished.code, len(terminal.destructive())) == (0, 2)
    assert (readings(terminal) == ["task_id=1&task_id=2"]) is (tasks == 2)
    assert f"listed {TRANSCODING} on huawei: {tasks} tasks" in finished.err


@pytest.mark.parametrize("fault", ["html", "empty", "redirect"])
def test_a_reading_that_says_nothing_lets_nothing_go_ahead(terminal: Terminal, fault: str) -> None:
    crowd(terminal, percent=100)
    terminal.simulator.faults.add(fault, method="GET", times=0)
    code, results = apply(terminal)
    assert (code, {result["outcome"] for result in results.values()}) == (1, {"not_attempted"})
    assert terminal.destructive() == []


def test_read_by_id_a_task_that_moved_on_falls_out(terminal: Terminal) -> None:
    crowd(terminal, percent=100)
    terminal.simulator.huaweicloud.set_status(TRANSCODING, 1, "running")
    terminal.simulator.huaweicloud.remove(TRANSCODING, 2)
    code, results = apply(terminal)
    assert code == 0
    assert {task: result["outcome"] for task, result in results.items()} == {"1": "missed", "2": "satisfied"}
    assert terminal.destructive() == []


@pytest.mark.parametrize("form", ["text", "markdown", "html"])
@pytest.mark.parametrize("paths", [["conf files"], ["conf files/reconciler.yaml", "more.yaml"], ["-conf"]])
def test_the_command_that_is_printed_works_where_it_is_printed(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, form: str, paths: list[str]
) -> None:
    """In every format, of the plan and of what `show` makes of its file, beside another configuration."""
    head, policies = (terminal.directory / "reconciler.yaml").read_text().split("policies:")
    for place in ("conf files", "-conf"):
        (terminal.directory / place).mkdir()
        terminal.write(f"{head}policies:{policies}", f"{place}/reconciler.yaml")
    terminal.write("version: 1\nprotect:\n  p: {resource: '*', match: {id: '99'}}\n", "more.yaml")
    terminal.write(f"{head}\nprotect:\n  q: {{resource: '*', match: {{id: '98'}}}}\npolicies:{policies}")
    given = [f"./{path}" if path.startswith("-") else path for path in paths]
    planned = terminal.run("plan", *given, "--out", "my plan.json", "--format", form)
    assert planned.code == 0
    for text in (planned.out, terminal.run("show", "my plan.json", "--format", form).out):
        plain = html.unescape(re.sub(r"<[^>]*>", " ", text)) if form != "text" else text.replace("\\\n", "")
        found = re.search(r"reconciler (apply --plan .*? +--approved-digest sha256:[0-9a-f]{64})", plain)
        assert found, plain
        assert terminal.run(*shlex.split(found[1])).code == 0
