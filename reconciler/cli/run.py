"""`reconciler run`."""

from __future__ import annotations

import logging
import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.apply_flags import ApplyFlags, apply_flags, held_lines
from reconciler.cli.notifying import failures_told
from reconciler.cli.options import duration, executor_options, flag, limit_options, paths_argument
from reconciler.cli.output import Flags, run_flags
from reconciler.cli.running import opened, run_work
from reconciler.daemon.cycle import Cycle, Job
from reconciler.daemon.daemon import Daemon
from reconciler.daemon.schedule import Cron, Every
from reconciler.daemon.serving import Address, Site, listening
from reconciler.daemon.supervisor import Supervisor
from reconciler.engine.interruption import Interruption
from reconciler.exceptions import ExitCode, UsageError

if TYPE_CHECKING:
    from reconciler.cli.output import Output
    from reconciler.daemon.schedule import Schedule
    from reconciler.engine.hold import Held

LOGGER = logging.getLogger("reconciler.daemon")


@click.command("run")
@paths_argument
@flag("--every", metavar="DURATION", help="Begin a cycle each so often, such as 5m.")
@flag("--schedule", metavar="CRON", help='Begin cycles at these times, such as "*/5 * * * *".')
@flag("--timezone", default="UTC", show_default=True, metavar="ZONE", help="The time zone of --schedule.")
@flag("--jitter", default="0s", show_default=True, metavar="DURATION", help="Begin up to so much later, by lot.")
@flag("--once", is_flag=True, help="Run a single cycle, and exit as apply does.")
@flag("--plan-only", is_flag=True, help="Change nothing. With --once, exit with 2 when there are changes.")
@flag(
    "--listen",
    default="127.0.0.1:9464",
    show_default=True,
    metavar="HOST:PORT",
    help="Where /metrics, /healthz, /readyz and a page are served.",
)
@flag("--no-listen", is_flag=True, help="Serve nothing.")
@flag(
    "--allowed-host",
    "allowed_hosts",
    multiple=True,
    metavar="NAME",
    help="A name by which others reach --listen; addresses and localhost always do.",
)
@executor_options
@limit_options
@apply_flags
@run_flags(reports=True)
def command(
    paths: tuple[Path, ...],
    every: str | None,
    schedule: str | None,
    timezone: str,
    jitter: str,
    once: bool,
    plan_only: bool,
    listen: str,
    no_listen: bool,
    allowed_hosts: tuple[str, ...],
    **shared: Any,  # noqa: ANN401 - what `apply_flags` and `run_flags` add
) -> int:
    """Keep the policies: plan and apply in cycles, until a signal ends it. Nobody is asked.

    A cycle never begins while another one goes on; what was missed meanwhile is not made up for. The configuration is
    read anew each time; where it cannot be used, or is just being changed, the last good one is, and the log says so.
    A target that fails is left alone for longer and longer, and keeps no other one waiting. What --report names is
    written after each cycle.
    """
    behaviour = ApplyFlags.of(shared)
    flags = Flags.of(**shared)
    output = flags.output({}, paths)
    LOGGER.setLevel(min(LOGGER.getEffectiveLevel(), logging.INFO))
    when = _schedule(every, schedule, timezone, once=once)
    job = Job(
        paths or (Path(),),
        flags.targets,
        flags.policies,
        plan_only,
        flags.overrides,
        behaviour.lock_timeout,
        partial(opened, elsewhere=flags.elsewhere, tell=partial(LOGGER.info, "%s")),
        behaviour.options,
    )
    daemon = Daemon(job, when, Interruption(), duration("--jitter", jitter), on_held=_log_held)
    address = None if no_listen or once else Address.of(listen, allowed_hosts)
    with failures_told("run", job.paths, saved=False, asked=False) as failures, output.failing("run"):
        return run_work(failures.within(_served(daemon, address, output)), daemon.interruption)


def _log_held(held: Held) -> None:
    for line in held_lines(held):
        LOGGER.warning("%s", line)


def _schedule(every: str | None, schedule: str | None, timezone: str, *, once: bool) -> Schedule | None:
    given = [name for name, value in (("--every", every), ("--schedule", schedule), ("--once", once)) if value]
    if len(given) != 1:
        said = f"{' and '.join(given)} exclude each other" if given else "--every, --schedule or --once is missing"
        raise UsageError(said, "say when to begin: --every 5m, or --schedule '*/5 * * * *', or --once")
    if schedule is not None:
        return Cron(schedule, timezone)
    if every is not None:
        seconds = duration("--every", every)
        if not seconds:
            raise UsageError("--every 0s leaves no time between two cycles", "write it like 5m")
        return Every(seconds)
    return None


async def _served(daemon: Daemon, address: Address | None, output: Output) -> int:
    site, supervisor = Site(daemon.samples), Supervisor(os.environ)
    daemon.on_cycle = lambda cycle: _told(cycle, daemon, site, supervisor, output)
    daemon.on_ready = lambda: supervisor.tell("READY=1")
    async with supervisor.watched():
        if address is None:
            return await daemon.run()
        daemon.page = site.page
        async with listening(site, address) as url:
            LOGGER.info("serving %s", url)
            return await daemon.run()


def _told(cycle: Cycle, daemon: Daemon, site: Site, supervisor: Supervisor, output: Output) -> None:
    """Write down how a cycle went: in the log, in the files of --report, and on the page."""
    line = cycle.line(daemon.next_at)
    LOGGER.log(logging.INFO if cycle.exit_code in {ExitCode.OK, ExitCode.CHANGES} else logging.WARNING, "%s", line)
    supervisor.tell(f"STATUS={line}")
    ended = int(cycle.ended)
    saved = (
        output.save_failure(cycle.measured, ended)
        if cycle.item is None
        else output.save(cycle.item, ended, measured=cycle.measured)
    )
    cycle.exit_code = ExitCode.weightiest(cycle.exit_code, saved)
    site.ready = True
