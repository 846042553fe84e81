"""What a reviewer needs to say yes or no is on the page."""

from dataclasses import replace

import pytest

from reconciler.config.model import OnBlocked
from reconciler.diagnostics import Severity
from reconciler.exceptions import ExitCode
from reconciler.planning.limits import Overrides
from reconciler.planning.policy_plan import Note
from reconciler.reports.html import render_plan_html, render_report_html
from reconciler.reports.wording import OUTCOMES
from reconciler.tasks.timestamps import format_timestamp
from tests.reports.examples import EMPTY, EVERY_OUTCOME, KINDS, NOW, PLANS, REPORTS, change, observed, policy, skipped
from tests.reports.html.pages import TREES
from tests.reports.html.strict_page import Node, parsed


def callouts(tree: Node) -> list[tuple[str, str]]:
    """Tone and title of each, in their order."""
    found = [node for node in tree.walk() if (node.attributes.get("class") or "").startswith("callout")]
    return [((node.attributes["class"] or "").removeprefix("callout "), node.all("h2")[0].text) for node in found]


def test_the_heading_has_the_counts_and_the_outcome() -> None:
    tree = TREES["plan_five_kinds"]
    assert tree.all("h1")[0].text == "6 changes: 5 cancel, 1 delete; 0 blocked, 0 protected, 3 kept"
    assert tree.all("strong")[0].text == "changes"
    assert tree.all("title")[0].text == "reconciler plan: 6 changes: 5 cancel, 1 delete; 0 blocked, 0 protected, 3 kept"


def test_a_plan_without_changes_says_what_to_conclude() -> None:
    tree = TREES["plan_empty"]
    assert "No changes: every policy holds on the 3 scopes listed." in tree.all("header")[0].text
    assert "There is nothing to apply." in tree.by_id("apply").text


def test_a_guard_that_refuses_comes_first_with_the_number_to_pass() -> None:
    tree = TREES["plan_guard_breach"]
    assert callouts(tree) == [("danger", "Guards refuse 4 tasks, which will not be changed")]
    assert "812 changes, more than max_actions 500" in tree.text
    name = "one-transcode-per-object"
    assert f"on plan and apply: --max-actions {name}=812 --max-percent {name}=41" in tree.text
    assert len(tree.rows("refused")) == 4
    assert "--approved-digest" in tree.by_id("apply").text
    assert "There is nothing to apply" in TREES["plan_run_breach"].by_id("apply").text


def test_errors_come_before_guards_and_warnings_last() -> None:
    plan = replace(
        PLANS["failed_scope"],
        policies=(*PLANS["guard_breach"].policies, policy("p", blocked=1, on_blocked=OnBlocked.FAIL)),
        diagnostics=(Note(Severity.WARNING, "odd"), Note(Severity.ERROR, "bad"), Note(Severity.WARNING, "odder")),
    )
    assert callouts(parsed(render_plan_html(plan, now=NOW))) == [
        ("danger", "This plan is not the whole truth: some scope was not observed whole"),
        ("danger", "Guards refuse 0 tasks, which will not be changed"),
        ("danger", "Blocked tasks count as failures (on_blocked: fail)"),
        ("warning", "2 warnings"),
    ]


def test_a_scope_that_could_not_be_listed() -> None:
    tree = TREES["plan_failed_scope"]
    assert "huaweicloud.mpc.snapshot on huawei-prod could not be listed: HTTP 403 MPC.10231" in tree.text
    assert "Nothing will be changed there" in tree.text
    assert [row[-1].text for row in tree.rows("scopes")] == [
        "whole",
        "could not be listed HTTP 403 MPC.10231: no permission",
    ]


def test_how_to_apply() -> None:
    plan = PLANS["five_kinds"]
    section = TREES["plan_five_kinds"].by_id("apply")
    command = f"reconciler apply --plan FILE --approved-digest {plan.digest} --approved-until 2026-01-03T03:43:05Z"
    assert [node.text for node in section.all("pre")] == [command]
    assert "nothing will be without this command" in section.text
    assert "FILE is where the plan was saved." in section.text
    known = parsed(render_plan_html(plan, now=NOW, saved_to=("its own.json",))).by_id("apply")
    assert known.all("pre")[0].text.startswith("reconciler apply --plan 'its own.json' --approved-digest")
    assert "FILE" not in known.text


def test_that_a_plan_has_expired_is_told_from_then_on() -> None:
    told = TREES["plan_five_kinds"].by_id("apply").all("p")[0]
    assert "has expired" in told.text
    assert told.attributes == {"data-from": format_timestamp(PLANS["five_kinds"].expires_at), "hidden": None}


def test_overridden_limits_are_told() -> None:
    plan = replace(EMPTY, overrides=Overrides(max_actions=900, max_percent=80))
    (facts,) = (node for node in parsed(render_plan_html(plan, now=NOW)).all("dl") if "facts" in str(node.attributes))
    assert "limits overridden by--max-actions 900 --max-percent 80" in facts.text


