"""A cloud in memory that answers what a script says, a journal that keeps its rules, and a clock that never waits.

The timing of answers, readings and interruptions is what these tests are about, so that nothing here is left to a
server: each call and each reading takes the next entry of its script.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import NamedTuple, Self

from reconciler.backends.entries import ActionState, AlreadyDone, AlreadyIntended, Intent, NoOpenIntent
from reconciler.config.model import Configuration, Target
from reconciler.engine.apply_run import Applier
from reconciler.engine.clouds import Clouds
from reconciler.engine.interruption import Interruption
from reconciler.engine.run_journal import RunJournal
from reconciler.engine.work import BatchContext, Earlier, Patience
from reconciler.exceptions import BackendError, LockedError
from reconciler.planning.change import Change
from reconciler.planning.judgement import Judgements
from reconciler.planning.report import Result
from reconciler.providers.base import Readings
from reconciler.tasks.observation import Fault, Meaning, Observation, Scope
from reconciler.tasks.resource_type import Action, Catalogue, Operation, ProviderOptions, ResourceType
from reconciler.tasks.sink import Sink
from reconciler.tasks.task import Status, Task, TaskKey
from tests.planning.world import CANCEL_ONLY, NOW, STOPPABLE, TWO_STEP, WORDS, configuration, policy
from tests.planning.world import task as row_of

BATCHED = replace(
    CANCEL_ONLY, name="cloud.media.upload", operations=(replace(CANCEL_ONLY.operations[0], batch_size=10),)
)
SHARED = replace(CANCEL_ONLY, name="cloud.media.asset", listing=replace(CANCEL_ONLY.listing, rows_merge=True))
SINGLY = replace(CANCEL_ONLY, name="cloud.media.clip", listing=replace(CANCEL_ONLY.listing, ids_per_call=1))
OTHERS = (CANCEL_ONLY, BATCHED, SHARED, SINGLY, STOPPABLE)
CATALOGUE = Catalogue(MappingProxyType({row.name: row for row in (TWO_STEP, *OTHERS)}), MappingProxyType({}))
CANCEL, DELETE = (Action.CANCEL,), (Action.DELETE,)
BOTH = (Action.CANCEL, Action.DELETE)


class Clock:
    """Moves when somebody waits, and a little with each request."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Stop(Interruption):
    """An interruption whose waits pass at once."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock

    async def sleep(self, seconds: float) -> None:
        self._clock.now += seconds
        await asyncio.sleep(0)


class Call(NamedTuple):
    """What becomes of one call: what it is told, and after how many readings its effect shows (None: never)."""

    answer: Fault | None = None
    effect_after: int | None = 0


def refused(meaning: Meaning) -> Call:
    return Call(Fault(meaning, meaning.value), None)


ACCEPTED = Call()
ACCEPTED_IN_VAIN = Call(None, None)
LOST = Call(Fault(Meaning.LOST, "lost"))
LOST_IN_VAIN = refused(Meaning.LOST)

UNREAD = Fault(Meaning.UNAVAILABLE, "the reading failed")
BRIEF = Patience(deadline=5.0, drain=1.0, first_pause=0.0, longest_pause=1.0)

Reading = Status | Fault | None
"""What one reading shows: a status to which the task moves first, a fault, or None: the task as it is."""


class Event(NamedTuple):
    """Something that happened to one task, in order: `intend`, `perform`, `record` or `read`."""

    what: str
    task_id: str
    action: Action | None = None
    shown: Status | None = None
    protected: bool = False


@dataclass
class World:
    """One cloud, its journal and its clock. `calls` and `readings` are scripts by task id, used up from the front."""

    tasks: dict[str, Task]
    calls: Mapping[str, Sequence[Call]] = field(default_factory=dict)
    readings: Mapping[str, Sequence[Reading]] = field(default_factory=dict)
    configuration: Configuration = field(default_factory=lambda: configuration(policy(more=OTHERS)))
    no_client: Exception | None = None
    before_call: Callable[["World", str], None] = lambda _world, _task_id: None
    before_read: Callable[["World", str], None] = lambda _world, _task_id: None
    stop_on_error: bool = False
    patience: Patience = BRIEF
    batches_in_flight: int = 4
    calls_in_flight: int = 16
    closes_after: float = float("inf")
    """Seconds from the beginning in which the windows of policies are open."""
    stop_at: float | None = None
    earlier: Mapping[tuple[str, Action], Earlier] = field(default_factory=dict)
    """What earlier executions of the same unit left in the journal."""
    due: Mapping[str, tuple[int, Operation]] = field(default_factory=dict)
    """After how many readings the effect of such a call shows, by task id."""

    def __post_init__(self) -> None:
        self.events: list[Event] = []
        self.effects: Counter[str] = Counter()
        self.clock = Clock()
        self.stop = Stop(self.clock)
        self.ledger = Ledger(self)
        for (task_id, action), step in self.earlier.items():
            self.ledger.states[Intent(*self.tasks[task_id].key, action, step.attempts)] = step.state
        self.client = ScriptedClient(self)
        self.in_flight = self.most_in_flight = 0
        self.read_together: list[int] = []
        self.reading_hangs = False
        self.broken: list[str] = []

    def expect(self, true: bool, rule: str) -> None:
        """Hold the engine to a rule. It must not raise here: an exception in a client is an answer to the engine."""
        if not true:
            self.broken.append(rule)

    def apply(self, *changes: Change) -> list[Result]:
        """Carry `changes` out."""
        context = BatchContext(
            Judgements(self.configuration, CATALOGUE, NOW),
            self.ledger,
            self.stop,
            self.clock,
            self.patience,
            lambda _change, passed: "its window has closed" if passed >= self.closes_after else "",
            self.stop_at,
        )
        self.context = context

        async def run() -> list[Result]:
            async with Clouds(self.configuration, CATALOGUE, {"cloud": ScriptedProvider(self)}) as clouds:
                applier = Applier(
                    clouds,
                    CATALOGUE,
                    context,
                    batches_in_flight=self.batches_in_flight,
                    calls_in_flight=self.calls_in_flight,
                    stop_on_error=self.stop_on_error,
                    earlier=self._earlier_by_task(),
                )
                return list(await applier.apply(changes))

        results = asyncio.run(run())
        assert self.broken == []
        return results

    def _earlier_by_task(self) -> dict[TaskKey, dict[Action, Earlier]]:
        found: dict[TaskKey, dict[Action, Earlier]] = defaultdict(dict)
        for (task_id, action), step in self.earlier.items():
            found[self.tasks[task_id].key][action] = step
        return found

    def apply_one(self, *steps: Action) -> Result:
        """Carry out the only change there is."""
        (task,) = self.tasks.values()
        (result,) = self.apply(change(task, *steps))
        return result

    def called(self) -> list[str]:
        """The ids of the calls sent, in order."""
        return [event.task_id for event in self.events if event.what == "perform"]

    def happened(self, *what: str) -> list[str]:
        return [event.what for event in self.events if event.what in what]


class ScriptedClient:
    """Implements `reconciler.providers.base.Client`."""

    requests = 0
    skews: tuple[int, ...] = ()

    def __init__(self, world: World) -> None:
        self._world = world
        self._calls = {task_id: list(script) for task_id, script in world.calls.items()}
        self._readings = {task_id: list(script) for task_id, script in world.readings.items()}
        self._due: dict[str, list[tuple[int, Operation]]] = defaultdict(list)
        self._due |= {task_id: [effect] for task_id, effect in world.due.items()}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        return None

    async def account(self) -> str | Fault:
        return "account"

    async def observe(
        self, resource: ResourceType, statuses: frozenset[str] | None, sink: Sink | None = None
    ) -> Observation:
        del statuses, sink
        return Observation(Scope("here", resource.name), tuple(self._world.tasks.values()), 1)

    async def perform(
        self,
        resource: ResourceType,
        operation: Operation,
        ids: Sequence[str],
        permitted: Callable[[], bool] = lambda: True,
    ) -> Mapping[str, Fault | None]:
        world = self._world
        world.expect(permitted(), "nothing may have changed since the intent was written")
        world.expect(len(ids) <= operation.batch_size, "too many ids")
        world.in_flight += 1
        world.most_in_flight = max(world.most_in_flight, world.in_flight)
        for task_id in ids:
            intent = Intent(world.tasks[task_id].target, resource.name, task_id, operation.action)
            world.expect(world.ledger.is_open(intent), "called without an intent on disk")
            world.events.append(Event("perform", task_id, operation.action))
        await self._pass()
        answers = {task_id: self._answer(operation, task_id) for task_id in ids}
        world.in_flight -= 1
        return answers

    def _answer(self, operation: Operation, task_id: str) -> Fault | None:
        self._world.before_call(self._world, task_id)
        script = self._calls.get(task_id)
        call = script.pop(0) if script else ACCEPTED
        if call.effect_after is not None:
            self._due[task_id].append((call.effect_after, operation))
            self._take_effect(task_id)
        return call.answer

    async def read(self, resource: ResourceType, ids: Sequence[str]) -> Readings:
        del resource
        self._world.read_together.append(len(ids))
        await self._pass()
        if self._world.reading_hangs:
            self._world.stop.ask()
            await asyncio.Event().wait()
        tasks, faults = {}, {}
        for task_id in ids:
            self._world.before_read(self._world, task_id)
            script = self._readings.get(task_id)
            shown = script.pop(0) if script else None
            self._take_effect(task_id)
            self._due[task_id] = [(left - 1, operation) for left, operation in self._due[task_id]]
            if isinstance(shown, Fault):
                faults[task_id] = shown
                continue
            if shown is not None:
                move(self._world, task_id, shown)
            task = tasks[task_id] = self._world.tasks[task_id]
            protected = bool(self._world.context.judgements.protections(task))
            self._world.events.append(Event("read", task_id, shown=task.status, protected=protected))
        return Readings(tasks, faults)

    def _take_effect(self, task_id: str) -> None:
        for left, operation in self._due[task_id]:
            if left <= 0 and self._world.tasks[task_id].status in operation.starts:
                self._world.effects[task_id] += 1
                move(self._world, task_id, operation.ends)
        self._due[task_id] = [entry for entry in self._due[task_id] if entry[0] > 0]

    async def _pass(self) -> None:
        self._world.clock.now += 0.1
        await asyncio.sleep(0)


class ScriptedProvider:
    """Implements `reconciler.providers.base.Provider`."""

    name = "cloud"
    options = ProviderOptions("cloud", {}, (), (), {})
    resource_types = CATALOGUE.resource_types

    def __init__(self, world: World) -> None:
        self._world = world

    def client(self, target: Target, *, concurrency: int) -> ScriptedClient:
        del target, concurrency
        if self._world.no_client is not None:
            raise self._world.no_client
        return self._world.client


class Ledger(RunJournal):
    """A journal in memory with the gate of the real one. `fail_intend` and `fail_record` count down to a failure."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.states: dict[Intent, ActionState] = {}
        self.fail_intend: tuple[int, Exception] | None = None
        self.fail_record: tuple[int, Exception] | None = None
        self.lock_lost: Exception | None = None
        self.concluded: list[str] = []

    def is_open(self, intent: Intent) -> bool:
        return any(
            (known.key, known.action) == (intent.key, intent.action) and state is ActionState.INTENT
            for known, state in self.states.items()
        )

    def check_lock(self) -> None:
        if self.lock_lost is not None:
            raise self.lock_lost

    async def intend(self, action: Action, attempts: Sequence[tuple[Change, int]]) -> None:
        await asyncio.sleep(0)
        self.fail_intend = _counted_down(self.fail_intend)
        intents = [Intent(*change.key, action, attempt) for change, attempt in attempts]
        for intent in intents:
            known = {
                state for old, state in self.states.items() if (old.key, old.action) == (intent.key, intent.action)
            }
            if ActionState.DONE in known:
                raise AlreadyDone("run", [intent])
            if ActionState.INTENT in known or intent in self.states:
                raise AlreadyIntended("run", [intent])
        for intent in intents:
            self.states[intent] = ActionState.INTENT
            self._world.events.append(Event("intend", intent.task_id, action))

    async def record(self, action: Action, entries: Iterable[tuple[Change, int, ActionState, Fault | None]]) -> None:
        await asyncio.sleep(0)
        self.fail_record = _counted_down(self.fail_record)
        for change, attempt, state, _ in entries:
            intent = Intent(*change.key, action, attempt)
            if self.states.get(intent) not in {ActionState.INTENT, ActionState.UNCERTAIN, state}:
                raise NoOpenIntent(f"{intent}: {self.states.get(intent)}, now {state}")
            self.states[intent] = state
            self._world.events.append(Event("record", change.task_id, action))

    async def conclude(self, results: Sequence[Result]) -> None:
        await asyncio.sleep(0)
        self.concluded += [result.id for result in results]


