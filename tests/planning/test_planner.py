"""The planner, read as its specification: which tasks must change so that the policies hold."""

from dataclasses import replace
from typing import Any

import pytest

from reconciler.config.model import AtMost, Configuration, Keep, Limits, OnBlocked, RunLimits
from reconciler.exceptions import ExitCode
from reconciler.planning.judgement import Judgements
from reconciler.planning.limits import Overrides
from reconciler.planning.plan import Plan
from reconciler.planning.planner import Planner
from reconciler.planning.why import Inquiry
from reconciler.tasks.observation import Completeness
from reconciler.tasks.task import Status, Task
from tests.planning.world import (
    CANCEL_ONLY,
    CATALOGUE,
    HERE,
    NOW,
    STOPPABLE,
    TWO_STEP,
    configuration,
    policy,
    seen,
    task,
)


def planned(world, observations, overrides: Overrides = Overrides()) -> Plan:  # type: ignore[no-untyped-def] # noqa: ANN001, B008 - terse on purpose
    return Planner(world, CATALOGUE, NOW).plan(observations, tool_version="1", expires_at=NOW + 60, overrides=overrides)


def steps(plan: Plan) -> dict[str, tuple[str, ...]]:
    return {change.task_id: tuple(change.steps) for change in plan.changes}


@pytest.mark.parametrize(
    ("match", "status", "expected"),
    [
        ({"status": "pending"}, Status.PENDING, ("cancel",)),
        ("all", Status.PENDING, ("cancel", "delete")),
        ("all", Status.SUCCEEDED, ("delete",)),
        ({"status": ["pending", "canceled"]}, Status.PENDING, ("cancel", "delete")),
        ({"status": ["succeeded", "failed"]}, Status.FAILED, ("delete",)),
        ({"not": {"status": "running"}}, Status.CANCELED, ("delete",)),
        ({"provider_status": "WAITING"}, Status.PENDING, ("cancel",)),
        ({"provider_status": {"in": ["WAITING", "CANCELED"]}}, Status.PENDING, ("cancel", "delete")),
    ],
)
def test_the_shortest_path_leads_out_of_the_selector(match: object, status: Status, expected: tuple[str, ...]) -> None:
    plan = planned(configuration(policy(match=match)), seen(task("1", status)))
    assert steps(plan) == {"1": expected}


@pytest.mark.parametrize("status", [Status.RUNNING, "SOMETHING_NEW"])
def test_a_task_that_no_operation_leads_out_of_is_blocked(status: Status | str) -> None:
    plan = planned(configuration(policy()), seen(task("1", status)))
    assert steps(plan) == {}
    assert [entry.task_id for entry in plan.blocked] == ["1"]
    assert plan.outcome == "ok"


def test_a_running_task_is_canceled_only_where_the_policy_says_so() -> None:
    running = seen(task("1", Status.RUNNING, row=STOPPABLE), row=STOPPABLE)
    match = {"status": ["pending", "running"]}
    plan = planned(configuration(policy(match=match, row=STOPPABLE)), running)
    assert steps(plan) == {}
    assert "cancel_running" in plan.blocked[0].reason
    plan = planned(configuration(policy(match=match, row=STOPPABLE, cancel_running=True)), running)
    assert steps(plan) == {"1": ("cancel",)}
    assert plan.changes[0].reason.endswith("it runs, and cancel_running is set")


def test_one_policy_that_cancels_what_runs_speaks_for_no_other() -> None:
    match = {"status": ["pending", "running"]}
    world = configuration(
        policy("bold", match | {"input.bucket": "a"}, row=STOPPABLE, cancel_running=True),
        policy("careful", match, row=STOPPABLE),
    )
    tasks = [task(name, Status.RUNNING, row=STOPPABLE, **{"input.bucket": name}) for name in ("a", "b")]  # type: ignore[arg-type] # texts
    plan = planned(world, seen(*tasks, row=STOPPABLE))
    assert {change.task_id: change.policies for change in plan.changes} == {"a": ("bold",)}
    assert {entry.task_id: entry.policies for entry in plan.blocked} == {"a": ("careful",), "b": ("careful",)}


