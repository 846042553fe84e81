"""What a change under way knows of itself, what all of a run share, and how a step is settled.

Settling is pure: the answer to our call, held against the task as it was read afterwards.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING, Self

from reconciler.backends.entries import ActionState
from reconciler.exceptions import LockedError
from reconciler.planning.report import Outcome, Result
from reconciler.tasks.observation import Fault, Meaning
from reconciler.tasks.resource_type import Action
from reconciler.tasks.task import Status

if TYPE_CHECKING:
    from asyncio import Semaphore
    from collections.abc import Callable, Iterable, Sequence

    from reconciler.backends.entries import ActionRecord
    from reconciler.engine.interruption import Interruption
    from reconciler.engine.readback import Readback
    from reconciler.engine.run_journal import RunJournal
    from reconciler.planning.change import Change
    from reconciler.planning.judgement import Judgements
    from reconciler.tasks.resource_type import Operation, ResourceType
    from reconciler.tasks.task import Task, TaskKey


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a step is followed up. Times in seconds.

    After a call the task is read at least `reads` times and for `deadline` seconds, with pauses that double from
    `first_pause` to `longest_pause`. A call whose answer was lost is made again only after `reads` readings came
    through and showed no trace of its effect, and `calls` times at the most. Once the run is interrupted,
    follow-up ends within `drain`.
    """

    deadline: float = 20.0
    drain: float = 5.0
    first_pause: float = 0.2
    longest_pause: float = 3.0
    reads: int = 2
    calls: int = 3


@dataclass(slots=True)
class BatchContext:
    """What all batches of a run share. `monotonic` is in seconds.

    `restraint` says of a change, so many seconds after the run began, why no policy of it acts any more; empty while
    one does. Nothing is sent from `stop_at` on. `journal_fault` says why no call may be sent any more: the journal
    failed, or the lock was lost. `bug` says what cut a batch off.
    """

    judgements: Judgements
    journal: RunJournal
    interruption: Interruption
    monotonic: Callable[[], float]
    patience: Patience = Patience()
    restraint: Callable[[Change, float], str] = lambda _change, _passed: ""
    stop_at: float | None = None
    started: float = field(init=False)
    journal_fault: str = ""
    bug: str = ""

    def __post_init__(self) -> None:
        self.started = self.monotonic()

    def reason_to_stop(self) -> str:
        """Why no further call may be sent; empty while all is well."""
        if not self.journal_fault:
            try:
                self.journal.check_lock()
            except LockedError as lost:
                self.journal_fault = lost.message
        if self.journal_fault or self.interruption.asked:
            return self.journal_fault or self.interruption.why
        over = self.stop_at is not None and self.monotonic() >= self.stop_at
        return "the time of --max-duration was over first" if over else ""

    def out_of_window(self, change: Change) -> str:
        """Why no policy of the change acts any more; empty while one does."""
        return self.restraint(change, self.monotonic() - self.started)

    def elapsed_ms(self) -> int:
        return round((self.monotonic() - self.started) * 1000)


@dataclass(slots=True)
class Lane:
    """What the batches of one target share.

    `calls` bounds the calls whose intent is on disk: what waits behind it is not on its way yet, so that neither an
    interruption nor a lost lock has to let it pass. `held_back` says why the target is sent nothing more.
    """

    target: str
    calls: Semaphore
    held_back: str = ""
    readbacks: dict[str, Readback] = field(default_factory=dict)
    """By resource type."""

    def learn(self, answer: Fault) -> None:
        """Keep later calls from repeating what cannot succeed."""
        if answer.meaning is Meaning.CREDENTIALS:
            self.held_back = self.held_back or f"the credentials of {self.target} were refused"
        if answer.meaning is Meaning.UNREACHABLE:
            self.held_back = self.held_back or f"{self.target} could not be reached: {answer.message}"


_DOUBTFUL = frozenset(meaning.value for meaning in Meaning if meaning.effect_uncertain)
_NOT_TOLD = Fault(Meaning.LOST, "what the call was told is not known: whoever made it was cut off")


