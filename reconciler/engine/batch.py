"""One batch of like changes on its way through their steps: call, read back, settle."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from reconciler.backends.entries import ActionState, IntentRefused, NoOpenIntent
from reconciler.engine.readback import STOPPING, Readback
from reconciler.engine.run_journal import state_of
from reconciler.engine.work import Next, Settled, judge, out_of_time, refusal
from reconciler.exceptions import BackendError, LockedError
from reconciler.planning.report import Outcome, Result
from reconciler.providers.base import Readings
from reconciler.providers.transport.trace import about
from reconciler.tasks.observation import Fault, Meaning, Scope
from reconciler.tasks.task import Status

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.engine.work import BatchContext, Lane, Work
    from reconciler.providers.base import Client
    from reconciler.tasks.resource_type import Operation, ResourceType
    from reconciler.tasks.task import Task


class Batch:
    """Changes of one scope that take the same steps, and are read back together after each."""

    def __init__(
        self,
        client: Client,
        resource: ResourceType,
        works: list[Work],
        context: BatchContext,
        lane: Lane,
    ) -> None:
        self._client = client
        self._resource = resource
        self._works = works
        self._context = context
        self._lane = lane
        longest = context.patience.longest_pause
        self._readback = lane.readbacks.setdefault(
            resource.name, Readback(client, resource, context.interruption, longest)
        )

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
        """Call `operation` for all open changes and read them until each is settled."""
        works = self._open()
        for work in works:
            work.begin(operation.action)
        await self._call(operation, [work for work in works if work.to_call])
        patience, context = self._context.patience, self._context
        end = context.monotonic() + patience.deadline
        pause = patience.first_pause
        while unsettled := [work for work in works if work.settled is None]:
            again = await self._read(operation, unsettled)
            unsettled = [work for work in unsettled if work.settled is None]
            if context.interruption.asked:
                end = min(end, context.monotonic() + patience.drain)
            if context.monotonic() >= end and all(work.reads >= patience.reads for work in unsettled):
                self._give_up(unsettled)
            elif again and not context.interruption.asked:
                await self._call_again(operation, again)
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
            now = work.now.status if work.now and work.readings else None
            work.settled = out_of_time(work.answer, now, lost_answer=work.lost_answer)

    async def _call_again(self, operation: Operation, works: list[Work]) -> None:
        """Make calls again whose effect did not show. That it did not is written down first."""
        await self._record(operation, [(work, ActionState.REFUSED) for work in works])
        for work in works:
            work.lost_answer = True
        await self._call(operation, works)

    async def _call(self, operation: Operation, works: list[Work]) -> None:
        """Send the operation for `works`, as many ids to a call as it takes, the intent on disk before each call."""
        size = operation.batch_size
        chunks = [works[start : start + size] for start in range(0, len(works), size)]
        with self._readback.calling():
            async with asyncio.TaskGroup() as group:
                for chunk in chunks:
                    group.create_task(self._call_chunk(operation, chunk))

    def _reason_to_stop(self) -> str:
        """Why no further call may be sent; empty while all is well."""
        return self._context.reason_to_stop() or self._lane.held_back

    async def _call_chunk(self, operation: Operation, works: list[Work]) -> None:
        async with self._lane.calls:
            shut = {id(work): self._context.out_of_window(work.change) for work in works}
            for work in works:
                if (closed := shut[id(work)]) and not work.lost_answer:
                    work.settled = Settled(Outcome.MISSED, closed)
            works = [work for work in works if not shut[id(work)]]
            if self._reason_to_stop():
                self._hold_back(works)
                return
            if not works or not await self._intend(operation, works):
                return
            # What happened since the intents were written may be a reason not to send them.
            states = self._leave(works) if self._reason_to_stop() else await self._perform(operation, works)
        # Not in the place of a call any more: the next one need not wait for the disk.
        await self._record(operation, states)

    async def _perform(self, operation: Operation, works: list[Work]) -> list[tuple[Work, ActionState]]:
        """Make the call, and return what is to be written of it."""
        for work in works:
            work.started_ms = self._context.elapsed_ms() if work.started_ms is None else work.started_ms
            work.step_calls, work.reads, work.readings = work.step_calls + 1, 0, 0
        changes = [work.change for work in works]
        policies = dict.fromkeys(name for change in changes for name in change.policies)
        with about(change=", ".join(change.id for change in changes), policy=", ".join(policies)):
            answers = await self._client.perform(
                self._resource,
                operation,
                [change.task_id for change in changes],
                permitted=lambda: not self._reason_to_stop(),
            )
        called_off = self._reason_to_stop()
        for work in works:
            work.answer = answers[work.change.task_id]
            work.calls += work.answer is None or work.answer.meaning is not Meaning.UNREACHABLE
            if work.answer is not None:
                self._lane.learn(work.answer)
            # After a lost answer, what this call was told says nothing of what the earlier one did.
            if work.answer is not None and not work.lost_answer:
                work.settled = refusal(work.answer)
                if work.answer.meaning is Meaning.UNREACHABLE and called_off:
                    work.settled = Settled(Outcome.NOT_ATTEMPTED, called_off)
        return [(work, state_of(work.answer)) for work in works]

    async def _intend(self, operation: Operation, works: list[Work]) -> bool:
        """Write the intents. Without them on disk nothing is called."""
        try:
            await self._context.journal.intend(operation.action, [(work.change, work.step_calls + 1) for work in works])
        except (BackendError, LockedError, IntentRefused) as error:
            self._context.journal_fault = self._context.journal_fault or error.message
            self._hold_back(works)
            return False
        return True

    async def _record(self, operation: Operation, states: list[tuple[Work, ActionState]]) -> None:
        """Write what is known of the calls made last. A journal that fails keeps new calls from being made.

        So does one that has no open intent for a result any more: another run has read the task and closed it.
        """
        entries = [(work.change, work.step_calls, state, work.answer) for work, state in states]
        try:
            await self._context.journal.record(operation.action, entries)
        except (BackendError, LockedError, NoOpenIntent) as error:
            self._context.journal_fault = self._context.journal_fault or error.message
        for work, state in states:
            work.recorded = state

    def _hold_back(self, works: list[Work]) -> None:
        """Settle calls that are not sent. One that was sent before and lost its answer is still to be read."""
        for work in works:
            if not work.lost_answer:
                work.settled = Settled(Outcome.NOT_ATTEMPTED, self._reason_to_stop())

    def _leave(self, works: list[Work]) -> list[tuple[Work, ActionState]]:
        """Close the intents of calls that are not sent because of what happened since they were written."""
        self._hold_back(works)
        for work in works:
            work.step_calls += 1
        return [(work, ActionState.REFUSED) for work in works]

    async def _read(self, operation: Operation, works: list[Work]) -> list[Work]:
        """Read tasks back and settle what can be settled; returns those whose call should be made again."""
        ids = [work.change.task_id for work in works]
        reading = self._readback.read(ids)
        readings = await self._context.interruption.cut_off(reading, self._context.patience.drain)
        if readings is None:
            readings = Readings({}, dict.fromkeys(ids, STOPPING))
        again = []
        for work in works:
            work.reads += 1
            task = readings.tasks.get(work.change.task_id)
            work.unread = readings.faults.get(work.change.task_id) if task is None else _without_a_status(task)
            if task is None or work.unread is not None:
                continue
            work.readings, work.now = work.readings + 1, task
            match self._judge(operation, work, task):
                case Settled() as settled:
                    work.settled = settled
                case Next.CALL_AGAIN if self._may_call_again(work, task):
                    again.append(work)
                case _:
                    pass
        uncertain = [work for work in works if work.recorded is ActionState.UNCERTAIN]
        seen = [(work, ActionState.DONE) for work in uncertain if work.settled and work.settled.outcome is Outcome.DONE]
        if seen:
            await self._record(operation, seen)
        return again

    def _judge(self, operation: Operation, work: Work, task: Task) -> Settled | Next:
        return judge(
            operation,
            work.answer,
            task.status,
            selected=self._selected(work, task),
            asked=self._asked(operation, work),
            lost_answer=work.lost_answer,
            shared=self._resource.listing.rows_merge,
        )

    def _asked(self, operation: Operation, work: Work) -> Operation | None:
        """The operation as the policies behind a change go by it."""
        scope = Scope(work.change.target, work.change.resource)
        judged = (self._context.judgements.of(policy, scope) for policy in work.change.policies)
        running = any(judgement.policy.cancel_running for judgement in judged)
        return self._resource.as_asked(cancel_running=running).operation(operation.action)

    def _may_call_again(self, work: Work, task: Task) -> bool:
        """Only a task that was read often enough without a trace of the effect, and is still to be called."""
        patience, context = self._context.patience, self._context
        return (
            work.readings >= patience.reads
            and work.step_calls < patience.calls
            and not self._reason_to_stop()
            and self._selected(work, task)
            and not context.judgements.protections(task)
            and not context.out_of_window(work.change)
        )

    def _selected(self, work: Work, task: Task) -> bool:
        scope = Scope(task.target, task.resource)
        return any(self._context.judgements.of(policy, scope).wants(task) for policy in work.change.policies)

    def _conclude(self, work: Work, operation: Operation, *, last: bool) -> None:
        """Turn a settled step into the result of the change, unless another step follows."""
        settled = work.settled or Settled(Outcome.UNKNOWN)
        if settled.outcome not in {Outcome.DONE, Outcome.SATISFIED}:
            before = f"after {', '.join(work.completed)}: " if work.completed else ""
            work.result = self._result(work, Settled(settled.outcome, before + settled.detail))
            return
        work.took_effect = work.took_effect or settled.outcome is Outcome.DONE
        work.completed.append(operation.action.value)
        if last or work.now is None or work.now.status is Status.GONE:
            final = Settled(Outcome.DONE) if work.took_effect and settled.outcome is Outcome.SATISFIED else settled
            work.result = self._result(work, final)
            return
        stop = self._before_next_step(work, work.now)
        if stop is not None:
            work.result = self._result(work, stop)

    def _before_next_step(self, work: Work, task: Task) -> Settled | None:
        """Whether the next step may still be taken, now that the task has been read again; None: yes."""
        protections = self._context.judgements.protections(task)
        if protections:
            names = ", ".join(protections)
            return Settled(Outcome.NOT_ATTEMPTED, f"now {task.status.value}, it is protected by {names}")
        if not self._selected(work, task):
            outcome = Outcome.DONE if work.took_effect else Outcome.SATISFIED
            return Settled(outcome, "no policy selects it any more")
        if closed := self._context.out_of_window(work.change):
            return Settled(Outcome.MISSED, f"after {', '.join(work.completed)}: {closed}")
        if self._reason_to_stop():
            why = f"after {', '.join(work.completed)}: {self._reason_to_stop()}"
            return Settled(Outcome.NOT_ATTEMPTED, why)
        return None

    def _result(self, work: Work, settled: Settled) -> Result:
        return Result.of(
            work.change,
            settled.outcome,
            settled.detail,
            now=work.now.status.value if work.now else None,
            error=None if settled.outcome in {Outcome.DONE, Outcome.SATISFIED} else work.answer or work.unread,
            calls=work.calls,
            started_ms=work.started_ms,
            finished_ms=self._context.elapsed_ms(),
        )


def _without_a_status(task: Task) -> Fault | None:
    """A fault for a task that shows no status, not even one that is in no table: nothing follows from it."""
    if task.status is Status.UNKNOWN and "provider_status" not in task.values:
        return Fault(Meaning.MALFORMED, "unexpected answer: the task without a status")
    return None