def test_blocked_tasks_fail_the_plan_where_the_policy_says_so() -> None:
    plan = planned(configuration(policy(on_blocked=OnBlocked.FAIL)), seen(task("1", Status.RUNNING)))
    assert plan.exit_code() is ExitCode.PARTIAL


def test_several_policies_make_one_change_with_the_longest_path() -> None:
    world = configuration(policy("a", {"status": "pending"}), policy("b"))
    plan = planned(world, seen(task("1")))
    (change,) = plan.changes
    assert change.policies == ("a", "b")
    assert steps(plan) == {"1": ("cancel", "delete")}
    summary = plan.summary
    assert (summary.changes, summary.cancel, summary.delete, summary.cancel_then_delete, summary.calls) == (
        1,
        0,
        0,
        1,
        2,
    )


def test_an_unknown_result_selects_nothing_and_is_counted() -> None:
    world = configuration(policy(match={"input.bucket": "a"}), policy("q", {"not": {"input.bucket": "a"}}))
    plan = planned(world, seen(task("1")))
    assert plan.changes == ()
    assert plan.summary.unknown == 1
    assert [scope.unknown for scope in plan.scopes] == [1]
    assert [verdict.unknown for verdict in plan.policies] == [1, 1]


@pytest.mark.parametrize("fields", [{"input__bucket": "legal-1"}, {}], ids=["matches", "unknown"])
def test_a_protection_holds_what_matches_and_what_cannot_be_told(fields: dict[str, str]) -> None:
    world = configuration(policy(), protect={"legal": {"input.bucket": {"glob": "legal-*"}}})
    plan = planned(world, seen(task("1", **fields)))  # type: ignore[arg-type] # fields are texts
    assert plan.changes == ()
    assert [(entry.task_id, entry.protections) for entry in plan.protected] == [("1", ("legal",))]


@pytest.mark.parametrize(
    ("buckets", "completeness", "told"),
    [
        (["open", "x"], Completeness.COMPLETE, ["protection legal protects none of the 2 tasks listed"]),
        (["open"], Completeness.COMPLETE, ["protection legal protects none of the 1 task listed"]),
        (["open", "legal-1"], Completeness.COMPLETE, []),
        (["open", None], Completeness.COMPLETE, []),  # one that cannot be told is protected
        (["open"], Completeness.UNSTABLE, []),
        ([], Completeness.COMPLETE, []),
    ],
)
def test_a_protection_that_protects_nothing_is_told(
    buckets: list[str | None], completeness: Completeness, told: list[str]
) -> None:
    world = configuration(policy(), protect={"legal": {"input.bucket": {"glob": "legal-*"}}})
    tasks = [
        task(str(number), **({"input.bucket": bucket} if bucket else {}))  # type: ignore[arg-type]  # text
        for number, bucket in enumerate(buckets)
    ]
    plan = planned(world, seen(*tasks, completeness=completeness))
    assert [
        note.message for note in plan.diagnostics if note.severity == "warning" and "protect" in note.message
    ] == told


def test_a_quota_counts_by_a_part_of_a_url_as_well() -> None:
    """A URL that is read in two ways has no host, so that its task stays."""
    urls = (
        "https://A.example:443/1",
        "http://a.example/2?k=1",
        "https://b.example/3",
        "https://a.example\\@b.example/4",
    )
    tasks = [task(str(age), age=age, upload_url=url) for age, url in enumerate(urls, start=1)]
    world = configuration(policy("p", {"status": "pending"}, AtMost(1, ("upload_url.host",), Keep.NEWEST)))
    plan = planned(world, seen(*tasks))
    (change,) = plan.changes
    assert (change.task_id, change.reason.partition(";")[0]) == ("2", "p: number 2 for a.example, newest first")
    assert plan.policies[0].kept == 3
    assert any("kept for want of a group or time: 4" in note.message for note in plan.diagnostics)
    (account,) = Inquiry(world, CATALOGUE, seen(*tasks), NOW).answer("2").tasks[0].policies
    assert (account.place and account.place.group) == ("a.example",)


