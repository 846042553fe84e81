"""`reconciler why TASK_ID`."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.logs import say
from reconciler.cli.options import argument, flag, moment, paths_argument, resource_types
from reconciler.cli.output import Flags, run_flags
from reconciler.cli.places import write
from reconciler.cli.progress import Progress
from reconciler.cli.running import run_work
from reconciler.cli.saved_file import saved_snapshot
from reconciler.engine.queries import narrowed, why_offline
from reconciler.engine.session import Session
from reconciler.engine.world import load_world
from reconciler.exceptions import ExitCode
from reconciler.planning.why import scopes_of
from reconciler.reports.why.document import render_why_json
from reconciler.reports.why.text import render_why
from reconciler.reports.why.words import listing_error, not_seen

if TYPE_CHECKING:
    from reconciler.planning.why import Why


@click.command("why")
@argument("task_id")
@paths_argument
@flag("--resource", metavar="NAME", shell_complete=resource_types, help="Only policies of this resource type.")
@flag("--now", metavar="TIME", help="Count ages from this RFC 3339 time instead of the clock's.")
@flag(
    "--snapshot",
    "snapshot_file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Ask a snapshot of plan --save-snapshot: no network, no credentials. Its time is the clock of ages.",
)
@run_flags("text", "json")
def command(
    task_id: str,
    paths: tuple[Path, ...],
    resource: str | None,
    now: str | None,
    snapshot_file: Path | None,
    **shared: Any,  # noqa: ANN401 - what `run_flags` adds
) -> int:
    """Say what the policies make of a task and why, condition by condition. Reads only.

    TASK_ID is the id that the cloud gave the task, or <target>/<resource>/<id>. The scopes that policies look at are
    listed in every status, those of suspended policies included.
    """
    flags = Flags.of(**shared)
    output = flags.output()
    snapshot = saved_snapshot(snapshot_file) if snapshot_file else None
    set_to = moment("--now", now)
    if snapshot is None:
        session = Session.open(paths, target=flags.targets, policy=flags.policies, now=set_to)
        answer = run_work(_asked(session, task_id, resource))
    else:
        world = load_world(paths, flags.targets, flags.policies, now=set_to, snapshot=snapshot)
        answer = why_offline(narrowed(world, resource), task_id, snapshot)
    if output.format == "json":
        write(render_why_json(answer), "json")
    else:
        write(render_why(answer, color=output.color, verbose=output.verbose))
    errors = [listing_error(seen) for seen in answer.incomplete]
    if not answer.tasks:
        message, hints = not_seen(answer)
        errors.append("\n  ".join([message, *hints]))
    for error in errors:
        say(f"Error: {error}", logging.ERROR)
    return ExitCode.ERROR if errors else ExitCode.OK


async def _asked(session: Session, task_id: str, resource: str | None) -> Why:
    progress = Progress()
    scopes = [scope for scope in scopes_of(session.configuration) if resource in {None, scope.resource}]
    async with session:
        with progress.stage("Listing", len(scopes)):
            return await session.why(task_id, resource, progress.listed)
