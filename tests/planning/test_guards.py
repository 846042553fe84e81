"""Guards, each for itself: what one refuses or leaves to later runs keeps nothing else from going ahead."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.config.model import RUN_ACTIONS, Configuration, Limits, OnExcess, RunLimits
from reconciler.planning.guards import Guards, Portion, Share
from reconciler.planning.limits import Guard, GuardCheck, Overrides
from reconciler.planning.plan import Plan
from reconciler.planning.planner import Planner
from reconciler.planning.remedies import enough_for
from reconciler.reports.ci.junit import render_plan_junit
from reconciler.reports.markdown.plan import render_plan_markdown
from reconciler.reports.text.plan import render_plan_text
from reconciler.tasks.task import Task
from tests.planning.world import CATALOGUE, NOW, configuration, policy, seen, task

DEFER = OnExcess.DEFER


def planned(world: Configuration, tasks: list[Task], overrides: Overrides | None = None) -> Plan:
    return Planner(world, CATALOGUE, NOW).plan(
        seen(*tasks), tool_version="1", expires_at=NOW, overrides=overrides or Overrides()
    )


def changed(plan: Plan) -> dict[str, tuple[str, ...]]:
    return {change.task_id: change.policies for change in plan.changes}


def refused(plan: Plan) -> dict[str, tuple[str, int, int]]:
    return {entry.task_id: (entry.guard.value, entry.limit, entry.needed) for entry in plan.refused}


ALL, NONE = Limits(10_000, 100), Limits(1, 100)


def test_a_breach_refuses_its_policy_and_no_other() -> None:
    world = configuration(policy("noisy", {"input.bucket": "a"}, limits=NONE), policy("calm", {"input.bucket": "b"}))
    plan = planned(world, [task("1", input__bucket="a"), task("2", input__bucket="a"), task("3", input__bucket="b")])
    assert changed(plan) == {"3": ("calm",)}
    assert refused(plan) == {"1": ("max_actions", 1, 2), "2": ("max_actions", 1, 2)}
    assert [(one.name, one.changes, one.refused) for one in plan.policies] == [("calm", 1, 0), ("noisy", 0, 2)]
    assert (plan.applyable, plan.outcome, plan.exit_code()) == (True, "refused", 4)
    assert (plan.summary.changes, plan.summary.refused) == (1, 2)


def test_what_another_policy_asks_for_as_well_goes_ahead_for_that_one_and_as_far_as_it_asks() -> None:
    world = configuration(policy("noisy", limits=NONE), policy("calm", {"status": "pending"}))
    plan = planned(world, [task("1"), task("2")])
    assert changed(plan) == {"1": ("calm",), "2": ("calm",)}
    assert {change.steps for change in plan.changes} == {("cancel",)}, "the delete is what the refused policy asks for"
    assert "noisy" not in plan.changes[0].reason
    assert (plan.refused, plan.breached) == ((), True)
    assert [(one.name, one.refused) for one in plan.policies] == [("calm", 0), ("noisy", 2)]


def test_a_breach_of_all_together_in_a_scope_refuses_the_scope_and_in_the_run_the_run() -> None:
    tasks = [task(str(number), input__bucket="ab"[number % 2]) for number in range(10)]
    both = (policy("a", {"input.bucket": "a"}), policy("b", {"input.bucket": "b"}))
    plan = planned(configuration(*both, run_limits=RunLimits(max_percent=90)), tasks)
    assert (plan.changes, {*refused(plan).values()}) == ((), {("max_percent", 90, 100)})
    plan = planned(configuration(*both, run_limits=RunLimits(max_actions=9)), tasks)
    assert (plan.changes, {*refused(plan).values()}) == ((), {("max_actions", 9, 10)})
    assert not plan.applyable


@pytest.mark.parametrize(
    ("given", "passes"),
    [
        (Overrides(max_actions=2), True),
        (Overrides(max_actions_of={"noisy": 2}), True),
        (Overrides(max_actions_of={"other": 2}), False),
        (Overrides(max_actions=1, max_actions_of={"noisy": 2}), True),
        (Overrides(max_actions=2, max_actions_of={"noisy": 1}), False),
    ],
)
def test_a_limit_of_the_command_line_is_of_one_policy_or_of_all(given: Overrides, passes: bool) -> None:
    world = configuration(policy("noisy", limits=NONE), policy("other", {"input.bucket": "x"}))
    plan = planned(world, [task("1"), task("2")], given)
    assert plan.breached is not passes
    assert plan.digest != planned(world, [task("1"), task("2")]).digest, "an override is part of what is approved"


def test_a_limit_for_one_policy_raises_what_the_run_has_of_the_largest_policy_but_not_what_is_written() -> None:
    tasks = [task(str(number)) for number in range(10)]
    given = Overrides(max_percent_of={"p": 100})
    assert not planned(configuration(policy(limits=Limits(500, 30))), tasks, given).breached
    written = configuration(policy(limits=Limits(500, 30)), run_limits=RunLimits(max_percent=40))
    assert [one for one, _ in planned(written, tasks, given).breaches] == [None]


# -- portions ---------------------------------------------------------------------------------------------------
def test_a_policy_that_defers_takes_the_oldest_that_its_limits_allow() -> None:
    tasks = [task(str(number), age=number) for number in range(1, 9)] + [task("undated", age=None)]
    plan = planned(configuration(policy(limits=Limits(3, 100, DEFER))), tasks)
    assert [*changed(plan)] == ["8", "7", "6"]
    assert (plan.summary.deferred, plan.policies[0].deferred, plan.refused) == (6, 6, ())
    assert (plan.outcome, plan.exit_code(), plan.applyable) == ("changes", 0, True)
    assert not plan.breached


def test_a_share_bounds_a_portion_as_well() -> None:
    tasks = [task(str(number), age=number + 1) for number in range(20)]
    plan = planned(configuration(policy(limits=Limits(500, 30, DEFER))), tasks)
    assert len(plan.changes) == 6
    assert [check.needed for check in plan.policies[0].guards] == [6, 30]


@pytest.mark.parametrize("limits", [Limits(0, 100, DEFER), Limits(500, 0, DEFER)], ids=["max_actions", "max_percent"])
@pytest.mark.parametrize("count", [1, 9, 10])
def test_zero_defers_everything(limits: Limits, count: int) -> None:
    plan = planned(configuration(policy(limits=limits)), [task(str(number)) for number in range(count)])
    assert (plan.changes, plan.summary.deferred, plan.exit_code()) == ((), count, 0)


def test_a_portion_takes_what_the_run_leaves_and_never_refuses() -> None:
    tasks = [task(str(number), age=number + 1, input__bucket="ab"[number % 2]) for number in range(10)]
    firm = policy("firm", {"input.bucket": "a"}, limits=ALL)
    backlog = policy("backlog", {"input.bucket": "b"}, limits=Limits(500, 100, DEFER))
    plan = planned(configuration(firm, backlog, run_limits=RunLimits(max_actions=7)), tasks)
    assert Counter(by for change in plan.changes for by in change.policies) == {"firm": 5, "backlog": 2}
    assert (plan.breached, plan.summary.deferred) == (False, 3)
    assert [check.changes for check in plan.run_guards] == [7, 7]
    refusing = planned(configuration(firm, backlog, run_limits=RunLimits(max_actions=4)), tasks)
    assert (refusing.changes, len(refusing.refused), refusing.summary.deferred) == ((), 5, 5)


def test_a_limit_of_all_together_is_told_to_be_overridden_where_portions_need_that() -> None:
    """They are counted last, once it is known what the limits leave to them."""
    world = configuration(policy(limits=Limits(4, 20, DEFER)), run_limits=RunLimits(max_actions=5, max_percent=30))
    plan = planned(world, [task(str(number), age=number) for number in range(10)], Overrides(8, 80))
    assert [(check.limit, check.changes, check.overridden) for check in plan.run_guards] == [
        (8, 8, True),
        (80, 8, True),
    ]
    assert [(check.limit, check.changes, check.overridden) for check in plan.policies[0].guards] == [
        (8, 8, True),
        (80, 8, True),
    ]
    assert not any(check.overridden for check in planned(world, [task("1")], Overrides(8, 80)).run_guards)


def test_a_task_that_goes_anyway_uses_up_none_of_the_run_s_room_and_is_named_for_both() -> None:
    tasks = [task("1", age=9), task("2", age=8)]
    world = configuration(
        policy("backlog", limits=Limits(500, 100, DEFER)), policy("firm"), run_limits=RunLimits(max_actions=2)
    )
    plan = planned(world, tasks)
    assert changed(plan) == {"1": ("backlog", "firm"), "2": ("backlog", "firm")}
    narrow = configuration(policy("backlog", limits=Limits(1, 100, DEFER)), policy("firm"))
    assert changed(planned(narrow, tasks)) == {"1": ("backlog", "firm"), "2": ("firm",)}


# -- what holds always ------------------------------------------------------------------------------------------
POLICIES = st.lists(
    st.tuples(
        st.sampled_from(["all", {"status": "pending"}, {"input.bucket": "a"}, {"input.bucket": "b"}]),
        st.builds(Limits, st.integers(0, 12), st.integers(0, 100), st.sampled_from(OnExcess)),
    ),
    min_size=1,
    max_size=3,
)
TASKS = st.lists(st.tuples(st.one_of(st.none(), st.integers(0, 99)), st.sampled_from("abc")), max_size=25)
RUN = st.builds(RunLimits, st.none() | st.integers(0, 20), st.none() | st.integers(0, 100))


@settings(max_examples=300)
@given(POLICIES, TASKS, RUN)
def test_no_limit_is_ever_exceeded_and_each_task_has_one_place(
    rules: list[tuple[object, Limits]], rows: list[tuple[int | None, str]], run: RunLimits
) -> None:
    world = configuration(
        *(policy(f"p{number}", match, limits=limits) for number, (match, limits) in enumerate(rules)), run_limits=run
    )
    tasks = [task(str(number), age=age, input__bucket=bucket) for number, (age, bucket) in enumerate(rows)]
    plan = planned(world, tasks)
    ahead, held = {change.key for change in plan.changes}, {entry.key for entry in plan.refused}
    going = Counter(name for change in plan.changes for name in change.policies)
    assert not ahead & held
    for found in plan.policies:
        limits = world.policies[found.name].limits
        assert found.changes == going[found.name] <= limits.max_actions
        if limits.max_percent == 0:
            assert found.changes == 0
        elif len(tasks) >= 10 and found.name == "p0" and rules[0][0] == "all":
            assert 100 * found.changes <= limits.max_percent * len(tasks)
        assert found.changes + found.refused + found.deferred == found.surplus - found.blocked - found.protected
        assert not (found.deferred and limits.on_excess is OnExcess.REFUSE)
        assert not (found.refused and limits.on_excess is OnExcess.DEFER)
        assert not (found.changes and found.breaches)
    assert run.max_actions is None or len(ahead) <= run.max_actions
    asked = {entry.key for entry in tasks} if any(match == "all" for match, _ in rules) else set()
    assert not asked or len(ahead) + len(held) + plan.deferred == len(asked)
    assert all(entry.needed > entry.limit for entry in plan.refused)
    assert plan.breached or not held


@settings(max_examples=150)
@given(POLICIES, TASKS, RUN)
def test_a_policy_that_defers_ends_with_nothing_left_where_it_may_do_something(
    rules: list[tuple[object, Limits]], rows: list[tuple[int | None, str]], run: RunLimits
) -> None:
    """Portion by portion, and each takes older tasks than those that it leaves."""
    world = configuration(policy("p", limits=Limits(3, 100, DEFER)))
    tasks = [task(str(number), age=age, input__bucket=bucket) for number, (age, bucket) in enumerate(rows)]
    for _ in range(len(rows) // 3 + 1):
        plan = planned(world, tasks)
        gone = {change.task_id for change in plan.changes}
        left = [entry.created_at for entry in tasks if entry.id not in gone]
        taken = [entry.created_at for entry in tasks if entry.id in gone]
        assert all(known is None for known in left if None in taken)
        assert all(
            known is None or max(one for one in taken if one is not None) <= known
            for known in left
            if taken and None not in taken
        )
        tasks = [entry for entry in tasks if entry.id not in gone]
    assert tasks == []


FIRM = st.lists(
    st.tuples(
        st.sampled_from(["all", {"status": "pending"}, {"input.bucket": "a"}, {"input.bucket": "b"}]),
        st.builds(Limits, st.integers(0, 12), st.integers(0, 100)),
    ),
    min_size=1,
    max_size=3,
)


@settings(max_examples=200)
@given(FIRM, TASKS, st.data())
def test_the_flags_that_a_refusal_prints_let_all_of_it_pass(
    rules: list[tuple[object, Limits]], rows: list[tuple[int | None, str]], data: st.DataObject
) -> None:
    """Also where the limits of all together are written, and equal those that they would have."""
    actions, percent = ({getattr(limits, name) for _, limits in rules} for name in ("max_actions", "max_percent"))
    run = RunLimits(
        data.draw(st.none() | st.integers(0, 20) | st.sampled_from([*actions, RUN_ACTIONS])),
        data.draw(st.none() | st.integers(0, 100) | st.sampled_from(sorted(percent))),
    )
    world = configuration(
        *(policy(f"p{number}", match, limits=limits) for number, (match, limits) in enumerate(rules)), run_limits=run
    )
    tasks = [task(str(number), age=age, input__bucket=bucket) for number, (age, bucket) in enumerate(rows)]
    plan = planned(world, tasks)
    again = planned(world, tasks, enough_for(plan))
    assert not again.breached
    assert {entry.key for entry in again.changes} == {entry.key for entry in (*plan.changes, *plan.refused)}


def test_and_they_name_just_the_policy_where_that_is_enough() -> None:
    world = configuration(policy("noisy", limits=Limits(500, 30)), policy("other", {"input.bucket": "x"}))
    tasks = [task(str(number)) for number in range(10)]
    assert (
        enough_for(planned(configuration(policy("noisy", limits=Limits(500, 30))), tasks)).flags
        == "--max-percent noisy=100"
    )
    assert enough_for(planned(world, tasks)).flags == "--max-percent noisy=100"


def test_a_limit_of_all_together_that_is_written_is_named_beside_that_of_the_policy() -> None:
    """It is not raised with that of a policy, though it may be the same number that it would be without."""
    tasks = [task(str(number)) for number in range(10)]
    made = policy("noisy", limits=Limits(500, 30))
    written = planned(configuration(made, run_limits=RunLimits(max_percent=30)), tasks)
    assert enough_for(written).flags == "--max-percent 100 --max-percent noisy=100"
    for form in (
        render_plan_text(written, now=NOW),
        render_plan_markdown(written, now=NOW),
        render_plan_junit(written),
    ):
        assert "--max-percent noisy=100 --max-percent 100" in form
        assert "run_limits: {max_percent: 100} in the settings" in form


# -- several runs that know nothing of each other -----------------------------------------------------------------
@given(st.integers(0, 10_000), st.lists(st.integers(0, 50), min_size=1, max_size=12))
def test_the_portions_of_a_limit_add_up_to_it(limit: int, scopes: list[int]) -> None:
    checks = GuardCheck(Guard.MAX_ACTIONS, limit, 0, 0)
    portions: list[int] = []
    for index, own in enumerate(scopes):
        share = Share(sum(scopes[:index]), own, sum(scopes))
        held = Guards({"p": (checks,)}, (checks,), frozenset()).divided(Portion({"p": share}, share))
        portions.append(held.of_policies["p"][0].limit)
    whole = limit if any(scopes) else limit * len(scopes)
    assert sum(portions) == whole
    assert all(part == 0 for part, own in zip(portions, scopes, strict=True) if own == 0 and any(scopes))


def test_what_the_command_line_says_is_of_each_of_several_runs() -> None:
    lifted = GuardCheck(Guard.MAX_ACTIONS, 60, 0, 0, own=10)
    share = Share(0, 1, 2)
    held = Guards({"p": (lifted,)}, (lifted,), frozenset()).divided(Portion({"p": share}, share))
    assert held.of_run[0].limit == 60
