"""The journal as the applier sees it: awaitable, one run, states derived from answers."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from reconciler.backends.entries import ActionResult, ActionState, Intent, RunEnd, TaskOutcome
from reconciler.backends.fencing import NO_FENCE
from reconciler.exceptions import BackendError, LockedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from concurrent.futures import Future
    from typing import Self

    from reconciler.backends.journal import Journal
    from reconciler.backends.leases import Lease
    from reconciler.engine.interruption import Interruption
    from reconciler.planning.change import Change
    from reconciler.planning.report import Report, Result
    from reconciler.tasks.observation import Fault
    from reconciler.tasks.resource_type import Action

OUTCOMES = 500
"""As many are written with one commit, which keeps the other writers of the database waiting."""

PARTING = 10.0
"""Seconds for which a run that stops waits for its journal: less than supervisors leave between SIGTERM and SIGKILL."""


def state_of(answer: Fault | None) -> ActionState:
    """How far a call came, by its answer alone (None: accepted)."""
    if answer is None:
        return ActionState.DONE
    return ActionState.UNCERTAIN if answer.meaning.effect_uncertain else ActionState.REFUSED


def task_outcome(result: Result) -> TaskOutcome:
    """The result of a change as the journal has it."""
    return TaskOutcome(*result.key, result.outcome.value, result.before, result.now, result.detail, result.policies)


class RunJournal:
    """Writes one run to a `Journal`, or a part of one. Every method returns once the rows are durable, or raises
    BackendError: also where the database does not answer, `PARTING` seconds after somebody asked the run to stop.

    Intents are let through only for targets whose rate-limit group (by `groups`) is in the fence of the `lease`, and
    only while that is held, by the word of the database: LockedError otherwise. What became of the calls and changes of
    a part is written unless somebody has taken the leases to execute the part again: LockedError as well.
    """

    def __init__(
        self,
        journal: Journal,
        run_id: str,
        interruption: Interruption,
        lease: Lease,
        groups: Mapping[str, str],
        *,
        part: bool = False,
    ) -> None:
        self._journal = journal
        self._interruption = interruption
        self._silent = False
        self._lease = lease
        self._groups = groups
        self._committed: deque[tuple[Future[None], asyncio.Future[bool]]] = deque()
        self._fence = lease.fence if part else NO_FENCE
        self.run_id = run_id

    @contextmanager
    def listening(self) -> Iterator[Self]:
        """What is written is awaited within this context, in the event loop that runs there."""
        loop = asyncio.get_running_loop()

        def wake() -> None:
            with suppress(RuntimeError):  # a loop that is closed by now waits for nothing
                loop.call_soon_threadsafe(self._hand_on)

        with self._journal.waking(wake):
            yield self

    def check_lock(self) -> None:
        """Raise LockedError where the lease may be another's by now, as after a sleep of the machine. Asks nobody."""
        self._lease.check()

    async def intend(self, action: Action, attempts: Sequence[tuple[Change, int]]) -> None:
        """Write that these calls are about to be sent. To be awaited before any of them is."""
        intents = [Intent(*change.key, action, attempt, policies=change.policies) for change, attempt in attempts]
        targets = {intent.target for intent in intents}
        unlocked = sorted(name for name in targets if self._groups.get(name) not in self._lease.fence.groups)
        if unlocked:
            raise LockedError(f"the lock of {', '.join(unlocked)} was not taken")
        await self._written(self._journal.intend(self.run_id, intents, self._lease.fence, self._groups))

    async def record(self, action: Action, entries: Iterable[tuple[Change, int, ActionState, Fault | None]]) -> None:
        """Write what became of intents: after the call, and again once an uncertain one was read back."""
        results = [
            ActionResult(Intent(*change.key, action, attempt), state, fault)
            for change, attempt, state, fault in entries
        ]
        await self._written(self._journal.record(self.run_id, results, self._fence))

    async def conclude(self, results: Sequence[Result]) -> None:
        """Write the outcome of changes, a group of them after the other."""
        for start in range(0, len(results), OUTCOMES):
            outcomes = map(task_outcome, results[start : start + OUTCOMES])
            await self._written(self._journal.record_outcomes(self.run_id, outcomes, self._fence))

    async def finish(self, report: Report, requests: Mapping[str, int]) -> None:
        """Write how the run ended, and how many requests each target took."""
        end = RunEnd(report.outcome, int(report.exit_code), report.summary, requests)
        await self._written(self._journal.finish_run(self.run_id, end))

    async def _written(self, rows: Future[None]) -> None:
        written: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        rows.add_done_callback(lambda rows: self._committed.append((rows, written)))
        if rows.done():  # nobody may wake us for it any more
            self._hand_on()
        try:
            if await self._interruption.cut_off(written, 0.0 if self._silent else PARTING):
                return
        finally:
            rows.cancel()
        self._silent = True
        raise BackendError(
            "the database of the journal does not answer, and the run is stopping",
            "Run the command again; it reads the tasks of the calls under way first.",
        )

    def _hand_on(self) -> None:
        """Tell those who wait for what was committed. Once for a group: each call out of another thread waits for the
        interpreter."""
        while self._committed:
            rows, written = self._committed.popleft()
            if written.done():
                continue
            if rows.cancelled():
                written.cancel()
            elif error := rows.exception():
                written.set_exception(error)
            else:
                written.set_result(True)
