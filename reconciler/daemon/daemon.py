"""The loop: one cycle after the other, never two at once, until somebody asks to stop."""

from __future__ import annotations

import asyncio
import os
import random
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.daemon.cycle import LOGGER, Cycle, Job
from reconciler.daemon.schedule import BackOff, Schedule
from reconciler.engine.clouds import log_bug
from reconciler.engine.interruption import Interruption
from reconciler.exceptions import ExitCode, InvalidConfiguration, ReconcilerError, bug
from reconciler.reports.metrics import BACKING_OFF, CONFIGURATION, NEXT_RUN, PERIOD, Samples

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reconciler.daemon.page import Page
    from reconciler.engine.hold import Held
    from reconciler.executors.fleet import Front

_LOOK = 15.0
"""Seconds after which the clock is looked at again, which somebody may set, or the machine sleep through."""

_PARTING = 2.0
"""Seconds that the page waits for the database once somebody asked to stop."""

SETTLING = 5.0
"""Seconds for which a configuration that changed must stand still: a file that is not there while somebody brings the
directory up to date may be the one with the protections."""


def _nothing(_: object) -> None:
    return None


def _working_directory() -> str:
    """Empty where it is gone already."""
    try:
        return str(Path.cwd())
    except OSError:
        return ""


def _unusable(error: Exception) -> str:
    """Why a configuration cannot be used that made the program raise this."""
    match error:
        case InvalidConfiguration():
            return error.first
        case ReconcilerError():
            return error.message
        case OSError():  # the directory that it is run in is gone, say
            return f"it cannot be read: {error.strerror or type(error).__name__}"
    log_bug("the configuration", error)
    return f"bug in reconciler: {bug(error)}; please report it: -v shows more"


