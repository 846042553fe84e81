"""What falls out of a saved plan, and why: in words that a reviewer of the plan can follow."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.documents.files import PLAN_FILE
from reconciler.engine.saved_plan import LONGEST, drift
from reconciler.providers.registry import catalogue
from reconciler.redaction import presentable
from reconciler.simulator import Simulator
from reconciler.tasks.resource_type import Catalogue
from tests.terminal import HEAD, Terminal

TRANSCODING = "huaweicloud.mpc.transcoding"
SNAPSHOT = "huaweicloud.mpc.snapshot"
PACKAGING = "huaweicloud.mpc.packaging"
PROJECT, OTHER_PROJECT = "0123456789abcdef" * 2, "fedcba9876543210" * 2
KEYS = {"access_key_id": "AK", "secret_access_key": "SK"}
ACCOUNTS = {
    "huaweicloud": [{**KEYS, "projects": {"cn-north-4": PROJECT, "cn-east-3": OTHER_PROJECT}}],
    "aliyun": [KEYS],
    "aws": [KEYS],
}
OTHER = HEAD.partition("  huawei:\n")[2].replace(PROJECT, OTHER_PROJECT).replace("cn-north-4", "cn-east-3")
TWO = f"{HEAD}  other:\n{OTHER}"
POLICIES = f"""
policies:
  tidy: {{resource: {TRANSCODING}, match: {{status: pending}}, ensure: absent, limits: {{max_percent: 100}}}}
  no-snapshots: {{resource: {SNAPSHOT}, match: {{status: pending}}, ensure: absent, limits: {{max_percent: 100}}}}
