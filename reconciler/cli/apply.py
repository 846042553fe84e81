"""`reconciler apply`."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Self

import click

from reconciler.backends.leases import elapsed_clock
from reconciler.cli.journal import locked_journal, recover
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
from reconciler.cli.output import Output
from reconciler.cli.places import write
from reconciler.cli.progress import Progress, start_logging
from reconciler.cli.running import run_work
from reconciler.cli.saved_file import read_saved
from reconciler.cli.signals import Interrupted, held
from reconciler.cli.world import at_this_moment, duration_flag, load_world
from reconciler.documents.files import PLAN_FILE
from reconciler.engine.apply_run import ApplyOptions, apply_plan
from reconciler.engine.interruption import Interruption
from reconciler.engine.planning_run import make_plan
from reconciler.engine.saved_plan import check_fresh
from reconciler.engine.saved_plan_run import apply_saved_plan
from reconciler.exceptions import ExitCode, RefusedError, StalePlanError, UsageError
from reconciler.planning.plan import Overrides
from reconciler.reports.formats import SCREEN_FORMATS
from reconciler.reports.registry import render
from reconciler.reports.wording import changes_counted
from reconciler.tasks.timestamps import Timestamp, format_timestamp, parse_timestamp

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from reconciler.backends.journal import Journal
    from reconciler.engine.planning_run import World
    from reconciler.planning.plan import Plan
    from reconciler.planning.report import Report
    from reconciler.tasks.observation import Observation

__all__ = ["command"]

_FAIL_ON = ("missed", "blocked")

_ANSWER = 60_000
"""Milliseconds that a person may take over a plan before it is treated as a saved one, which can shrink and never grow.
A screen of changes is read in them, and a listing may take as long."""


@click.command("apply")
@paths_argument
@flag("--plan", "plan_file", type=click.Path(path_type=Path), metavar="FILE", help="Apply this saved plan.")
@flag("--auto-approve", is_flag=True, help="Do not ask.")
@flag("--approved-digest", metavar="DIGEST", help="Go ahead only if the plan has this digest. Counts as approval.")
@flag("--approved-until", metavar="TIME", help="Go ahead only before this RFC 3339 time. Needs --approved-digest.")
@limit_options
@flag(
    "--on-error",
    type=click.Choice(["continue", "stop"]),
    default="continue",
    show_default=True,
    help="What to do with the remaining changes once one has failed.",
)
@flag("--fail-on", metavar="LIST", default="", help="Also exit with 3 for these: missed, blocked (comma-separated).")
@flag(
    "--lock-timeout",
    metavar="DURATION",
    default="0s",
    show_default=True,
    help="How long to wait while another apply holds the account.",
)
@filter_options
@format_option(*SCREEN_FORMATS)
@report_option
@color_option
@verbosity_options
def command(
    paths: tuple[Path, ...],
    plan_file: Path | None,
    auto_approve: bool,
    approved_digest: str | None,
    approved_until: str | None,
    max_actions: int | None,
    max_percent: int | None,
    on_error: str,
    fail_on: str,
    lock_timeout: str,
    targets: tuple[str, ...],
    policies: tuple[str, ...],
    output_format: str,
    reports: tuple[str, ...],
    color: str,
    verbose: bool,
    log_format: str,
) -> int:
    """Cancel and delete what the policies ask for, verify it, and report.

    Without --plan, a plan is made, shown and, once approved, applied. With --plan, the saved plan is checked against
    the clouds again, and so is one that was approved more than a minute after the question: it can shrink, never grow.
    Interrupted (Ctrl-C, SIGTERM), it finishes the calls in flight and reports; running the same command again finishes
    the work.
    """
    output = Output.of(output_format, color, verbose=verbose, reports=reports, paths=paths)
    approval = _Approval.of(auto_approve, approved_digest, approved_until)
    if plan_file is None:
        approval.check_possible()
    saved = PLAN_FILE.read(read_saved(plan_file), str(plan_file)) if plan_file else None
    start_logging(log_format, verbose=verbose)
    world = load_world(paths, targets=targets, policies=policies)
    overrides = Overrides(max_actions, max_percent)
    options = ApplyOptions(on_error == "stop", _named_outcomes(fail_on))
    waits = duration_flag("--lock-timeout", lock_timeout, 0)
    acted_on = {change.target for change in saved.changes} if saved else None
    with locked_journal(world, waits, only=acted_on) as (world, journal, lease):
        now = int(time.time())  # the lock may have been long in coming
        approval.check_time(now)
        if saved is not None:
            saved = approval.bounded(saved)
            check_fresh(saved, world.configuration.fingerprint, now)
            approval.check_digest(saved)
        recover(world, journal)
        run = _Run(world, output, replace(options, fence=lease.fence), journal)
        if saved is None:
            return run.fresh(approval, overrides)
        recorded = saved.overrides if approved_digest else Overrides()
        merged = Overrides(
            recorded.max_actions if max_actions is None else max_actions,
            recorded.max_percent if max_percent is None else max_percent,
        )
        return run.saved(saved, merged)


def _somebody_is_there() -> bool:
    """Whether there is a terminal to ask on; a stream that is closed is none."""
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stderr))


@dataclass(frozen=True, slots=True)
class _Approval:
    """How the user agrees to a plan: beforehand, by its digest, or when asked.

    `until` is in seconds since the epoch (UTC).
    """

    auto: bool
    digest: str | None
    until: int | None

    @classmethod
    def of(cls, auto: bool, digest: str | None, until: str | None) -> Self:
        if until is None:
            return cls(auto, digest, None)
        if digest is None:
            raise UsageError("--approved-until needs --approved-digest", "it says how long that approval is good for")
        try:
            return cls(auto, digest, parse_timestamp(until))
        except ValueError as error:
            raise UsageError(f"--approved-until {until}: {error}") from error

    def check_time(self, now: int) -> None:
        """Raise StalePlanError where the approval is good no more."""
        if self.until is not None and now >= self.until:
            raise StalePlanError(
                f"the approval was good until {format_timestamp(self.until)}", "plan again, and have that reviewed"
            )

    def bounded(self, saved: Plan) -> Plan:
        """The plan with its approval's end, if that comes first: no digest covers what the file says of the time."""
        return saved if self.until is None else replace(saved, expires_at=Timestamp(min(saved.expires_at, self.until)))

    def check_possible(self) -> None:
        """Raise UsageError where nobody could be asked, before any request is made."""
        if not self.auto and self.digest is None and not _somebody_is_there():
            raise UsageError(
                "apply needs approval, and there is no terminal to ask on",
                "pass --auto-approve, or --plan FILE with a reviewed plan, or --approved-digest DIGEST",
            )

    def check_digest(self, plan: Plan) -> None:
        """Raise RefusedError where another plan was approved."""
        if self.digest is not None and plan.digest != self.digest:
            raise RefusedError(
                f"the approved digest is {self.digest}, but this plan's is {plan.digest}",
                "something changed since the approval: have the new plan reviewed",
            )

    def given(self, plan: Plan) -> bool:
        """Ask where it is needed. Only the word `yes` agrees."""
        if self.auto or self.digest is not None:
            return True
        sys.stderr.write(f"\nDo you want to make {changes_counted(plan.summary)}? Only 'yes' will be accepted.\n")
        try:
            answer: str = click.prompt("Enter a value", default="", show_default=False, err=True)
        except (click.Abort, Interrupted):
            sys.stderr.write("\nNothing was changed.\n")  # the cursor still stands behind the question
            raise
        return answer.strip() == "yes"


