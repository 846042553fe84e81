"""The pages of all examples, and those trees."""

from reconciler.backends.backlog import Backlog
from reconciler.backends.entries import RunRecord
from reconciler.reports.html import render_plan_html, render_report_html
from reconciler.reports.html.status import Standing, done, render_status_html, seen
from reconciler.reports.wording import report_counts
from tests.reports.examples import NOW, PLANS, REPORTS
from tests.reports.html.strict_page import parsed

PAGES = {f"plan_{name}": render_plan_html(plan, now=NOW) for name, plan in PLANS.items()}
PAGES |= {f"report_{name}": render_report_html(report, now=NOW) for name, report in REPORTS.items()}
_SEEN = Standing(
    number=7,
    outcome="partial",
    said=report_counts(REPORTS["every_outcome"]),
    began=NOW - 90,
    ended=NOW - 60,
    next_at=NOW + 240,
    error="the database does not answer",
    outdated="the configuration is invalid: 1 mistake",
    seen=seen(PLANS["guard_breach"], {"huawei-prod": 3}),
    done=done(REPORTS["every_outcome"]),
    runs=(
        RunRecord(
            "apply",
            "0.1.0",
            "sha256:00",
            "sha256:01",
            run_id="0199",
            started_ms=1000 * NOW,
            finished_ms=None,
            outcome=None,
            exit_code=None,
            summary={"done": 3, "failed": 0},
            host="here",
            pid=7,
            planned=None,
        ),
    ),
    series={
        "huaweicloud.mpc.snapshot": [
            Backlog("huaweicloud.mpc.snapshot", 1000 * (NOW - 600 * age), 40 + age % 3, 1000 * (NOW - 9_000), age != 5)
            for age in range(20, 0, -1)
        ],
    },
)
PAGES["status"] = render_status_html(_SEEN)
TREES = {name: parsed(page) for name, page in PAGES.items()}
