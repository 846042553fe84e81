"""Alone on its accounts: what a run must have before it carries out any call."""

from __future__ import annotations

import asyncio
import threading
from collections import defaultdict
from concurrent.futures import wait
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar

from reconciler.backends.journal import Journal
from reconciler.backends.leases import Lease, LeaseHeld, acquire, elapsed_clock
from reconciler.config.model import group_of
from reconciler.engine.interruption import Threads
from reconciler.engine.recovery import Recovery, settle_open_intents
from reconciler.tasks.fault import Fault

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection, Mapping

    from reconciler.backends.backend import Backend
    from reconciler.backends.fencing import Fence
    from reconciler.engine.clouds import Clouds
    from reconciler.engine.world import World

    T = TypeVar("T")

__all__ = ["Held", "hold"]

_PARTING = 2.0
"""Seconds that the end waits for a database which may not answer: for what was asked of it, to give that back, and for
entries that nobody waits for any more."""


@dataclass(frozen=True, slots=True)
class Held:
    """What carrying out calls requires; only `hold` makes it.

    The leases of the accounts in `groups` (by target) are held, the `fence` proves it with every intent in the
    `journal`, and what earlier runs left open on these accounts is settled, as far as `recovery` says. `locked` are the
    targets whose account another apply holds: they get no call.
    """

    journal: Journal
    fence: Fence
    groups: Mapping[str, str]
    locked: Mapping[str, LeaseHeld]
    recovery: Recovery

    def why_not(self, target: str) -> str:
        """Why no call may be sent to a target; empty where it may."""
        if target in self.groups:
            return ""
        return self.locked[target].message if target in self.locked else f"the lock of {target} was not taken"


@asynccontextmanager
async def hold(world: World, clouds: Clouds, targets: Collection[str], lock_timeout: int) -> AsyncIterator[Held]:
    """Take the leases of the accounts of `targets`, and settle what earlier runs left open there.

    A target whose cloud does not name its account is no target of `clouds` meanwhile: without its lock nothing is done.
    An account that another apply holds is waited for, `lock_timeout` seconds; then its targets are `locked`. Raises
    LeaseHeld, a LockedError that names the holder, where that leaves none; and BackendError.
    """
    with ExitStack() as stack:
        journal = await _undone_if_cut_off(partial(Journal.open, world.configuration.settings.backend), Journal.close)
        stack.callback(journal.close, _PARTING)
        answers = dict(zip(targets, await asyncio.gather(*map(clouds.account, targets)), strict=True))
        faults = {target: answer for target, answer in answers.items() if isinstance(answer, Fault)}
        groups = {
            target: group_of(world.configuration.targets[target].provider, answer)
            for target, answer in answers.items()
            if not isinstance(answer, Fault)
        }
        stack.enter_context(clouds.without(faults))
        named: dict[str, list[str]] = defaultdict(list)
        for target, group in groups.items():
            named[group].append(target)
        gave_up = threading.Event()
        lease, taken = await _undone_if_cut_off(
            partial(_free_leases, journal.backend, named, lock_timeout, gave_up),
            lambda found: found[0].release(),
            gave_up.set,
        )
        stack.callback(lease.release)
        locked = {target: taken[group] for target, group in groups.items() if group in taken}
        if locked and len(locked) == len(answers):
            raise locked[min(locked)]
        ours = {target: group for target, group in groups.items() if group not in taken}
        recovery = await settle_open_intents(world, clouds, journal, ours)
        yield Held(journal, lease.fence, MappingProxyType(ours), MappingProxyType(locked), recovery)


def _free_leases(
    backend: Backend, groups: Mapping[str, Collection[str]], lock_timeout: int, gave_up: threading.Event
) -> tuple[Lease, dict[str, LeaseHeld]]:
    """The leases of those `groups` that are free within `lock_timeout` seconds, and who holds the others."""
    deadline = elapsed_clock() + 1000 * lock_timeout
    free, taken = {**groups}, dict[str, LeaseHeld]()
    while True:
        left = max(0, deadline - elapsed_clock())
        try:
            return acquire(backend, free, lock_timeout=left, wait=gave_up.wait), taken
        except LeaseHeld as error:
            if gave_up.is_set():
                raise
            taken[error.holding.group] = error
            del free[error.holding.group]


async def _undone_if_cut_off(
    make: Callable[[], T], undo: Callable[[T], object], give_up: Callable[[], object] = lambda: None
) -> T:
    """What `make` gives, made in a thread. Where the wait for it is cut off, it is told to `give_up`, and what it has
    made by then, or makes in spite of that, is undone: nobody else would give it back."""
    cut_off = threading.Event()

    def made() -> T:
        it = make()
        if cut_off.is_set():
            undo(it)
            raise asyncio.CancelledError
        return it

    making = Threads().submit(made)
    try:
        return await asyncio.wrap_future(making)
    except asyncio.CancelledError:
        cut_off.set()
        give_up()
        wait({making}, _PARTING)
        if making.done() and not making.cancelled() and making.exception() is None:
            undo(making.result())
        raise
