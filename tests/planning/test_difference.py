"""What differs between two plans, and what does not."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.diagnostics import Severity
from reconciler.planning.change import Change
from reconciler.planning.difference import PlanDifference, difference
from reconciler.planning.field_differences import FieldDifference, difference_words
from reconciler.planning.limits import Guard, GuardCheck, Overrides
from reconciler.planning.plan import Plan
from reconciler.planning.policy_plan import Note
from reconciler.planning.task_differences import Kind, TaskDifference
from reconciler.tasks.observation import Completeness, Fault, Meaning
from reconciler.tasks.resource_type import Action
from reconciler.tasks.task import TaskKey
from tests.planning.test_planner_properties import WORLDS, build
from tests.planning.test_planner_properties import plan as planned
from tests.reports.examples import BOTH, EMPTY, change, observed, policy, scope, skipped

BASE = replace(EMPTY, changes=(change("1"), change("2")), scopes=(scope(),), policies=(policy(changes=2),))


def one(found: PlanDifference) -> TaskDifference:
    (task,) = found.tasks
    return task


def words(fields: tuple[FieldDifference, ...]) -> dict[str, str]:
    return {field.field: difference_words(field) for field in fields}


def with_change(plan: Plan, entry: Change) -> Plan:
    return replace(plan, changes=tuple(entry if old.key == entry.key else old for old in plan.changes))


def test_times_versions_and_requests_alone_are_no_difference() -> None:
    later = replace(
        BASE,
        created_at=BASE.created_at + 60,
        expires_at=BASE.expires_at + 60,
        tool_version="9.9",
        configuration=replace(BASE.configuration, files=("other.yaml",)),
        scopes=(scope(requests=99, tasks={"pending": 31, "running": 9}),),
    )
    found = difference(BASE, later)
    assert found.same
    assert found.same_digest


def test_added_and_removed() -> None:
    found = difference(BASE, replace(BASE, changes=(change("2"), change("3"))))
    assert [(task.key.id, task.kind) for task in found.tasks] == [("1", Kind.REMOVED), ("3", Kind.ADDED)]
    assert not found.same_digest


def test_steps_status_and_policies() -> None:
    entry = replace(
        BASE.changes[0],
        steps=BOTH,
        policies=("one-transcode-per-object", "retention"),
        observed={**BASE.changes[0].observed, "status": "canceled", "finished_at": "2026-01-01T00:00:00Z"},
    )
    task = one(difference(BASE, with_change(BASE, entry)))
    assert task.kind is Kind.CHANGED
    assert words(task.fields) == {
        "standing": "cancel -> cancel, then delete",
        "status": "pending -> canceled",
        "policies": "retention added",
    }


def test_a_field_is_told_where_the_same_policies_recorded_it() -> None:
    entry = replace(BASE.changes[0], observed={**BASE.changes[0].observed, "started_at": "2026-01-01T00:00:00Z"})
    assert words(one(difference(BASE, with_change(BASE, entry))).fields) == {
        "started_at": "set to 2026-01-01T00:00:00Z"
    }


def test_a_task_that_moves_is_one_difference() -> None:
    moved = replace(BASE, changes=BASE.changes[1:], blocked=(skipped("1", "running"),))
    task = one(difference(BASE, moved))
    assert task.kind is Kind.CHANGED
    assert task.before is not None
    assert task.now is not None
    assert (task.before.change, task.now.blocked) == (BASE.changes[0], moved.blocked[0])
    assert words(task.fields)["status"] == "pending -> running"
    assert words(task.fields)["standing"] == "cancel -> blocked"


def test_for_whom_a_task_is_blocked_counts_where_it_is_changed_for_others() -> None:
    plans = []
    for wanting, blocking in (("a", "b"), ("b", "a")):
        entry, left = replace(BASE.changes[0], policies=(wanting,)), replace(skipped("1", "x"), policies=(blocking,))
        plans.append(replace(BASE, changes=(entry, BASE.changes[1]), blocked=(left,)))
    task = one(difference(*plans))
    assert task.now is not None
    assert task.now.text == "cancel and blocked"
    assert words(task.fields) == {"blocked_for": "a added"}
    assert [difference_words(field) for field in task.fields] == ["b removed", "a added"]


def test_protections_differ() -> None:
    before, now = (replace(EMPTY, protected=(skipped("1", "x", *names),)) for names in (("a", "b"), ("b", "c")))
    fields = one(difference(before, now)).fields
    assert [difference_words(field) for field in fields] == ["a removed", "c added"]


def test_the_order_of_policies_means_nothing() -> None:
    plans = [with_change(BASE, replace(BASE.changes[0], policies=names)) for names in (("a", "b"), ("b", "a"))]
    assert difference(*plans).tasks == ()


def test_a_field_of_a_task_cannot_pass_for_what_the_plan_says() -> None:
    entry = replace(BASE.changes[0], observed={**BASE.changes[0].observed, "standing": "x", "blocked_for": "y"})
    assert difference(BASE, with_change(BASE, entry)).tasks == ()


def test_a_reason_that_is_another_is_a_difference_since_it_is_approved_with_the_rest() -> None:
    found = difference(BASE, with_change(BASE, replace(BASE.changes[0], reason="number 3")))
    assert not found.same_digest
    assert list(words(one(found).fields)) == ["reason"]


def test_in_an_altered_plan_the_status_of_the_change_is_what_differs() -> None:
    """It is the one in the digest, whatever an entry of the same task elsewhere says."""
    plans = [
        replace(with_change(BASE, replace(BASE.changes[0], observed=observed(status))), blocked=(skipped("1", "x"),))
        for status in ("pending", "canceled")
    ]
    found = difference(*plans)
    assert not found.same_digest
    assert words(one(found).fields)["status"] == "pending -> canceled"


def test_policies() -> None:
    breach = GuardCheck(Guard.MAX_ACTIONS, limit=1, changes=2, basis=9)
    now = replace(BASE, policies=(policy(changes=2, blocked=1, guards=(breach,)), policy("new")))
    found = difference(BASE, now).policies
    assert [(part.name, part.kind) for part in found] == [
        ("new", Kind.ADDED),
        ("one-transcode-per-object", Kind.CHANGED),
    ]
    assert words(found[1].fields) == {"blocked": "0 -> 1", "max_actions": "set to refuses: 2 is more than 1"}


def test_a_guard_that_holds_is_as_it_was_whatever_its_numbers() -> None:
    guards = [GuardCheck(Guard.MAX_PERCENT, 30, 2, basis, "t") for basis in (9, 12)]
    plans = [replace(BASE, policies=(policy(changes=2, guards=(guard,)),)) for guard in guards]
    assert difference(*plans).same


def test_scopes_and_diagnostics() -> None:
    fault = Fault(Meaning.THROTTLED, "too many", "429", request_id="r-1")
    failed = scope(completeness=Completeness.FAILED, error=fault, tasks={})
    notes = (
        Note(Severity.ERROR, "could not be listed", "huawei-prod", failed.resource),
        Note(Severity.WARNING, "w", policy="p"),
    )
    found = difference(BASE, replace(BASE, scopes=(failed,), diagnostics=notes))
    assert words(found.scopes[0].fields) == {"error": "set to 429: too many", "listing": "complete -> failed"}
    assert found.diagnostics.added == notes[1:]
    assert not found.same


def test_configuration_and_overrides() -> None:
    now = replace(
        BASE, configuration=replace(BASE.configuration, digest="sha256:00"), overrides=Overrides(max_actions=7)
    )
    found = difference(BASE, now)
    assert [field.field for field in found.general] == ["--max-actions", "configuration"]
    assert not found.same_digest


def test_tasks_come_in_the_order_of_a_plan() -> None:
    entries = [
        change(name, observed=observed(created=f"2026-01-0{day}T00:00:00Z"))
        for name, day in (("10", 1), ("9", 1), ("1", 2))
    ]
    found = difference(EMPTY, replace(EMPTY, changes=tuple(entries)))
    assert [task.key.id for task in found.tasks] == ["9", "10", "1"]


def _standings(plan: Plan) -> dict[TaskKey, list[object]]:
    """All that a plan says of each task, but the fields that only other policies record, and why it is left alone."""
    found: dict[TaskKey, list[object]] = {}
    for kind, entries in (("change", plan.changes), ("blocked", plan.blocked), ("protected", plan.protected)):
        for entry in entries:
            key = entry.key
            usual = {name: value for name, value in entry.observed.items() if name != "finished_at"}
            steps = entry.steps if isinstance(entry, Change) else entry.protections
            reason = entry.reason if isinstance(entry, Change) else ""
            found.setdefault(key, []).append((kind, steps, entry.policies, reason, usual))
    return found


@settings(max_examples=100)
@given(WORLDS, WORLDS)
def test_for_any_two_plans(first: object, second: object) -> None:
    old, new = (planned(*build(world)) for world in (first, second))  # type: ignore[arg-type] # drawn from WORLDS
    found = difference(old, new)
    back = difference(new, old)
    assert found.same_digest or not found.same
    assert found.same == back.same
    assert difference(old, old).same
    swapped = {Kind.ADDED: Kind.REMOVED, Kind.REMOVED: Kind.ADDED, Kind.CHANGED: Kind.CHANGED}
    assert {task.key: task.kind for task in found.tasks} == {task.key: swapped[task.kind] for task in back.tasks}
    before, now = _standings(old), _standings(new)
    assert {task.key for task in found.tasks if task.kind is Kind.ADDED} == now.keys() - before.keys()
    named = {task.key for task in found.tasks}
    for key in (before.keys() & now.keys()) - named:
        assert before[key] == now[key]
    for key in before.keys() & now.keys() & named:
        assert before[key] != now[key]


@settings(max_examples=50)
@given(st.permutations(range(6)))
def test_the_order_in_a_plan_means_nothing(order: list[int]) -> None:
    changes = [change(str(number), steps=(Action.CANCEL,)) for number in range(6)]
    shuffled = replace(EMPTY, changes=tuple(changes[number] for number in order))
    assert difference(replace(EMPTY, changes=tuple(changes)), shuffled).tasks == ()
    assert difference(EMPTY, shuffled).tasks == difference(EMPTY, replace(EMPTY, changes=tuple(changes))).tasks
