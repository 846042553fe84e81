"""The pages of all examples, and those trees."""

from reconciler.reports.html import render_plan_html, render_report_html
from tests.reports.examples import NOW, PLANS, REPORTS
from tests.reports.html.strict_page import parsed

PAGES = {f"plan_{name}": render_plan_html(plan, now=NOW) for name, plan in PLANS.items()}
PAGES |= {f"report_{name}": render_report_html(report, now=NOW) for name, report in REPORTS.items()}
TREES = {name: parsed(page) for name, page in PAGES.items()}
