"""`reconciler apply`."""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.apply_flags import ApplyFlags, apply_flags, tell
from reconciler.cli.notifying import failures_told, told
from reconciler.cli.options import executor_options, flag, limit_options, moment, paths_argument, task_options
from reconciler.cli.output import Flags, keep, run_flags
from reconciler.cli.places import is_agreed, somebody_is_there, write
from reconciler.cli.progress import Progress
from reconciler.cli.running import opened, run_work
from reconciler.cli.saved_file import saved_plan
from reconciler.cli.signals import Interrupted, held, interruptible
from reconciler.engine.approval import Approval
from reconciler.engine.interruption import Interruption
from reconciler.exceptions import ExitCode, ReconcilerError, UsageError
from reconciler.reports import SCREEN_FORMATS, Measured
from reconciler.reports.registry import pieces, render
from reconciler.reports.wording import changes_counted

if TYPE_CHECKING:
    from reconciler.cli.output import Output
    from reconciler.engine.apply_run import ApplyOptions
    from reconciler.executors.fleet import Front
    from reconciler.planning.limits import Overrides
    from reconciler.planning.plan import Plan
    from reconciler.planning.report import Report


@click.command("apply")
@paths_argument
@flag(
    "--plan",
    "plan_files",
    type=click.Path(path_type=Path),
    multiple=True,
    metavar="FILE",
    help="Apply this saved plan; repeat it for the parts of one that shards have saved.",
)
@flag("--out", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Save the plan that is made.")
@flag("--auto-approve", is_flag=True, help="Do not ask.")
@flag("--approved-digest", metavar="DIGEST", help="Go ahead only if the plan has this digest. Counts as approval.")
@flag("--approved-until", metavar="TIME", help="Go ahead only before this RFC 3339 time. Needs --approved-digest.")
@task_options
@executor_options
@limit_options
@apply_flags
@run_flags(*SCREEN_FORMATS, reports=True)
def command(
    paths: tuple[Path, ...],
    plan_files: tuple[Path, ...],
    out: Path | None,
    auto_approve: bool,
    approved_digest: str | None,
    approved_until: str | None,
    **shared: Any,  # noqa: ANN401 - what `apply_flags` and `run_flags` add
) -> int:
    """Cancel and delete what the policies ask for, verify it, and report.

    Without --plan, a plan is made, shown and, once approved, applied. With --plan, the saved plan is checked against
    the clouds again, and so is one that was approved more than a minute after the question: it can shrink, never grow.
    Interrupted (Ctrl-C, SIGTERM), it finishes the calls in flight and reports; running the same command again finishes
    the work.
    """
    behaviour = ApplyFlags.of(shared)
    options = behaviour.options()  # whose time runs from here
    if plan_files and out is not None:
        raise UsageError("--plan and --out exclude each other", "what --plan names is saved already")
    flags = Flags.of(**shared)
    output = flags.output({"--out": out}, paths)
    interruption = Interruption()
    progress = Progress(interruption)
    approval = _approval(auto_approve or bool(plan_files), approved_digest, approved_until, progress)
    with failures_told("apply", paths, saved=bool(plan_files), asked=approval.ask is not None) as failures:
        with output.failing("apply"):
            saved = saved_plan(*plan_files) if plan_files else None
            session = opened(
                paths,
                joined=saved is not None,
                elsewhere=flags.elsewhere,
                target=flags.targets,
                policy=flags.policies,
                task=flags.chosen,
                lock_timeout=behaviour.lock_timeout,
                interruption=interruption,
                on_held=tell,
            )
        options = replace(options, on_result=progress.settled, on_listed=progress.seen)

        async def applied_and_told() -> tuple[Plan, Report]:
            plan, report = await _applied(session, saved, approval, flags.overrides, options, progress, output, out)
            return plan, await told("apply", session, plan, report, interruption, saved=saved is not None)

        with held():  # once calls were made nothing keeps the report from being written
            with output.failing("apply"):
                plan, report = run_work(failures.within(applied_and_told()), interruption)
            # A plan that was just shown has said in so many words that, or why, there is nothing to apply.
            quiet = saved is None and output.format == "text" and not plan.applyable
            write_out = output.save if quiet else output.show
            measured = Measured("apply", session.took, session.traffic, plan if saved is None else None)
            return ExitCode.weightiest(report.exit_code, write_out(report, int(time.time()), measured=measured))


async def _applied(
    session: Front,
    saved: Plan | None,
    approval: Approval,
    overrides: Overrides,
    options: ApplyOptions,
    progress: Progress,
    output: Output,
    out: Path | None,
) -> tuple[Plan, Report]:
    """Apply what the policies still ask for of a saved plan; without one, plan, show, ask and apply."""
    async with session:
        if saved is not None:
            with progress.stage("Applying", len(saved.changes), "changes", estimate=saved.estimate.seconds):
                return saved, await session.apply(saved, approval, options, overrides=overrides)
        async with session.hold():
            with progress.stage("Listing", len(session.configuration.scopes())):
                plan = await session.plan(overrides, on_listed=progress.listed)
            if out is not None and keep(out, pieces(plan)):
                raise ReconcilerError("the plan could not be saved, so nothing was applied")
            if output.format == "text":
                with interruptible():
                    write(render(plan, "text", replace(output.view(session.now), asking=True)))
            with progress.stage("Applying", len(plan.changes), "changes", estimate=plan.estimate.seconds):
                return plan, await session.apply(plan, approval, options)


def _approval(automatic: bool, digest: str | None, until: str | None, progress: Progress) -> Approval:
    """What the flags say. Raises UsageError where nobody could be asked, before any request is made."""
    if digest is not None:
        return Approval.of_digest(digest, moment("--approved-until", until))
    if until is not None:
        raise UsageError("--approved-until needs --approved-digest", "it says how long that approval is good for")
    if automatic:
        return Approval.automatic()
    if not somebody_is_there():
        raise UsageError(
            "apply needs approval, and there is no terminal to ask on",
            "pass --auto-approve, or --plan FILE with a reviewed plan, or --approved-digest DIGEST",
        )
    return Approval.asked(partial(_asked, progress))


def _asked(progress: Progress, plan: Plan) -> bool:
    with progress.hidden(), interruptible():
        try:
            return is_agreed(f"\nDo you want to make {changes_counted(plan.summary)}?")
        except (click.Abort, Interrupted):
            sys.stderr.write("\nNothing was changed.\n")  # the cursor still stands behind the question
            raise
