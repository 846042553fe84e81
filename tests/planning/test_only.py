"""`ensure.only`: of what is too many, only what is old enough, say, goes."""

from dataclasses import replace

from hypothesis import given, settings

from reconciler.config.model import AtMost, Policy
from reconciler.planning.judgement import Judgements
from reconciler.planning.plan import Plan
from reconciler.planning.planner import Planner
from reconciler.selectors.syntax import Truth
from reconciler.tasks.task import Status, Task
from tests.planning.test_planner_properties import ENSURES, MATCHES, TASKS
from tests.planning.world import CATALOGUE, NOW, configuration, policy, seen, selector, task

OLD = {"finished_at": {"older_than": "1d"}}


def only(made: Policy, match: object) -> Policy:
    return replace(made, only=selector(match))


def planned(*policies: Policy, tasks: list[Task]) -> Plan:
    return Planner(configuration(*policies), CATALOGUE, NOW).plan(seen(*tasks), tool_version="1", expires_at=NOW)


def test_older_than_a_day_but_always_keep_the_last_two() -> None:
    ended = [
        task(str(number), Status.SUCCEEDED, age=number * 3_600, finished_at=NOW - number * 20_000)
        for number in range(1, 8)
    ]
    made = only(policy(match={"status": "succeeded"}, ensure=AtMost(2)), OLD)
    plan = planned(made, tasks=ended)
    assert [change.task_id for change in plan.changes] == ["7", "6", "5"]
    (found,) = plan.policies
    assert (found.kept, found.surplus, found.spared, found.unknown) == (2, 5, 2, 0)
    assert "of these go those whose finished_at" in plan.changes[0].reason
    few = planned(made, tasks=[task("1", Status.SUCCEEDED, finished_at=NOW - 10**6)])
    assert few.changes == (), "however old, the last two stay"


def test_what_is_not_known_stays_and_is_told_with_its_field() -> None:
    plan = planned(only(policy(match={"status": "succeeded"}), OLD), tasks=[task("1", Status.SUCCEEDED), task("2")])
    assert plan.changes == ()
    assert [(found.spared, found.unknown) for found in plan.policies] == [(1, 1)]
    (note,) = plan.diagnostics
    assert note.message == (
        "1 surplus task lacks `finished_at`, so it is not known whether `only` lets it go: "
        "`only: {finished_at: {older_than: ..., missing: true}}` does"
    )
    assert dict(plan.policies[0].lacking) == {"finished_at": 1}
    assert (plan.scopes[0].unknown, plan.summary.unknown) == (1, 1)


def test_a_task_of_which_several_things_are_not_known_is_counted_once() -> None:
    """Of the first it is known that it matches, and not whether it may go; of both, not whether the other matches."""
    first = only(policy("first", match={"status": "succeeded"}), OLD)
    second = only(policy("second", match={"status": "succeeded"}), {"not": {"input.bucket": "legal"}})
    other = policy("other", match={"input.bucket": "b"})
    tasks = [task("1", Status.SUCCEEDED), task("2"), task("3", Status.SUCCEEDED, input__bucket="a")]
    plan = planned(first, second, other, tasks=tasks)
    found = {policy.name: (policy.unknown, dict(policy.lacking)) for policy in plan.policies}
    assert found == {
        "first": (2, {"finished_at": 2}),
        "second": (1, {"input.bucket": 1}),
        "other": (2, {"input.bucket": 2}),
    }
    assert plan.summary.unknown == 3
    assert any("`only: {input.bucket: {eq: ..., missing: false}}` does" in note.message for note in plan.diagnostics)


def test_a_field_that_both_selectors_ask_for_is_counted_for_both() -> None:
    made = only(policy(match={"any": [{"status": "failed"}, {"input.bucket": "b"}]}), {"input.bucket": "b"})
    plan = planned(made, tasks=[task("1"), task("2", Status.FAILED)])
    assert (plan.policies[0].unknown, dict(plan.policies[0].lacking)) == (2, {"input.bucket": 2})
    assert plan.summary.unknown == 2
    assert len(plan.diagnostics) == 2


def test_no_age_is_known_by_a_clock_that_is_off() -> None:
    old = task("1", Status.SUCCEEDED, finished_at=NOW - 10**6)
    world = configuration(only(policy(match={"status": "succeeded"}), OLD))
    plan = Planner(world, CATALOGUE, NOW).plan(seen(old, skew=4_000), tool_version="1", expires_at=NOW)
    assert plan.changes == ()
    assert dict(plan.policies[0].lacking) == {}, "it has its time, which says nothing by this clock"


@settings(max_examples=200)
@given(MATCHES, ENSURES, MATCHES, TASKS)
def test_it_takes_from_what_would_go_and_adds_nothing(
    match: object,
    ensure: AtMost | None,
    besides: object,
    rows: list[tuple[Status | str, int | None, str | None]],
) -> None:
    tasks = [
        task(str(number), status, age=age, **({"input__bucket": bucket} if bucket else {}))  # type: ignore[arg-type]
        for number, (status, age, bucket) in enumerate(rows)
    ]
    every, narrowed = policy("p", match, ensure), only(policy("p", match, ensure), besides)
    without, within = planned(every, tasks=tasks), planned(narrowed, tasks=tasks)
    lets_go = Judgements(configuration(narrowed), CATALOGUE, NOW).of("p", next(iter(narrowed.scopes))).lets_go
    by_id = {one.id: one for one in tasks}
    expected = [change.task_id for change in without.changes if lets_go(by_id[change.task_id].values) is Truth.TRUE]
    assert [change.task_id for change in within.changes] == expected
    found = within.policies[0]
    assert found.surplus == found.changes + found.spared + found.blocked + found.protected
