"""`key=value` lines: what a workflow goes on with."""

import json
from dataclasses import replace

import pytest
from hypothesis import given

from reconciler.reports.ci.outputs import (
    render_plan_gitlab,
    render_plan_outputs,
    render_report_gitlab,
    render_report_outputs,
)
from tests.reports.examples import EVERY_OUTCOME, PLANS
from tests.reports.hostile_texts import hostile, plan_of, report_of

PLAN_KEYS = [
    *("outcome", "digest", "changes", "cancel", "delete", "cancel_then_delete"),
    *("blocked", "protected", "refused", "deferred", "reported", "requests", "seconds", "applyable"),
]
REPORT_KEYS = [
    *("outcome", "digest", "exit_code", "changes", "done", "satisfied", "missed", "failed", "unknown", "not_attempted")
]


def keys(text: str) -> list[str]:
    """As GITHUB_OUTPUT is read: lines of `key=value`, or `key<<DELIMITER`, which none may be."""
    assert text.endswith("\n")
    lines = text.removesuffix("\n").split("\n")
    assert not [line for line in lines if "<<" in line or "\r" in line]
    return [line.split("=", 1)[0] for line in lines]


def test_a_plan() -> None:
    plan = PLANS["two_step"]
    assert render_plan_outputs(plan) == (
        f"outcome=changes\ndigest={plan.digest}\nchanges=2\ncancel=0\ndelete=1\ncancel_then_delete=1\n"
        "blocked=0\nprotected=0\nrefused=0\ndeferred=0\nreported=0\nrequests=0\nseconds=0\napplyable=true\n"
    )


def test_a_report() -> None:
    assert render_report_outputs(EVERY_OUTCOME) == (
        f"outcome=partial\ndigest={EVERY_OUTCOME.plan_digest}\nexit_code=3\nchanges=6\n"
        "done=1\nsatisfied=1\nmissed=1\nfailed=1\nunknown=1\nnot_attempted=1\n"
    )


@pytest.mark.parametrize("name", ["run_breach", "empty"])
def test_what_cannot_be_applied_says_so(name: str) -> None:
    assert "applyable=false\n" in render_plan_outputs(PLANS[name])


@given(hostile)
def test_no_text_makes_a_line(text: str) -> None:
    assert keys(render_plan_outputs(plan_of(text))) == PLAN_KEYS
    assert keys(render_report_outputs(report_of(text))) == REPORT_KEYS
    assert keys(render_report_outputs(replace(EVERY_OUTCOME, plan_digest=f"sha256:{text}\nx=y"))) == REPORT_KEYS


def test_a_cancel_is_an_update_and_a_delete_a_delete() -> None:
    assert json.loads(render_plan_gitlab(PLANS["two_step"])) == {"create": 0, "update": 0, "delete": 2}
    assert json.loads(render_plan_gitlab(PLANS["empty"])) == {"create": 0, "update": 0, "delete": 0}


def test_a_report_counts_what_is_done() -> None:
    assert json.loads(render_report_gitlab(EVERY_OUTCOME)) == {"create": 0, "update": 1, "delete": 0}
