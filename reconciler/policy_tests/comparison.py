"""What a test expected against what its world came to. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.policy_tests.model import Fate
from reconciler.policy_tests.results import (
    Ambiguous,
    NoSuchTask,
    Unexpected,
    Unseen,
    WrongCount,
    WrongFate,
    WrongSteps,
)
from reconciler.tasks.task import TaskKey, id_order

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.diagnostics import Location
    from reconciler.policy_tests.model import Demand, Named, PolicyTest
    from reconciler.policy_tests.results import Failure
    from reconciler.policy_tests.world import World

__all__ = ["failures_of"]

_EXHAUSTIVE = (Fate.BLOCKED, Fate.PROTECTED)
"""Fates of which a list, where it is given, names every task. Changes are always all named, kept tasks never."""
_OTHERS = 5
"""Tasks that are suggested for one that is not there."""


def failures_of(test: PolicyTest, world: World) -> tuple[Failure, ...]:
    """Everything in which a test is not fulfilled, in the order in which it is written; the unexpected comes last."""
    unseen = tuple(Unseen(test.location, scope, fault) for scope, fault in world.unseen(test))
    return unseen or (*_unfulfilled(test, world), *_unexpected_changes(test, world))


def _unfulfilled(test: PolicyTest, world: World) -> Iterator[Failure]:
    for demands in test.expected.values():
        for demand in demands:
            if demand.count is None:
                yield from _listed(demand, world)
            elif len(found := world.fated(demand.policy, demand.fate)) != demand.count:
                yield WrongCount(demand.location, demand.policy, demand.fate, demand.count, found)


def _listed(demand: Demand, world: World) -> Iterator[Failure]:
    """A demand that names its tasks."""
    seen: set[TaskKey] = set()
    for named in demand.tasks:
        keys = _keys(named, demand.policy, world)
        if not keys:
            yield _no_such_task(named, demand.policy, world)
        elif len(keys) > 1:
            yield Ambiguous(named.location, demand.policy, named.id, tuple(key.target for key in keys))
        else:
            seen.add(keys[0])
            yield from _one(named, keys[0], demand, world)
    if demand.fate in _EXHAUSTIVE:
        for key in world.fated(demand.policy, demand.fate):
            if key not in seen:
                yield Unexpected(demand.location, demand.policy, demand.fate, *world.account(demand.policy, key))


def _one(named: Named, key: TaskKey, demand: Demand, world: World) -> Iterator[Failure]:
    found = world.fate(demand.policy, key)
    if found is not demand.fate:
        yield WrongFate(named.location, demand.policy, demand.fate, found, *world.account(demand.policy, key))
    elif named.steps is not None and named.steps != world.steps(key):
        yield WrongSteps(named.location, demand.policy, key, named.steps, world.steps(key))


def _keys(named: Named, policy: str, world: World) -> list[TaskKey]:
    """The tasks that a name may mean: of this id, among those that the policy looks at."""
    return [key for key in world.called(policy, named.id) if named.target in (None, key.target)]


def _no_such_task(named: Named, policy: str, world: World) -> NoSuchTask:
    others = sorted({task.id for task in world.tasks(world.policies[policy])}, key=id_order)
    return NoSuchTask(named.location, policy, named.id, named.target, tuple(others[:_OTHERS]), world.named(named.id))


def _unexpected_changes(test: PolicyTest, world: World) -> Iterator[Failure]:
    """The changes that no expectation names.

    A policy in `expect` has to name each of its changes. One that is not there may join in a change that another
    policy names, since the task goes anyway.
    """
    # A demand that is wrong about a task has been reported for that.
    named = {
        policy: {(named.id, named.target) for demand in demands for named in demand.tasks}
        for policy, demands in test.expected.items()
    }
    for key, policies in world.changed().items():
        expected = [policy for policy in policies if policy in test.expected]
        for policy in expected or policies[:1]:
            names = named.get(policy, set())
            if names.isdisjoint({(key.id, None), (key.id, key.target)}) and not _counts_changes(test, policy):
                location = _place(test, policy)
                yield Unexpected(location, policy, Fate.CHANGE, *world.account(policy, key))


def _counts_changes(test: PolicyTest, policy: str) -> bool:
    return any(demand.fate is Fate.CHANGE and demand.count is not None for demand in test.expected.get(policy, ()))


def _place(test: PolicyTest, policy: str) -> Location:
    demands = test.expected.get(policy)
    return demands[0].location if demands else test.location
