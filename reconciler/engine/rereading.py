"""Seeing the tasks of a saved plan again: by id where that is enough and cheaper, else by listing their scope."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from reconciler.config.model import Absent, OnBlocked
from reconciler.tasks.fault import Fault, Meaning
from reconciler.tasks.observation import Completeness, Observation, Scope
from reconciler.tasks.status import Status

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.config.model import Policy
    from reconciler.engine.clouds import Clouds
    from reconciler.engine.planning_run import World
    from reconciler.planning.plan import Overrides, Plan

__all__ = ["ids_to_read", "read_scope"]

ALL = 100
"""Percent: a limit that no share can exceed."""


def ids_to_read(world: World, saved: Plan, overrides: Overrides) -> dict[Scope, tuple[str, ...]]:
    """The scopes whose tasks need only be read by id, with the ids of the plan there.

    A quota asks about a whole group, a share about a whole scope, and `on_blocked: fail` about tasks that are no
    change: such policies want the list. A share does not where no limit can be exceeded. What the file says of
    requests only decides which way is the cheaper one.
    """
    ids: dict[Scope, list[str]] = defaultdict(list)
    for change in saved.changes:
        ids[Scope(change.target, change.resource)].append(change.task_id)
    cost = {Scope(scope.target, scope.resource): scope.requests for scope in saved.scopes}
    chosen = {}
    for scope in world.configuration.scopes():
        listing = world.catalogue.resource_types[scope.resource].listing
        by_task = _no_share(world, overrides) and all(
            _asks_by_task(policy, overrides) for policy in world.configuration.policies_on(scope)
        )
        if by_task and not listing.is_cheaper(cost.get(scope, 0), len(ids[scope])):
            chosen[scope] = tuple(ids[scope])
    return chosen


def _no_share(world: World, overrides: Overrides) -> bool:
    """Whether all policies together may do as much as there is in a scope, where each of them may."""
    percent = world.configuration.settings.run_limits.max_percent
    return percent is None or max(percent, overrides.max_percent or 0) >= ALL


def _asks_by_task(policy: Policy, overrides: Overrides) -> bool:
    percent = policy.limits.max_percent if overrides.max_percent is None else overrides.max_percent
    return isinstance(policy.ensure, Absent) and policy.on_blocked is OnBlocked.REPORT and percent >= ALL


async def read_scope(world: World, clouds: Clouds, scope: Scope, ids: Sequence[str]) -> Observation:
    """Read just these tasks. One that was not answered makes the observation incomplete, and is not in it."""
    client = await clouds.client(scope.target)
    if isinstance(client, Fault):
        return Observation(scope, (), 0, Completeness.FAILED, client)
    resource = world.catalogue.resource_types[scope.resource]
    readings = await client.read(resource, ids)
    tasks = tuple(task for task in readings.tasks.values() if task.status is not Status.GONE)
    unread = [task_id for task_id in ids if task_id not in readings.tasks]
    requests = resource.listing.calls(len(ids))
    if not unread:
        return Observation(scope, tasks, requests, skews=client.skews)
    fault = readings.faults.get(unread[0]) or Fault(Meaning.MALFORMED, "no answer about this task")
    return Observation(scope, tasks, requests, Completeness.UNSTABLE, fault, client.skews)
