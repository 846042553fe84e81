"""The pages as a whole: one with everything that a plan or a report may hold, and those that are unlike it."""

from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.planning.report import FailOn
from reconciler.reports.html import render_plan_html, render_report_html
from tests.goldens import golden
from tests.reports.examples import NOW, PLANS, REPORTS
from tests.reports.html.pages import PAGES as ALL

GOLDENS = Path(__file__).parent / "goldens"
EVERYTHING = replace(
    PLANS["guard_breach"],
    changes=(*PLANS["guard_breach"].changes, *PLANS["two_step"].changes),
    blocked=PLANS["blocked"].blocked,
    reported=PLANS["reported"].reported,
    protected=PLANS["protected"].protected,
    scopes=(*PLANS["failed_scope"].scopes, *(replace(scope, unknown=5) for scope in PLANS["unstable_scope"].scopes)),
    policies=(
        *PLANS["guard_breach"].policies,
        *PLANS["blocked"].policies,
        *PLANS["unknown"].policies,
        *PLANS["reported"].policies[1:],
    ),
    diagnostics=(*PLANS["failed_scope"].diagnostics, *PLANS["unknown"].diagnostics),
    run_guards=PLANS["run_breach"].run_guards,
)
WENT_WRONG = replace(
    REPORTS["every_outcome"],
    errored=True,
    refused=True,
    blocked=2,
    blocked_fails=True,
    fail_on=(FailOn.MISSED,),
    diagnostics=REPORTS["refused"].diagnostics,
)
PAGES = {
    "plan_everything": render_plan_html(EVERYTHING, now=NOW),
    "plan_empty": render_plan_html(PLANS["empty"], now=NOW),
    "plan_hostile": render_plan_html(PLANS["hostile"], now=NOW),
    "report_everything": render_report_html(WENT_WRONG, now=NOW),
    "report_all_done": render_report_html(REPORTS["all_done"], now=NOW),
    "report_interrupted": render_report_html(REPORTS["interrupted"], now=NOW),
    "report_hostile": render_report_html(REPORTS["hostile"], now=NOW),
    "status": ALL["status"],
}


@pytest.mark.parametrize("name", PAGES)
def test_golden(name: str) -> None:
    page = PAGES[name]
    main = page[page.index("<main>") : page.index("</main>")] + "</main>\n"
    assert main == golden(GOLDENS / f"{name}.html", main)


def test_no_golden_is_left_over() -> None:
    assert {path.stem for path in GOLDENS.iterdir()} == set(PAGES)