@dataclass(slots=True)
class Daemon:
    """Runs the cycles of a job by a schedule; without one, a single cycle.

    `jitter`: seconds, of which a part drawn by lot is added to each time to begin. `settling`: seconds that lie between
    the two readings of a configuration that changed. `on_cycle` is told of each cycle at its end, and `on_ready` once
    the first configuration was read. `now` gives seconds since the epoch.
    """

    job: Job
    schedule: Schedule | None
    interruption: Interruption = field(default_factory=Interruption)
    jitter: int = 0
    settling: float = SETTLING
    on_cycle: Callable[[Cycle], None] = _nothing
    on_held: Callable[[Held], None] = _nothing
    on_ready: Callable[[], None] = lambda: None
    now: Callable[[], float] = time.time
    page: Page | None = None
    """What is served of it, where it is."""
    samples: Samples = field(default_factory=Samples)
    next_at: float | None = None
    """When the next cycle begins, in seconds since the epoch."""
    _due: float = 0.0
    """When the last one was to begin, or the next where none has."""
    _period: float = 0.0
    """Seconds from then to the one behind it."""
    _back_off: BackOff = field(default_factory=BackOff)
    _good: Front | None = None
    _directory: str = field(default_factory=_working_directory)
    """What relative paths are relative to, by name: what is there may be deleted and made anew."""

    @property
    def failures(self) -> Mapping[str, int]:
        """How often in a row each target failed that does."""
        return self._back_off.failures

    async def run(self) -> ExitCode:
        """Run until asked to stop; returns the exit code of the last cycle, or of the signal.

        Raises InvalidConfiguration or UsageError where not even the first configuration can be used.
        """
        self.interruption.drain()  # from here on a signal only asks: what to do about it is decided here
        self._good = await self._read()
        self.samples.note_build()
        self.samples.set(CONFIGURATION, 1)
        self.on_ready()
        number = 0
        if self.schedule is not None:
            self._due = self.next_at = self.schedule.begin(self.now())
            self._told_next(self.schedule.after(self._due))
        while await self._waited():
            number += 1
            cycle = await self._cycle(number)
            if ended := self.schedule is None or self.interruption.asked:
                self.next_at = None
            else:
                self._plan_next()
            self._show(cycle)
            self.on_cycle(cycle)
            if ended:
                return self.interruption.exit_code or cycle.exit_code
        return self.interruption.exit_code or ExitCode.OK

    def _plan_next(self) -> None:
        assert self.schedule is not None  # noqa: S101 - told to mypy
        due = self.schedule.after(self.now())
        self.next_at = due + random.uniform(0, self.jitter)  # noqa: S311 - no secret
        self._told_next(due)
        self._due = due

    def _told_next(self, due: float) -> None:
        """Note when the next run begins. `due` is when the schedule has the first one after the last."""
        assert self.next_at is not None  # noqa: S101 - told to mypy
        self.samples.set(NEXT_RUN, self.next_at)
        last, self._period = self._period, max(0.0, due - self._due)
        self.samples.set(PERIOD, max(last, self._period))

    async def _waited(self) -> bool:
        """Wait for the next time to begin; False where somebody asked to stop."""
        seen = self.now()
        while not self.interruption.asked:
            now = self.now()
            if self.schedule is not None and now < seen - _LOOK:  # set back: what was to come soon may be days ahead
                self._plan_next()
            seen = now
            left = 0.0 if self.next_at is None else self.next_at - now
            if left <= 0:
                return True
            await self.interruption.sleep(min(left, _LOOK))
        return False

    async def _read(self) -> Front:
        """A session of the configuration as it stands. Raises InvalidConfiguration and UsageError."""
        return await asyncio.to_thread(
            self.job.front,
            self.job.paths,
            target=self.job.targets,
            policy=self.job.policies,
            lock_timeout=self.job.lock_timeout,
            interruption=self.interruption,
            on_held=self.on_held,
        )

    async def _latest(self) -> tuple[Front, str]:
        """A session of the configuration as it stands; or of the last good one, and why it is that one."""
        good = self._good
        assert good is not None  # noqa: S101 - told to mypy: it was read before the first cycle
        with suppress(OSError):  # a name that leads nowhere: where we are is gone, or was renamed
            os.chdir(self._directory)
        try:
            session = await self._read()
            if session.configuration != good.configuration:
                await self.interruption.sleep(self.settling)
                first, session = session, await self._read()
                if session.configuration != first.configuration:
                    return good.again(), "it is being changed: read twice, it was not the same"
        except Exception as error:  # noqa: BLE001 - the last good one is kept, whatever the new one brings about
            return good.again(), _unusable(error)
        self._good = session
        return session, ""

    async def _cycle(self, number: int) -> Cycle:
        cycle = Cycle(number, self.now())
        session, cycle.outdated = await self._latest()
        if cycle.outdated:
            LOGGER.error("the configuration cannot be used, so the last good one is: %s", cycle.outdated)
        targets = session.configuration.targets
        left_out = self._back_off.left_out(targets, cycle.began)
        running = asyncio.ensure_future(cycle.run(session, self.job, left_out))
        asked = asyncio.ensure_future(self.interruption.wait())
        await asyncio.wait({running, asked}, return_when=asyncio.FIRST_COMPLETED)
        asked.cancel()
        if not cycle.calling:
            running.cancel()
        with suppress(asyncio.CancelledError):
            await running
        if cycle.plan is not None:
            self._back_off.note(cycle.plan, targets, left_out, self.now())
        self._note(cycle)
        if self.page is not None:
            remembering = self.page.remember(cycle.plan, session.configuration.settings.backend)
            await self.interruption.cut_off(remembering, _PARTING)
        await cycle.tell(session.configuration, self.job, self.interruption)
        return cycle

    def _show(self, cycle: Cycle) -> None:
        """Make the page anew, where there is one."""
        try:
            if self.page is not None:
                self.page.show(cycle, self.failures, self.next_at)
        except Exception as error:  # noqa: BLE001 - the policies are kept, whatever cannot be drawn
            log_bug("the page", error)

    def _note(self, cycle: Cycle) -> None:
        self.samples.note(cycle.item, cycle.measured, int(cycle.ended))
        self.samples.set(CONFIGURATION, not cycle.outdated)
        self.samples.clear(BACKING_OFF)
        for name, times in self.failures.items():
            self.samples.set(BACKING_OFF, times, name)
