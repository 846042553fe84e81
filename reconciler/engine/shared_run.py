"""One run that many processes record, as whoever begins and ends it sees it; they execute its parts."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING

from reconciler.backends.entries import RunEnd, RunPart
from reconciler.backends.history import last_requests
from reconciler.backends.journal import Journal
from reconciler.engine.apply_run import run_start
from reconciler.engine.run_journal import OUTCOMES, PARTING, task_outcome
from reconciler.engine.work import attempted
from reconciler.exceptions import BackendError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection, Mapping, Sequence

    from reconciler.config.model import Configuration
    from reconciler.engine.approval import Approval
    from reconciler.engine.work import Attempted
    from reconciler.planning.change import Change
    from reconciler.planning.plan import Plan
    from reconciler.planning.report import Report, Result
    from reconciler.tasks.task import TaskKey


class SharedRun:
    """A run that has begun. `run_id` and the names of units are all that those who execute them need, see `part`."""

    def __init__(self, journal: Journal, run_id: str) -> None:
        self._journal = journal
        self.run_id = run_id
        self.finished = False

    def part(self, unit: str) -> RunPart:
        """What `Session.apply` is given for one unit, whoever executes it and however often."""
        return RunPart(self.run_id, unit)

    async def last_requests(self) -> Mapping[str, int]:
        """How many requests each target took lately. Raises BackendError."""
        return await asyncio.to_thread(last_requests, self._journal.backend)

    async def called(self, targets: Collection[str]) -> Mapping[TaskKey, Attempted]:
        """The tasks of these targets for which some call was about to be sent, or was. Raises BackendError."""
        return attempted(await asyncio.to_thread(self._journal.calls, self.run_id, targets))

    async def conclude(self, results: Sequence[Result]) -> None:
        """Write what became of changes that no part reports on. Raises BackendError."""
        for start in range(0, len(results), OUTCOMES):
            some = map(task_outcome, results[start : start + OUTCOMES])
            await asyncio.wrap_future(self._journal.record_outcomes(self.run_id, some))

    async def stop(self) -> None:
        """Tell all parts to stop: within ten seconds they send nothing new, and say so of what is left. None begins.

        Raises BackendError.
        """
        await asyncio.to_thread(self._journal.ask_to_stop, self.run_id)

    async def finish(self, report: Report, requests: Mapping[str, int] = MappingProxyType({})) -> None:
        """Write how the run ended, once, and add it to the chain of the history. A part that goes on can do no more.

        `requests` are those that each target took, of all parts. Raises BackendError.
        """
        end = RunEnd(report.outcome, int(report.exit_code), report.summary, requests)
        await asyncio.wrap_future(self._journal.finish_run(self.run_id, end))
        self.finished = True


@asynccontextmanager
async def shared_run(
    configuration: Configuration,
    plan: Plan,
    changes: Sequence[Change],
    approval: Approval,
    *,
    commit: str | None = None,
    excluded: int = 0,
    wait: float = 0.0,
) -> AsyncIterator[SharedRun]:
    """Begin a run of these `changes` of a saved plan, of which it leaves others out, in the database of the
    configuration.

    A database that does not answer is waited for `wait` seconds. Left without `finish`, the run counts as one that was
    cut off, and its parts are told to stop: nobody hears of them any more. Raises BackendError.
    """
    journal = await asyncio.to_thread(partial(Journal.open, configuration.settings.backend, wait=wait))
    try:
        start = run_start(configuration, commit, plan, changes, excluded, approval)
        this = SharedRun(journal, await asyncio.to_thread(journal.begin_run, start))
        try:
            yield this
        finally:
            if not this.finished:
                with suppress(BackendError):
                    await this.stop()
    finally:
        await asyncio.to_thread(journal.close, PARTING)
