"""What holds for every plan, whatever the policies and tasks."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.config.model import AtMost, Configuration, Keep
from reconciler.planning.judgement import Judgements
from reconciler.planning.plan import Plan
from reconciler.planning.planner import Planner
from reconciler.selectors.syntax import Truth
from reconciler.tasks.task import OBSERVABLE, Status, Task
from tests.planning.world import CATALOGUE, HERE, NOW, TWO_STEP, WORDS, configuration, policy, seen, task

MATCHES = st.sampled_from(
    [
        "all",
        {"status": "pending"},
        {"status": ["succeeded", "failed", "canceled"]},
        {"input.bucket": "a"},
        {"not": {"input.bucket": "a"}},
        {"created_at": {"older_than": "1h"}},
        {"any": [{"status": "pending"}, {"finished_at": {"exists": False}}]},
    ]
)
ENSURES = st.one_of(
    st.none(),
    st.builds(AtMost, st.integers(0, 2), st.sampled_from([(), ("input.bucket",)]), st.sampled_from(list(Keep))),
)
TASKS = st.lists(
    st.tuples(
        st.sampled_from([*OBSERVABLE, "NEVER_SEEN"]),
        st.one_of(st.none(), st.integers(0, 7200)),
        st.sampled_from([None, "a", "b", "legal"]),
    ),
    max_size=12,
)
WORLDS = st.tuples(st.lists(st.tuples(MATCHES, ENSURES), min_size=1, max_size=3), TASKS)


def build(
    world: tuple[list[tuple[object, AtMost | None]], list[tuple[Status | str, int | None, str | None]]],
) -> tuple[Configuration, list[Task]]:
    rules, rows = world
    policies = [policy(f"p{number}", match, ensure) for number, (match, ensure) in enumerate(rules)]
    tasks = [
        task(str(number), status, age=age, **({"input__bucket": bucket} if bucket else {}))  # type: ignore[arg-type]
        for number, (status, age, bucket) in enumerate(rows)
    ]
    return configuration(*policies, protect={"legal": {"input.bucket": "legal"}}), tasks


def plan(world: Configuration, tasks: list[Task]) -> Plan:
    return Planner(world, CATALOGUE, NOW).plan(seen(*tasks), tool_version="1", expires_at=NOW)


def after(subject: Task, steps: int, operations: tuple[str, ...]) -> Task | None:
    """The task as it is after `operations`: None once it is gone."""
    if "delete" in operations[:steps]:
        return None
    if "cancel" in operations[:steps]:
        values = {**subject.values, "status": "canceled", "provider_status": WORDS[Status.CANCELED]}
        return Task(subject.target, subject.resource, subject.id, Status.CANCELED, values)
    return subject


@settings(max_examples=200)
@given(WORLDS)
def test_every_task_is_changed_at_most_once_and_in_one_place(world: object) -> None:
    configured, tasks = build(world)  # type: ignore[arg-type] # drawn from WORLDS
    result = plan(configured, tasks)
    changed = [change.key for change in result.changes]
    assert len(set(changed)) == len(changed)
    assert not set(changed) & {entry.key for entry in result.protected}


@settings(max_examples=200)
@given(WORLDS)
def test_only_tasks_that_a_policy_certainly_selects_are_changed(world: object) -> None:
    configured, tasks = build(world)  # type: ignore[arg-type] # drawn from WORLDS
    judgements = Judgements(configured, CATALOGUE, NOW)
    by_id = {entry.id: entry for entry in tasks}
    for change in plan(configured, tasks).changes:
        for name in change.policies:
            assert judgements.of(name, HERE).selects(by_id[change.task_id].values) is Truth.TRUE
        assert not judgements.protections(by_id[change.task_id])


@settings(max_examples=200)
@given(WORLDS)
def test_each_step_may_be_called_where_it_stands_and_the_last_one_leads_out(world: object) -> None:
    configured, tasks = build(world)  # type: ignore[arg-type] # drawn from WORLDS
    judgements = Judgements(configured, CATALOGUE, NOW)
    by_id = {entry.id: entry for entry in tasks}
    for change in plan(configured, tasks).changes:
        subject = by_id[change.task_id]
        for number, step in enumerate(change.steps):
            now = after(subject, number, change.steps)
            operation = TWO_STEP.operation(step)
            assert now is not None
            assert operation is not None
            assert now.status in operation.starts
        end = after(subject, len(change.steps), change.steps)
        assert end is None or not any(judgements.of(name, HERE).wants(end) for name in change.policies)


@settings(max_examples=100)
@given(WORLDS, st.randoms(use_true_random=False))
def test_the_order_of_the_listing_changes_nothing(world: object, shuffler: random.Random) -> None:
    configured, tasks = build(world)  # type: ignore[arg-type] # drawn from WORLDS
    shuffled = list(tasks)
    shuffler.shuffle(shuffled)
    first, second = plan(configured, tasks), plan(configured, shuffled)
    assert first == second
    assert first.digest == second.digest


@settings(max_examples=150)
@given(WORLDS)
def test_perfect_applies_converge(world: object) -> None:
    """Each policy looks at its own selector, so a task that one cancels may be another's to delete the next time."""
    configured, tasks = build(world)  # type: ignore[arg-type] # drawn from WORLDS
    for _ in range(3):
        steps = {change.task_id: change.steps for change in plan(configured, tasks).changes}
        left = [after(entry, 2, steps.get(entry.id, ())) for entry in tasks]
        tasks = [entry for entry in left if entry is not None]
    assert steps == {}
