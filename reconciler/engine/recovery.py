"""Settling calls that a killed run left open: it wrote that it would send them, and not what came of them."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field
from itertools import chain
from types import MappingProxyType
from typing import TYPE_CHECKING

from reconciler import __version__
from reconciler.backends.entries import ActionState, RunEnd, RunStart
from reconciler.exceptions import ExitCode
from reconciler.tasks.fault import Fault
from reconciler.tasks.observation import Scope
from reconciler.tasks.status import Status

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reconciler.backends.entries import OpenIntent
    from reconciler.backends.journal import Journal
    from reconciler.engine.clouds import Clouds
    from reconciler.engine.world import World
    from reconciler.tasks.resource_type import Operation
    from reconciler.tasks.task import Task

__all__ = ["Recovery", "settle_open_intents"]


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


async def settle_open_intents(world: World, clouds: Clouds, journal: Journal, groups: Mapping[str, str]) -> Recovery:
    """Read the tasks of all open intents on the accounts `groups` (by target), and write what the cloud shows.

    An intent belongs to an account, whatever its target was called when it was written. To be called while the leases
    are held: then nobody else is about to send these calls. Sends no destructive request. Raises BackendError.
    """
    ours = {groups[target]: target for target in sorted(groups, reverse=True)}
    left = await asyncio.to_thread(journal.open_intents, ours.keys(), groups.keys())
    strays = await asyncio.to_thread(journal.strays, ours.keys(), world.configuration.targets.keys())
    if not left:
        return Recovery(strays=strays)
    start = RunStart("recover", __version__, "", world.configuration.fingerprint)
    run_id = await asyncio.to_thread(journal.begin_run, start)
    by_scope: dict[Scope, list[OpenIntent]] = defaultdict(list)
    for found in left:
        key = found.intent.key
        by_scope[Scope(key.target if found.group is None else ours[found.group], key.resource)].append(found)
    took_effect = had_none = 0
    read = await asyncio.gather(*(_states(world, clouds, scope, intents) for scope, intents in by_scope.items()))
    for found, state in chain.from_iterable(read):
        await asyncio.wrap_future(journal.resolve(found, state, by=run_id))
        took_effect += state is ActionState.DONE
        had_none += state is ActionState.REFUSED
    recovery = Recovery(took_effect, had_none, len(left) - took_effect - had_none, strays)
    code = ExitCode.ERROR if recovery.open else ExitCode.OK
    end = RunEnd("error" if recovery.open else "ok", int(code), {"took_effect": took_effect, "had_none": had_none})
    await asyncio.wrap_future(journal.finish_run(run_id, end))
    return recovery


async def _states(
    world: World, clouds: Clouds, scope: Scope, intents: Sequence[OpenIntent]
) -> list[tuple[OpenIntent, ActionState]]:
    """What reading says of the intents of one scope; those that could not be read are left out."""
    client = await clouds.client(scope.target)
    resource = world.catalogue.resource_types.get(scope.resource)
    if isinstance(client, Fault) or resource is None:
        return []
    readings = await client.read(resource, sorted({found.intent.key.id for found in intents}))
    states = []
    for found in intents:
        task = readings.tasks.get(found.intent.key.id)
        operation = resource.operation(found.intent.action)
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
