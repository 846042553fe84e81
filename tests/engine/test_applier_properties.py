"""What holds whatever the cloud answers and whatever the tasks do meanwhile."""

from collections import Counter, defaultdict

from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.backends.entries import ActionState, Intent
from reconciler.engine.work import Earlier
from reconciler.planning.report import Outcome, Result
from reconciler.tasks.observation import Fault, Meaning, Scope
from reconciler.tasks.resource_type import Action
from reconciler.tasks.task import PROGRESS, Status
from tests.engine.cloud import BATCHED, BOTH, CANCEL, FULL, OTHERS, UNREAD, Call, World, changes, move, waiting
from tests.planning.world import CANCEL_ONLY, TWO_STEP, configuration, policy

UNCERTAIN = [meaning for meaning in Meaning if meaning.effect_uncertain]
REFUSED = [meaning for meaning in Meaning if not meaning.effect_uncertain]

UNSETTLED = {ActionState.INTENT, ActionState.UNCERTAIN}

EFFECTS = st.sampled_from([None, 0, 0, 1, 2, 5])
CALLS = st.one_of(
    st.builds(Call, st.none(), EFFECTS),
    st.builds(Call, st.builds(Fault, st.sampled_from(UNCERTAIN), st.just("lost")), EFFECTS),
    st.builds(Call, st.builds(Fault, st.sampled_from(REFUSED), st.just("refused")), st.none()),
)
READINGS = st.one_of(st.none(), st.none(), st.just(UNREAD))
MOVES = st.sampled_from(["", "", "", "on", "gone", "unknown", "protected"])
"""What a task does by itself, or somebody else does to it, just before a reading."""


def _earlier() -> st.SearchStrategy[tuple[Earlier, int | None]]:
    """What an earlier execution may have left of a cancel, and after how many readings its effect shows, if any."""
    attempts = st.integers(1, 4)
    by_state = {
        ActionState.DONE: st.builds(Earlier, attempts, st.just(1), st.just(ActionState.DONE), st.booleans()),
        ActionState.INTENT: st.builds(Earlier, attempts, st.just(1), st.just(ActionState.INTENT), st.just(True)),
        ActionState.UNCERTAIN: st.builds(Earlier, attempts, st.just(1), st.just(ActionState.UNCERTAIN), st.just(True)),
        ActionState.REFUSED: st.builds(Earlier, attempts, st.just(0), st.just(ActionState.REFUSED), st.booleans()),
    }
    return st.one_of(*by_state.values()).flatmap(
        lambda step: st.tuples(st.just(step), EFFECTS if step.may_have_effect else st.none())
    )


@st.composite
def worlds(draw: st.DrawFn) -> tuple[World, tuple[Action, ...]]:
    row, steps = draw(st.sampled_from([(CANCEL_ONLY, CANCEL), (BATCHED, CANCEL), (TWO_STEP, BOTH)]))
    tasks = waiting(draw(st.integers(1, 23)), row)
    scripts = {task_id: draw(st.lists(CALLS, max_size=4)) for task_id in tasks}
    readings = {task_id: draw(st.lists(READINGS, max_size=8)) for task_id in tasks}
    moves = {task_id: draw(st.lists(MOVES, max_size=4)) for task_id in tasks}
    stop_at = draw(st.one_of(st.none(), st.integers(0, 60)))

    def before_read(world: World, task_id: str) -> None:
        if stop_at is not None and len(world.events) >= stop_at:
            world.stop.ask()
        _move(world, task_id, moves[task_id].pop(0) if moves[task_id] else "")

    left = {task_id: draw(_earlier()) for task_id in tasks if draw(st.sampled_from([False, False, True]))}
    world = World(
        tasks,
        scripts,
        readings,
        before_read=before_read,
        earlier={(task_id, Action.CANCEL): step for task_id, (step, _) in left.items()},
        due={task_id: (after, row.operations[0]) for task_id, (_, after) in left.items() if after is not None},
    )
    match = draw(st.sampled_from(["all", {"status": "pending"}, {"status": ["pending", "canceled"]}]))
    world.configuration = configuration(policy(match=match, more=OTHERS), protect={"hold": {"input.bucket": "legal"}})
    for task_id in tasks:
        move(world, task_id, Status.PENDING, input__bucket="b")  # a task without a bucket may be a legal one
    world.stop_on_error = draw(st.booleans())
    world.calls_in_flight = draw(st.integers(1, 12))
    failure = draw(st.sampled_from(["", "", "", "intend", "record"]))
    if failure:
        setattr(world.ledger, f"fail_{failure}", (draw(st.integers(1, 20)), FULL))
    return world, steps


