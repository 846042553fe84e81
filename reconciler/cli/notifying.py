"""Telling the receivers of notifications how a command ended, where there are any."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

import click

from reconciler.cli.logs import say
from reconciler.cli.running import run_work
from reconciler.config.loader import settings_known
from reconciler.exceptions import RefusedError, UsageError
from reconciler.providers.registry import catalogue

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterable, Iterator, Sequence
    from pathlib import Path

    from reconciler.engine.interruption import Interruption
    from reconciler.executors.fleet import Front
    from reconciler.planning.plan import Plan
    from reconciler.planning.policy_plan import Note
    from reconciler.planning.report import Report

Result = TypeVar("Result")


async def told(
    command: str, session: Front, plan: Plan, report: Report, interruption: Interruption, *, saved: bool
) -> Report:
    """The report, once the receivers were told of it: who could not be told is in it, and on stderr."""
    configuration = session.configuration
    if not configuration.settings.notify:
        return report
    from reconciler.notifications.judging import Run  # noqa: PLC0415 - of no use to a run that tells nobody
    from reconciler.notifications.notify import notify  # noqa: PLC0415 - as above

    run = Run(command, plan, report, saved=saved)
    notes = await notify(configuration.settings, run, configuration.policies, interruption=interruption)
    _warn(notes)
    return replace(report, diagnostics=(*report.diagnostics, *notes))


@dataclass(slots=True)
class Failures:
    """Tells the receivers, as far as they are known, once of what is raised and ends a command.

    Who is there need not be told: what is wrong with the command line is not, nor what somebody answered who was
    `asked`. `saved`: as in `told`.
    """

    command: str
    paths: Sequence[Path]
    saved: bool
    asked: bool
    _told: bool = False

    def due(self, error: Exception) -> bool:
        """Whether this is still to be told."""
        here = (UsageError, click.Abort, click.ClickException)
        answered = self.asked and isinstance(error, RefusedError)
        return not (self._told or isinstance(error, here) or answered)

    async def tell(self, error: Exception) -> None:
        self._told = True
        settings = settings_known(self.paths, catalogue(), environment=os.environ)
        if settings.notify:
            from reconciler.notifications.judging import Run  # noqa: PLC0415 - as above
            from reconciler.notifications.notify import notify  # noqa: PLC0415 - as above

            _warn(await notify(settings, Run(self.command, error=error, saved=self.saved), {}))

    async def within(self, work: Coroutine[None, None, Result]) -> Result:
        """What `work` returns. What it raises is told while its trace goes on."""
        try:
            return await work
        except Exception as error:
            if self.due(error):
                await self.tell(error)
            raise


@contextmanager
def failures_told(command: str, paths: Sequence[Path], *, saved: bool, asked: bool) -> Iterator[Failures]:
    """Within this context what is raised is told; what work raises that runs, `within` it."""
    failures = Failures(command, paths, saved, asked)
    try:
        yield failures
    except Exception as error:
        if failures.due(error):
            run_work(failures.tell(error))
        raise


def _warn(notes: Iterable[Note]) -> None:
    for note in notes:
        say(f"Warning: {note.message}")
