"""One cycle: list, plan, and make the calls that the policies ask for; nobody is asked."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from reconciler.diagnostics import Severity
from reconciler.engine.apply_run import ApplyOptions, breach_note
from reconciler.engine.approval import Approval
from reconciler.engine.clouds import log_bug
from reconciler.engine.session import Session
from reconciler.exceptions import ExitCode, ReconcilerError, bug, innermost
from reconciler.notifications.judging import Run
from reconciler.notifications.notify import notify
from reconciler.planning.limits import Overrides
from reconciler.planning.plan import RunOutcome
from reconciler.planning.report import Outcome
from reconciler.providers.transport.trace import spanned
from reconciler.reports import Measured
from reconciler.reports.cells import counted
from reconciler.reports.wording import (
    note_place,
    open_scopes,
    plan_counts,
    report_counts,
    result_reason,
    scope_error,
    unplaced_notes,
)
from reconciler.tasks.timestamps import Timestamp

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from reconciler.config.model import Configuration
    from reconciler.engine.interruption import Interruption
    from reconciler.executors.fleet import Front
    from reconciler.planning.plan import Plan
    from reconciler.planning.report import Report
    from reconciler.tasks.observation import Fault, Observation

LOGGER = logging.getLogger("reconciler.daemon")

_UNDONE = frozenset({Outcome.FAILED, Outcome.UNKNOWN, Outcome.NOT_ATTEMPTED})


def _first(told: Sequence[str], kind: str) -> str:
    """The first of these, and how many there are besides; empty where there are none."""
    more = f"; {counted(len(told) - 1, kind)}" if told[1:] else ""
    return f"{told[0]}{more}" if told else ""


@dataclass(frozen=True, slots=True)
class Job:
    """What every cycle does. `options` is asked anew for each, since a time to stop at may stand in it."""

    paths: tuple[Path, ...]
    targets: tuple[str, ...] = ()
    policies: tuple[str, ...] = ()
    plan_only: bool = False
    overrides: Overrides = field(default_factory=Overrides)
    lock_timeout: int = 0
    front: Callable[..., Front] = Session.open
    """What gives a session of the configuration, as `Session.open` does."""
    options: Callable[[], ApplyOptions] = ApplyOptions


@dataclass(slots=True)
class Cycle:
    """How a cycle goes. Times are seconds since the epoch, UTC.

    `report` is there where calls were due. `error` says why it came to no plan, or no report; `outdated` why the
    configuration is not the one that stands in the files.
    """

    number: int
    began: float
    outdated: str = ""
    ended: float = 0.0
    plan: Plan | None = None
    report: Report | None = None
    error: str = ""
    cause: Exception | None = None
    """What was raised, where there is an `error`."""
    exit_code: ExitCode = ExitCode.OK
    interrupted: bool = False
    """It was cut off, so that its plan, if it has one, is not what became of it."""
    calling: bool = False
    """Calls may be in flight: it stops by itself when it is asked to, and must not be cut off."""
    measured: Measured = field(default_factory=lambda: Measured("run"))

    @property
    def item(self) -> Plan | Report | None:
        """What is to be shown of it."""
        return self.report or self.plan

    @property
    def outcome(self) -> str:
        """How it ended, in one word, as the documents have it."""
        if self.interrupted:
            return RunOutcome.INTERRUPTED.value
        return Run("run", self.plan, self.report, self.cause).outcome

    @property
    def counts(self) -> str:
        """What it planned, or what became of that; empty where it came to no plan."""
        if self.report is not None:
            return report_counts(self.report)
        return plan_counts(self.plan) if self.plan is not None else ""

    def line(self, next_at: float | None) -> str:
        """How it went, for the log. `next_at` is when the next one begins, in seconds since the epoch."""
        unseen = [scope_error(scope)[0] for scope in open_scopes(self.plan)] if self.plan is not None else []
        parts = [
            f"cycle {self.number}, in {self.ended - self.began:.1f} s, {self.outcome}: {self.counts or 'no plan'}",
            _first(unseen, "more scope"),
            _first(self._reasons, "more error"),
            self.error,
            "" if next_at is None else f"the next begins {Timestamp(next_at)}",
        ]
        return "; ".join(filter(None, parts))

    @property
    def _reasons(self) -> list[str]:
        """Why it did not do what it should, beside what could not be seen."""
        if self.plan is None:
            return []
        notes = unplaced_notes(self.plan)
        if self.report is None:
            notes += tuple(breach_note(policy, check) for policy, check in self.plan.breaches)
        else:
            repeated = {*self.plan.diagnostics}.difference(notes)
            notes = tuple(note for note in self.report.diagnostics if note not in repeated)
        errors = [note for note in notes if note.severity is Severity.ERROR]
        told = [f"{place}: {note.message}" if (place := note_place(note)) else note.message for note in errors]
        results = self.report.results if self.report is not None else ()
        return told or [f"{one.target}: {result_reason(one)}" for one in results if one.outcome in _UNDONE]

    async def tell(self, configuration: Configuration, job: Job, interruption: Interruption) -> None:
        """Tell those who hear of runs. Who could not be told is in its plan or report, and in the log."""
        run = Run("run", self.plan, self.report, self.cause, outdated=self.outdated, plan_only=job.plan_only)
        notes = await notify(configuration.settings, run, configuration.policies, interruption=interruption)
        for note in notes:
            LOGGER.warning("%s", note.message)
        if notes and self.report is not None:
            self.report = replace(self.report, diagnostics=(*self.report.diagnostics, *notes))
        elif notes and self.plan is not None:
            self.plan = replace(self.plan, diagnostics=(*self.plan.diagnostics, *notes))

    async def run(self, session: Front, job: Job, left_out: Mapping[str, Fault]) -> None:
        """Go through with it. Never raises but for what cuts it off: what goes wrong is its `error`."""
        try:
            with spanned("reconciler run"):
                async with session:
                    session.leave_out(left_out)
                    await self._run(session, job)
        except asyncio.CancelledError:
            self.interrupted = True
            raise
        except Exception as error:  # noqa: BLE001 - the next cycle may fare better
            cause = innermost(error) if isinstance(error, ExceptionGroup) else error
            self.cause = error
            if isinstance(cause, ReconcilerError):
                self.error = f"{cause.message} ({cause.hint.rstrip('.')})" if cause.hint else cause.message
                self.exit_code = cause.exit_code
            else:
                log_bug(f"cycle {self.number}", error)
                self.error = f"bug in reconciler: {bug(error)}; please report it: -v shows more"
                self.exit_code = ExitCode.ERROR
        finally:
            self.ended = time.time()
            self.measured = Measured("run", session.took, session.traffic, self.plan, self.outcome)

    async def _run(self, session: Front, job: Job) -> None:
        options = job.options()
        if job.plan_only:
            await self._plan(session, job, options.on_listed)
            return
        async with session.hold() as held:
            plan = await self._plan(session, job, options.on_listed)
            if plan.applyable or held.locked:  # a target that is locked is an error, as of `apply`, whatever is due
                self.calling = True
                try:
                    self.report = await session.apply(plan, Approval.automatic(), options)
                finally:
                    self.calling = False
                self.exit_code = self.report.exit_code

    async def _plan(self, session: Front, job: Job, on_listed: Callable[[Observation], None]) -> Plan:
        self.plan = plan = await session.plan(job.overrides, on_listed=on_listed)
        self.exit_code = plan.exit_code(detailed=job.plan_only)
        return plan