@pytest.mark.parametrize(
    ("match", "told"),
    [
        ({"input.bucket": "legal"}, ["protection legal protects none of the 1 task listed (pending, no others)"]),
        ({"input.bucket": "legal", "status": "pending"}, ["protection legal protects none of the 1 task listed"]),
        ({"status": "succeeded"}, []),
    ],
)
def test_of_tasks_that_were_not_asked_for_nothing_is_said(match: object, told: list[str]) -> None:
    """No policy is about tasks that have ended, so that the cloud was asked for those that wait."""
    world = configuration(policy(match={"status": "pending"}), protect={"legal": match})
    plan = planned(world, seen(task("1", **{"input.bucket": "open"})))  # type: ignore[arg-type]  # text
    assert [note.message for note in plan.diagnostics if "protect" in note.message] == told


def test_a_protection_lets_go_of_what_certainly_does_not_match() -> None:
    world = configuration(policy(), protect={"legal": {"input.bucket": {"glob": "legal-*"}}})
    assert steps(planned(world, seen(task("1", input__bucket="other"))))


@pytest.mark.parametrize(("keep", "surplus"), [(Keep.OLDEST, ["3", "2", "10"]), (Keep.NEWEST, ["9", "3", "2"])])
def test_a_quota_keeps_by_age_and_then_by_number(keep: Keep, surplus: list[str]) -> None:
    tasks = [
        task("9", age=100, input__bucket="a"),
        task("10", age=50, input__bucket="a"),
        task("2", age=50, input__bucket="a"),
        task("3", age=70, input__bucket="a"),
        task("4", age=10, input__bucket="b"),
    ]
    quota = AtMost(1, ("input.bucket",), keep)
    plan = planned(configuration(policy(match={"status": "pending"}, ensure=quota)), seen(*tasks))
    assert [change.task_id for change in plan.changes] == surplus
    assert plan.summary.kept == 2


def test_a_quota_keeps_tasks_without_a_group_or_a_time_and_says_so() -> None:
    tasks = [task("1"), task("2", age=None, input__bucket="a"), task("3", input__bucket="a")]
    quota = AtMost(0, ("input.bucket",))
    plan = planned(configuration(policy(match={"status": "pending"}, ensure=quota)), seen(*tasks))
    assert [change.task_id for change in plan.changes] == ["3"]
    assert [note.severity for note in plan.diagnostics] == ["warning"]


@pytest.mark.parametrize(
    ("match", "line"),
    [
        ({"not": {"upload_url": {"contains": "keep"}}}, "upload_url: {contains: ..., missing: false}"),
        ({"upload_url": {"not_contains": "keep"}}, "upload_url: {not_contains: ..., missing: true}"),
        ({"any": [{"not": {"not": {"upload_url": "x"}}}]}, "upload_url: {eq: ..., missing: true}"),
    ],
)
def test_what_tasks_lack_of_which_nothing_is_known_is_told_with_what_to_write(match: object, line: str) -> None:
    tasks = [task("1"), task("2"), task("3", upload_url="a"), task("4", Status.RUNNING)]
    plan = planned(configuration(policy(match={"status": "pending", **match})), seen(*tasks))  # type: ignore[dict-item]
    assert plan.policies[0].unknown == 2
    assert plan.policies[0].lacking == {"upload_url": 2}
    (note,) = plan.diagnostics
    assert note.message == (
        f"2 tasks lack `upload_url`, so it is not known whether the policy is about them: `{line}` includes them"
    )
    assert note.policy == "p"


def test_each_field_that_a_task_lacks_is_told() -> None:
    match = {
        "input.bucket": "a",
        "finished_at": {"older_than": "1h"},
        "upload_url": {"contains": "x", "missing": False},
    }
    plan = planned(configuration(policy(match=match)), seen(task("1"), task("2", input__bucket="a", upload_url="x")))
    assert plan.policies[0].lacking == {"finished_at": 1}, "of the first the policy is not, whatever it lacks besides"
    match = {"input.bucket": "a", "finished_at": {"older_than": "1h"}}
    plan = planned(configuration(policy(match=match)), seen(task("1"), task("2", input__bucket="a")))
    assert plan.policies[0].lacking == {"finished_at": 2, "input.bucket": 1}


UNSEEN = "18 of the ids that it names are not among the tasks listed: 0, 3, 4, 5, 6, 7, 8, 9, 10, 11, ..."
IDS = {"id": {"in": [str(number) for number in range(20)]}}