@dataclass(frozen=True, slots=True)
class Earlier:
    """How far earlier executions of the same unit came with one step of a change, by the journal of the run.

    Of `attempts` written down, `sent` may have reached the cloud; the last one came to `state`. `doubtful`: what was
    told of some did not say whether it took effect, and it may yet.
    """

    attempts: int
    sent: int
    state: ActionState
    doubtful: bool

    @classmethod
    def of(cls, calls: Sequence[ActionRecord]) -> Self:
        """By the attempts at one operation, oldest first."""
        open_or_done = [call for call in calls if call.state is not ActionState.REFUSED]
        told = [call for call in calls if call.state is ActionState.REFUSED and call.fault_meaning is not None]
        sent = len(open_or_done) + sum(call.fault_meaning != Meaning.UNREACHABLE.value for call in told)
        in_doubt = any(call.settled_by is not None or call.fault_meaning in _DOUBTFUL for call in calls)
        still_open = any(call.state is not ActionState.DONE for call in open_or_done)
        return cls(calls[-1].attempt, sent, calls[-1].state, in_doubt or still_open)

    @property
    def may_have_effect(self) -> bool:
        return self.doubtful or self.state is not ActionState.REFUSED

    @property
    def answer(self) -> Fault | None:
        """What is known of what the last call was told; None: it was accepted, or nothing is."""
        return _NOT_TOLD if self.doubtful and self.state is not ActionState.DONE else None


Attempted = Mapping[Action, Earlier]
"""What earlier executions of the same unit did about one change, by its steps."""

NOTHING: Attempted = MappingProxyType({})


def attempted(calls: Iterable[ActionRecord]) -> dict[TaskKey, Attempted]:
    """What was done about each task, by what the journal has of the run, oldest first."""
    found: dict[TaskKey, dict[Action, list[ActionRecord]]] = defaultdict(lambda: defaultdict(list))
    for call in calls:
        found[call.key][call.action].append(call)
    return {key: {action: Earlier.of(attempts) for action, attempts in steps.items()} for key, steps in found.items()}


@dataclass(slots=True)
class Work:
    """One change under way, from where `earlier` executions left it. `took_effect`: some call did what it should.

    Since the last call: `reads` attempts at reading were made, of which `readings` came through; `unread` is why the
    last one did not. `lost_answer`: an earlier call of this step lost its answer, so an effect may be due to it.
    `recorded` is what the journal has of the last call.
    """

    change: Change
    earlier: Attempted = field(default_factory=lambda: NOTHING)
    calls: int = field(init=False)
    step_calls: int = 0
    reads: int = 0
    readings: int = 0
    unread: Fault | None = None
    answer: Fault | None = None
    lost_answer: bool = False
    recorded: ActionState | None = None
    now: Task | None = None
    settled: Settled | None = None
    took_effect: bool = field(init=False)
    completed: list[str] = field(default_factory=list)
    result: Result | None = None
    started_ms: int | None = None

    def __post_init__(self) -> None:
        self.calls = sum(step.sent for step in self.earlier.values())
        self.took_effect = any(step.state is ActionState.DONE for step in self.earlier.values())

    def begin(self, action: Action) -> None:
        """Go on to a step, from where the journal stands."""
        before = self.earlier.get(action)
        self.settled, self.reads, self.readings = None, 0, 0
        self.step_calls = before.attempts if before else 0
        self.recorded = before.state if before else None
        if self.recorded is ActionState.INTENT:  # whoever wrote it makes the call no more, and may have made it
            self.recorded = ActionState.UNCERTAIN
        self.answer = before.answer if before else None
        self.lost_answer = before is not None and before.doubtful

    @property
    def to_call(self) -> bool:
        """Whether the step begins with a call: one is under way, or was accepted, where not."""
        return self.recorded in {None, ActionState.REFUSED}

    def cut_off(self, why: str, fault: Fault | None = None) -> Result:
        """The result of a change that is given up: what is known of it, else whether a call may have been sent."""
        if self.result is not None:
            return self.result
        outcome = Outcome.UNKNOWN if self.calls or self.started_ms is not None else Outcome.NOT_ATTEMPTED
        now = self.now.status.value if self.now else None
        error = fault or self.answer
        return Result.of(self.change, outcome, why, now=now, error=error, calls=self.calls, started_ms=self.started_ms)

    def left_as(self, task: Task, resource: ResourceType) -> Result | None:
        """The result of a change that does not go ahead any more, as its task shows it; None where nothing that was
        done before can have had an effect."""
        done = [action for action in self.change.steps if (step := self.earlier.get(action)) and step.may_have_effect]
        operation = resource.operation(done[-1]) if done else None
        if operation is None:
            return None
        self.begin(operation.action)
        lost, shared = self.lost_answer, resource.listing.rows_merge
        judged = judge(operation, self.answer, task.status, selected=False, lost_answer=lost, shared=shared)
        settled = judged if isinstance(judged, Settled) else out_of_time(self.answer, task.status, lost_answer=lost)
        if self.took_effect and settled.outcome is Outcome.SATISFIED:
            settled = Settled(Outcome.DONE)
        now, error = task.status.value, None if settled.outcome is Outcome.DONE else self.answer
        return Result.of(self.change, settled.outcome, settled.detail, now=now, error=error, calls=self.calls)


