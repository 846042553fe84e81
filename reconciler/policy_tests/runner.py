"""Runs tests: the planner works on the tasks of each, with its clock; the outcome is held against `expect`. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from reconciler.exceptions import UsageError
from reconciler.policy_tests.coverage import Coverage
from reconciler.policy_tests.model import (
    Ambiguous,
    Fate,
    NoSuchTask,
    Result,
    Results,
    Unexpected,
    Unseen,
    WrongCount,
    WrongFate,
    WrongSteps,
)
from reconciler.policy_tests.world import World
from reconciler.tasks.task import TaskKey, id_order

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from reconciler.diagnostics import Location
    from reconciler.policy_tests.loader import PolicyTests
    from reconciler.policy_tests.model import Demand, Failure, Named, PolicyTest
    from reconciler.tasks.resource_type import Catalogue

__all__ = ["Selection", "run_tests"]


@dataclass(frozen=True, slots=True)
class Selection:
    """Globs of what to run (none: all): tests by their name, and tests that expect something of a policy."""

    tests: Sequence[str] = ()
    policies: Sequence[str] = ()

    def check(self, loaded: PolicyTests) -> None:
        """Raise UsageError for a glob that names nothing, so that a typo does not count as passed."""
        _check("--test", self.tests, [test.name for test in loaded.tests], "no test")
        _check("--policy", self.policies, loaded.configuration.policies, "no policy of the configuration")
        if not any(self.takes(test) for test in loaded.tests):
            asked = [f"--test {glob}" for glob in self.tests] + [f"--policy {glob}" for glob in self.policies]
            raise UsageError(f"{' '.join(asked)}: no such test expects anything of such a policy")

    def takes(self, test: PolicyTest) -> bool:
        return _named(self.tests, (test.name,)) and _named(self.policies, test.expected)

    def covers(self, policy: str) -> bool:
        return _named(self.policies, (policy,))


def run_tests(loaded: PolicyTests, catalogue: Catalogue, selection: Selection) -> Results:
    """Run the selected tests. What the policies are covered by is looked for in all tests, unless some were picked.

    Raises UsageError for a selection that names nothing.
    """
    selection.check(loaded)
    coverage = Coverage(loaded.configuration) if not selection.tests else None
    results = []
    idle = set(loaded.configuration.protections)
    for test in loaded.tests:
        if coverage is None and not selection.takes(test):
            continue
        world = World(loaded.configuration, catalogue, test)
        if selection.takes(test):
            results.append(Result(test, _failures_of(test, world)))
        if coverage is not None:
            coverage.see(test, world)
            idle -= world.protections()
    found = None
    if coverage is not None:
        found = tuple(policy for policy in coverage.policies() if selection.covers(policy.policy))
    return Results(loaded.files, tuple(results), found, () if found is None else tuple(sorted(idle)))


def _named(globs: Sequence[str], names: Iterable[str]) -> bool:
    return not globs or any(fnmatchcase(name, glob) for name in names for glob in globs)


def _check(flag: str, globs: Sequence[str], names: Iterable[str], none: str) -> None:
    for glob in globs:
        if not any(fnmatchcase(name, glob) for name in names):
            raise UsageError(f"{flag} {glob}: {none} has such a name")


_EXHAUSTIVE = (Fate.BLOCKED, Fate.PROTECTED)
"""Fates of which a list, where it is given, names every task. Changes are always all named, kept tasks never."""
_OTHERS = 5
"""Tasks that are suggested for one that is not there."""


def _failures_of(test: PolicyTest, world: World) -> tuple[Failure, ...]:
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
