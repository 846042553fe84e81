"""Plans and reports in the test tab: what fails there is what fails the run."""

from dataclasses import replace
from xml.etree import ElementTree

import pytest
from hypothesis import given

from reconciler.planning.report import FailOn, Report
from reconciler.reports.ci.junit import render_plan_junit, render_report_junit
from tests.reports.examples import EVERY_OUTCOME, PLANS, REPORTS, policy
from tests.reports.hostile_texts import hostile, plan_of, report_of
from tests.reports.junit_schema import check_junit


def verdicts(text: str) -> dict[str, str]:
    root = ElementTree.fromstring(text.encode("utf-8"))  # noqa: S314 - our own document; the test is that it parses
    check_junit(root)
    return {
        f"{case.get('classname')} {case.get('name')}": next((child.tag for child in case), "passed").replace(
            "system-out", "passed"
        )
        for case in root.iter("testcase")
    }


@pytest.mark.parametrize(
    ("name", "bad"),
    [
        ("empty", {}),
        ("five_kinds", {"huaweicloud.mpc.packaging someday": "skipped"}),
        ("guard_breach", {"huaweicloud.mpc.transcoding one-transcode-per-object": "failure"}),
        ("blocked", {"huaweicloud.mpc.transcoding one-transcode-per-object": "failure"}),
        ("failed_scope", {"huawei-prod huaweicloud.mpc.snapshot": "error", "reconciler target huawei-test": "error"}),
        (
            "unstable_scope",
            {
                "huawei-prod huaweicloud.mpc.transcoding": "error",
                "huaweicloud.mpc.transcoding one-transcode-per-object": "error",
            },
        ),
    ],
)
def test_a_plan(name: str, bad: dict[str, str]) -> None:
    found = verdicts(render_plan_junit(PLANS[name]))
    assert {case: verdict for case, verdict in found.items() if verdict != "passed"} == bad
    assert len(found) >= len(PLANS[name].scopes) + len(PLANS[name].policies)


def test_blocked_tasks_that_a_policy_tolerates_fail_nothing() -> None:
    plan = replace(PLANS["blocked"], policies=(policy(blocked=1),))
    assert set(verdicts(render_plan_junit(plan)).values()) == {"passed"}


def test_a_report() -> None:
    assert list(verdicts(render_report_junit(EVERY_OUTCOME)).values()) == [
        *("passed", "passed", "skipped", "failure", "error", "skipped"),
        "failure",  # something was not attempted
    ]


@pytest.mark.parametrize(
    ("name", "cause"), [("interrupted", "interrupted"), ("refused", "refused"), ("errored", "error")]
)
def test_a_run_that_was_kept_from_its_work_is_no_success(name: str, cause: str) -> None:
    assert verdicts(render_report_junit(REPORTS[name]))[f"reconciler {cause}"] == "error"


@pytest.mark.parametrize("report", REPORTS.values(), ids=REPORTS)
def test_all_is_green_only_where_the_run_ended_with_0(report: Report) -> None:
    found = set(verdicts(render_report_junit(report)).values())
    assert (found <= {"passed", "skipped"}) == (report.exit_code == 0)


@pytest.mark.parametrize("cause", FailOn)
def test_what_fail_on_names_fails(cause: FailOn) -> None:
    done_and_missed = (EVERY_OUTCOME.results[0], EVERY_OUTCOME.results[2])
    report = replace(EVERY_OUTCOME, results=done_and_missed, blocked=1, fail_on=(cause,))
    assert verdicts(render_report_junit(report))[f"reconciler {cause}"] == "failure"
    assert set(verdicts(render_report_junit(replace(report, fail_on=()))).values()) == {"passed", "skipped"}


def test_nothing_to_do_is_a_document_all_the_same() -> None:
    assert verdicts(render_report_junit(REPORTS["nothing"])) == {}


@given(hostile)
def test_hostile_tasks_stay_text(text: str) -> None:
    assert len(verdicts(render_plan_junit(plan_of(text)))) >= 6
    assert "failure" in verdicts(render_report_junit(report_of(text))).values()
