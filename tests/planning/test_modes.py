"""Policies that only report: shown, and in no guard, digest or apply."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.config.model import AtMost, Limits, Mode, OnBlocked, RunLimits
from reconciler.config.window import Window
from reconciler.exceptions import ExitCode
from reconciler.planning.plan import Plan
from reconciler.planning.planner import Planner
from reconciler.planning.policy_plan import PolicyPlan
from reconciler.tasks.observation import Observation, Scope
from reconciler.tasks.task import Status
from reconciler.tasks.timestamps import LATEST, Timestamp, parse_timestamp
from tests.planning.test_planner_properties import ENSURES, MATCHES, TASKS
from tests.planning.world import CATALOGUE, NOW, configuration, policy, seen, task

DAY = NOW // 86_400 * 86_400
OPEN, CLOSED = Window(), Window(frozenset({(NOW // 86_400 + 3 + 2) % 7}))


def reporting(name: str = "watched", match: object = "all", **rest: object):  # type: ignore[no-untyped-def] # noqa: ANN201 - a policy
    return replace(policy(name, match, **rest), mode=Mode.REPORT)  # type: ignore[arg-type] # of `policy`


def planned(world, observations: dict[Scope, Observation]) -> Plan:  # type: ignore[no-untyped-def] # noqa: ANN001 - a configuration
    return Planner(world, CATALOGUE, NOW).plan(observations, tool_version="1", expires_at=NOW)


def test_what_it_asks_for_is_reported_and_counts_for_nothing() -> None:
    world = configuration(reporting(limits=Limits(0, 0)), run_limits=RunLimits(0, 0))
    plan = planned(world, seen(task("1"), task("2")))
    assert (plan.changes, plan.refused, plan.breached) == ((), (), False)
    assert [(entry.task_id, entry.policies, entry.steps) for entry in plan.reported] == [
        ("1", ("watched",), ("cancel", "delete")),
        ("2", ("watched",), ("cancel", "delete")),
    ]
    (found,) = plan.policies
    assert (found.mode, found.reported, found.changes, found.guards, found.restraint) == (
        "report",
        2,
        0,
        (),
        "in report mode",
    )
    assert (plan.outcome, plan.exit_code(detailed=True), plan.applyable) == ("ok", 0, False)
    assert plan.digest == planned(world, seen()).digest


def test_what_an_acting_policy_wants_as_well_is_a_change_and_takes_its_steps() -> None:
    world = configuration(reporting(), policy("acts", {"status": "pending"}))
    plan = planned(world, seen(task("1"), task("2", Status.FAILED)))
    assert [(entry.task_id, entry.policies, entry.steps) for entry in plan.changes] == [("1", ("acts",), ("cancel",))]
    assert [entry.task_id for entry in plan.reported] == ["2"]
    assert [(found.name, found.reported) for found in plan.policies] == [("acts", 0), ("watched", 2)]


def test_what_it_cannot_do_anything_about_is_shown_and_fails_nothing() -> None:
    world = configuration(reporting(on_blocked=OnBlocked.FAIL))
    plan = planned(world, seen(task("1", Status.RUNNING)))
    assert [entry.task_id for entry in plan.blocked] == ["1"]
    assert plan.exit_code() is ExitCode.OK
    assert plan.blocked_for_acting == 0


def test_outside_its_window_a_policy_reports_and_says_when_it_opens() -> None:
    world = configuration(replace(policy("night"), window=CLOSED), replace(policy("day"), window=OPEN))
    plan = planned(world, seen(task("1")))
    assert [entry.policies for entry in plan.changes] == [("day",)]
    day, night = plan.policies
    assert (day.mode, day.opens_at, night.mode, night.reported) == ("enforce", None, "report", 1)
    assert night.opens_at == DAY + 2 * 86_400
    assert "outside its window, which opens at" in night.restraint


@pytest.mark.parametrize(
    ("timezone", "told"),
    [
        ("Asia/Kolkata", "2027-01-17 05:30 Asia/Kolkata"),
        ("America/New_York", "2027-01-16 19:00 America/New_York"),
        ("UTC", "2027-01-17 00:00 UTC"),
        ("../../etc/passwd", "2027-01-17 00:00 UTC"),  # of a plan that somebody wrote
        ("Atlantis/Main_Street", "2027-01-17 00:00 UTC"),
        ("Europe", "2027-01-17 00:00 UTC"),
    ],
)
def test_when_a_window_opens_is_told_by_its_own_clock(timezone: str, told: str) -> None:
    opens = Timestamp(parse_timestamp("2027-01-17T00:00:00Z"))
    night = PolicyPlan("night", (), (), mode=Mode.REPORT, opens_at=opens, timezone=timezone)
    assert night.restraint == f"outside its window, which opens at {told}"


def test_at_the_end_of_the_calendar_it_is_told_as_it_is() -> None:
    night = PolicyPlan("night", (), (), mode=Mode.REPORT, opens_at=Timestamp(LATEST), timezone="Asia/Kolkata")
    assert night.restraint.endswith("opens at 9999-12-31T23:59:59Z")


def test_no_window_is_open_by_a_clock_that_is_off() -> None:
    world = configuration(replace(policy("night", {"status": "pending"}), window=OPEN))
    plan = planned(world, seen(task("1"), skew=4_000))
    assert (plan.changes, [entry.task_id for entry in plan.reported]) == ((), ["1"])


@settings(max_examples=150)
@given(st.lists(st.tuples(MATCHES, ENSURES, st.booleans()), min_size=1, max_size=3), TASKS)
def test_a_policy_that_reports_changes_nothing_of_what_the_others_do(
    rules: list[tuple[object, AtMost | None, bool]], rows: list[tuple[Status | str, int | None, str | None]]
) -> None:
    every = [
        replace(policy(f"p{number}", match, ensure), mode=Mode.REPORT if reports else Mode.ENFORCE)
        for number, (match, ensure, reports) in enumerate(rules)
    ]
    tasks = [
        task(str(number), status, age=age, **({"input__bucket": bucket} if bucket else {}))  # type: ignore[arg-type]
        for number, (status, age, bucket) in enumerate(rows)
    ]
    both, acting = (
        planned(configuration(*chosen), seen(*tasks))
        for chosen in (every, [one for one in every if one.mode is Mode.ENFORCE])
    )
    assert both.changes == acting.changes
    assert {entry.key for entry in both.changes}.isdisjoint(entry.key for entry in both.reported)
    # What it would do is what it does once it acts, where nobody else asks for the task.
    for one in every:
        if one.mode is Mode.REPORT:
            alone = planned(configuration(replace(one, mode=Mode.ENFORCE)), seen(*tasks))
            watched = planned(configuration(one), seen(*tasks))
            assert [*watched.reported] == [*alone.changes]
