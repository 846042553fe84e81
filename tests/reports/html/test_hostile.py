"""Whatever a task is called, the page has the same elements, and shows the characters that the name is made of."""

import re
import unicodedata
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.backends.backlog import Backlog
from reconciler.config.model import OnBlocked
from reconciler.diagnostics import Severity
from reconciler.planning.change import Change, Observed, Skipped
from reconciler.planning.limits import Guard, GuardCheck
from reconciler.planning.plan import Plan, Sources
from reconciler.planning.policy_plan import Note, PolicyPlan
from reconciler.planning.report import Outcome, Report, Result
from reconciler.redaction import presentable
from reconciler.reports.html import render_plan_html, render_report_html
from reconciler.reports.html.status import Standing, done, render_status_html, seen
from reconciler.tasks.observation import Completeness, Fault, Meaning
from reconciler.tasks.resource_type import Action
from tests.reports.examples import EMPTY, EVERY_OUTCOME, EVIL, NOW, scope
from tests.reports.hostile_texts import hostile
from tests.reports.html.strict_page import Node, parsed

anything = st.one_of(hostile, st.text(), st.just(EVIL)).filter(lambda text: text not in {"", "status", "created_at"})
BENIGN = "quite harmless"


def plan_of(text: str) -> Plan:
    """A plan that has `text` wherever there can be any, as a file may that nobody made presentable."""
    usual = {"status": text, "provider_status": "of the vendor", "created_at": text}
    observed: Observed = {**usual, text: text, "list": (text, text)}
    skipped = Skipped(text, text, text, (text, text), text, observed, (text,))
    breach = GuardCheck(Guard.MAX_PERCENT, 30, 9, 10, text, text)
    fault = Fault(Meaning.PERMANENT, text, text, 400, text)
    policy = PolicyPlan(text, (text,), (text,))
    return replace(
        EMPTY,
        tool_version=text,
        configuration=Sources(text, (text, text)),
        scopes=(scope(text, text, completeness=Completeness.FAILED, error=fault, tasks={text: 1}),),
        policies=(replace(policy, guards=(breach,), blocked=1, on_blocked=OnBlocked.FAIL, description=text),),
        run_guards=(breach,),
        changes=(Change(text, text, text, (text,), text, observed, (Action.DELETE,)),),
        blocked=(skipped,),
        protected=(skipped,),
        diagnostics=(Note(Severity.ERROR, text, text, text, text), Note(Severity.WARNING, text)),
    )


def report_of(text: str) -> Report:
    fault = Fault(Meaning.PERMANENT, text, text, 400, text)
    result = Result.of(plan_of(text).changes[0], Outcome.FAILED, text, now=text, error=fault)
    return replace(
        EVERY_OUTCOME,
        run_id=text,
        tool_version=text,
        plan_digest=text,
        results=(result,),
        diagnostics=plan_of(text).diagnostics,
    )


def body(page: str) -> Node:
    return parsed(page).all("main")[0]


def status_of(text: str) -> Standing:
    points = [Backlog(text, 1000 * (NOW + age), 1, None, True) for age in range(2)]
    parts = seen(plan_of(text), {text: 2}), done(report_of(text))
    return Standing(1, "error", "no plan", NOW, NOW, None, text, text, *parts, (), {text: points})


PLAIN_STATUS = body(render_status_html(status_of(BENIGN))).skeleton()
PLAIN_PLAN = body(render_plan_html(plan_of(BENIGN), now=NOW)).skeleton()
PLAIN_REPORT = body(render_report_html(report_of(BENIGN), now=NOW)).skeleton()


@given(anything)
def test_no_text_adds_an_element_or_an_attribute(text: str) -> None:
    assert body(render_plan_html(plan_of(text), now=NOW)).skeleton() == PLAIN_PLAN
    assert body(render_report_html(report_of(text), now=NOW)).skeleton() == PLAIN_REPORT
    assert body(render_status_html(status_of(text))).skeleton() == PLAIN_STATUS


@given(anything)
def test_every_cell_says_what_is_presentable_of_its_text(text: str) -> None:
    page = body(render_plan_html(plan_of(text), now=NOW))
    shown = presentable(text)
    ((do, task, target, resource, status, age, fields, policies),) = page.rows("changes")
    assert [cell.text for cell in (task, target, resource, policies)] == [shown] * 4
    assert (do.text, status.text, age.text) == ("delete", f"{shown} (of the vendor)", "unknown")
    assert sorted(name.text for name in fields.all("i")) == sorted(["list", shown])
    assert f"list {shown}, {shown}" in fields.text
    ((*_, protections),) = page.rows("protected")
    assert protections.text == shown
    name, *_, reason = page.rows("policies")[0][0].children
    assert (name.text, reason.text) == (shown, shown)
    assert re.fullmatch("#policy=[A-Za-z0-9_.~%-]*", str(name.attributes["href"]))


@given(anything)
def test_a_report_likewise(text: str) -> None:
    page = body(render_report_html(report_of(text), now=NOW))
    shown = presentable(text)
    ((_, _, task, target, resource, before, now, _, policies, why),) = page.rows("results")
    assert [cell.text for cell in (task, target, resource, before, now, policies)] == [shown] * 6
    assert why.text.startswith(f"{shown}; ")


@given(anything)
def test_nothing_invisible_and_no_query_is_left(text: str) -> None:
    pages = (render_plan_html(plan_of(text), now=NOW), render_report_html(report_of(text), now=NOW))
    for page in (*pages, render_status_html(status_of(text))):
        page.encode("utf-8")
        live = {char for char in page if unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"}} - {"\n"}
        assert not live
        assert "s3cret" not in page


@given(anything)
def test_style_and_script_never_change(text: str) -> None:
    page = render_plan_html(plan_of(text), now=NOW)
    plain = render_plan_html(plan_of(BENIGN), now=NOW)
    assert page.partition("<title>")[0] == plain.partition("<title>")[0]
    assert (
        page.partition("<style>")[2].partition("</style>")[0] == plain.partition("<style>")[2].partition("</style>")[0]
    )
    assert page.rpartition("<script>")[2] == plain.rpartition("<script>")[2]


@pytest.mark.parametrize(
    "moment", ["9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59", "2026-01-01", "12", "2026-13-01T00:00:00Z", ""]
)
def test_a_time_that_is_none_is_unknown(moment: str) -> None:
    observed: Observed = {"status": "pending", "created_at": moment}
    change = replace(plan_of(BENIGN).changes[0], observed=observed)
    page = body(render_plan_html(replace(plan_of(BENIGN), changes=(change,)), now=NOW))
    assert page.rows("changes")[0][5].text == "unknown"
