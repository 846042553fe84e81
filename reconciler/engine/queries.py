"""What a reader asks of the clouds: which tasks there are, and what the policies make of one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from reconciler.diagnostics import suggestion
from reconciler.engine.world import by_clock, sifted
from reconciler.exceptions import UsageError
from reconciler.planning.judgement import statuses_wanted
from reconciler.planning.planner import task_order
from reconciler.planning.sieve import Rule, Rules
from reconciler.planning.why import NEAR, Inquiry, scopes_of
from reconciler.selectors.states import wanted_statuses
from reconciler.tasks.observation import Completeness, Observation, Scope, clock_fault, clocks_off
from reconciler.tasks.sink import Collected, view_of
from reconciler.tasks.task import Status, id_order

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

    def rules(_: Scope, off: bool) -> Rules:
        return Rules([Rule.of("", selector, None if off else world.now)], (), frozenset(row.fields), off)

    observations, sieves = await sifted(world, clouds, wanted, on_listed, rules=rules)
    tasks = [task for scope, seen in observations.items() if not _is_failed(seen) for task in sieves[scope].tasks]
    off = clocks_off(by_clock(world, observations).values())
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
    wanted = dict.fromkeys(scopes_of(world.configuration))
    named = {scope: Named(scope, task_id) for scope in wanted}
    listed, sieves = await sifted(world, clouds, wanted, on_listed, beside=named)
    seen = {scope: one if _is_failed(one) else named[scope].of(one) for scope, one in by_clock(world, listed).items()}
    return Inquiry(world.configuration, world.catalogue, seen, world.now, sieves).answer(task_id)


def _is_failed(seen: Observation) -> bool:
    return seen.completeness is Completeness.FAILED


class Named(Collected):
    """A sink that holds the tasks that an answer is about: the one of an id, or some whose ids begin like it."""

    def __init__(self, scope: Scope, name: str) -> None:
        super().__init__()
        self._id = name.removeprefix("/".join((*scope, "")))
        self._near: dict[str, Task] = {}

    def see(self, tasks: Collection[Task]) -> None:
        view = view_of(tasks, frozenset())
        alike = {task_id: place for place, task_id in enumerate(view.ids) if self._id and task_id.startswith(self._id)}
        super().see([view.task(place) for place, task_id in enumerate(view.ids) if task_id == self._id])
        for task_id in sorted(alike.keys() - {self._id}, key=id_order)[:NEAR]:
            if (task := view.task(alike[task_id])).status is not Status.GONE:
                self._near[task_id] = task
        self._near = {task_id: self._near[task_id] for task_id in sorted(self._near, key=id_order)[:NEAR]}

    def of(self, seen: Observation) -> Observation:
        """What was listed, with these tasks."""
        held = self.tasks or tuple(self._near.values())
        return replace(seen, tasks=held, elsewhere=seen.total - len(held))


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