class Next(Enum):
    """What to do about a step whose fate is not settled."""

    READ_AGAIN = "read again"
    CALL_AGAIN = "call again"


@dataclass(frozen=True, slots=True)
class Settled:
    """A settled step: what became of it, and why in a sentence."""

    outcome: Outcome
    detail: str = ""


def refusal(answer: Fault) -> Settled | None:
    """What becomes of a step by an answer that settles it without reading the task; None where it must be read."""
    match answer.meaning:
        case Meaning.PERMISSION | Meaning.PERMANENT | Meaning.CREDENTIALS | Meaning.THROTTLED:
            return Settled(Outcome.FAILED, "the cloud refused the call")
        case Meaning.UNREACHABLE:
            return Settled(Outcome.NOT_ATTEMPTED, "the call could not be sent")
        case _:
            return None


def judge(
    operation: Operation,
    answer: Fault | None,
    now: Status,
    *,
    selected: bool,
    asked: Operation | None = None,
    lost_answer: bool = False,
    shared: bool = False,
) -> Settled | Next:
    """Settle a step by what the cloud says now.

    `answer` is what our last call was told (None: accepted); `lost_answer` says that an earlier one lost its answer;
    `selected` whether a policy behind the change still selects the task as it is. `asked` is the operation as those
    policies go by it, which may start from less: a call that was accepted takes its course all the same, and is not
    made again from elsewhere. An effect that is seen after a lost answer is ours. `shared`: the id stands for several
    pieces of work, so that a cancel has its effect once none of them waits, whatever the others do.
    """
    ours = answer is None or answer.meaning.effect_uncertain or lost_answer
    if now in {operation.ends, Status.GONE}:
        return Settled(Outcome.DONE) if ours else Settled(Outcome.SATISFIED, f"already {now.value} without this run")
    if now is Status.UNKNOWN:
        if answer is None and not selected:
            return Settled(Outcome.DONE, "accepted, and it is no longer in a status that a policy selects")
        return Next.READ_AGAIN if ours else Settled(Outcome.UNKNOWN, "its status is not documented")
    allowed = now in (asked or operation).starts
    if now in operation.starts and (allowed or ours):
        again = allowed and answer is not None and answer.meaning.effect_uncertain
        return Next.CALL_AGAIN if again else Next.READ_AGAIN
    if shared and ours and operation.action is Action.CANCEL:
        return Settled(Outcome.DONE, "none of it waits any more")
    return Settled(Outcome.MISSED, _moved_on(operation.action, now))


def out_of_time(answer: Fault | None, now: Status | None, *, lost_answer: bool = False) -> Settled:
    """What becomes of a step that reading back did not settle in time. `now` is None where no reading came through.

    Reads may lag behind, so a task that a refusal says has moved on gets the same time to show it.
    """
    if now is None:
        return Settled(Outcome.UNKNOWN, "the call was sent, but the task could not be read back")
    if answer is None:
        return Settled(Outcome.UNKNOWN, f"the call was accepted, but the task is still {now.value}")
    if answer.meaning.effect_uncertain or lost_answer:
        return Settled(Outcome.UNKNOWN, f"an answer was lost, and the task is still {now.value}")
    return Settled(Outcome.FAILED, f"the call was refused, although the task is {now.value}")


def _moved_on(action: Action, now: Status) -> str:
    if action is Action.CANCEL:
        how = "started" if now is Status.RUNNING else f"ended as {now.value}"
        return f"it {how} before it could be canceled"
    return f"it is {now.value} again, so its record cannot be deleted"
