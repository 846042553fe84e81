"""Alone on its accounts: what a run must have before it carries out any call."""

from __future__ import annotations

import asyncio
import threading
from collections import defaultdict
from concurrent.futures import wait
from contextlib import ExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar

from reconciler import __version__
from reconciler.backends.entries import ActionState, RunEnd, RunStart
from reconciler.backends.fencing import NO_FENCE, LeaseHeld
from reconciler.backends.journal import Journal
from reconciler.backends.leases import Lease, acquire
from reconciler.config.model import group_of
from reconciler.engine.authorship import author_of
from reconciler.engine.interruption import Threads
from reconciler.engine.work import attempted
from reconciler.exceptions import ExitCode
from reconciler.planning.plan import RunOutcome
from reconciler.tasks.observation import Fault, Scope
from reconciler.tasks.task import Status
from reconciler.tasks.timestamps import elapsed_clock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence

    from reconciler.backends.entries import ActionRecord, RunPart
    from reconciler.engine.clouds import Clouds
    from reconciler.engine.interruption import Interruption
    from reconciler.engine.work import Attempted
    from reconciler.engine.world import World
    from reconciler.tasks.resource_type import Operation
    from reconciler.tasks.task import Task, TaskKey

    T = TypeVar("T")

_PARTING = 2.0
"""Seconds that the end waits for a database which may not answer: for what was asked of it, to give that back, and for
entries that nobody waits for any more."""


@dataclass(frozen=True, slots=True)
class Held:
    """What carrying out calls requires; only `hold` makes it.

    The leases of the accounts in `groups` (by target) are held, the fence of `lease` proves it with every intent in the
    `journal`, and what earlier runs left open on these accounts is settled, as far as `recovery` says. `locked` are the
    targets whose account another apply holds: they get no call. All of it may be for a `part` of a run, which has
    `earlier` done something about these tasks.
    """

    journal: Journal
    lease: Lease
    groups: Mapping[str, str]
    locked: Mapping[str, LeaseHeld]
    recovery: Recovery
    part: RunPart | None = None
    earlier: Mapping[TaskKey, Attempted] = field(default_factory=lambda: MappingProxyType({}))

    def why_not(self, target: str) -> str:
        """Why no call may be sent to a target; empty where it may."""
        if target in self.groups:
            return ""
        return self.locked[target].message if target in self.locked else f"the lock of {target} was not taken"


@asynccontextmanager
async def hold(
    world: World,
    clouds: Clouds,
    targets: Collection[str],
    lock_timeout: int,
    interruption: Interruption,
    part: RunPart | None = None,
) -> AsyncIterator[Held]:
    """Take the leases of the accounts of `targets`, and settle what earlier runs left open there.

    A target whose cloud does not name its account is no target of `clouds` meanwhile: without its lock nothing is done.
    An account that another apply holds is waited for, `lock_timeout` seconds; then its targets are `locked`. So long a
    database that does not answer is waited for, too, also once the run is under way. Whoever executes a `part` again
    takes the locks from the earlier execution at once, which can do no more; its `interruption` is told where the run
    of the part is told to stop. Raises LeaseHeld, a LockedError that names the holder, where that leaves none; RunOver
    where the run of the part is over; and BackendError.
    """
    with ExitStack() as stack:
        opening = partial(Journal.open, world.configuration.settings.backend, wait=lock_timeout)
        journal = await _undone_if_cut_off(opening, Journal.close)
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
        take = partial(acquire, journal.backend, part=part, on_stop=_telling(interruption))
        lease, taken = await _undone_if_cut_off(
            partial(_free_leases, take, named, lock_timeout, gave_up),
            lambda found: found[0].release(),
            gave_up.set,
        )
        stack.callback(lease.release)
        locked = {target: taken[group] for target, group in groups.items() if group in taken}
        if locked and len(locked) == len(answers):
            raise locked[min(locked)]
        ours = {target: group for target, group in groups.items() if group not in taken}
        recovery = await _settle_open_intents(world, clouds, journal, ours, lease, part)
        calls = await asyncio.to_thread(journal.calls, part.run_id, ours.keys()) if part else ()
        shown = (MappingProxyType(ours), MappingProxyType(locked))
        yield Held(journal, lease, *shown, recovery, part, MappingProxyType(attempted(calls)))


def _telling(interruption: Interruption) -> Callable[[], None]:
    """What another thread calls once the run was told to stop."""
    loop = asyncio.get_running_loop()

    def tell() -> None:
        with suppress(RuntimeError):  # a loop that is closed by now sends nothing
            loop.call_soon_threadsafe(interruption.tell, "the run was told to stop first")

    return tell