@pytest.mark.parametrize(
    ("match", "said"),
    [
        ({"id": ["1", "2"]}, None),
        ({"id": ["1", "x"]}, "1 of the ids that it names is not among the tasks listed: x"),
        (
            {"id": ["10", "x", "9"], "status": "pending"},
            "3 of the ids that it names are not among the tasks listed (pending): 9, 10, x",
        ),
        (IDS, UNSEEN),
        ({"not": IDS}, None),
        (
            {"any": [IDS, {"input.bucket": "a"}]},
            "18 of the ids that it names are not among the tasks listed: 0, 3, 4, 5, 6, 7, 8, 9, 10, 11, ...",
        ),
    ],
)
def test_ids_that_no_listing_shows_are_named(match: object, said: str | None) -> None:
    world = configuration(policy(match=match, targets=("here", "there")))
    lists = seen(task("1", input__bucket="b")) | seen(task("2", input__bucket="b", target="there"), target="there")
    assert [note.message for note in planned(world, lists).diagnostics] == ([said] if said else [])
    lists |= seen(target="there", completeness=Completeness.UNSTABLE)
    messages = [note.message for note in planned(world, lists).diagnostics]
    assert not any("ids that it names" in message for message in messages), "unseen is not absent"


def test_inventory_entries_found_nowhere_are_named() -> None:
    unfound = ("a", "https://me:pw@h/v.mp4?sig=s3cret", "c", "d")
    listed = {scope: replace(found, unfound=unfound) for scope, found in seen(task("1")).items()}
    plan = planned(configuration(policy()), listed)
    assert [note.message for note in plan.diagnostics] == [
        "4 entries of the inventory were found nowhere: a, https://h/v.mp4?~bafb53f5, c, ..."
    ]
    assert len(plan.changes) == 1


def test_a_failed_scope_yields_no_change_and_the_others_go_on() -> None:
    world = configuration(policy(targets=("here", "there")))
    observations = {
        **seen(task("1"), completeness=Completeness.FAILED),
        **seen(task("2", target="there"), target="there"),
    }
    plan = planned(world, observations)
    assert [change.task_id for change in plan.changes] == ["2"]
    assert plan.errored
    assert plan.exit_code() is ExitCode.ERROR
    assert plan.applyable


def test_a_scope_that_was_never_listed_counts_as_failed() -> None:
    plan = planned(configuration(policy()), {})
    assert plan.changes == ()
    assert [note.severity for note in plan.diagnostics] == ["error"]
    assert plan.exit_code() is ExitCode.ERROR


def test_on_an_unstable_scope_absent_acts_and_a_quota_does_not() -> None:
    world = configuration(policy("a", {"input.bucket": "x"}), policy("q", {"status": "pending"}, AtMost(0)))
    tasks = (task("1", input__bucket="x"), task("2"))
    plan = planned(world, seen(*tasks, completeness=Completeness.UNSTABLE))
    assert [change.task_id for change in plan.changes] == ["1"]
    assert plan.exit_code() is ExitCode.ERROR


def test_a_suspended_policy_does_nothing_but_is_shown() -> None:
    plan = planned(configuration(policy(suspend=True)), seen(task("1")))
    assert plan.changes == ()
    assert [verdict.suspended for verdict in plan.policies] == [True]


def test_changes_are_in_order_of_target_type_creation_and_number() -> None:
    world = configuration(
        policy(targets=("a", "b")), policy("q", {"status": "pending"}, row=CANCEL_ONLY, targets=("a",))
    )
    observations = {
        **seen(task("1", target="b", age=99), target="b"),
        **seen(task("10", target="a", age=5), task("9", target="a", age=5), task("8", target="a"), target="a"),
        **seen(task("7", target="a", row=CANCEL_ONLY, age=None), target="a", row=CANCEL_ONLY),
    }
    plan = planned(world, observations)
    assert [change.id.split("/", 1)[0] + change.task_id for change in plan.changes] == ["a8", "a9", "a10", "a7", "b1"]


# -- guards -----------------------------------------------------------------------------------------------------
def tasks(count: int, **fields: str) -> list:  # type: ignore[type-arg] # tasks
    return [task(str(number), **fields) for number in range(count)]  # type: ignore[arg-type] # texts


