"""The plan and the report for a terminal: what the golden files do not show."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from reconciler.diagnostics import Severity
from reconciler.planning.guards import Overrides
from reconciler.planning.plan import Plan
from reconciler.planning.policy_plan import Note
from reconciler.reports.ages import age, age_of, duration
from reconciler.reports.cells import clipped, table, width
from reconciler.reports.text.plan import render_plan_text
from reconciler.reports.text.report import render_report_text
from tests.reports.examples import BIG, EMPTY, EVERY_OUTCOME, NOW, PLANS, REPORTS, change, policy, skipped


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
def test_the_summary_line_is_there_once(plan: Plan) -> None:
    lines = render_plan_text(plan, now=NOW).splitlines()
    assert len([line for line in lines if line.startswith("Plan: ")]) == 1
    assert f"Digest: {plan.digest}" in lines


def test_the_summary_line_is_frozen() -> None:
    assert "\nPlan: 2 changes: 1 delete, 1 cancel then delete; 0 blocked, 0 protected.\n" in render_plan_text(
        PLANS["two_step"], now=NOW
    )
    assert "\nApply: 1 done, 1 satisfied, 1 missed, 1 failed, 1 unknown, 1 not attempted.\n" in render_report_text(
        EVERY_OUTCOME
    )


@pytest.mark.parametrize("name", [name for name, plan in PLANS.items() if not plan.complete])
def test_an_incomplete_plan_never_says_that_policies_hold(name: str) -> None:
    for plan in (PLANS[name], replace(PLANS[name], changes=())):
        text = render_plan_text(plan, now=NOW)
        assert "holds on" not in text
        assert "Errors: this plan is not the whole truth" in text


def test_an_error_without_a_scope_keeps_the_plan_from_saying_that_policies_hold() -> None:
    text = render_plan_text(replace(EMPTY, diagnostics=(Note(Severity.ERROR, "no credentials"),)), now=NOW)
    assert "holds on" not in text


def test_nothing_listed_is_not_success() -> None:
    assert "no scope was listed" in render_plan_text(replace(EMPTY, scopes=()), now=NOW)


def test_suspended_policies_are_not_said_to_hold() -> None:
    plan = replace(EMPTY, policies=(policy(), policy("someday", suspended=True)))
    assert "every active policy holds" in render_plan_text(plan, now=NOW)


def test_a_large_scope_is_folded_and_says_so() -> None:
    text = render_plan_text(BIG, now=NOW)
    assert text.count("- cancel ") == 1000
    assert "... and 2000 more tasks here. All of them: --format json, or -v" in text
    assert render_plan_text(BIG, now=NOW, verbose=True).count("- cancel ") == 3000


def test_one_long_id_does_not_stretch_every_row() -> None:
    results = (*EVERY_OUTCOME.results, replace(EVERY_OUTCOME.results[0], task_id="x" * 100_000))
    report = replace(EVERY_OUTCOME, results=results)
    assert max(map(len, render_report_text(report).splitlines())) < 400
    assert "x" * 100_000 in render_report_text(report, verbose=True)


def test_every_task_of_a_small_plan_is_listed() -> None:
    plan = replace(EMPTY, changes=(change("24010"), change("24011")), blocked=(skipped("24012", "running"),))
    text = render_plan_text(plan, now=NOW)
    assert all(task in text for task in ("24010", "24011", "24012"))


def test_long_values_are_cut_unless_all_is_asked_for() -> None:
    plan = replace(EMPTY, changes=(change("1", observed={"status": "pending", "title": "x" * 300}),))
    assert "x" * 119 + "…" in render_plan_text(plan, now=NOW)
    assert "x" * 300 in render_plan_text(plan, now=NOW, verbose=True)


class TestNextStep:
    plan = PLANS["five_kinds"]

    def test_unsaved(self) -> None:
        assert "was not saved" in render_plan_text(self.plan, now=NOW)

    def test_saved_under_a_name_for_the_shell(self) -> None:
        text = render_plan_text(self.plan, now=NOW, saved_to="my plan.json")
        assert "    reconciler apply --plan 'my plan.json'\n" in text
        assert f"--approved-digest {self.plan.digest}" in text

    def test_an_override_has_to_be_given_again(self) -> None:
        plan = replace(self.plan, overrides=Overrides(max_actions=900))
        text = render_plan_text(plan, now=NOW, saved_to="plan.json")
        assert "    reconciler apply --plan plan.json --max-actions 900\n" in text

    def test_expired(self) -> None:
        text = render_plan_text(self.plan, now=self.plan.expires_at, saved_to="plan.json")
        assert "has expired" in text
        assert "apply --plan" not in text

    def test_refused(self) -> None:
        text = render_plan_text(PLANS["guard_breach"], now=NOW, saved_to="plan.json")
        assert "unless it is given --max-actions 812 --max-percent 41." in text
        assert "apply --plan" not in text


def test_a_refused_run_is_not_advised_to_run_again() -> None:
    assert "Running the same command again" not in render_report_text(REPORTS["refused"])


def test_a_large_report_is_folded_and_says_so() -> None:
    report = replace(EVERY_OUTCOME, results=EVERY_OUTCOME.results[:1] * 1001)
    assert "... and 1 more change. All of them: --format json, or -v" in render_report_text(report)
    assert "more change" not in render_report_text(report, verbose=True)


# -- cells -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "text", ["", "plain", "汉字", "\uff57\uff49de", "e\u0301", "mixed 汉字 text", "한국어", "…", "é"]
)
def test_widths_are_those_of_a_terminal(text: str) -> None:
    assert width(text) == cell_len(text)


@given(st.text(), st.integers(1, 50))
def test_clipped_text_fits(text: str, limit: int) -> None:
    cut = clipped(text, limit)
    assert width(cut) <= limit
    assert cut == text or cut.endswith("…")


def test_columns_are_aligned() -> None:
    assert table([("汉字", "1"), ("a", "100")], numbers_from=1) == ["汉字    1", "a     100"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (59, "59s"), (60, "1m"), (3_661, "1h 1m"), (86_400, "1d"), (90_061, "1d 1h"), (86_460, "1d")],
)
def test_durations(seconds: int, text: str) -> None:
    assert duration(seconds) == text


def test_ages() -> None:
    assert age(100, 160) == "1m ago"
    assert age(160, 100) == "in 1m"
    assert age_of("2026-01-01T00:00:00Z", 1_767_225_660) == "1m ago"
    assert age_of("2026-01-01T08:00:00+08:00", 1_767_225_660) == "1m ago"
    assert age_of("2026-01-01T00:00:00", 60) is None
    assert age_of("soon", 60) is None
    assert age_of(12, 60) is None