def _free_leases(
    take: Callable[..., Lease], groups: Mapping[str, Collection[str]], lock_timeout: int, gave_up: threading.Event
) -> tuple[Lease, dict[str, LeaseHeld]]:
    """The leases of those `groups` that are free within `lock_timeout` seconds, and who holds the others."""
    deadline = elapsed_clock() + 1000 * lock_timeout
    free, taken = {**groups}, dict[str, LeaseHeld]()
    while True:
        left = max(0, deadline - elapsed_clock())
        try:
            return take(free, lock_timeout=left, wait=gave_up.wait), taken
        except LeaseHeld as error:
            if gave_up.is_set():
                raise
            for held in (error, *error.others):
                taken[held.holding.group] = held
                del free[held.holding.group]


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


@dataclass(frozen=True, slots=True)
class Recovery:
    """What became of the calls left open: they `took_effect`, `had_none`, or stay `open`: reading did not tell.

    `strays` counts, by target, those that nobody can settle: of targets that the configuration does not have.
    """

    took_effect: int = 0
    had_none: int = 0
    open: int = 0
    strays: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def total(self) -> int:
        return self.took_effect + self.had_none + self.open


async def _settle_open_intents(
    world: World, clouds: Clouds, journal: Journal, groups: Mapping[str, str], lease: Lease, part: RunPart | None
) -> Recovery:
    """Read the tasks of all open intents on the accounts `groups` (by target), and write what the cloud shows.

    An intent belongs to an account, whatever its target was called when it was written. To be called while the leases
    are held: then nobody else is about to send these calls. It is a run of its own, unless it is for a `part` of one.
    Sends no destructive request. Raises BackendError.
    """
    ours = {groups[target]: target for target in sorted(groups, reverse=True)}
    left = await asyncio.to_thread(journal.open_intents, ours.keys(), groups.keys())
    strays = await asyncio.to_thread(journal.strays, ours.keys(), world.configuration.targets.keys())
    if not left:
        return Recovery(strays=strays)
    if part is None:
        fingerprint = world.configuration.fingerprint
        start = RunStart("recover", __version__, "", fingerprint, author=author_of(), commit=world.commit)
        run_id = await asyncio.to_thread(journal.begin_run, start)
    else:
        run_id = part.run_id
    by_scope: dict[Scope, list[ActionRecord]] = defaultdict(list)
    for found in left:
        target = found.target if found.rate_group is None else ours[found.rate_group]
        by_scope[Scope(target, found.resource)].append(found)
    took_effect = had_none = 0
    read = await asyncio.gather(*(_states(world, clouds, scope, intents) for scope, intents in by_scope.items()))
    for found, state in chain.from_iterable(read):
        fence = lease.fence if part else NO_FENCE
        await asyncio.wrap_future(journal.resolve(found, state, by=run_id, fence=fence))
        took_effect += state is ActionState.DONE
        had_none += state is ActionState.REFUSED
    recovery = Recovery(took_effect, had_none, len(left) - took_effect - had_none, strays)
    if part is None:
        outcome, code = (RunOutcome.ERROR, ExitCode.ERROR) if recovery.open else (RunOutcome.OK, ExitCode.OK)
        end = RunEnd(outcome, int(code), {"took_effect": took_effect, "had_none": had_none})
        await asyncio.wrap_future(journal.finish_run(run_id, end))
    return recovery


async def _states(
    world: World, clouds: Clouds, scope: Scope, intents: Sequence[ActionRecord]
) -> list[tuple[ActionRecord, ActionState]]:
    """What reading says of the intents of one scope; those that could not be read are left out."""
    client = await clouds.client(scope.target)
    resource = world.catalogue.resource_types.get(scope.resource)
    if isinstance(client, Fault) or resource is None:
        return []
    readings = await client.read(resource, sorted({found.task_id for found in intents}))
    states = []
    for found in intents:
        task = readings.tasks.get(found.task_id)
        operation = resource.operation(found.action)
        if task is not None and operation is not None:
            states.append((found, _state(operation, task, shared=resource.listing.rows_merge)))
    return states


def _state(operation: Operation, task: Task, *, shared: bool) -> ActionState:
    """What the task shows of the call. A status outside the table shows nothing, nor does one that other work behind
    the same id may have brought about."""
    if task.status in {operation.ends, Status.GONE}:
        return ActionState.DONE
    if task.status is Status.UNKNOWN or (shared and task.status not in operation.starts):
        return ActionState.UNCERTAIN
    return ActionState.REFUSED
