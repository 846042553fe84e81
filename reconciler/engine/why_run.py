"""Asking why: list what the policies look at, whole, and answer for one task."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.diagnostics import suggestion
from reconciler.engine.planning_run import by_clock
from reconciler.exceptions import UsageError
from reconciler.planning.judgement import statuses_wanted
from reconciler.planning.why import Inquiry, scopes_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.engine.clouds import Clouds
    from reconciler.engine.planning_run import World
    from reconciler.planning.snapshot import Snapshot
    from reconciler.planning.why import Answer
    from reconciler.tasks.observation import Observation

__all__ = ["narrowed", "why", "why_offline"]


def narrowed(world: World, resource: str | None) -> World:
    """The world with the policies of one resource type only. Raises UsageError where there are none."""
    if resource is None:
        return world
    rows = world.catalogue.resource_types
    if resource not in rows:
        near = suggestion(resource, rows)
        raise UsageError(f"there is no resource type {resource!r}", f"did you mean {near}?" if near else "")
    kept = {name: policy for name, policy in world.configuration.policies.items() if policy.resource == resource}
    if not kept:
        looked_at = ", ".join(sorted({policy.resource for policy in world.configuration.policies.values()}))
        raise UsageError(f"no policy looks at {resource}", f"they look at {looked_at}" if looked_at else "")
    return replace(world, configuration=replace(world.configuration, policies=kept))


async def why(world: World, clouds: Clouds, task_id: str, on_listed: Callable[[Observation], None]) -> Answer:
    """List the scopes of all policies in every status, and say what the policies make of the tasks of this id.

    A plan lists only the statuses that its policies want; here it is asked, too, why they do not want a task.
    Never raises for what a cloud does.
    """
    observations = await clouds.observe(dict.fromkeys(scopes_of(world.configuration)), on_listed)
    return Inquiry(world.configuration, world.catalogue, by_clock(world, observations), world.now).answer(task_id)


def why_offline(world: World, task_id: str, snapshot: Snapshot) -> Answer:
    """The same from a snapshot, as a plan from it would have it.

    A snapshot holds what a plan needs: perhaps not every status, nor the scopes of suspended policies.
    """
    wanted = statuses_wanted(world.configuration, world.catalogue)
    others = [scope for scope in scopes_of(world.configuration) if scope not in wanted and scope in snapshot.scopes]
    observations = snapshot.observations(wanted) | {scope: snapshot.scopes[scope].observation for scope in others}
    kept = [scope for scope in sorted(observations) if scope in snapshot.scopes]
    answer = Inquiry(world.configuration, world.catalogue, by_clock(world, observations), world.now).answer(task_id)
    partial = tuple(scope for scope in kept if snapshot.scopes[scope].lacks(None))
    return replace(answer, taken_at=snapshot.taken_at, partial=partial)
