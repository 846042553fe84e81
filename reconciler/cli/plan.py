"""`reconciler plan`."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

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
from reconciler.cli.output import Output, write_private
from reconciler.cli.progress import Progress, start_logging
from reconciler.cli.world import duration_flag, load_world
from reconciler.engine.planning_run import make_plan
from reconciler.planning.document import render_plan
from reconciler.planning.plan import Overrides

__all__ = ["command"]


@click.command("plan")
@paths_argument
@flag("--out", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Save the plan for apply --plan.")
@flag("--detailed-exitcode", is_flag=True, help="Exit with 2 when there are changes.")
@limit_options
@flag("--expires", metavar="DURATION", help="How long the saved plan is good for (default: settings.plan_ttl).")
@flag("--now", metavar="TIME", help="Count ages from this RFC 3339 time instead of the clock's.")
@filter_options
@format_option("text", "json", "markdown")
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
    targets: tuple[str, ...],
    policies: tuple[str, ...],
    output_format: str,
    reports: tuple[str, ...],
    color: str,
    verbose: bool,
    log_format: str,
) -> int:
    """Compare the policies with the clouds and show what apply would do.

    Reads only. Nothing is locked and nothing is changed.
    """
    output = Output.of(output_format, color, verbose=verbose, reports=reports)
    start_logging(log_format, verbose=verbose)
    world = load_world(paths, targets=targets, policies=policies, now=now)
    lifetime = duration_flag("--expires", expires, world.configuration.settings.plan_ttl)
    progress = Progress()
    with progress.stage("Listing", len(world.configuration.scopes())):
        plan = asyncio.run(
            make_plan(
                world,
                expires_in=lifetime,
                overrides=Overrides(max_actions, max_percent),
                on_listed=progress.listed,
            )
        )
    if out is not None:
        write_private(out, render_plan(plan))
    output.show(plan, world.now, saved_to=out)
    return plan.exit_code(detailed=detailed_exitcode)
