"""What a reader asks of the clouds: which tasks there are, and what the policies make of one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from reconciler.diagnostics import suggestion
from reconciler.engine.world import by_clock
from reconciler.exceptions import UsageError
from reconciler.planning.judgement import statuses_wanted
from reconciler.planning.planner import task_order
from reconciler.planning.why import Inquiry, scopes_of
from reconciler.selectors.compile import compile_selector
from reconciler.selectors.states import wanted_statuses
from reconciler.selectors.syntax import Truth
from reconciler.tasks.observation import Observation, Scope, clock_fault, clocks_off

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from reconciler.engine.clouds import Clouds
    from reconciler.engine.world import World
    from reconciler.planning.snapshot import Snapshot
    from reconciler.planning.why import Why
    from reconciler.selectors.syntax import Selector
    from reconciler.tasks.resource_type import Catalogue, ResourceType
    from reconciler.tasks.task import Task


@dataclass(frozen=True, slots=True)
class QueryResult:
    """The tasks that match, in plan order, and the listings that did not come through whole."""

    tasks: tuple[Task, ...]
    incomplete: tuple[Observation, ...]


async def query(
    world: World,
    clouds: Clouds,
    row: ResourceType,
    selector: Selector,
    targets: Collection[str],
    on_listed: Callable[[Observation], None],
) -> QueryResult:
    """List `row` on those of `targets` that are of its provider."""
    names = [name for name in targets if world.configuration.targets[name].provider == row.provider]
    statuses = wanted_statuses([selector], row)
    wanted = {Scope(name, row.name): statuses for name in names}
    observations = await clouds.observe(wanted, on_listed)
    off = clocks_off(observations.values())
    selects = {name: compile_selector(selector, None if name in off else world.now) for name in names}
    tasks = [
        task
        for scope, seen in observations.items()
        for task in seen.tasks
        if selects[scope.target](task.values) is Truth.TRUE
    ]
    doubted = [
        replace(seen, fault=clock_fault(off[scope.target])) if seen.complete and scope.target in off else seen
        for scope, seen in observations.items()
    ]
    return QueryResult(
        tuple(sorted(tasks, key=task_order)), tuple(seen for seen in doubted if not seen.complete or seen.fault)
    )


def resource_type(catalogue: Catalogue, name: str) -> ResourceType:
    """The resource type of this name. Raises UsageError where there is none."""
    rows = catalogue.resource_types
    if name not in rows:
        near = suggestion(name, rows)
        raise UsageError(f"there is no resource type {name!r}", f"did you mean {near}?" if near else "")
    return rows[name]


def narrowed(world: World, resource: str | None) -> World:
    """The world with the policies of one resource type only. Raises UsageError where there are none."""
    if resource is None:
        return world
    resource_type(world.catalogue, resource)
    policies = world.configuration.policies
    narrow = {name: policy.within(lambda scope: scope.resource == resource) for name, policy in policies.items()}
    kept = {name: policy for name, policy in narrow.items() if policy}
    if not kept:
        looked_at = ", ".join(sorted({name for policy in policies.values() for name in policy.resources}))
        raise UsageError(f"no policy looks at {resource}", f"they look at {looked_at}" if looked_at else "")
    return replace(world, configuration=replace(world.configuration, policies=kept))


async def why(world: World, clouds: Clouds, task_id: str, on_listed: Callable[[Observation], None]) -> Why:
    """List the scopes of all policies in every status, and say what the policies make of the tasks of this id.

    A plan lists only the statuses that its policies want; here it is asked, too, why they do not want a task.
    Never raises for what a cloud does.
    """
    observations = await clouds.observe(dict.fromkeys(scopes_of(world.configuration)), on_listed)
    return Inquiry(world.configuration, world.catalogue, by_clock(world, observations), world.now).answer(task_id)


def why_offline(world: World, task_id: str, snapshot: Snapshot) -> Why:
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
