"""Listing tasks for a reader: no policies, no plan."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from reconciler.planning.planner import task_order
from reconciler.selectors.compile import compile_selector
from reconciler.selectors.pushdown import wanted_statuses
from reconciler.selectors.truth import Truth
from reconciler.tasks.fault import clock_fault
from reconciler.tasks.observation import Observation, Scope, clocks_off

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from reconciler.engine.clouds import Clouds
    from reconciler.engine.planning_run import World
    from reconciler.selectors.syntax import Selector
    from reconciler.tasks.resource_type import ResourceType
    from reconciler.tasks.task import Task

__all__ = ["Found", "query"]


@dataclass(frozen=True, slots=True)
class Found:
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
) -> Found:
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
    return Found(
        tuple(sorted(tasks, key=task_order)), tuple(seen for seen in doubted if not seen.complete or seen.fault)
    )