def test_max_actions_is_summed_over_scopes() -> None:
    world = configuration(policy(targets=("a", "b"), limits=Limits(max_actions=1, max_percent=100)))
    observations = {**seen(task("1", target="a"), target="a"), **seen(task("1", target="b"), target="b")}
    plan = planned(world, observations)
    assert plan.exit_code() is ExitCode.REFUSED
    assert not plan.applyable
    assert [(entry.target, entry.guard, entry.limit, entry.needed) for entry in plan.refused] == [
        ("a", "max_actions", 1, 2),
        ("b", "max_actions", 1, 2),
    ]
    (breach,) = plan.policies[0].breaches
    assert (breach.guard, breach.limit, breach.needed) == ("max_actions", 1, 2)


@pytest.mark.parametrize(
    ("matching", "others", "refused"),
    [(3, 7, False), (4, 6, True), (9, 0, False), (0, 20, False), (4, 5, False)],
    ids=["30 percent", "40 percent", "below the floor", "nothing to do", "9 tasks: below the floor"],
)
def test_max_percent_is_a_share_of_the_tasks_listed(matching: int, others: int, refused: bool) -> None:
    world = configuration(policy(match={"input.bucket": "x"}, limits=Limits(max_actions=500, max_percent=30)))
    plan = planned(world, seen(*tasks(matching, input__bucket="x"), *(task(f"o{n}") for n in range(others))))
    assert plan.breached is refused


def test_the_share_is_of_tasks_in_a_status_that_the_selector_admits() -> None:
    world = configuration(policy(match={"status": "pending"}, limits=Limits(max_actions=500, max_percent=30)))
    done = [task(f"d{number}", Status.SUCCEEDED) for number in range(90)]
    plan = planned(world, seen(*tasks(10), *done))
    assert plan.breached
    assert {verdict.basis for verdict in plan.policies[0].guards if verdict.guard == "max_percent"} == {10}


def test_each_kind_of_a_policy_is_judged_for_itself() -> None:
    limits = Limits(max_actions=3, max_percent=30)
    kinds = policy(match={"status": "pending"}, ensure=AtMost(9, ("input.bucket",)), limits=limits, more=(CANCEL_ONLY,))
    packaging = [task(str(number), age=number, input__bucket="a") for number in range(10)]
    snapshots = [task(str(number), age=number, row=CANCEL_ONLY, input__bucket="a") for number in range(11)]
    plan = planned(configuration(kinds), seen(*packaging) | seen(*snapshots, row=CANCEL_ONLY))
    assert [change.key[1:] for change in plan.changes] == [
        (TWO_STEP.name, "9"),
        (CANCEL_ONLY.name, "10"),
        (CANCEL_ONLY.name, "9"),
    ]
    assert plan.policies[0].resources == (TWO_STEP.name, CANCEL_ONLY.name)
    assert [(check.resource, check.changes, check.basis) for check in plan.policies[0].guards] == [
        (None, 3, 21),
        (TWO_STEP.name, 1, 10),
        (CANCEL_ONLY.name, 2, 11),
    ]


@pytest.mark.parametrize("limits", [Limits(0, 100), Limits(500, 0)], ids=["max_actions", "max_percent"])
@pytest.mark.parametrize("count", [1, 9, 10])
def test_zero_means_zero_of_however_few_tasks(limits: Limits, count: int) -> None:
    plan = planned(configuration(policy(limits=limits)), seen(*tasks(count)))
    assert [verdict.limit for _, verdict in plan.breaches] == [0]


@pytest.mark.parametrize("overrides", [Overrides(max_actions=0), Overrides(max_percent=0)], ids=repr)
def test_so_it_does_on_the_command_line(overrides: Overrides) -> None:
    assert planned(configuration(policy()), seen(*tasks(9)), overrides).breached


@pytest.mark.parametrize("limits", [RunLimits(max_actions=0), RunLimits(max_percent=0)], ids=repr)
def test_and_for_all_policies_together(limits: RunLimits) -> None:
    plan = planned(configuration(policy(), run_limits=limits), seen(*tasks(9)))
    assert [(name, verdict.limit) for name, verdict in plan.breaches] == [(None, 0)]
    assert not planned(configuration(policy(), run_limits=limits), seen()).breached, "nothing is within any limit"