@dataclass(frozen=True, slots=True)
class _Run:
    world: World
    output: Output
    options: ApplyOptions
    journal: Journal

    def fresh(self, approval: _Approval, overrides: Overrides) -> int:
        """Plan, show, ask and apply."""
        progress = Progress()
        settings = self.world.configuration.settings
        ahead = [0]  # seconds that the clouds' clocks are ahead of this one, which may have been set back

        def listed(seen: Observation) -> None:
            progress.listed(seen)
            ahead.append(seen.ahead)

        with progress.stage("Listing", len(self.world.configuration.scopes())):
            plan = run_work(make_plan(self.world, expires_in=settings.plan_ttl, overrides=overrides, on_listed=listed))
        if self.output.format == "text":
            write(render(plan, "text", self.output.view(self.world.now)))
        if plan.applyable or not plan.errored:  # what could not be listed weighs more than an approval
            approval.check_digest(plan)
        if plan.applyable:
            approval.check_time(int(time.time()) + max(ahead))
        asked_at = elapsed_clock()
        if plan.applyable and not approval.given(plan):
            raise RefusedError("apply was not approved", "nothing was changed")
        if elapsed_clock() - asked_at > _ANSWER:
            sys.stderr.write("The answer took a while: the tasks are read again before anything is called.\n")
            return replace(self, world=at_this_moment(self.world)).saved(plan, overrides)
        return self._report(
            len(plan.changes),
            lambda interruption, options: apply_plan(self.world, plan, self.journal, interruption, options),
            # The plan has just said in so many words that, or why, there is nothing to apply.
            quiet=self.output.format == "text" and not plan.applyable,
        )

    def saved(self, plan: Plan, overrides: Overrides) -> int:
        """Apply what the policies still ask for of a saved plan."""
        return self._report(
            len(plan.changes),
            lambda interruption, options: apply_saved_plan(
                self.world, plan, overrides, self.journal, interruption, options
            ),
        )

    def _report(
        self,
        total: int,
        carry_out: Callable[[Interruption, ApplyOptions], Coroutine[None, None, Report]],
        *,
        quiet: bool = False,
    ) -> int:
        progress, interruption = Progress(), Interruption()
        options = replace(self.options, on_result=progress.settled, on_listed=progress.seen)
        with held():  # once calls were made nothing keeps the report from being written
            with progress.stage("Applying", total):
                report = run_work(carry_out(interruption, options), interruption)
            tell = self.output.save if quiet else self.output.show
            return ExitCode.weightiest(report.exit_code, tell(report, int(time.time())))


def _named_outcomes(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    for name in names:
        if name not in _FAIL_ON:
            raise UsageError(f"--fail-on {name}: expected {' or '.join(_FAIL_ON)}")
    return names
