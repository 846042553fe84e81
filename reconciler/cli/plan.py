"""`reconciler plan`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reconciler import __version__
from reconciler.cli.logs import say, tracing
from reconciler.cli.options import duration, executor_options, flag, limit_options, moment, paths_argument, task_options
from reconciler.cli.output import Flags, keep, run_flags
from reconciler.cli.places import write_private
from reconciler.cli.progress import Progress
from reconciler.cli.running import opened, run_work
from reconciler.cli.saved_file import saved_snapshot
from reconciler.cli.signals import held
from reconciler.documents.strict_json import MAX_BYTES
from reconciler.engine.session import Session
from reconciler.engine.world import load_world, plan_offline
from reconciler.exceptions import ExitCode, ReconcilerError, UsageError
from reconciler.planning.change import Chosen
from reconciler.planning.judgement import statuses_wanted
from reconciler.providers.registry import catalogue
from reconciler.redaction import presentable
from reconciler.reports import SCREEN_FORMATS, Measured
from reconciler.reports.cells import counted
from reconciler.reports.registry import pieces
from reconciler.tasks.observation import Completeness

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reconciler.documents.snapshot import Recording
    from reconciler.executors.fleet import Front
    from reconciler.planning.limits import Overrides
    from reconciler.planning.plan import Plan
    from reconciler.tasks.observation import Scope
    from reconciler.tasks.sink import Sink


@click.command("plan")
@paths_argument
@flag("--out", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Save the plan for apply --plan.")
@flag("--detailed-exitcode", is_flag=True, help="Exit with 2 when there are changes.")
@task_options
@executor_options
@limit_options
@flag("--expires", metavar="DURATION", help="How long the saved plan is good for (default: settings.plan_ttl).")
@flag("--now", metavar="TIME", help="Count ages from this RFC 3339 time instead of the clock's.")
@flag(
    "--save-snapshot",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Save what was listed, for plan --snapshot and tests.",
)
@flag(
    "--snapshot",
    "snapshot_file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Plan from a saved snapshot: no network, no credentials. Ages are counted from when it was taken.",
)
@run_flags(*SCREEN_FORMATS, reports=True)
def command(
    paths: tuple[Path, ...],
    out: Path | None,
    detailed_exitcode: bool,
    expires: str | None,
    now: str | None,
    save_snapshot: Path | None,
    snapshot_file: Path | None,
    **shared: Any,  # noqa: ANN401 - what `run_flags` adds
) -> int:
    """Compare the policies with the clouds and show what apply would do.

    Reads only. Nothing is locked and nothing is changed. With --snapshot, not even the network is used, and
    environment variables that are not set stay as they are written.
    """
    if save_snapshot is not None and snapshot_file is not None:
        raise UsageError("--snapshot and --save-snapshot exclude each other", "what a snapshot holds is saved already")
    if snapshot_file is not None and (shared["shard"] or shared["executor"]):
        raise UsageError("--snapshot excludes --shard and --executor", "a snapshot is planned in no time")
    if save_snapshot is not None and shared["executor"]:
        raise UsageError("--save-snapshot and --executor exclude each other", "save the snapshots of shards instead")
    files = {"--out": out, "--save-snapshot": save_snapshot}
    flags = Flags.of(**shared)
    output = flags.output(files, paths)
    with output.failing("plan"):
        snapshot = saved_snapshot(snapshot_file) if snapshot_file is not None else None
        set_to = moment("--now", now)
        lifetime = None if expires is None else duration("--expires", expires)
        if snapshot is not None:
            chosen = Chosen(flags.chosen)
            world = load_world(paths, flags.targets, flags.policies, now=set_to, snapshot=snapshot, chosen=chosen)
            with tracing():  # of no request: the file says so
                plan = plan_offline(world, snapshot, expires_in=lifetime, overrides=flags.overrides)
            measured = Measured("plan")
        else:
            session = opened(
                paths,
                elsewhere=flags.elsewhere,
                joined=True,
                applies=False,
                target=flags.targets,
                policy=flags.policies,
                task=flags.chosen,
                now=set_to,
            )
            started = int(time.time())
            recordings = {} if save_snapshot is None else _recordings(session.configuration.scopes())
            plan = run_work(_planned(session, flags.overrides, lifetime, recordings))
            measured = Measured("plan", session.took, session.traffic)
            if save_snapshot is not None and isinstance(session, Session):
                _save(save_snapshot, session, recordings, started if now else plan.created_at)
    with held():
        saved = keep(out, pieces(plan)) if out is not None else ExitCode.OK
        shown = output.show(plan, plan.created_at, saved_to=() if saved or out is None else (out,), measured=measured)
    return ExitCode.weightiest(plan.exit_code(detailed=detailed_exitcode), saved, shown)


async def _planned(session: Front, overrides: Overrides, lifetime: int | None, beside: Mapping[Scope, Sink]) -> Plan:
    progress = Progress()
    async with session:
        with progress.stage("Listing", len(session.configuration.scopes())):
            if isinstance(session, Session):
                return await session.plan(overrides, expires_in=lifetime, on_listed=progress.listed, beside=beside)
            return await session.plan(overrides, expires_in=lifetime, on_listed=progress.listed)


def _recordings(scopes: Iterable[Scope]) -> dict[Scope, Recording]:
    from reconciler.documents.snapshot import Recording  # noqa: PLC0415 - few plans are made with one
    from reconciler.planning.snapshot import told_apart  # noqa: PLC0415 - as above

    rows = catalogue().resource_types
    return {scope: Recording(rows[scope.resource], told_apart) for scope in scopes}


def _save(path: Path, session: Session, recordings: Mapping[Scope, Recording], taken_at: int) -> None:
    """Write a snapshot, and say so on stderr. Raises ReconcilerError where it could not be read back."""
    from reconciler.documents.snapshot import snapshot_pieces  # noqa: PLC0415 - as above
    from reconciler.planning.snapshot import snapshot_of  # noqa: PLC0415 - as above

    rows = catalogue()
    wanted = statuses_wanted(session.configuration, rows)
    snapshot = snapshot_of(session.listed, wanted, rows, tool_version=__version__, taken_at=taken_at)
    text = b""
    if not (is_too_large := any(recording.is_too_large for recording in recordings.values())):
        text = b"".join(snapshot_pieces(snapshot, recordings))
    if is_too_large or len(text) > MAX_BYTES:
        raise ReconcilerError(
            f"the snapshot would be larger than the {MAX_BYTES // 2**20} MiB that are ever read back",
            "narrow it with --target or --policy",
        )
    write_private(path, text.decode())
    listed = (seen for seen in session.listed.values() if seen.completeness is not Completeness.FAILED)
    tasks = sum(recordings[seen.scope].total for seen in listed)
    held = f"{counted(tasks, 'task')} in {counted(len(recordings), 'scope')}"
    say(f"Snapshot saved to {presentable(str(path))}: {held}.")
