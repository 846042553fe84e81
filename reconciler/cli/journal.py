"""Opening the journal for a run that changes something, alone on its accounts."""

from __future__ import annotations

import sys
import time
from collections import defaultdict
from concurrent.futures import wait
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING

from reconciler.backends.journal import Journal
from reconciler.backends.leases import acquire
from reconciler.cli.running import Threads, run_work
from reconciler.cli.signals import Interrupted, check, held, pending
from reconciler.cli.world import at_this_moment
from reconciler.engine.accounts import with_accounts
from reconciler.engine.recovery import settle_open_intents
from reconciler.exceptions import BackendError, LockedError
from reconciler.redaction import presentable
from reconciler.reports.wording import counted

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from reconciler.backends.leases import Lease
    from reconciler.engine.planning_run import World

__all__ = ["locked_journal", "recover"]

_MOMENT = 0.1
"""Seconds within which a signal is noticed."""

_PARTING = 2.0
"""Seconds that the end waits for a database which may not answer: for leases that were asked for, to give them back,
and for entries that nobody waits for any more."""


@contextmanager
def locked_journal(
    world: World, timeout: int, *, only: Collection[str] | None = None
) -> Iterator[tuple[World, Journal, Lease]]:
    """The world with its accounts, at the moment that the wait is over, and the journal, with the leases held.

    These are those of the accounts of the targets that its policies look at; `only` narrows them to the targets of a
    saved plan. `timeout`: seconds to wait for them. Raises LockedError, which names the holder, and BackendError.
    """
    wanted = {scope.target for scope in world.configuration.scopes()}
    targets = sorted(wanted if only is None else wanted.intersection(only))
    journal = Journal.open(world.configuration.settings.backend)
    with ExitStack() as leases:
        leases.callback(journal.close, _PARTING)
        known = run_work(with_accounts(world, targets))
        groups: dict[str, list[str]] = defaultdict(list)
        for name in targets:
            if group := known.configuration.targets[name].group:
                groups[group].append(name)
        with held():  # a signal that comes once they are taken must find them kept
            lease = _taken(journal, groups, timeout)
            # Twice, for a signal may cut the first one off before it has begun, and only once.
            leases.callback(_release, lease)
            leases.callback(_release, lease)
        yield at_this_moment(known), journal, lease


def _taken(journal: Journal, groups: Mapping[str, Collection[str]], timeout: int) -> Lease:
    """The leases of `groups`, waited for in a thread: a signal is not kept waiting, whatever the database does."""
    taking = Threads().submit(acquire, journal.backend, groups, lock_timeout=timeout * 1000, wait=_wait)
    try:
        while not taking.done():
            wait({taking}, timeout=_MOMENT)
            check()
    except Interrupted:
        with suppress(BackendError, LockedError, TimeoutError):
            taking.result(_PARTING).release()
        raise
    return taking.result()


def _wait(seconds: float) -> bool:
    time.sleep(seconds)
    return bool(pending())


def _release(lease: Lease) -> None:
    with held():
        lease.release()


def recover(world: World, journal: Journal) -> None:
    """Settle what a killed run left open, and say so on stderr."""
    recovery = run_work(settle_open_intents(world, journal))
    if recovery.total:
        sys.stderr.write(
            f"An earlier run was cut off with {counted(recovery.total, 'call')} under way: "
            f"{recovery.took_effect} took effect, {recovery.had_none} did not, {recovery.open} could not be told yet.\n"
        )
    for target, count in recovery.strays.items():
        sys.stderr.write(
            f"{counted(count, 'call')} of target {presentable(target)}, which is not in the configuration any more, "
            f"{'stays' if count == 1 else 'stay'} open: a target of the same account would settle them.\n"
        )
