"""One batch of like changes on its way through their steps: call, read back, settle."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reconciler.backends.entries import ActionState
from reconciler.engine.report import Outcome, Result
from reconciler.engine.run_journal import state_of
from reconciler.engine.verdict import Next, Verdict, judge, out_of_time, refusal
from reconciler.exceptions import BackendError, LockedError
from reconciler.tasks.status import Status

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from reconciler.engine.interruption import Interruption
    from reconciler.engine.run_journal import RunJournal
    from reconciler.planning.judgement import Judgements
    from reconciler.planning.plan import Change
    from reconciler.providers.base import Client
    from reconciler.tasks.fault import Fault
    from reconciler.tasks.resource_type import Operation, ResourceType
    from reconciler.tasks.task import Task

__all__ = ["Batch", "BatchContext", "Patience", "Work"]


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a step is followed up. Times in seconds.

    After a call the task is read at least `reads` times and for `deadline` seconds, with pauses that double from
    `first_pause` to `longest_pause`. A call whose answer was lost is made again only after the task was read
    `reads` times without a trace of its effect, and `calls` times at the most. Once the run is interrupted,
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

    `journal_fault` says why no call may be sent any more: the journal failed, or the lock was lost.
    """

    judgements: Judgements
    journal: RunJournal
    interruption: Interruption
    monotonic: Callable[[], float]
    patience: Patience = Patience()
    started: float = field(init=False)
    journal_fault: str = ""

    def __post_init__(self) -> None:
        self.started = self.monotonic()

    def elapsed_ms(self) -> int:
        return round((self.monotonic() - self.started) * 1000)


@dataclass(slots=True)
class Work:
    """One change under way. `took_effect` says that some call of ours did what it should."""

    change: Change
    calls: int = 0
    step_calls: int = 0
    reads: int = 0
    answer: Fault | None = None
    now: Task | None = None
    verdict: Verdict | None = None
    took_effect: bool = False
    completed: list[str] = field(default_factory=list)
    result: Result | None = None
    started_ms: int | None = None


