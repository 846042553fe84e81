"""The counts that GitLab shows in a merge request."""

import json

from reconciler.reports.ci.gitlab import render_plan_gitlab, render_report_gitlab
from tests.reports.examples import EVERY_OUTCOME, PLANS


def test_a_cancel_is_an_update_and_a_delete_a_delete() -> None:
    assert json.loads(render_plan_gitlab(PLANS["two_step"])) == {"create": 0, "update": 0, "delete": 2}
    assert json.loads(render_plan_gitlab(PLANS["empty"])) == {"create": 0, "update": 0, "delete": 0}


def test_a_report_counts_what_is_done() -> None:
    assert json.loads(render_report_gitlab(EVERY_OUTCOME)) == {"create": 0, "update": 1, "delete": 0}
