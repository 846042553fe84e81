"""Telling the receivers of notifications how a command ended, where there are any."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from reconciler.cli.logs import say
from reconciler.cli.running import run_work
from reconciler.config.loader import settings_known
from reconciler.exceptions import RefusedError, UsageError
from reconciler.providers.registry import catalogue

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from reconciler.engine.interruption import Interruption
    from reconciler.engine.session import Session
    from reconciler.planning.plan import Plan
    from reconciler.planning.policy_plan import Note
    from reconciler.planning.report import Report


async def told(
    command: str, session: Session, plan: Plan, report: Report, interruption: Interruption, *, saved: bool
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


@contextmanager
def failures_told(command: str, paths: Sequence[Path], *, saved: bool, asked: bool) -> Iterator[None]:
    """Tell the receivers, as far as they are known, of what is raised in this context, and ends the command.

    Who is there need not be told: what is wrong with the command line is not, nor what somebody answered who was
    `asked`.
    """
    try:
        yield
    except (UsageError, click.Abort, click.ClickException):
        raise
    except Exception as error:
        if asked and isinstance(error, RefusedError):
            raise
        settings = settings_known(paths, catalogue(), environment=os.environ)
        if settings.notify:
            from reconciler.notifications.judging import Run  # noqa: PLC0415 - as above
            from reconciler.notifications.notify import notify  # noqa: PLC0415 - as above

            _warn(run_work(notify(settings, Run(command, error=error, saved=saved), {})))
        raise


def _warn(notes: Iterable[Note]) -> None:
    for note in notes:
        say(f"Warning: {note.message}")
