"""Opening the journal for a run that changes something, alone on its accounts."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from reconciler.backends.journal import Journal
from reconciler.backends.leases import acquire
from reconciler.cli.running import run_work
from reconciler.engine.recovery import settle_open_intents
from reconciler.reports.wording import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.backends.leases import Lease
    from reconciler.engine.planning_run import World

__all__ = ["locked_journal", "recover"]


@contextmanager
def locked_journal(world: World, timeout: int) -> Iterator[tuple[Journal, Lease]]:
    """The journal, with the leases of all accounts of the run held. `timeout`: seconds to wait for them.

    Raises LockedError, which names the holder, and BackendError.
    """
    targets = world.configuration.targets.values()
    groups = {world.providers[target.provider].rate_limit_group(target) for target in targets}
    with (
        Journal.open(world.configuration.settings.backend) as journal,
        acquire(journal.backend, groups, lock_timeout=timeout * 1000) as lease,
    ):
        yield journal, lease


def recover(world: World, journal: Journal) -> None:
    """Settle what a killed run left open, and say so on stderr."""
    recovery = run_work(settle_open_intents(world, journal))
    if recovery.total:
        sys.stderr.write(
            f"An earlier run was cut off with {counted(recovery.total, 'call')} under way: "
            f"{recovery.took_effect} took effect, {recovery.had_none} did not, {recovery.open} could not be told yet.\n"
        )
