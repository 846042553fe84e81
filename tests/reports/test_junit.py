"""Plans and reports in the test tab: what fails there is what fails the run."""

from dataclasses import replace
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.planning.report import FailOn, Report
from reconciler.redaction import presentable
from reconciler.reports.ci.junit import Case, CaseStatus, Suite, render_junit, render_plan_junit, render_report_junit
from tests.reports.examples import EVERY_OUTCOME, PLANS, REPORTS, policy
from tests.reports.hostile_texts import hostile, plan_of, report_of
from tests.reports.junit_schema import check_junit


def statuses(text: str) -> dict[str, str]:
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
    found = statuses(render_plan_junit(PLANS[name]))
    assert {case: status for case, status in found.items() if status != "passed"} == bad
    assert len(found) >= len(PLANS[name].scopes) + len(PLANS[name].policies)


def test_blocked_tasks_that_a_policy_tolerates_fail_nothing() -> None:
    plan = replace(PLANS["blocked"], policies=(policy(blocked=1),))
    assert set(statuses(render_plan_junit(plan)).values()) == {"passed"}


def test_a_report() -> None:
    assert list(statuses(render_report_junit(EVERY_OUTCOME)).values()) == [
        *("passed", "passed", "skipped", "failure", "error", "skipped"),
        "failure",  # something was not attempted
    ]


@pytest.mark.parametrize(
    ("name", "cause"), [("interrupted", "interrupted"), ("refused", "refused"), ("errored", "error")]
)
def test_a_run_that_was_kept_from_its_work_is_no_success(name: str, cause: str) -> None:
    assert statuses(render_report_junit(REPORTS[name]))[f"reconciler {cause}"] == "error"


@pytest.mark.parametrize("report", REPORTS.values(), ids=REPORTS)
def test_all_is_green_only_where_the_run_ended_with_0(report: Report) -> None:
    found = set(statuses(render_report_junit(report)).values())
    assert (found <= {"passed", "skipped"}) == (report.exit_code == 0)


@pytest.mark.parametrize("cause", FailOn)
def test_what_fail_on_names_fails(cause: FailOn) -> None:
    done_and_missed = (EVERY_OUTCOME.results[0], EVERY_OUTCOME.results[2])
    report = replace(EVERY_OUTCOME, results=done_and_missed, blocked=1, excluded=1, fail_on=(cause,))
    assert statuses(render_report_junit(report))[f"reconciler {cause}"] == "failure"
    assert set(statuses(render_report_junit(replace(report, fail_on=()))).values()) == {"passed", "skipped"}


def test_nothing_to_do_is_a_document_all_the_same() -> None:
    assert statuses(render_report_junit(REPORTS["nothing"])) == {}


@given(hostile)
def test_hostile_tasks_stay_text(text: str) -> None:
    assert len(statuses(render_plan_junit(plan_of(text)))) >= 6
    assert "failure" in statuses(render_report_junit(report_of(text))).values()


_texts = st.text(st.characters(), max_size=40) | st.sampled_from(
    [
        "]]>",
        "<![CDATA[",
        "\x00",
        "\ud800",
        "\ufffe",
        "\uffff",
        "a\r\nb",
        "&amp;",
        "\x1b[31m",
        "\u2028",
        "'\"<>&",
        "\x85",
    ]
)
anything = _texts.map(presentable)
lines = st.lists(anything).map("\n".join)
cases = st.builds(Case, anything, anything, st.sampled_from(CaseStatus), lines, lines)
suites = st.builds(Suite, anything, st.lists(cases, max_size=4).map(tuple), st.none() | st.integers(0, 253_402_300_799))


def test_a_name_is_cut_where_a_database_would_refuse_it() -> None:
    text = render_junit([Suite("s", (Case("x" * 9_000, "y" * 9_000, CaseStatus.FAILED, "why"),))])
    case = ElementTree.fromstring(text).find(".//testcase")  # noqa: S314 - our own document
    assert case is not None
    assert (len(case.get("classname", "")), len(case.get("name", ""))) == (500, 500)


def test_a_whole_document() -> None:
    suite = Suite(
        "uploads",
        (
            Case("stale", "is canceled", CaseStatus.PASSED),
            Case("stale", "is kept", CaseStatus.FAILED, "a1 is kept", "expected: change\nfound: keep <b> & ]]>"),
            Case("old", "is read", CaseStatus.ERROR, "cannot be read"),
            Case("old", "later", CaseStatus.SKIPPED, "suspended"),
            Case("old", "counted", CaseStatus.PASSED, "3 tasks"),
        ),
        1_767_325_445,
    )
    assert render_junit([suite]) == (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<testsuites name="reconciler" tests="5" failures="1" errors="1" time="0">\n'
        '  <testsuite name="uploads" tests="5" failures="1" errors="1" skipped="1" time="0"'
        ' timestamp="2026-01-02T03:44:05">\n'
        '    <testcase classname="stale" name="is canceled" time="0"/>\n'
        '    <testcase classname="stale" name="is kept" time="0">\n'
        '      <failure message="a1 is kept" type="failed">a1 is kept\n'
        "expected: change\n"
        "found: keep &lt;b&gt; &amp; ]]&gt;</failure>\n"
        "    </testcase>\n"
        '    <testcase classname="old" name="is read" time="0">\n'
        '      <error message="cannot be read" type="error">cannot be read</error>\n'
        "    </testcase>\n"
        '    <testcase classname="old" name="later" time="0">\n'
        '      <skipped message="suspended" type="skipped">suspended</skipped>\n'
        "    </testcase>\n"
        '    <testcase classname="old" name="counted" time="0">\n'
        "      <system-out>3 tasks</system-out>\n"
        "    </testcase>\n"
        "  </testsuite>\n"
        "</testsuites>\n"
    )


@given(st.lists(suites, max_size=3))
def test_any_text_survives_as_it_is_shown(given_suites: list[Suite]) -> None:
    text = render_junit(given_suites)
    root = ElementTree.fromstring(text.encode("utf-8"))  # noqa: S314 - our own document; the test is that it parses
    check_junit(root)
    found = [(suite.get("name"), len(suite)) for suite in root]
    assert found == [(suite.name, len(suite.cases)) for suite in given_suites]
    for element, case in zip(
        root.iter("testcase"), (case for suite in given_suites for case in suite.cases), strict=True
    ):
        assert element.get("classname") == case.classname
        assert element.get("name") == case.name
        told = "".join(element.itertext()).strip("\n ")
        assert all(line.strip("\n ") in told for line in case.message.split("\n"))


@pytest.mark.parametrize("status", CaseStatus)
def test_counts_are_those_of_the_cases(status: CaseStatus) -> None:
    suite = Suite("s", (Case("c", "n", status),) * 3 + (Case("c", "n", CaseStatus.PASSED),))
    root = ElementTree.fromstring(render_junit([suite, suite]))  # noqa: S314 - as above
    names = {CaseStatus.FAILED: "failures", CaseStatus.ERROR: "errors", CaseStatus.SKIPPED: "skipped"}
    for element, times in ((root, 2), (root[0], 1), (root[1], 1)):
        assert element.get("tests") == str(4 * times)
        for kind, name in names.items():
            if name == "skipped" and element is root:
                continue
            assert element.get(name) == str(3 * times if kind is status else 0)