def _counted_down(failure: tuple[int, Exception] | None) -> tuple[int, Exception] | None:
    if failure is None:
        return None
    left, error = failure
    if left <= 1:
        raise error
    return left - 1, error


FULL = BackendError("history.db: the disk is full")
LOCK_LOST = LockedError("the lock is no longer ours")


def move(world: World, task_id: str, status: Status, **fields: str) -> None:
    """Let a task be in another status, whoever brought it there."""
    old = world.tasks[task_id]
    known = status not in {Status.UNKNOWN, Status.GONE}
    values = {name: value for name, value in old.values.items() if name not in {"status", "provider_status"}}
    values |= {"provider_status": WORDS.get(status, "NEVER_SEEN")} | ({"status": status.value} if known else {})
    values |= {name.replace("__", "."): value for name, value in fields.items()}
    world.tasks[task_id] = replace(old, status=status, values=values)


def waiting(count: int = 1, row: ResourceType = CANCEL_ONLY, status: Status = Status.PENDING) -> dict[str, Task]:
    """So many tasks, by id."""
    return {str(number): row_of(str(number), status, row=row) for number in range(1, count + 1)}


def change(task: Task, *steps: Action, policies: tuple[str, ...] = ("p",)) -> Change:
    return Change(
        task.target, task.resource, task.id, policies, "surplus", {"status": task.status.value}, steps or CANCEL
    )


def changes(world: World, *steps: Action) -> list[Change]:
    return [change(task, *steps) for task in world.tasks.values()]