class Batch:
    """Up to ten changes of one scope that take the same steps."""

    def __init__(self, client: Client, resource: ResourceType, works: list[Work], context: BatchContext) -> None:
        self._client = client
        self._resource = resource
        self._works = works
        self._context = context

    async def run(self, operations: Sequence[Operation]) -> list[Result]:
        """Take every change through `operations`, and return one result for each, in their order."""
        for number, operation in enumerate(operations, start=1):
            await self._step(operation)
            for work in self._open():
                self._conclude(work, operation, last=number == len(operations))
        return [work.result for work in self._works if work.result is not None]

    def _open(self) -> list[Work]:
        return [work for work in self._works if work.result is None]

    async def _step(self, operation: Operation) -> None:
        """Call `operation` for all open changes and read them until each has a verdict."""
        works = self._open()
        for work in works:
            work.answer, work.verdict, work.step_calls, work.reads = None, None, 0, 0
        await self._call(operation, works)
        patience, context = self._context.patience, self._context
        end = context.monotonic() + patience.deadline
        pause = patience.first_pause
        while unsettled := [work for work in works if work.verdict is None]:
            again = await self._read(operation, unsettled)
            unsettled = [work for work in unsettled if work.verdict is None]
            if context.interruption.asked:
                end = min(end, context.monotonic() + patience.drain)
            if context.monotonic() >= end and all(work.reads >= patience.reads for work in unsettled):
                self._give_up(unsettled)
            elif again and not context.interruption.asked:
                await self._call(operation, again)
                end = context.monotonic() + patience.deadline
            elif unsettled:
                await self._pause(pause)
                pause = min(pause * 2, patience.longest_pause)

    async def _pause(self, seconds: float) -> None:
        if self._context.interruption.asked:
            await asyncio.sleep(min(seconds, self._context.patience.first_pause))
        else:
            await self._context.interruption.sleep(seconds)

    def _give_up(self, works: list[Work]) -> None:
        for work in works:
            work.verdict = out_of_time(work.answer, work.now.status if work.now else None)

    async def _call(self, operation: Operation, works: list[Work]) -> None:
        """Send the operation for `works`, as many ids to a call as it takes, the intent on disk before each call."""
        size = operation.batch_size
        chunks = [works[start : start + size] for start in range(0, len(works), size)]
        async with asyncio.TaskGroup() as group:
            for chunk in chunks:
                group.create_task(self._call_chunk(operation, chunk))

    async def _call_chunk(self, operation: Operation, works: list[Work]) -> None:
        context = self._context
        if not await self._intend(operation, works):
            return
        if context.interruption.asked:
            await self._leave(operation, works)
            return
        for work in works:
            work.started_ms = context.elapsed_ms() if work.started_ms is None else work.started_ms
            work.calls, work.step_calls, work.reads = work.calls + 1, work.step_calls + 1, 0
        answers = await self._client.perform(self._resource, operation, [work.change.task_id for work in works])
        for work in works:
            work.answer = answers[work.change.task_id]
            if work.answer is not None:
                work.verdict = refusal(work.answer)
        await self._record(operation, [(work, state_of(work.answer)) for work in works])

    async def _intend(self, operation: Operation, works: list[Work]) -> bool:
        """Write the intents. Without them on disk nothing is called."""
        try:
            await self._context.journal.intend(operation.action, [(work.change, work.step_calls + 1) for work in works])
        except (BackendError, LockedError) as error:
            self._context.journal_fault = error.message
            for work in works:
                work.verdict = Verdict(Outcome.NOT_ATTEMPTED, self._context.journal_fault)
            return False
        return True

    async def _record(self, operation: Operation, states: list[tuple[Work, ActionState]]) -> None:
        """Write what is known of the calls made last. A journal that fails keeps new calls from being made."""
        entries = [(work.change, work.step_calls, state, work.answer) for work, state in states]
        try:
            await self._context.journal.record(operation.action, entries)
        except BackendError as error:
            self._context.journal_fault = error.message

    async def _leave(self, operation: Operation, works: list[Work]) -> None:
        """Close the intents of calls that were not sent because the run was interrupted meanwhile."""
        for work in works:
            work.verdict = Verdict(Outcome.NOT_ATTEMPTED, "the run was interrupted first")
            work.step_calls += 1
        await self._record(operation, [(work, ActionState.REFUSED) for work in works])

    async def _read(self, operation: Operation, works: list[Work]) -> list[Work]:
        """Read tasks back and settle what can be settled; returns those whose call should be made again.

        Only a task that was read without a trace of the effect is called again, and that is written down first.
        """
        readings = await self._client.read(self._resource, [work.change.task_id for work in works])
        again = []
        for work in works:
            work.reads += 1
            task = readings.tasks.get(work.change.task_id)
            if task is None:
                continue
            work.now = task
            match judge(operation, work.answer, task.status, selected=self._selected(work, task)):
                case Verdict() as verdict:
                    work.verdict = verdict
                case Next.CALL_AGAIN if self._may_call_again(work):
                    again.append(work)
                case _:
                    pass
        doubtful = [work for work in works if work.answer is not None and work.answer.meaning.effect_uncertain]
        seen = [(work, ActionState.DONE) for work in doubtful if work.verdict and work.verdict.outcome is Outcome.DONE]
        if seen or again:
            await self._record(operation, [*seen, *((work, ActionState.REFUSED) for work in again)])
        return again

    def _may_call_again(self, work: Work) -> bool:
        patience = self._context.patience
        return work.reads >= patience.reads and work.step_calls < patience.calls and not self._context.journal_fault

    def _selected(self, work: Work, task: Task) -> bool:
        return any(self._context.judgements.named(policy).wants(task) for policy in work.change.policies)

    def _conclude(self, work: Work, operation: Operation, *, last: bool) -> None:
        """Turn the verdict on a step into the result of the change, unless another step follows."""
        verdict = work.verdict or Verdict(Outcome.UNKNOWN)
        if verdict.outcome not in {Outcome.DONE, Outcome.SATISFIED}:
            before = f"after {', '.join(work.completed)}: " if work.completed else ""
            work.result = self._result(work, Verdict(verdict.outcome, before + verdict.detail))
            return
        work.took_effect = work.took_effect or verdict.outcome is Outcome.DONE
        work.completed.append(operation.action.value)
        if last or work.now is None or work.now.status is Status.GONE:
            final = Verdict(Outcome.DONE) if work.took_effect and verdict.outcome is Outcome.SATISFIED else verdict
            work.result = self._result(work, final)
            return
        stop = self._before_next_step(work, work.now)
        if stop is not None:
            work.result = self._result(work, stop)

    def _before_next_step(self, work: Work, task: Task) -> Verdict | None:
        """Whether the next step may still be taken, now that the task has been read again; None: yes."""
        protections = self._context.judgements.protections(task)
        if protections:
            names = ", ".join(protections)
            return Verdict(Outcome.NOT_ATTEMPTED, f"now {task.status.value}, it is protected by {names}")
        if not self._selected(work, task):
            outcome = Outcome.DONE if work.took_effect else Outcome.SATISFIED
            return Verdict(outcome, "no policy selects it any more")
        if self._context.interruption.asked:
            return Verdict(Outcome.NOT_ATTEMPTED, f"after {', '.join(work.completed)}: the run was interrupted")
        return None

    def _result(self, work: Work, verdict: Verdict) -> Result:
        return Result(
            change=work.change,
            outcome=verdict.outcome,
            before=work.change.status,
            now=work.now.status.value if work.now else None,
            detail=verdict.detail,
            error=None if verdict.outcome in {Outcome.DONE, Outcome.SATISFIED} else work.answer,
            calls=work.calls,
            started_ms=work.started_ms,
            finished_ms=self._context.elapsed_ms(),
        )
