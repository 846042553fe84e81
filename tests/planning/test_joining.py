"""Parts of a plan, each of other accounts, joined: the plan that one process would have made."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.config.model import AtMost, Configuration, Keep, Limits, Mode, OnExcess, RunLimits
from reconciler.documents.files import PLAN_FILE
from reconciler.exceptions import InvalidPlan
from reconciler.planning.change import Chosen
from reconciler.planning.joining import joined_plan, joined_report
from reconciler.planning.limits import Overrides
from reconciler.planning.part import Shard
from reconciler.planning.plan import Plan
from reconciler.planning.planner import Planner
from reconciler.planning.policy_plan import PolicyPlan
from reconciler.planning.report import Report
from reconciler.tasks.observation import Completeness, Observation, Scope
from reconciler.tasks.task import Status, Task
from tests.planning.world import CANCEL_ONLY, CATALOGUE, NOW, TWO_STEP, configuration, policy, seen, task

TARGETS = ("east", "north", "west")
ROWS = (TWO_STEP, CANCEL_ONLY)
PARTITION = "sha256:" + "0" * 64
OTHERS = "sha256:" + "1" * 64


def observed(tasks: Sequence[Task], incomplete: Mapping[Scope, Completeness]) -> dict[Scope, Observation]:
    found: dict[Scope, Observation] = {}
    for target in TARGETS:
        for row in ROWS:
            scope = Scope(target, row.name)
            there = [one for one in tasks if (one.target, one.resource) == scope]
            found |= seen(*there, target=target, row=row, completeness=incomplete.get(scope, Completeness.COMPLETE))
    return found


def planned(
    world: Configuration,
    observations: Mapping[Scope, Observation],
    overrides: Overrides,
    chosen: Chosen,
    targets: Sequence[str] = TARGETS,
    shard: Shard | None = None,
) -> Plan:
    """The plan of some targets, read back from its file."""
    narrowed = {name: one.within(lambda scope: scope.target in targets) for name, one in world.policies.items()}
    here = replace(world, policies={name: one for name, one in narrowed.items() if one})
    kept = {scope: one for scope, one in observations.items() if scope in here.scopes()}
    made = Planner(here, CATALOGUE, NOW, chosen, shard).plan(
        kept, tool_version="1", expires_at=NOW + 60, overrides=overrides
    )
    return PLAN_FILE.read(PLAN_FILE.text(made))


def parts(
    world: Configuration,
    observations: Mapping[Scope, Observation],
    owners: Mapping[str, int],
    overrides: Overrides,
    chosen: Chosen,
) -> list[Plan]:
    total = max(owners.values()) + 1
    return [
        planned(
            world,
            observations,
            overrides,
            chosen,
            [name for name, owner in owners.items() if owner == index],
            Shard(index, total, PARTITION),
        )
        for index in range(total)
    ]


TASKS = st.lists(
    st.builds(
        task,
        st.integers(1, 9).map(str),
        st.sampled_from([Status.PENDING, Status.PENDING, Status.RUNNING, Status.SUCCEEDED, "ODD"]),
        age=st.sampled_from([None, 60, 7200, 7200, 90_000]),
        target=st.sampled_from(TARGETS),
        row=st.sampled_from(ROWS),
        input__bucket=st.sampled_from(["a", "b", ""]).map(str),
    ),
    max_size=30,
    unique_by=lambda one: one.key,
)
MATCHES = st.sampled_from(
    [
        "all",
        {"status": "pending"},
        {"input.bucket": "a"},
        {"created_at": {"older_than": "1h"}},
        {"id": ["1", "2", "77"]},
        {"status": ["pending", "succeeded"], "input.bucket": {"ne": "b"}},
    ]
)
LIMITS = st.builds(
    Limits, st.sampled_from([0, 1, 3, 10_000]), st.sampled_from([0, 30, 100]), st.sampled_from([*OnExcess])
)


@st.composite
def worlds(draw: st.DrawFn) -> Configuration:
    made = [
        replace(
            policy(
                f"p{number}",
                draw(MATCHES),
                draw(st.sampled_from([None, None, AtMost(1, ("input.bucket",), Keep.OLDEST)])),
                limits=draw(LIMITS),
                targets=tuple(sorted(draw(st.sets(st.sampled_from(TARGETS), min_size=1)))),
                more=draw(st.sampled_from([(), (CANCEL_ONLY,)])),
                suspend=draw(st.integers(0, 9)) == 0,
            ),
            mode=draw(st.sampled_from([Mode.ENFORCE, Mode.ENFORCE, Mode.ENFORCE, Mode.REPORT])),
        )
        for number in range(draw(st.integers(1, 4)))
    ]
    limits = st.builds(RunLimits, st.sampled_from([None, 0, 4, 5000]), st.sampled_from([None, 0, 50, 100]))
    protect = draw(st.sampled_from([None, {"hold": {"input.bucket": "b"}, "idle": {"id": "88"}}]))
    return configuration(*made, protect=protect, run_limits=draw(limits))


OVERRIDES = st.one_of(
    st.just(Overrides()),
    st.builds(Overrides, st.none() | st.just(5), st.none() | st.just(60), st.sampled_from([{}, {"p0": 2}])),
)
INCOMPLETE = st.dictionaries(
    st.sampled_from([Scope(target, row.name) for target in TARGETS for row in ROWS]),
    st.sampled_from([Completeness.FAILED, Completeness.UNSTABLE]),
    max_size=2,
)
OWNERS = st.fixed_dictionaries({name: st.integers(0, 3) for name in TARGETS})
CHOSEN = st.sampled_from([Chosen(), Chosen(), Chosen(frozenset({"1", f"west/{TWO_STEP.name}/2", "99"}))])


@given(worlds(), TASKS, INCOMPLETE, OWNERS, OVERRIDES, CHOSEN)
@settings(max_examples=120)
def test_parts_joined_are_the_plan_of_one_process(
    world: Configuration,
    tasks: list[Task],
    incomplete: dict[Scope, Completeness],
    owners: dict[str, int],
    overrides: Overrides,
    chosen: Chosen,
) -> None:
    """Its guards too, however the parts' own saw it: in the words of every format, and with the same digest."""
    observations = observed(tasks, incomplete)
    whole = planned(world, observations, overrides, chosen)
    joined = joined_plan(parts(world, observations, owners, overrides, chosen))
    assert joined.digest == whole.digest
    assert PLAN_FILE.document(replace(joined, estimate=whole.estimate)) == PLAN_FILE.document(whole)