"""


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """Clouds in which one account has a project in each of two regions."""
    with Simulator(seed={"accounts": ACCOUNTS}).running() as running:
        yield running


def save(terminal: Terminal, *words: str) -> Path:
    finished = terminal.run("plan", "--out", "plan.json", *words)
    assert finished.code == 0, finished.out + finished.err
    return terminal.directory / "plan.json"


def saved(terminal: Terminal, *words: str, policies: str = POLICIES, kind: str = TRANSCODING, **task: Any) -> Path:  # noqa: ANN401 - fields of any type
    """A plan for one task that waits."""
    terminal.write(HEAD + policies)
    terminal.simulator.huaweicloud.add(kind, id=1, created="1d", **task)
    return save(terminal, *words)


def apply(terminal: Terminal, *words: str) -> tuple[int, dict[str, Any], dict[str, dict[str, Any]]]:
    """The exit code, the report, and its results by task."""
    finished = terminal.run("apply", "--plan", "plan.json", "--format", "json", *words)
    return finished.code, finished.json, {result["task_id"]: result for result in finished.json.get("results", [])}


# -- before -> now ------------------------------------------------------------------------------------------
def test_a_task_that_started_shows_what_it_was_and_is(terminal: Terminal) -> None:
    saved(terminal, input={"bucket": "b"})
    terminal.simulator.huaweicloud.set_status(TRANSCODING, 1, "running")
    code, report, results = apply(terminal)
    assert (code, results["1"]["outcome"]) == (0, "missed")
    assert results["1"]["detail"] == (
        "no policy asks for it any more (status: pending -> running; provider_status: WAITING -> TRANSCODING)"
    )
    text = terminal.run("apply", "--plan", "plan.json").out
    assert results["1"]["detail"] in text
    actions = terminal.run("history", report["run_id"], "--format", "json").json
    assert actions["outcomes"][0]["detail"] == results["1"]["detail"]


def test_a_task_that_ended_shows_when(terminal: Terminal) -> None:
    saved(terminal)
    terminal.simulator.huaweicloud.set_status(TRANSCODING, 1, "succeeded")
    _, _, results = apply(terminal)
    assert "(status: pending -> succeeded; provider_status: WAITING -> SUCCEEDED; " in results["1"]["detail"]
    assert "finished_at: set to 20" in results["1"]["detail"]


def test_a_field_that_only_the_policy_names_is_shown_too(terminal: Terminal) -> None:
    policy = POLICIES.replace("match: {status: pending}", "match: {status: pending, user_data: {glob: 'old-*'}}", 1)
    saved(terminal, policies=policy, user_data="old-1")
    terminal.simulator.huaweicloud.remove(TRANSCODING, 1)
    terminal.simulator.huaweicloud.add(TRANSCODING, id=1, created="1d", user_data="new-1")
    _, _, results = apply(terminal)
    assert "user_data: old-1 -> new-1" in results["1"]["detail"]
    assert terminal.destructive() == []


def test_a_task_that_moved_on_to_other_steps_says_so(terminal: Terminal) -> None:
    terminal.write(f"{HEAD}\npolicies:\n  p: {{resource: {PACKAGING}, match: {{input.bucket: b}}, ensure: absent}}\n")
    terminal.simulator.huaweicloud.add(PACKAGING, id=1, status="succeeded", created="1d", input={"bucket": "b"})
    save(terminal)
    terminal.simulator.huaweicloud.set_status(PACKAGING, 1, "pending")
    _, _, results = apply(terminal)
    assert results["1"]["outcome"] == "missed"
    assert results["1"]["detail"].startswith("it would now take other steps than reviewed: cancel, delete (status: ")
    assert "status: succeeded -> pending" in results["1"]["detail"]


def test_what_is_satisfied_has_nothing_to_explain(terminal: Terminal) -> None:
    saved(terminal)
    apply(terminal)
    _, _, results = apply(terminal)
    assert results["1"]["detail"] == "already canceled without this run"


def test_a_forged_change_that_is_as_it_was_only_says_that_nobody_asks(terminal: Terminal) -> None:
    terminal.write(HEAD + POLICIES.replace("status: pending", "status: pending, input.bucket: b"))
    for number, bucket in ((1, "b"), (2, "c")):
        terminal.simulator.huaweicloud.add(TRANSCODING, id=number, created="1d", input={"bucket": bucket})
    path = save(terminal)
    plan = PLAN_FILE.read(path.read_text())
    forged = replace(plan.changes[0], task_id="2")
    hostile = PLAN_FILE.document(replace(plan, changes=(*plan.changes, forged)))
    hostile["changes"][1]["observed"]["\x1b]0;x\x07"] = "https://h/v?token=s3cret"
    path.write_text(json.dumps(hostile))
    finished = terminal.run("apply", "--plan", "plan.json")
    assert finished.code == 65, "no planner writes that"
    assert "s3cret" not in finished.out + finished.err
    forged = replace(forged, observed={**forged.observed, "n": ("a",)})
    path.write_text(PLAN_FILE.text(replace(plan, changes=(*plan.changes, forged))))
    code, _, results = apply(terminal)
    assert (code, results["2"]["outcome"]) == (0, "missed")
    assert "input.bucket: b -> c" in results["2"]["detail"]
    assert {query for _, _, query in terminal.destructive()} == {"task_id=1"}


# -- the comparison itself ----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        ({}, {}, ""),
        ({"status": "pending"}, {"status": "pending"}, ""),
        (
            {"provider_status": "WAITING", "asset_id": "a", "status": "pending"},
            {"asset_id": "b", "status": "running", "provider_status": "TRANSCODING"},
            "status: pending -> running; provider_status: WAITING -> TRANSCODING; asset_id: a -> b",
        ),
        ({}, {"started_at": "2026-01-01T00:00:00Z"}, "started_at: set to 2026-01-01T00:00:00Z"),
        ({"error_code": "x"}, {}, "error_code: no longer set (was x)"),
        ({"progress": 5}, {"progress": 50}, "progress: 5 -> 50"),
        ({"progress": 5}, {"progress": "done"}, "progress: 5 -> done"),
        ({}, {"template_ids": ("1", "2")}, "template_ids: set to 1, 2"),
        ({"template_ids": ("1", "2")}, {"template_ids": ("0", "1", "2")}, "template_ids: 0 added"),
        ({"template_ids": ("1", "2")}, {"template_ids": ("1",)}, "template_ids: 2 removed"),
        ({"template_ids": ("1", "2")}, {"template_ids": ("1", "3")}, "template_ids: 2 -> 3"),
        ({"template_ids": ("1",)}, {"template_ids": "1"}, "template_ids: changed (begins with 1)"),
        ({"__x": "a", "a.b['c']": "d"}, {"__x": "b", "a.b['c']": "e"}, "__x: a -> b; a.b['c']: d -> e"),
    ],
)
def test_drift(before: dict[str, Any], now: dict[str, Any], expected: str) -> None:
    assert drift(before, now) == expected


def test_urls_that_differ_in_what_is_hidden_are_still_two() -> None:
    first, second = ("https://h/v?~00000000", "https://h/v?~11111111")
    assert drift({"upload_url": first}, {"upload_url": second}) == f"upload_url: {first} -> {second}"


def test_two_long_values_that_begin_alike_are_said_to_differ() -> None:
    words = drift({"upload_url": "u" * 299 + "1"}, {"upload_url": "u" * 299 + "2"})
    assert words.startswith("upload_url: changed (begins with uuu")


def test_what_is_left_out_is_counted() -> None:
    words = drift({}, {f"f{number:02}": "x" * 90 for number in range(20)})
    assert len(words) <= LONGEST + len("; and 99 more")
    kept = words.count("set to")
    assert words.endswith(f"; and {20 - kept} more")


FIELDS = st.dictionaries(
    st.sampled_from(["status", "provider_status", "input.bucket", "__a", "b['c']", "\x1b"]) | st.text(max_size=8),
    st.text(max_size=400) | st.integers() | st.lists(st.text(max_size=9), max_size=150).map(tuple),
    max_size=12,
)


@given(FIELDS, FIELDS)
def test_drift_is_bounded_presentable_and_does_not_depend_on_order(before: dict[str, Any], now: dict[str, Any]) -> None:
    words = drift(before, now)
    assert len(words) <= LONGEST + len("; and 99 more")
    assert presentable(words) == words
    assert words == drift(dict(reversed(before.items())), dict(reversed(now.items())))


@given(FIELDS)
def test_what_is_equal_has_not_drifted(fields: dict[str, Any]) -> None:
    assert drift(fields, dict(fields)) == ""


def test_deepdiff_is_imported_only_for_a_pair_that_differs() -> None:
    program = (
        "import sys; import reconciler.cli.apply; from reconciler.engine.saved_plan import drift\n"
        "drift({'ids': ('a',)}, {'ids': ('a',)}); assert 'deepdiff' not in sys.modules\n"
        "drift({'ids': ('a',)}, {'ids': ('b',)}); assert 'deepdiff' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


# -- what a plan was made from ------------------------------------------------------------------------------
def test_a_plan_whose_target_the_configuration_no_longer_has_is_stale(terminal: Terminal) -> None:
    terminal.write(TWO + POLICIES)
    terminal.simulator.huaweicloud.add(TRANSCODING, id=1, created="1d")
    save(terminal)
    terminal.write(HEAD + POLICIES)
    before = len(terminal.simulator.requests)
    code, document, _ = apply(terminal)
    assert (code, document["outcome"]) == (5, "stale")
    assert len(terminal.simulator.requests) == before


def test_a_plan_of_a_type_that_is_not_installed_any_more_is_not_applied(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved(terminal, kind=SNAPSHOT)
    whole = catalogue()
    rows = {name: row for name, row in whole.resource_types.items() if name != SNAPSHOT}
    monkeypatch.setattr("reconciler.engine.world.catalogue", lambda: Catalogue(rows, whole.providers))
    finished = terminal.run("apply", "--plan", "plan.json")
    assert finished.code == 65
    assert SNAPSHOT in finished.err
    assert terminal.destructive() == []


def test_a_change_of_a_type_that_there_is_not_is_not_attempted(terminal: Terminal) -> None:
    path = saved(terminal)
    plan = PLAN_FILE.read(path.read_text())
    forged = replace(plan.changes[0], resource="huaweicloud.mpc.nothing", task_id="2")
    path.write_text(PLAN_FILE.text(replace(plan, changes=(*plan.changes, forged))))
    code, _, results = apply(terminal)
    assert (code, results["1"]["outcome"], results["2"]["outcome"]) == (3, "done", "not_attempted")


def test_an_expired_plan_says_when_it_expired(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal.write(HEAD + POLICIES)
    path = save(terminal, "--expires", "1h")
    expired = PLAN_FILE.read(path.read_text()).expires_at
    monkeypatch.setattr("reconciler.engine.session.time.time", lambda: float(expired))
    finished = terminal.run("apply", "--plan", "plan.json")
    moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(expired))
    assert finished.code == 5
    assert f"the plan expired at {moment}" in finished.err
    monkeypatch.setattr("reconciler.engine.session.time.time", lambda: expired - 0.5)
    assert apply(terminal)[0] == 0, "it is good until that second"


def test_a_plan_without_changes_is_applied_without_doing_anything(terminal: Terminal) -> None:
    terminal.write(HEAD + POLICIES)
    save(terminal)
    terminal.simulator.huaweicloud.add(TRANSCODING, id=1, created="1d")
    finished = terminal.run("apply", "--plan", "plan.json")
    assert finished.code == 0
    assert "the saved plan holds no changes: there was nothing to apply" in finished.out
    assert terminal.destructive() == [], "what came later is not in the plan"


# -- --target and --policy ----------------------------------------------------------------------------------


FINISH = "apply the plan without them to finish it"
ALL = {(target, policy) for target in ("huawei", "other") for policy in ("tidy", "no-snapshots")}


def narrowable(terminal: Terminal) -> None:
    """A plan of four changes: one for each policy on each target."""
    terminal.write(TWO + POLICIES)
    for project in (PROJECT, OTHER_PROJECT):
        for resource in (TRANSCODING, SNAPSHOT):
            terminal.simulator.huaweicloud.add(resource, id=1, created="1d", owner=project)
    save(terminal)


def outcomes(terminal: Terminal, *words: str) -> tuple[int, dict[tuple[str, str], str], dict[str, Any]]:
    """The exit code, the outcome by target and policy, and the report."""
    code, report, _ = apply(terminal, *words)
    return code, {(each["target"], *each["policies"]): each["outcome"] for each in report["results"]}, report


@pytest.mark.parametrize(
    ("words", "kept"),
    [
        (("--policy", "no-*"), {("huawei", "no-snapshots"), ("other", "no-snapshots")}),
        (("--target", "oth*"), {("other", "tidy"), ("other", "no-snapshots")}),
        (("--target", "huawei", "--policy", "tidy"), {("huawei", "tidy")}),
        (("--target", "*", "--policy", "*"), ALL),
    ],
)
def test_what_the_flags_leave_out_is_one_line_and_no_failure(
    terminal: Terminal, words: tuple[str, ...], kept: set[tuple[str, str]]
) -> None:
    narrowable(terminal)
    before = len(terminal.simulator.requests)
    code, found, report = outcomes(terminal, *words)
    assert found == dict.fromkeys(kept, "done")
    left = len(ALL) - len(kept)
    assert (code, report["excluded"]) == (0, left)
    be = "was" if left == 1 else "were"
    count = f"{left} of the plan's 4 changes {be} left out by --task, --target or --policy"
    assert [note["message"] for note in report["diagnostics"]] == ([f"{count}: {FINISH}"] if left else [])
    projects = {PROJECT if target == "huawei" else OTHER_PROJECT for target, _ in kept}
    asked = {record.path.split("/")[2] for record in terminal.simulator.requests[before:]}
    assert asked == projects, "a target that is left out is not spoken to"


def test_the_rest_of_a_narrowed_plan_is_finished_without_the_flags(terminal: Terminal) -> None:
    narrowable(terminal)
    assert outcomes(terminal, "--policy", "tidy", "--fail-on", "excluded")[0] == 3, "where it is asked for"
    code, found, report = outcomes(terminal)
    assert code == 0
    assert found == {(target, policy): "satisfied" if policy == "tidy" else "done" for target, policy in ALL}
    assert report["diagnostics"] == []


@pytest.mark.parametrize("words", [("--policy", "tidy"), ()])
def test_a_plan_that_was_made_narrow_is_done_with_and_without_the_flags(
    terminal: Terminal, words: tuple[str, ...]
) -> None:
    narrowable(terminal)
    save(terminal, "--policy", "tidy")
    code, found, report = outcomes(terminal, *words)
    assert (code, report["diagnostics"]) == (0, [])
    assert found == {("huawei", "tidy"): "done", ("other", "tidy"): "done"}, "it does not grow"


def test_a_change_that_two_policies_want_goes_ahead_if_either_is_selected(terminal: Terminal) -> None:
    saved(terminal, policies=POLICIES.replace(SNAPSHOT, TRANSCODING))
    code, report, results = apply(terminal, "--policy", "no-snapshots")
    assert (code, results["1"]["outcome"], report["diagnostics"]) == (0, "done", [])
