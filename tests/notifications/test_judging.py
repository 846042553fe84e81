"""What is new and what is over, as a function of what a run saw and what a receiver knows."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.backends.notices import Matter, Subject, Told
from reconciler.config.model import Event
from reconciler.exceptions import BackendError, InvalidConfiguration, LockedError, RefusedError
from reconciler.notifications.judging import Run, found, news
from reconciler.planning.plan import Plan
from tests.reports.examples import PLANS, REPORTS

ALL = frozenset(Event)
RUNS = [
    *(Run("run", plan, plan_only=True) for plan in PLANS.values()),
    *(Run("apply", None, report) for report in REPORTS.values()),
]
NAMES = st.sampled_from(["", *sorted({target for plan in PLANS.values() for target in plan.targets})])
SUBJECTS = st.builds(
    Subject,
    st.sampled_from(list(Event)[:-1]),
    st.sampled_from(Matter),
    NAMES,
    st.sampled_from(["", *sorted({scope.resource for plan in PLANS.values() for scope in plan.scopes})]),
    st.sampled_from(["", *sorted({policy.name for plan in PLANS.values() for policy in plan.policies})]),
    st.sampled_from(["", "sha256:00"]),
)
KNOWN = st.dictionaries(SUBJECTS, st.builds(Told, st.just(""), st.integers(0, 10)), max_size=6)


@given(st.sampled_from(RUNS), KNOWN)
def test_what_is_told_is_known_and_is_not_told_again(run: Run, known: dict[Subject, Told]) -> None:
    what = found(run, {})
    first = news(run, what, known, ALL, 20)
    after = {one: told for one, told in known.items() if one not in first.over} | {**first.told}
    again = news(run, what, after, ALL, 30)
    assert again.events == ()
    assert again.told == {one: after[one] for one in again.told}


@given(st.sampled_from(RUNS), KNOWN)
def test_only_what_was_told_recovers_and_nothing_that_is_still_there(run: Run, known: dict[Subject, Told]) -> None:
    what = found(run, {})
    told = news(run, what, known, ALL, 20)
    assert set(told.recovered) <= set(known) - set(what.problems)
    assert (Event.RECOVERED in told.events) == bool(told.recovered)


@given(st.sampled_from(list(PLANS.values())), KNOWN)
def test_nothing_on_a_target_that_was_not_looked_at_recovers(plan: Plan, known: dict[Subject, Told]) -> None:
    run = Run("run", plan, plan_only=True)
    incomplete = {scope.target for scope in plan.scopes if not scope.complete}
    for subject in news(run, found(run, {}), known, ALL, 20).recovered:
        if subject.matter in {Matter.CONFIGURATION, Matter.APPROVAL, Matter.RUN}:
            continue  # of no target
        assert not subject.target or subject.target in plan.targets
        assert subject.target not in incomplete or subject.matter is Matter.LISTING
        assert subject.matter not in {Matter.LOCK, Matter.DATABASE}


@pytest.mark.parametrize(
    ("error", "event", "matter"),
    [
        (BackendError("x"), Event.FAILED, Matter.DATABASE),
        (LockedError("x"), Event.FAILED, Matter.LOCK),
        (RefusedError("x"), Event.REFUSED, Matter.APPROVAL),
        (InvalidConfiguration([]), Event.FAILED, Matter.CONFIGURATION),
        (ExceptionGroup("", [BackendError("x")]), Event.FAILED, Matter.DATABASE),
        (KeyError("s3cret"), Event.FAILED, Matter.RUN),
    ],
)
def test_a_run_without_a_report_tells_why_and_concludes_nothing(error: Exception, event: Event, matter: Matter) -> None:
    known = {Subject(Event.FAILED, Matter.LISTING, "prod", "x.y.z"): Told("", 1)}
    run = Run("apply", error=error)
    what = found(run, {})
    assert list(what.problems) == [Subject(event, matter)]
    assert "s3cret" not in "".join(what.problems.values())
    assert news(run, what, known, ALL, 20).over == []


def test_an_interrupted_run_concludes_nothing() -> None:
    report = replace(REPORTS["interrupted"], results=())
    plan = PLANS["empty"]
    known = {Subject(Event.FAILED, Matter.CHANGE, target): Told("", 1) for target in plan.targets}
    run = Run("apply", plan, report)
    assert news(run, found(run, {}), known, ALL, 20).over == []