def test_a_policy_that_only_all_parts_together_refuse_takes_nothing_with_it_that_another_asks_for() -> None:
    world = configuration(
        policy("noisy", limits=Limits(2, 100), targets=TARGETS), policy("calm", {"status": "pending"}, targets=TARGETS)
    )
    observations = observed([task("1", target=name) for name in TARGETS], {})
    owners = {name: number for number, name in enumerate(TARGETS)}
    made = parts(world, observations, owners, Overrides(), Chosen())
    assert {change.policies for plan in made for change in plan.changes} == {("calm", "noisy")}
    joined = joined_plan(made)
    assert [(change.policies, change.steps) for change in joined.changes] == [(("calm",), ("cancel",))] * 3
    assert joined.digest == planned(world, observations, Overrides(), Chosen()).digest


# -- what is no whole ----------------------------------------------------------------------------------------------
WORLD = configuration(policy(targets=TARGETS))
THREE = parts(
    WORLD,
    observed([task(str(number), target=name) for name in TARGETS for number in range(3)], {}),
    {"east": 0, "north": 1, "west": 2},
    Overrides(),
    Chosen(),
)


def _with(plan: Plan, **changed: object) -> Plan:
    assert plan.part is not None
    return replace(plan, part=replace(plan.part, shard=replace(plan.part.shard, **changed)))  # type: ignore[arg-type]  # by name


def _guarded(plan: Plan, kept: slice) -> tuple[PolicyPlan, ...]:
    """Its policies, each with some of its limits."""
    return tuple(replace(one, guards=one.guards[kept]) for one in plan.policies)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (THREE[:2], "a part is missing: 2/3"),
        (THREE[:1], "a part is missing: 1/3, 2/3"),
        ([*THREE, THREE[1]], "part 1/3 is given twice"),
        ([*THREE[:2], _with(THREE[2], partition=OTHERS)], "are parts of different things"),
        ([*THREE[:2], replace(THREE[2], overrides=Overrides(max_actions=9))], "different limits on the command line"),
        ([*THREE[:2], replace(THREE[2], tool_version="2")], "different versions of reconciler"),
        ([*THREE[:2], replace(THREE[2], part=None)], "a whole plan is among the parts"),
        ([*THREE[:2], replace(THREE[2], scopes=THREE[1].scopes)], "two parts have listed"),
        ([*THREE[:2], replace(THREE[2], policies=())], "which no limit of its covers"),
        ([*THREE[:2], replace(THREE[2], run_guards=THREE[2].run_guards[:1])], "which no limit of its covers"),
        ([*THREE[:2], replace(THREE[2], run_guards=())], "has no limit for all of it"),
        ([*THREE[:2], replace(THREE[2], policies=_guarded(THREE[2], slice(1, None)))], "has no limit for all of it"),
        ([*THREE[:2], replace(THREE[2], scopes=())], "of west, which it did not list"),
        ([*THREE[:2], replace(THREE[2], changes=THREE[2].changes * 2)], "of west twice"),
        ([_with(THREE[0], total=1_000_000_000_000)], "1/1000000000000, 2/1000000000000"),
    ],
)
def test_what_are_not_all_parts_of_one_plan_is_refused(given: list[Plan], said: str) -> None:
    with pytest.raises(InvalidPlan, match=said):
        joined_plan(given)


def test_parts_are_joined_in_any_order() -> None:
    assert joined_plan(THREE[::-1]) == joined_plan(THREE)


# -- reports -------------------------------------------------------------------------------------------------------
def _report(index: int, total: int = 2, digest: str = OTHERS) -> Report:
    shard = Shard(index, total, PARTITION)
    return replace(
        Report(f"run{index}", "1", digest, THREE[0].created_at, THREE[0].expires_at, ()),
        targets=(TARGETS[index],),
        shard=shard,
        locked=(TARGETS[index],) * (index == 1),
    )


def test_reports_of_shards_are_joined() -> None:
    joined = joined_report([_report(1), _report(0)])
    assert (joined.run_id, joined.plan_digest, joined.shard) == ("run0,run1", OTHERS, None)
    assert (joined.targets, joined.locked) == (("east", "north"), ("north",))
    assert joined_report([_report(0), _report(1, digest=PARTITION)]).plan_digest not in {OTHERS, PARTITION}
    with pytest.raises(InvalidPlan, match="a part is missing: 1/2"):
        joined_report([_report(0)])
