"""What the comment says, and whether it is worth a new one."""

import re
from bisect import bisect_right
from dataclasses import replace

import pytest

from reconciler.diagnostics import Severity
from reconciler.exceptions import InvalidPlan
from reconciler.planning.plan import Plan
from reconciler.planning.policy_plan import Note
from reconciler.planning.report import Report
from reconciler.reports.markdown.marker import MarkerKind, parse
from reconciler.reports.markdown.parts import BUDGET
from reconciler.reports.markdown.plan import render_plan_markdown
from reconciler.review.draft import Draft, Origin
from reconciler.review.platform import Comment
from tests.reports.examples import BIG, EMPTY, EVERY_OUTCOME, PLANS, REPORTS, change
from tests.review.world import ORIGIN

NEWSWORTHY = {"empty": False, "protected": False, "unknown": False}


@pytest.mark.parametrize("item", [*PLANS.values(), *REPORTS.values(), BIG])
def test_it_fits_and_is_found_again(item: Plan | Report) -> None:
    draft = Draft.of(item, ORIGIN)
    assert len(draft.body) <= BUDGET
    assert parse(draft.body.split("\n", 1)[0]) == draft.marker
    assert draft.body.endswith(f"\n\n{ORIGIN.line()}\n")
    assert Draft.of(item, ORIGIN) == draft
    assert Comment(1, "me", draft.body.replace("\n", "\r\n")).marker == draft.marker


def test_the_last_line_counts_too() -> None:
    """A plan that would just fit without it is shortened."""

    def plan(rows: int, filling: int = 1) -> Plan:
        note = replace(PLANS["unknown"].diagnostics[0], message="x" * filling)
        return replace(
            EMPTY,
            changes=tuple(change(f"{row:04}", policies=(f"p{row % 9}",)) for row in range(rows)),
            diagnostics=(note,),
        )

    def length(item: Plan) -> int:
        return len(render_plan_markdown(item, now=item.created_at, budget=10**6))

    room = BUDGET - len(ORIGIN.line()) - 2
    rows = bisect_right(range(450), room, key=lambda count: length(plan(count))) - 1
    filled = [plan(rows + more, filling) for more in (0, 1) for filling in range(1, 160, 20)]
    just = next(item for item in filled if room < length(item) <= BUDGET)
    draft = Draft.of(just, ORIGIN)
    assert draft.marker.truncated
    assert len(draft.body) <= BUDGET


@pytest.mark.parametrize("item", [*PLANS.values(), *REPORTS.values(), BIG])
def test_no_line_is_a_command_to_gitlab(item: Plan | Report) -> None:
    """GitLab carries out lines such as `/close` and `/merge` of the notes it is sent."""
    assert not re.search(r"^\s*/", Draft.of(item, ORIGIN).body, re.MULTILINE)


@pytest.mark.parametrize("name", PLANS)
def test_plans_that_are_worth_a_comment(name: str) -> None:
    assert Draft.of(PLANS[name], ORIGIN).newsworthy is NEWSWORTHY.get(name, True)


def test_errors_are_worth_a_comment() -> None:
    assert Draft.of(replace(EMPTY, diagnostics=(Note(Severity.ERROR, "no credentials"),)), ORIGIN).newsworthy
    assert not Draft.of(replace(EMPTY, diagnostics=(Note(Severity.WARNING, "old"),)), ORIGIN).newsworthy


def test_reports_that_are_worth_a_comment() -> None:
    assert [name for name, report in REPORTS.items() if not Draft.of(report, ORIGIN).newsworthy] == ["nothing"]


def test_a_report_belongs_to_the_comment_of_its_plan() -> None:
    plan, report = Draft.of(EMPTY, ORIGIN).marker, Draft.of(EVERY_OUTCOME, ORIGIN).marker
    assert plan.key == report.key
    assert (plan.kind, report.kind) == (MarkerKind.PLAN, MarkerKind.REPORT)
    other = replace(EVERY_OUTCOME, targets=("huawei-prod",))
    assert Draft.of(other, ORIGIN).marker.key != report.key


def test_without_an_origin_there_is_no_last_line() -> None:
    assert "Made by" not in Draft.of(EMPTY, Origin()).body


def test_a_file_that_no_run_writes() -> None:
    with pytest.raises(InvalidPlan):
        Draft.of(replace(EVERY_OUTCOME, plan_digest="sha256:" + "0" * 4000), ORIGIN)