@pytest.mark.parametrize("count", [1, 9])
def test_what_lets_a_few_tasks_pass_a_limit_of_zero_is_any_other(count: int) -> None:
    world = configuration(policy(limits=Limits(max_actions=500, max_percent=0)))
    (_, breach), *_ = planned(world, seen(*tasks(count))).breaches
    assert breach.needed == 1
    assert not planned(world, seen(*tasks(count)), Overrides(max_percent=1)).breached


# -- all policies together --------------------------------------------------------------------------------------
def quarters(count: int, **rest: Any) -> Configuration:  # noqa: ANN401 - of `configuration`
    """Policies of which each asks for a quarter of 40 tasks, within its own limit of 30 percent."""
    own = Limits(max_actions=500, max_percent=30)
    return configuration(*(policy(f"p{n}", {"input.bucket": str(n)}, limits=own) for n in range(count)), **rest)


FORTY = seen(*(task(f"{n}", input__bucket=str(n % 4)) for n in range(40)))


@pytest.mark.parametrize(("count", "refused"), [(1, False), (2, True), (4, True)])
def test_four_policies_of_a_quarter_each_do_not_empty_a_queue(count: int, refused: bool) -> None:
    plan = planned(quarters(count), FORTY)
    assert not any(verdict.breaches for verdict in plan.policies)
    assert [(name, verdict.guard, verdict.limit, verdict.needed) for name, verdict in plan.breaches] == (
        [(None, "max_percent", 30, 25 * count)] if refused else []
    )
    assert plan.applyable is not refused


def test_limits_of_the_run_that_are_written_hold_whatever_the_policies_allow() -> None:
    assert not planned(quarters(2, run_limits=RunLimits(max_percent=50)), FORTY).breached
    assert planned(quarters(1, run_limits=RunLimits(max_percent=24)), FORTY).breached
    assert planned(quarters(1, run_limits=RunLimits(max_actions=9)), FORTY).breached
    assert not planned(quarters(1, run_limits=RunLimits(max_actions=10)), FORTY).breached


@pytest.mark.parametrize(("largest", "limit"), [(500, 5000), (6000, 6000)])
def test_a_run_may_do_as_much_as_its_largest_policy(largest: int, limit: int) -> None:
    plan = planned(configuration(policy("b", limits=Limits(largest, 100))), seen(task("1")))
    assert plan.run_guards[0].limit == limit


def test_a_limit_of_the_command_line_raises_that_of_the_run_and_never_lowers_it() -> None:
    world = quarters(4, run_limits=RunLimits(max_actions=15, max_percent=60))
    assert not planned(world, FORTY, Overrides(max_actions=40, max_percent=100)).breached
    kept = planned(world, FORTY, Overrides(max_actions=12, max_percent=29))
    assert [verdict.limit for verdict in kept.run_guards] == [15, 60]


def test_what_is_refused_counts_nothing_towards_the_run() -> None:
    """A task that a second policy asks for as well is still to be done, so it counts."""
    modest = policy("modest", {"input.bucket": "0"}, limits=Limits(max_actions=10, max_percent=30))
    greedy = policy("greedy", limits=Limits(max_actions=9, max_percent=100))
    plan = planned(configuration(greedy, modest, run_limits=RunLimits(max_actions=10, max_percent=25)), FORTY)
    assert [name and name.name for name, _ in plan.breaches] == ["greedy"]
    assert [(verdict.changes, verdict.basis) for verdict in plan.run_guards] == [(10, 40), (10, 40)]


def test_a_task_that_two_policies_want_counts_once() -> None:
    plan = planned(configuration(policy("a"), policy("b"), run_limits=RunLimits(max_actions=10)), seen(*tasks(10)))
    assert not plan.breached


def test_the_share_is_of_tasks_in_a_status_that_any_policy_of_the_scope_admits() -> None:
    world = configuration(policy("a", {"status": "pending"}), policy("b", {"status": "failed"}))
    ended = [task(f"{state}{n}", state) for state in (Status.FAILED, Status.SUCCEEDED) for n in range(10)]
    assert [verdict.basis for verdict in planned(world, seen(*tasks(10), *ended)).run_guards] == [20, 20]