def _move(world: World, task_id: str, how: str) -> None:
    status = world.tasks[task_id].status
    match how:
        case "on" if status in PROGRESS:
            move(world, task_id, PROGRESS[status][0])
        case "gone":
            move(world, task_id, Status.GONE)
        case "unknown" if status is not Status.GONE:
            move(world, task_id, Status.UNKNOWN)
        case "protected" if status is not Status.GONE:
            move(world, task_id, status, input__bucket="legal")


@settings(max_examples=150)
@given(worlds())
def test_no_promise_is_broken(drawn: tuple[World, tuple[Action, ...]]) -> None:
    world, steps = drawn
    asked = changes(world, *steps)
    results = world.apply(*asked)
    assert [result.key for result in results] == [change.key for change in asked], "one outcome for each change"
    assert world.most_in_flight <= world.calls_in_flight
    _check_order(world)
    for result in results:
        _check(world, result, steps)


def _check_order(world: World) -> None:
    """Intent before call, no call after an effect was seen, and never more calls than patience allows.

    That each call has an open intent is asserted by the client itself, at the moment of the call.
    """
    seen: dict[str, set[Status]] = defaultdict(set)
    calls: Counter[tuple[str, Action]] = Counter()
    calls.update(key for key, step in world.earlier.items() if step.state in UNSETTLED)
    since: Counter[str] = Counter()
    protected: set[str] = set()
    for event in world.events:
        if event.what == "read" and event.shown is not None:
            seen[event.task_id].add(event.shown)
            since[event.task_id] += 1
            if event.protected:
                protected.add(event.task_id)
        if event.what != "perform" or event.action is None:
            continue
        ends = Status.CANCELED if event.action is Action.CANCEL else Status.GONE
        assert not seen[event.task_id] & {ends, Status.GONE}, "called again although its effect was seen"
        assert event.task_id not in protected, "called although a reading showed that it is protected"
        step = world.earlier.get((event.task_id, event.action))
        assert step is None or step.state is not ActionState.DONE, "called although that was done before"
        if calls[event.task_id, event.action]:
            assert since[event.task_id] >= world.patience.reads, "called again without having been read"
        calls[event.task_id, event.action] += 1
        since[event.task_id] = 0
    assert all(count <= world.patience.calls for count in calls.values())
    if not world.context.journal_fault:
        ours = [state for intent, state in world.ledger.states.items() if not _is_earlier(world, intent)]
        assert ActionState.INTENT not in ours, "an intent is left open"


def _is_earlier(world: World, intent: Intent) -> bool:
    step = world.earlier.get((intent.task_id, intent.action))
    return step is not None and intent.attempt == step.attempts


def _check(world: World, result: Result, steps: tuple[Action, ...]) -> None:
    task_id = result.task_id
    read = [event.shown for event in world.events if event.what == "read" and event.task_id == task_id]
    before = [step for (of, _), step in world.earlier.items() if of == task_id]
    sent = [event.action for event in world.events if event.what == "perform" and event.task_id == task_id]
    last = read[-1] if read else None
    assert result.now == (None if last is None else last.value), "what is reported was read"
    assert result.calls <= len(sent) + sum(step.sent for step in before)
    match result.outcome:
        case Outcome.DONE:
            ends = {Status.GONE, Status.CANCELED} if steps == CANCEL else {Status.GONE}
            left = last is not Status.PENDING and not _selected(world, task_id)
            assert last in ends or left, "done, and its last reading does not show it"
            assert sent or any(step.may_have_effect for step in before)
        case Outcome.SATISFIED | Outcome.MISSED | Outcome.FAILED if steps == CANCEL:
            assert not world.effects[task_id], "our call took effect, and the outcome denies it"
        case Outcome.NOT_ATTEMPTED if steps == CANCEL:
            assert result.calls == 0, "it was sent, and the outcome denies it"
            assert not world.effects[task_id]
        case _:
            pass


def _selected(world: World, task_id: str) -> bool:
    task = world.tasks[task_id]
    return world.context.judgements.of("p", Scope(task.target, task.resource)).wants(task)
