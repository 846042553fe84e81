"""What a reader asks of the clouds: which tasks there are, and what the policies make of one."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from reconciler.engine.world import by_clock, sifted
from reconciler.exceptions import UsageError
from reconciler.planning.judgement import statuses_wanted
from reconciler.planning.rules import Rule, Rules
from reconciler.planning.why import NEAR, Inquiry, scopes_of
from reconciler.providers.registry import resource_type
from reconciler.selectors.states import wanted_statuses
from reconciler.tasks.observation import Completeness, Observation, Scope, clock_fault, clocks_off
from reconciler.tasks.sink import Collected, view_of
from reconciler.tasks.task import Status, id_order, task_order

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from reconciler.engine.clouds import Clouds
    from reconciler.engine.world import World
    from reconciler.planning.sieve import Sieve
    from reconciler.planning.snapshot import Snapshot
    from reconciler.planning.why import Why
    from reconciler.selectors.syntax import Selector
    from reconciler.tasks.resource_type import ResourceType
    from reconciler.tasks.task import Task, Value


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be told of the tasks that match, by fields as selectors name them. `target` is one as well.

    `sort`: in the order of its values instead of the plan's; tasks without it come last. `limit`: no more of them than
    that. `count_by`: how many there are of each value, instead of the tasks.
    """

    sort: str | None = None
    descending: bool = False
    limit: int | None = None
    count_by: str | None = None


EVERY_TASK = Wish()
TARGET = "target"


@dataclass(frozen=True, slots=True)
class QueryResult:
    """The tasks that match, and the listings that did not come through whole.

    `total`: how many there are, though no more may be among `tasks` than were asked for. `counts`: tasks by value, the
    most first; None: that was not asked for.
    """

    tasks: tuple[Task, ...]
    incomplete: tuple[Observation, ...]
    total: int = 0
    counts: tuple[tuple[Value | None, int], ...] | None = None


async def query(
    world: World,
    clouds: Clouds,
    row: ResourceType,
    selector: Selector,
    targets: Collection[str],
    on_listed: Callable[[Observation], None],
    wish: Wish = EVERY_TASK,
) -> QueryResult:
    """List `row` on those of `targets` that are of its provider. No more tasks are held than are wished for."""
    names = [name for name in targets if world.configuration.targets[name].provider == row.provider]
    statuses = wanted_statuses([selector], row)
    wanted = {Scope(name, row.name): statuses for name in names}

    count_by = row.field_named("status" if wish.count_by == TARGET else wish.count_by) if wish.count_by else None
    best = None if wish.limit is None else partial(_first, wish=wish, row=row)

    def rules(_: Scope, off: bool) -> Rules:
        rule = Rule.of("", selector, None if off else world.now)
        return Rules([rule], (), frozenset(row.fields), off, count_by, best, max(2048, 2 * (wish.limit or 0)))

    observations, sieves = await sifted(world, clouds, wanted, on_listed, rules=rules)
    whole = {scope: sieves[scope] for scope, seen in observations.items() if not _is_failed(seen)}
    tasks = _first((task for sieve in whole.values() for task in sieve.tasks), wish, row)
    off = clocks_off(by_clock(world, observations).values())
    doubted = [
        replace(seen, fault=clock_fault(off[scope.target])) if seen.complete and scope.target in off else seen
        for scope, seen in observations.items()
    ]
    incomplete = tuple(seen for seen in doubted if not seen.complete or seen.fault)
    total = sum(sieve.matched for sieve in whole.values())
    return QueryResult(tuple(tasks), incomplete, total, _counts(whole, wish) if wish.count_by else None)


def _first(tasks: Iterable[Task], wish: Wish, row: ResourceType) -> list[Task]:
    """The tasks in the order that is wished for, and no more of them."""
    found = sorted(tasks, key=lambda task: task_order(task.key, task.created_at))
    if wish.sort == TARGET:
        found.sort(key=lambda task: task.target, reverse=wish.descending)
    elif wish.sort and (field := row.field_named(wish.sort)):
        values = [(field.value_in(task.values), task) for task in found]
        known = [(value, task) for value, task in values if value is not None]
        known.sort(key=lambda entry: _rank(entry[0], wish.sort), reverse=wish.descending)
        found = [task for _, task in known] + [task for value, task in values if value is None]
    return found[: wish.limit]


def _rank(value: Value, field: str | None) -> Any:  # noqa: ANN401 - of one type for one field
    return id_order(value) if field == "id" and isinstance(value, str) else value


def _counts(sieves: Mapping[Scope, Sieve], wish: Wish) -> tuple[tuple[Value | None, int], ...]:
    counts: Counter[Value | None] = Counter()
    for scope, sieve in sieves.items():
        counts.update({scope.target: sieve.matched} if wish.count_by == TARGET else sieve.groups)
    ranked = sorted(counts.items(), key=lambda entry: (-entry[1], entry[0] is None, str(entry[0])))
    return tuple((value, count) for value, count in ranked if count)[: wish.limit]


def narrowed(world: World, resource: str | None) -> World:
    """The world with the policies of one resource type only. Raises UsageError where there are none."""
    if resource is None:
        return world
    resource_type(world.catalogue.resource_types, resource)
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