def test_an_override_lets_the_plan_pass_and_is_part_of_the_digest() -> None:
    world = configuration(policy(limits=Limits(max_actions=0, max_percent=100)))
    refused = planned(world, seen(task("1")))
    allowed = planned(world, seen(task("1")), Overrides(max_actions=1))
    assert not allowed.breached
    assert [verdict.overridden for verdict in allowed.policies[0].guards] == [True, False]
    assert allowed.digest != refused.digest


def test_blocked_and_protected_tasks_do_not_count_against_the_limits() -> None:
    world = configuration(
        policy(limits=Limits(max_actions=0, max_percent=0)), protect={"legal": {"input.bucket": "legal"}}
    )
    plan = planned(world, seen(task("1", Status.RUNNING, input__bucket="x"), task("2", input__bucket="legal")))
    assert not plan.breached


# -- clocks -----------------------------------------------------------------------------------------------------

OLD = {"created_at": {"older_than": "1h"}}
YOUNG = {"created_at": {"newer_than": "1h"}}


@pytest.mark.parametrize("skew", [None, 0, 300, -300])
def test_clocks_that_agree_or_say_nothing_let_ages_count(skew: int | None) -> None:
    plan = planned(configuration(policy(match=OLD)), seen(task("1", age=7200), skew=skew))
    assert (steps(plan), plan.errored) == ({"1": ("cancel", "delete")}, False)


@pytest.mark.parametrize("skew", [301, -301, 10**12])
@pytest.mark.parametrize("match", [OLD, YOUNG, {"not": OLD}, {"not": YOUNG}], ids=str)
@pytest.mark.parametrize("age", [60, 7200])
def test_where_they_differ_no_condition_on_an_age_holds_or_fails(skew: int, match: object, age: int) -> None:
    plan = planned(configuration(policy(match=match)), seen(task("1", age=age), skew=skew))
    assert (steps(plan), plan.summary.unknown, plan.exit_code()) == ({}, 1, ExitCode.ERROR)
    (scope,) = plan.scopes
    assert str(scope.error).startswith(f"this machine's clock is {abs(skew)} s {'behind' if skew > 0 else 'ahead of'}")


def test_under_a_protection_an_age_that_is_not_known_protects() -> None:
    world = configuration(policy(), protect={"new": YOUNG})
    assert steps(planned(world, seen(task("1", age=7200))))
    plan = planned(world, seen(task("1", age=7200), skew=3600))
    assert [entry.protections for entry in plan.protected] == [("new",)]


def test_the_order_of_a_quota_is_no_age_and_neither_is_a_time_that_is_written() -> None:
    quota = policy(ensure=AtMost(1, keep=Keep.NEWEST))
    plan = planned(configuration(quota), seen(task("1", age=9), task("2", age=8), skew=3600))
    assert (list(steps(plan)), plan.errored) == (["1"], True)
    before = policy(match={"created_at": {"before": "2100-01-01T00:00:00Z"}})
    assert steps(planned(configuration(before), seen(task("1"), skew=3600)))


def test_only_the_target_is_left_alone_whose_clock_it_is() -> None:
    world = configuration(policy(match=OLD, targets=("here", "there")))
    other = seen(task("2", age=7200, target="there"), target="there", skew=3600)
    plan = planned(world, seen(task("1", age=7200)) | other)
    assert list(steps(plan)) == ["1"]
    assert [scope.complete for scope in plan.scopes] == [True, False]


# -- what is written --------------------------------------------------------------------------------------------
def test_url_queries_and_control_characters_never_reach_the_plan() -> None:
    url = "https://h/v.mp4?token=s3cret"
    world = configuration(policy(match={"upload_url": url}))
    plan = planned(world, seen(task("1", upload_url=url, input__bucket="a\x1b[31m")))
    (change,) = plan.changes
    assert "s3cret" not in repr(plan)
    assert change.observed["input.bucket"] == "a\\x1b[31m"
    assert str(change.observed["upload_url"]).startswith("https://h/v.mp4?~")


def test_a_task_that_is_gone_satisfies_no_selector() -> None:
    judgement = Judgements(configuration(policy(match={"id": "1"})), CATALOGUE, NOW).of("p", HERE)
    assert judgement.wants(task("1"))
    assert not judgement.wants(Task.gone(task("1").key))
