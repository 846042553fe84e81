"""`reconciler doctor`."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.options import paths_argument
from reconciler.cli.output import Flags, run_flags
from reconciler.cli.places import write
from reconciler.cli.progress import Progress
from reconciler.cli.running import run_work
from reconciler.engine.session import Session
from reconciler.exceptions import ExitCode

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.engine.doctor import Examination

_WIDEST = 100


@click.command("doctor")
@paths_argument
@run_flags("text", "json")
def command(
    paths: tuple[Path, ...],
    **shared: Any,  # noqa: ANN401 - what `run_flags` adds
) -> int:
    """Check every target without changing anything, and say what to do where something is wrong.

    Checked are the credentials and whose they are, the clock, and a small page of each list that the policies look at
    (of all lists, for a target that no policy looks at): whether it is permitted, and answers as the vendor documents.
    Ends with 1 where a run would not get through. --format json is meant for bug reports: it holds no secret.
    """
    from reconciler.reports.doctor import DOCTOR, render_doctor  # noqa: PLC0415 - after the network alone

    flags = Flags.of(**shared)
    output = flags.output(paths=paths)
    session = Session.open(paths, target=flags.targets, policy=flags.policies)
    found = run_work(_examined(session, by_policy=bool(flags.policies)))
    if output.format == "json":
        write(DOCTOR.text(found), "json")
    else:
        columns = min(shutil.get_terminal_size().columns, _WIDEST) if sys.stdout.isatty() else _WIDEST
        write(render_doctor(found, output.paths or (), color=output.color, columns=columns))
    return ExitCode.ERROR if found.outcome == "error" else ExitCode.OK


async def _examined(session: Session, *, by_policy: bool) -> Examination:
    progress = Progress()
    async with session:
        looked_at = {name for policy in session.configuration.policies.values() for name in policy.targets}
        names = looked_at.intersection(session.targets) if by_policy else session.targets
        with progress.stage("Examining", len(names), "targets"):
            return await session.examine(progress.examined, by_policy=by_policy)
