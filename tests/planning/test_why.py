"""Why says what the plan says, for every task."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.config.model import AtMost, Configuration, Keep
from reconciler.planning.judgement import Judgements
from reconciler.planning.planner import Planner
from reconciler.planning.why import Inquiry, PolicyAccount, TaskAccount, Verdict, scopes_of
from reconciler.tasks.observation import Completeness, Observation, Scope
from reconciler.tasks.resource_type import Action, Paging
from reconciler.tasks.task import Status, Task
from tests.planning.test_planner_properties import WORLDS, build
from tests.planning.world import CANCEL_ONLY, CATALOGUE, HERE, NOW, TWO_STEP, configuration, policy, seen, task

ONE_EACH = AtMost(1, ("input.bucket",), Keep.OLDEST)


def inquiry(configured: Configuration, observations: Mapping[Scope, Observation]) -> Inquiry:
    return Inquiry(configured, CATALOGUE, observations, NOW)


def only(configured: Configuration, *tasks: Task, task_id: str = "1") -> TaskAccount:
    (account,) = inquiry(configured, seen(*tasks)).answer(task_id).tasks
    return account


def verdict(configured: Configuration, *tasks: Task, task_id: str = "1") -> PolicyAccount:
    return only(configured, *tasks, task_id=task_id).policies[0]


def test_a_task_that_must_go() -> None:
    found = only(configuration(policy(match={"created_at": {"older_than": "10m"}})), task("1"))
    assert found.steps == (Action.CANCEL, Action.DELETE)
    assert (found.policies[0].verdict, found.policies[0].steps) == (Verdict.CHANGED, found.steps)


def test_each_policy_tells_its_own_steps_and_the_task_those_of_the_plan() -> None:
    found = only(configuration(policy("all"), policy("waiting", {"status": "pending"})), task("1"))
    assert [account.steps for account in found.policies] == [(Action.CANCEL, Action.DELETE), (Action.CANCEL,)]
    assert found.steps == (Action.CANCEL, Action.DELETE)


def test_a_task_that_nothing_can_be_done_about() -> None:
    found = verdict(configuration(policy()), task("1", Status.RUNNING))
    assert found.verdict is Verdict.BLOCKED
    assert "running" in found.reason


def test_a_protected_task_names_what_holds_it() -> None:
    protect = {"legal": {"input.bucket": "legal"}, "other": {"input.bucket": "other"}}
    found = only(configuration(policy(), protect=protect), task("1", input__bucket="legal"))
    assert found.policies[0].verdict is Verdict.PROTECTED
    assert [(account.name, account.holds) for account in found.protections] == [("legal", True), ("other", False)]


def test_an_unknown_protection_holds() -> None:
    found = only(configuration(policy(), protect={"legal": {"input.bucket": "legal"}}), task("1"))
    assert [account.holds for account in found.protections] == [True]


def test_a_task_within_its_quota_tells_its_place() -> None:
    configured = configuration(policy(ensure=ONE_EACH))
    tasks = [task(str(age), age=age, input__bucket="a") for age in (1, 2, 3)]
    kept, surplus = (verdict(configured, *tasks, task_id=name) for name in ("3", "1"))
    assert (kept.verdict, surplus.verdict) == (Verdict.KEPT, Verdict.CHANGED)
    assert kept.place is not None
    assert surplus.place is not None
    assert (kept.place.rank, kept.place.size, kept.place.group) == (1, 3, ("a",))
    assert surplus.place.rank == 3


def test_a_task_without_a_group_is_kept_undecided() -> None:
    found = verdict(configuration(policy(ensure=ONE_EACH)), task("1"))
    assert (found.verdict, found.place) == (Verdict.UNDECIDED, None)


def test_a_quota_does_not_act_on_a_part_of_the_tasks_but_an_absence_does() -> None:
    configured = configuration(policy("a-quota", ensure=ONE_EACH), policy("absent"))
    observations = seen(task("1", input__bucket="a"), completeness=Completeness.UNSTABLE)
    answer = inquiry(configured, observations).answer("1")
    (found,) = answer.tasks
    assert [account.verdict for account in found.policies] == [Verdict.NOT_ACTING, Verdict.CHANGED]
    assert not found.complete
    assert len(answer.incomplete) == 1


def test_no_match_and_not_known() -> None:
    configured = configuration(policy("no", {"status": "running"}), policy("unknown", {"input.bucket": "a"}))
    found = only(configured, task("1"))
    assert [account.verdict for account in found.policies] == [Verdict.NOT_MATCHED, Verdict.UNKNOWN]


def test_a_suspended_policy_is_shown_though_no_plan_looks_at_its_scope() -> None:
    configured = configuration(policy(suspend=True))
    assert configured.scopes() == ()
    assert scopes_of(configured) == (Scope("here", TWO_STEP.name),)
    assert verdict(configured, task("1")).verdict is Verdict.SUSPENDED


def test_policies_of_other_scopes_are_only_counted() -> None:
    configured = configuration(policy("a"), policy("b", row=CANCEL_ONLY), policy("c", targets=("there",)))
    found = only(configured, task("1"))
    assert [account.policy.name for account in found.policies] == ["a"]
    assert found.elsewhere == 2


def test_equal_ids_of_two_resource_types_are_two_tasks() -> None:
    configured = configuration(policy("a"), policy("b", row=CANCEL_ONLY))
    observations = seen(task("1")) | seen(task("1", row=CANCEL_ONLY), row=CANCEL_ONLY)
    asked = inquiry(configured, observations)
    assert [account.key.resource for account in asked.answer("1").tasks] == [TWO_STEP.name, CANCEL_ONLY.name]
    assert [account.key.resource for account in asked.answer(f"here/{TWO_STEP.name}/1").tasks] == [TWO_STEP.name]


def test_nothing_is_concluded_from_a_listing_that_failed() -> None:
    observations = seen(task("1"), completeness=Completeness.FAILED)
    answer = inquiry(configuration(policy()), observations).answer("1")
    assert (answer.tasks, len(answer.incomplete)) == ((), 1)


def test_ids_that_begin_alike_are_offered_where_none_is_found() -> None:
    asked = inquiry(configuration(policy()), seen(*(task(name) for name in ("100", "11", "101", "102", "103"))))
    assert asked.answer("10").near == ("100", "101", "102")
    assert asked.answer("100").near == ()
    assert asked.answer("").near == ()


@pytest.mark.parametrize(("name", "named"), [("j1", True), ("here/{}/j1", True), ("j2", False), ("x/{}/j1", False)])
def test_an_inventory_names_a_task_by_its_id_or_by_its_whole_name(name: str, named: bool) -> None:
    listing = replace(TWO_STEP.listing, paging=Paging.INVENTORY)
    row = replace(TWO_STEP, listing=listing)
    known = replace(CATALOGUE, resource_types={**CATALOGUE.resource_types, row.name: row})
    configured = configuration(policy())
    target = replace(configured.targets["here"], inventory={"job_ids": ("j1",)})
    asked = Inquiry(replace(configured, targets={"here": target}), known, seen(), NOW)
    assert asked.answer(name.format(TWO_STEP.name)).by_inventory == ((Scope("here", TWO_STEP.name), named),)


_STEPPED = (Verdict.CHANGED, Verdict.BLOCKED, Verdict.PROTECTED)


@settings(max_examples=200)
@given(WORLDS, st.sampled_from([Completeness.COMPLETE, Completeness.UNSTABLE]))
def test_for_any_world_the_verdicts_are_the_plans(world: object, completeness: Completeness) -> None:
    configured, tasks = build(world)  # type: ignore[arg-type] # drawn from WORLDS
    observations = seen(*tasks, completeness=completeness)
    planned = Planner(configured, CATALOGUE, NOW).plan(observations, tool_version="1", expires_at=NOW)
    asked = inquiry(configured, observations)
    accounts = [asked.account(entry) for entry in tasks]

    steps = {change.key: change.steps for change in planned.changes}
    assert {account.key: account.steps for account in accounts if account.steps} == steps
    for verdict_of_plan in planned.policies:
        found = Counter(
            policy.verdict
            for account in accounts
            for policy in account.policies
            if policy.policy.name == verdict_of_plan.name
        )
        assert found[Verdict.CHANGED] == verdict_of_plan.changes
        assert found[Verdict.BLOCKED] == verdict_of_plan.blocked
        assert found[Verdict.PROTECTED] == verdict_of_plan.protected
        assert found[Verdict.KEPT] + found[Verdict.UNDECIDED] == verdict_of_plan.kept
        assert found[Verdict.UNKNOWN] == verdict_of_plan.unknown
        assert found.total() - found[Verdict.NOT_MATCHED] - found[Verdict.UNKNOWN] == verdict_of_plan.matched


@settings(max_examples=100)
@given(WORLDS)
def test_for_any_world_the_truths_are_those_that_the_planner_goes_by(world: object) -> None:
    configured, tasks = build(world)  # type: ignore[arg-type] # drawn from WORLDS
    judgements = Judgements(configured, CATALOGUE, NOW)
    asked = inquiry(configured, seen(*tasks))
    for entry in tasks:
        account = asked.account(entry)
        for found in account.policies:
            assert found.trace.truth is judgements.of(found.policy.name, HERE).selects(entry.values)
        holding = tuple(found.name for found in account.protections if found.holds)
        assert holding == judgements.protections(entry)


@settings(max_examples=100)
@given(WORLDS)
def test_for_any_world_ranks_are_what_the_quota_counts(world: object) -> None:
    configured, tasks = build(world)  # type: ignore[arg-type] # drawn from WORLDS
    asked = inquiry(configured, seen(*tasks))
    for account in map(asked.account, tasks):
        for found in account.policies:
            if found.place is None or not isinstance(found.policy.ensure, AtMost):
                continue
            within = found.place.rank <= found.policy.ensure.count
            assert within == (found.verdict is Verdict.KEPT)
            assert within or found.verdict in _STEPPED
