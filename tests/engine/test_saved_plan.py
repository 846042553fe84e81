"""What may become of a saved plan: it can shrink, never grow, and never be forged."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.engine.saved_plan import Dropped, check_fresh, dropped_result, justify
from reconciler.exceptions import StalePlanError
from reconciler.planning.change import Change, Observed
from reconciler.planning.plan import Plan
from reconciler.planning.planner import Planner
from reconciler.planning.report import Outcome
from reconciler.tasks.observation import Completeness
from reconciler.tasks.resource_type import Action
from reconciler.tasks.task import OBSERVABLE, Status, TaskKey
from tests.engine.cloud import BOTH, change
from tests.planning.world import CATALOGUE, NOW, STOPPABLE, configuration, policy, seen, task

STEPS = [(Action.CANCEL,), (Action.DELETE,), BOTH]
STATES = st.sampled_from([*OBSERVABLE, "NEVER_SEEN", None])
"""What a task of a given id is; None: not listed."""
WORLDS = st.lists(STATES, min_size=8, max_size=8)


def planned(states: list[Status | str | None], match: object = "all", *, failed: bool = False) -> Plan:
    tasks = [task(str(number), state) for number, state in enumerate(states) if state is not None]
    world = configuration(policy(match=match), protect={"first": {"input.bucket": "a"}})
    completeness = Completeness.FAILED if failed else Completeness.COMPLETE
    # Protections are unknown of tasks without a bucket, and unknown protects: give every other task one.
    tasks = [
        replace(entry, values={**entry.values, "input.bucket": "b" if int(entry.id) % 4 else "a"}) for entry in tasks
    ]
    return Planner(world, CATALOGUE, NOW).plan(
        seen(*tasks, completeness=completeness), tool_version="t", expires_at=NOW + 60
    )


def now(plan: Plan) -> dict[TaskKey, Observed]:
    """The fields of the tasks that a plan changes."""
    return {change.key: change.observed for change in plan.changes}


FORGED = st.lists(st.tuples(st.integers(0, 9), st.sampled_from(STEPS)), max_size=4)


def forge(plan: Plan, additions: list[tuple[int, tuple[Action, ...]]]) -> Plan:
    """A plan with changes written into it by hand; a later one of the same task replaces nothing."""
    added = [replace(change(task(str(number)), *steps), steps=steps) for number, steps in additions]
    return replace(plan, changes=(*plan.changes, *added))


MATCHES = st.sampled_from(["all", {"status": "pending"}, {"status": ["succeeded", "failed", "canceled"]}])


@settings(max_examples=150)
@given(WORLDS, WORLDS, MATCHES, FORGED, st.booleans())
def test_it_never_grows_and_never_carries_out_what_the_fresh_plan_does_not_hold(
    before: list[Status | str | None],
    after: list[Status | str | None],
    match: object,
    additions: list[tuple[int, tuple[Action, ...]]],
    failed: bool,
) -> None:
    saved, fresh = forge(planned(before, match), additions), planned(after, match, failed=failed)
    justified = justify(saved, fresh, now(fresh))
    reviewed: dict[TaskKey, list[tuple[Action, ...]]] = {}
    for entry in saved.changes:
        reviewed.setdefault(entry.key, []).append(entry.steps)
    held = {entry.key: entry for entry in fresh.changes}
    for ahead in justified.ahead:
        assert ahead is held[ahead.key], "taken from the fresh plan, not from the file"
        assert any(steps[-len(ahead.steps) :] == ahead.steps for steps in reviewed[ahead.key])
    keys = [entry.key for entry in justified.ahead] + [entry.change.key for entry in justified.dropped]
    assert sorted(keys) == sorted(reviewed), "every change once: it goes ahead or it fell out"
    if failed:
        assert justified.ahead == ()
        assert all(entry.unread for entry in justified.dropped)
    assert all(entry.why for entry in justified.dropped)


@settings(max_examples=100)
@given(WORLDS, MATCHES)
def test_in_the_same_world_everything_goes_ahead(states: list[Status | str | None], match: object) -> None:
    plan = planned(states, match)
    assert justify(plan, plan, now(plan)).ahead == plan.changes


CHANGES = st.builds(
    lambda state, steps: replace(change(task("1", state), *steps), steps=steps),
    st.sampled_from(OBSERVABLE),
    st.sampled_from(STEPS),
)


@given(CHANGES, st.sampled_from(Status), st.sampled_from(Status))
def test_a_change_that_fell_out_is_never_done(dropped: Change, now: Status, end: Status) -> None:
    result = dropped_result(Dropped(dropped, "why"), now, end=end)
    assert (result.key, result.calls, result.error) == (dropped.key, 0, None)
    assert result.outcome is (Outcome.SATISFIED if now in {end, Status.GONE} else Outcome.MISSED)


@pytest.mark.parametrize("reviewed", STEPS)
@pytest.mark.parametrize("state", [Status.PENDING, Status.SUCCEEDED])
def test_steps_still_needed_are_an_end_of_the_reviewed_ones(reviewed: tuple[Action, ...], state: Status) -> None:
    fresh = planned([None, state])
    needed = {Status.PENDING: BOTH, Status.SUCCEEDED: (Action.DELETE,)}[state]
    assert [entry.steps for entry in fresh.changes] == [needed]
    saved = replace(fresh, changes=(replace(fresh.changes[0], steps=reviewed),))
    assert bool(justify(saved, fresh, now(fresh)).ahead) is (reviewed[-len(needed) :] == needed)


def test_a_task_that_started_since_it_was_reviewed_is_left_alone_though_the_policy_cancels_what_runs() -> None:
    world = configuration(policy(match={"status": ["pending", "running"]}, row=STOPPABLE, cancel_running=True))

    def planned(*states: Status) -> Plan:
        tasks = [task(str(number), state, row=STOPPABLE) for number, state in enumerate(states)]
        observations = seen(*tasks, row=STOPPABLE)
        return Planner(world, CATALOGUE, NOW).plan(observations, tool_version="t", expires_at=NOW + 60)

    saved, fresh = planned(Status.PENDING, Status.RUNNING), planned(Status.RUNNING, Status.RUNNING)
    justified = justify(saved, fresh, now(fresh))
    assert [change.task_id for change in justified.ahead] == ["1"]
    (dropped,) = justified.dropped
    assert "started meanwhile" in dropped.why


def test_a_task_that_came_under_protection_falls_out_with_the_reason() -> None:
    tasks = [task("1", input__bucket="b")], [task("1", input__bucket="legal")]
    world = configuration(policy(), protect={"hold": {"input.bucket": "legal"}})
    saved, fresh = (
        Planner(world, CATALOGUE, NOW).plan(seen(*listed), tool_version="t", expires_at=NOW + 60) for listed in tasks
    )
    (dropped,) = justify(saved, fresh, now(fresh)).dropped
    assert "hold" in dropped.why


@pytest.mark.parametrize(("fingerprint", "now"), [("sha256:1", NOW), ("sha256:0", NOW + 60), ("sha256:0", NOW + 61)])
def test_another_configuration_or_a_later_time_makes_it_stale(fingerprint: str, now: int) -> None:
    plan = planned([Status.PENDING])
    check_fresh(plan, plan.configuration.digest, NOW + 59)
    with pytest.raises(StalePlanError):
        check_fresh(plan, fingerprint, now)
