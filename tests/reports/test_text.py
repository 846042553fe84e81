"""The plan and the report for a terminal: what the golden files do not show."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from reconciler.diagnostics import Severity
from reconciler.planning.limits import Overrides
from reconciler.planning.plan import Plan
from reconciler.planning.policy_plan import Note
from reconciler.reports import TaskView
from reconciler.reports.ages import age, age_of, duration
from reconciler.reports.cells import clipped, table, width
from reconciler.reports.text.plan import render_plan_text
from reconciler.reports.text.report import render_report_text
from tests.reports.examples import BIG, EMPTY, EVERY_OUTCOME, NOW, PLANS, REPORTS, change, observed, policy, skipped


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


def test_many_tasks_are_told_in_groups_that_say_how_to_see_them() -> None:
    text = render_plan_text(BIG, now=NOW)
    assert "- cancel 3000, by one-transcode-per-object\n" in text
    assert "for example" in text
    assert "Each task: --view list. All that is known of each: --view full." in text
    assert "reconciler show plan.json --view list" in render_plan_text(BIG, now=NOW, saved_to=("plan.json",))
    assert len(text.splitlines()) < 40


@pytest.mark.parametrize(("tasks", "view"), [(20, "full"), (21, "list"), (200, "list"), (201, "summary")])
def test_a_plan_says_as_much_of_each_task_as_there_is_room_for(tasks: int, view: str) -> None:
    plan = replace(BIG, changes=BIG.changes[:tasks])
    assert render_plan_text(plan, now=NOW) == render_plan_text(plan, now=NOW, view=TaskView(view))


@pytest.mark.parametrize("view", [TaskView.LIST, TaskView.SUMMARY])
def test_a_group_says_what_the_reasons_of_its_tasks_share(view: TaskView) -> None:
    """A quota has one for each place in a group."""
    rule = "at most 1 may be there whose status is pending; of these go those whose created_at older than 1d"
    changes = tuple(change(str(rank), reason=f"p: number {rank} for b, newest first; {rule}") for rank in (2, 3))
    text = render_plan_text(replace(EMPTY, changes=changes), now=NOW, view=view)
    assert f"\n      {rule}\n" in text
    others = tuple(change(name, reason=f"p: {name}") for name in ("one", "two"))
    assert "\n      for example: p: one\n" in render_plan_text(replace(EMPTY, changes=others), now=NOW, view=view)


@pytest.mark.parametrize("view", [TaskView.LIST, TaskView.FULL])
def test_every_task_is_there_where_that_is_asked_for(view: TaskView) -> None:
    words = render_plan_text(BIG, now=NOW, view=view).split()
    assert {change.task_id for change in BIG.changes} <= set(words)


def test_a_list_fits_and_cuts_what_a_task_works_on_before_its_id() -> None:
    long = change("4" * 40, observed=observed(input__bucket="uploads", input__object="o" * 100))
    plan = replace(EMPTY, changes=(long, change("1")))
    lines = render_plan_text(plan, now=NOW, view=TaskView.LIST, columns=100).splitlines()
    assert max(map(width, lines)) <= 100
    assert any("4" * 40 in line and "…ooo" in line for line in lines)


def test_one_long_id_does_not_stretch_every_row() -> None:
    failed = EVERY_OUTCOME.results[3]
    report = replace(EVERY_OUTCOME, results=(*EVERY_OUTCOME.results, replace(failed, task_id="x" * 100_000)))
    assert max(map(len, render_report_text(report).splitlines())) < 400
    assert "x" * 100_000 in render_report_text(report, view=TaskView.FULL)


@pytest.mark.parametrize("columns", [80, 120])
@pytest.mark.parametrize("view", TaskView)
@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
def test_no_word_is_broken(plan: Plan, view: TaskView, columns: int) -> None:
    """A line is as wide as the terminal, or it is a single word, or a command to be copied."""
    text = render_plan_text(plan, now=NOW, view=view, columns=columns, saved_to=("plan.json",))
    for line in text.splitlines():
        assert width(line) <= columns or len(line.split()) == 1 or line.startswith("    "), line
    plain = render_plan_text(plan, now=NOW, view=view, saved_to=("plan.json",))
    if view is not TaskView.LIST:
        assert text.split() == plain.split()


def test_a_plan_that_is_asked_about_names_no_command() -> None:
    text = render_plan_text(PLANS["five_kinds"], now=NOW, asking=True)
    assert "--out" not in text
    assert "reconciler apply" not in text


def test_every_task_of_a_small_plan_is_listed() -> None:
    plan = replace(EMPTY, changes=(change("24010"), change("24011")), blocked=(skipped("24012", "running"),))
    text = render_plan_text(plan, now=NOW)
    assert all(task in text for task in ("24010", "24011", "24012"))


class TestNextStep:
    plan = PLANS["five_kinds"]

    def test_unsaved(self) -> None:
        assert "was not saved" in render_plan_text(self.plan, now=NOW)

    def test_saved_under_a_name_for_the_shell(self) -> None:
        text = render_plan_text(self.plan, now=NOW, saved_to=("my plan.json",))
        assert "    reconciler apply --plan 'my plan.json'\n" in text
        assert (
            f"    reconciler apply --plan 'my plan.json' \\\n        --approved-digest {self.plan.digest} \\\n" in text
        )

    def test_an_override_has_to_be_given_again(self) -> None:
        plan = replace(self.plan, overrides=Overrides(max_actions=900))
        text = render_plan_text(plan, now=NOW, saved_to=("plan.json",))
        assert "    reconciler apply --plan plan.json --max-actions 900\n" in text

    def test_expired(self) -> None:
        text = render_plan_text(self.plan, now=self.plan.expires_at, saved_to=("plan.json",))
        assert "has expired" in text
        assert "apply --plan" not in text

    def test_refused(self) -> None:
        text = render_plan_text(PLANS["guard_breach"], now=NOW, saved_to=("plan.json",))
        assert "--max-actions one-transcode-per-object=812 --max-percent one-transcode-per-object=41" in text
        assert "apply --plan" in text, "what no guard refuses goes ahead"
        assert "apply --plan" not in render_plan_text(PLANS["run_breach"], now=NOW, saved_to=("plan.json",))


def test_a_refused_run_is_not_advised_to_run_again() -> None:
    assert "Running the same command again" not in render_report_text(REPORTS["refused"])


def test_what_went_well_is_told_in_ten_lines_however_large() -> None:
    report = replace(REPORTS["all_done"], results=REPORTS["all_done"].results[:1] * 3000)
    text = render_report_text(report, columns=80)
    assert "huawei-prod / huaweicloud.mpc.transcoding: 3000 cancel" in text
    assert len(text.splitlines()) <= 10


def test_many_failures_are_told_by_their_reason() -> None:
    report = replace(EVERY_OUTCOME, results=EVERY_OUTCOME.results[3:4] * 201)
    text = render_report_text(report)
    assert "201 cancel: HTTP 400 MPC.10203: the task is locked (24013, 24013, 24013, ...)" in text
    assert render_report_text(report, view=TaskView.LIST).count("24013") == 201


@pytest.mark.parametrize("severity", Severity)
def test_what_is_said_of_each_of_many_targets_is_told_together(severity: Severity) -> None:
    """Of each kind some examples and their number, wherever it is said; nothing of another kind is lost among it."""
    notes = (
        *(Note(severity, f"reconciler.yaml:{n}:5: `region-{n}` is no region", policy="p") for n in range(1, 1001)),
        *(Note(severity, f"{n} entries of the inventory were found nowhere: {n}f", f"t{n}") for n in range(2, 1001)),
        Note(severity, "the listing is incomplete", "t7", policy="p"),
    )
    for text in (
        render_plan_text(replace(EMPTY, diagnostics=notes), now=NOW),
        render_report_text(replace(EVERY_OUTCOME, diagnostics=notes)),
    ):
        told = [line for line in text.splitlines() if line.startswith(("  ! ", "    and "))]
        assert len(told) == 3 + 1 + 3 + 1 + 1
        assert told[3] == "    and 997 more of this kind: --view list has each"
        assert told[7] == "    and 996 more of this kind: --view list has each"
        assert told[8] == "  ! policy p, target t7: the listing is incomplete"
    each = render_plan_text(replace(EMPTY, diagnostics=notes), now=NOW, view=TaskView.LIST)
    assert each.count("  ! ") == len(notes)


def test_scopes_that_fail_alike_are_told_together() -> None:
    failed = next(scope for scope in PLANS["failed_scope"].scopes if not scope.complete)
    many = tuple(replace(failed, target=f"t{n}") for n in range(1000))
    text = render_plan_text(replace(PLANS["failed_scope"], scopes=many, diagnostics=()), now=NOW)
    assert text.count(" could not be listed: ") + text.count(" was not seen whole: ") == 3
    assert "\n    and 997 more of this kind: --view list has each\n" in text


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
