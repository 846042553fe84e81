"""`reconciler plan`."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler import __version__
from reconciler.cli.options import (
    color_option,
    filter_options,
    flag,
    format_option,
    limit_options,
    paths_argument,
    report_option,
    verbosity_options,
)
from reconciler.cli.output import Output, keep
from reconciler.cli.places import write_private
from reconciler.cli.progress import Progress, start_logging
from reconciler.cli.running import run_work
from reconciler.cli.saved_file import SNAPSHOT_MAKER, read_saved
from reconciler.cli.signals import held
from reconciler.cli.world import duration_flag, load_world
from reconciler.documents.files import PLAN_FILE
from reconciler.documents.snapshot import read_snapshot, render_snapshot
from reconciler.documents.strict_json import MAX_BYTES
from reconciler.engine.offline_plan import plan_offline
from reconciler.engine.planning_run import observe, plan_from
from reconciler.exceptions import ExitCode, ReconcilerError, UsageError
from reconciler.planning.listing import statuses_wanted
from reconciler.planning.plan import Overrides
from reconciler.planning.snapshot import snapshot_of
from reconciler.providers.registry import catalogue
from reconciler.redaction import presentable
from reconciler.reports.wording import counted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.engine.planning_run import World
    from reconciler.planning.snapshot import Snapshot
    from reconciler.tasks.observation import Observation, Scope
from reconciler.reports.formats import SCREEN_FORMATS

__all__ = ["command"]


@click.command("plan")
@paths_argument
@flag("--out", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Save the plan for apply --plan.")
@flag("--detailed-exitcode", is_flag=True, help="Exit with 2 when there are changes.")
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
@filter_options
@format_option(*SCREEN_FORMATS)
@report_option
@color_option
@verbosity_options
def command(
    paths: tuple[Path, ...],
    out: Path | None,
    detailed_exitcode: bool,
    max_actions: int | None,
    max_percent: int | None,
    expires: str | None,
    now: str | None,
    save_snapshot: Path | None,
    snapshot_file: Path | None,
    targets: tuple[str, ...],
    policies: tuple[str, ...],
    output_format: str,
    reports: tuple[str, ...],
    color: str,
    verbose: bool,
    log_format: str,
) -> int:
    """Compare the policies with the clouds and show what apply would do.

    Reads only. Nothing is locked and nothing is changed. With --snapshot, not even the network is used, and
    environment variables that are not set stay as they are written.
    """
    if save_snapshot is not None and snapshot_file is not None:
        raise UsageError("--snapshot and --save-snapshot exclude each other", "what a snapshot holds is saved already")
    files = {"--out": out, "--save-snapshot": save_snapshot}
    output = Output.of(output_format, color, verbose=verbose, reports=reports, files=files, paths=paths)
    start_logging(log_format, verbose=verbose)
    snapshot = _read(snapshot_file) if snapshot_file is not None else None
    world = load_world(paths, targets=targets, policies=policies, now=now, snapshot=snapshot)
    lifetime = duration_flag("--expires", expires, world.configuration.settings.plan_ttl)
    overrides = Overrides(max_actions, max_percent)
    if snapshot is not None:
        plan = plan_offline(world, snapshot, expires_in=lifetime, overrides=overrides)
    else:
        taken_at = int(time.time()) if now else world.now
        observations = _listed(world)
        plan = plan_from(world, observations, expires_in=lifetime, overrides=overrides)
        if save_snapshot is not None:
            _save(save_snapshot, world, observations, taken_at)
    with held():
        saved = keep(out, lambda: PLAN_FILE.text(plan)) if out is not None else ExitCode.OK
        shown = output.show(plan, world.now, saved_to=None if saved else out)
    return ExitCode.weightiest(plan.exit_code(detailed=detailed_exitcode), saved, shown)


def _listed(world: World) -> Mapping[Scope, Observation]:
    progress = Progress()
    with progress.stage("Listing", len(world.configuration.scopes())):
        return run_work(observe(world, progress.listed))


def _read(path: Path) -> Snapshot:
    return read_snapshot(read_saved(path, SNAPSHOT_MAKER), catalogue(), str(path))


def _save(path: Path, world: World, observations: Mapping[Scope, Observation], taken_at: int) -> None:
    """Write a snapshot, and say so on stderr. Raises ReconcilerError where it could not be read back."""
    wanted = statuses_wanted(world.configuration, world.catalogue)
    snapshot = snapshot_of(observations, wanted, world.catalogue, tool_version=__version__, taken_at=taken_at)
    text = render_snapshot(snapshot, world.catalogue)
    if len(text.encode()) > MAX_BYTES:
        raise ReconcilerError(
            f"the snapshot would be larger than the {MAX_BYTES // 2**20} MiB that are ever read back",
            "narrow it with --target or --policy",
        )
    write_private(path, text)
    tasks = sum(len(seen.tasks) for seen in observations.values())
    held = f"{counted(tasks, 'task')} in {counted(len(observations), 'scope')}"
    sys.stderr.write(f"Snapshot saved to {presentable(str(path))}: {held}.\n")
