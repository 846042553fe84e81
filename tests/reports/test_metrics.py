"""Metrics: what a run was like, counters that go on, and files that may hold anything."""

from dataclasses import replace
from functools import partial

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from reconciler.planning.plan import RunOutcome
from reconciler.planning.report import Outcome
from reconciler.providers.transport.caller import Tally
from reconciler.reports import Measured
from reconciler.reports.metrics import (
    LAST_SUCCESS,
    METRICS,
    OF_POLICIES,
    OUTCOMES,
    RUNS,
    TASKS,
    Kind,
    Samples,
    render_metrics,
)
from reconciler.tasks.timestamps import Timestamp
from tests.reports.examples import EVERY_OUTCOME, PLANS, REPORTS
from tests.reports.hostile_texts import hostile, plan_of, report_of

Found = dict[tuple[str, frozenset[tuple[str, str]]], float]


def samples(text: str) -> Found:
    families = text_string_to_metric_families(text)
    return {(one.name, frozenset(one.labels.items())): one.value for family in families for one in family.samples}


def of(found: Found, name: str) -> dict[frozenset[tuple[str, str]], float]:
    return {labels: value for (each, labels), value in found.items() if each == name}


def test_a_plan_is_told_by_scope_and_by_policy() -> None:
    plan = PLANS["five_kinds"]
    scopes = (replace(plan.scopes[0], oldest_pending=Timestamp(plan.created_at - 90)), *plan.scopes[1:])
    plan = replace(plan, scopes=scopes)
    measured = Measured("plan", {"list": 1.5}, {("huawei-prod", "mpc"): Tally(7, 2, 3)})
    found = samples(render_metrics(plan, measured))
    for scope in plan.scopes:
        place = {("target", scope.target), ("resource", scope.resource)}
        assert found["reconciler_scope_complete", frozenset(place)] == scope.complete
        for status, count in scope.tasks.items():
            assert found["reconciler_tasks", frozenset({*place, ("status", status)})] == count
    [age] = of(found, "reconciler_oldest_pending_task_age_seconds").values()
    assert age == 90
    for policy in plan.policies:
        for field, metric in OF_POLICIES.items():
            assert found[metric.name, frozenset({("policy", policy.name)})] == getattr(policy, field)
    service = frozenset({("target", "huawei-prod"), ("service", "mpc")})
    counted = [found[f"reconciler_requests_{what}total", service] for what in ("", "throttled_", "retried_")]
    assert counted == [7, 2, 3]
    assert found["reconciler_stage_duration_seconds", frozenset({("command", "plan"), ("stage", "list")})] == 1.5
    outcomes = of(found, "reconciler_run_outcome")
    assert {dict(labels)["outcome"] for labels in outcomes} >= {*RunOutcome}
    assert [{*labels} for labels, value in outcomes.items() if value] == [
        {("command", "plan"), ("outcome", plan.outcome)}
    ]


def test_a_report_counts_its_changes_by_policy_operation_and_outcome() -> None:
    found = of(samples(render_metrics(EVERY_OUTCOME, None)), OUTCOMES.name)
    assert sum(found.values()) == sum(len(result.policies) for result in EVERY_OUTCOME.results)
    assert {dict(labels)["outcome"] for labels in found} == {*map(str, Outcome)}


def test_counters_go_on_and_gauges_do_not() -> None:
    first = render_metrics(PLANS["five_kinds"], Measured("plan"))
    second = samples(render_metrics(PLANS["two_step"], Measured("plan"), first))
    assert sum(of(second, RUNS.name).values()) == 2
    assert {dict(labels)["target"] for labels in of(second, TASKS.name)} == {*PLANS["two_step"].targets}
    applied = samples(render_metrics(EVERY_OUTCOME, Measured("apply"), first))
    assert of(applied, TASKS.name) == of(samples(first), TASKS.name)  # of a saved plan nothing was listed
    assert {dict(labels)["command"] for labels in of(applied, RUNS.name)} == {"plan", "apply"}


def test_a_run_that_failed_leaves_the_time_of_the_last_good_one() -> None:
    good = next(report for report in REPORTS.values() if report.outcome is RunOutcome.OK)
    before = render_metrics(good, Measured("apply"))
    after = samples(render_metrics(replace(EVERY_OUTCOME, finished_at=Timestamp(good.finished_at + 60)), None, before))
    assert [*of(after, LAST_SUCCESS.name).values()] == [good.finished_at]
    assert [*of(after, "reconciler_last_run_timestamp_seconds").values()] == [good.finished_at + 60]


@given(st.one_of(st.text(), st.sampled_from([*PLANS.values()]).map(lambda plan: render_metrics(plan, None))), st.data())
def test_whatever_the_file_held_what_is_written_can_be_read(before: str, data: st.DataObject) -> None:
    if before:
        cut = data.draw(st.integers(0, len(before)))
        before = before[:cut] + data.draw(st.text(max_size=5)) + before[cut:]
    written = render_metrics(PLANS["two_step"], None, before)
    names = {name for name, _ in samples(written)}
    assert names <= {metric.name for metric in METRICS}
    assert Samples.read(written).text() == written


def test_what_is_told_is_what_was_noted_last() -> None:
    """It is put into words once, however often it is asked for."""
    told = Samples()
    changes = (
        partial(told.set, LAST_SUCCESS, 7, "run"),
        partial(told.add, RUNS, 1, "run", "ok"),
        partial(told.add, RUNS, 1, "run", "ok"),
        partial(told.clear, LAST_SUCCESS),
    )
    for change in changes:
        before = told.text()
        change()
        assert told.text() != before
        assert told.text() is told.text()
    assert samples(told.text()) == {(RUNS.name, frozenset({("command", "run"), ("outcome", "ok")})): 2}


@given(hostile)
def test_no_text_of_a_cloud_is_in_it(text: str) -> None:
    for made in (plan_of, report_of):
        harmless, told = samples(render_metrics(made("x"), None)), samples(render_metrics(made(text), None))
        assert harmless.keys() == told.keys()


def test_names_say_what_they_are() -> None:
    """https://prometheus.io/docs/practices/naming/"""
    for metric in METRICS:
        assert metric.name.startswith("reconciler_")
        assert metric.name.endswith("_total") == (metric.kind is Kind.COUNTER)