def test_every_task_has_its_row() -> None:
    tree = TREES["plan_five_kinds"]
    assert [row[1].text for row in tree.rows("changes")] == [change.task_id for change in KINDS]
    assert [cell.text for cell in tree.rows("changes")[1]] == [
        "delete",
        "7005",
        "huawei-prod",
        "huaweicloud.mpc.packaging",
        "succeeded",
        "2025-11-01T10:00:00Z",
        "finished_at 2025-11-01T10:20:00Z",
        "packaging-record-retention",
        "",
    ]
    assert [cell.text for cell in TREES["plan_blocked"].rows("blocked")[0]][:4] == [
        *("24008", "huawei-prod", "huaweicloud.mpc.transcoding", "running")
    ]
    assert TREES["plan_protected"].rows("protected")[0][-1].text == "legal-hold"


def test_policies_that_delete_come_first_then_those_that_do_most() -> None:
    rows = [[cell.text for cell in row] for row in TREES["plan_five_kinds"].rows("policies")]
    reason = "packaging-record-retention: finished_at is older than 30d"
    assert rows[0][0] == f"packaging-record-retention{reason}", "which all its changes share"
    assert rows[1][0].startswith("one-transcode-per-object")
    assert rows[1][1:] == ["2", "0", "0", "0", "0", "3", "0", "2026-01-01T00:00:00Z"]
    assert rows[-1] == ["somedaysuspended", "0", "0", "0", "0", "0", "0", "0", ""]


def test_the_chart_counts_changed_blocked_and_protected_tasks() -> None:
    old = change("1", observed=observed("failed", "2020-01-01T00:00:00Z"))
    unknown = change("2", observed={"status": "a vendor's own"})
    plan = replace(EMPTY, changes=(old, unknown), blocked=(skipped("3", "b"),), protected=(skipped("4", "p", "hold"),))
    section = parsed(render_plan_html(plan, now=NOW)).by_id("ages")
    assert section.all("desc")[0].text == "running: 2 <7d; failed: 1 older; unknown: 1 unknown"
    assert [node.text for node in section.all("title")] == ["Ages of 4 tasks: one-transcode-per-object"]
    assert [[cell.text for cell in row] for row in TREES["plan_blocked"].rows("ages")] == [
        ["one-transcode-per-object", kind, "0", "0", "0", "1", "0", "0", "0", "0", "1"]
        for kind in ("pending", "running")
    ]


def test_columns_are_as_high_as_their_numbers() -> None:
    young, old = observed("pending", "2026-01-02T03:40:00Z"), observed("pending", "2020-01-01T00:00:00Z")
    changes = [change(str(number), observed=young if number < 100 else old) for number in range(150)]
    section = parsed(render_plan_html(replace(EMPTY, changes=tuple(changes)), now=NOW)).by_id("ages")
    (panel,) = (node for node in section.all("svg") if node.attributes.get("role") == "img")
    high, low = (int(bar.attributes["height"] or 0) for bar in panel.all("rect"))
    assert abs(high - 2 * low) <= 1


def test_a_report_has_each_outcome_with_its_meaning() -> None:
    rows = [[cell.text for cell in row] for row in TREES["report_every_outcome"].rows("outcomes")]
    assert rows == [[outcome.value.replace("_", " "), "1", meaning] for outcome, meaning in OUTCOMES.items()]


def test_results_that_want_attention_come_first() -> None:
    tree = TREES["report_every_outcome"]
    assert [row[0].text for row in tree.rows("results")] == [outcome.value.replace("_", " ") for outcome in OUTCOMES]
    assert [cell.text for cell in tree.rows("results")[0]] == [
        *("failed", "cancel", "24013", "huawei-prod", "huaweicloud.mpc.transcoding", "pending", "pending"),
        *("2026-01-01T00:00:00Z", "one-transcode-per-object", "HTTP 400 MPC.10203: the task is locked (request req-9)"),
    ]
    assert tree.rows("results")[1][6].text == "not read"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("every_outcome", [("danger", "What to do next")]),
        ("interrupted", [("danger", "What to do next")]),
        ("refused", [("danger", "Errors"), ("danger", "What to do next")]),
        ("all_done", []),
        ("nothing", []),
    ],
)
def test_what_to_do_next(name: str, expected: list[tuple[str, str]]) -> None:
    assert callouts(TREES[f"report_{name}"]) == expected


def test_advice_after_a_miss_is_calm() -> None:
    report = replace(EVERY_OUTCOME, results=EVERY_OUTCOME.results[2:3])
    assert callouts(parsed(render_report_html(report, now=NOW))) == [("calm", "What to do next")]


def test_the_facts_of_a_run() -> None:
    facts = TREES["report_errored"].all("dl")[0].text
    assert "outcomeerror (exit 1)" in facts
    assert "blocked2 tasks, which fails the run" in facts
    assert "counted as failures toomissed" in facts
    assert "interrupted" in TREES["report_interrupted"].all("dl")[0].text
    assert REPORTS["interrupted"].exit_code is ExitCode.INTERRUPTED
