"""Runs tests: the planner works on the tasks of each, with its clock; the outcome is held against `expect`. Pure.

Each policy needs a task that it matches, and one that it only just does not: that is its coverage.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, assert_never

from reconciler.config.model import AtMost
from reconciler.diagnostics import Diagnostic, Rule, Severity
from reconciler.exceptions import UsageError
from reconciler.planning.judgement import Judgements
from reconciler.policy_tests.model import (
    Ambiguous,
    Fate,
    NoSuchTask,
    PolicyCoverage,
    Result,
    Results,
    Unexpected,
    Unseen,
    WrongCount,
    WrongFate,
    WrongSteps,
)
from reconciler.policy_tests.world import World
from reconciler.selectors.syntax import AllOf, AnyOf, Everything, Negation, Test, Truth
from reconciler.selectors.trace import trace
from reconciler.tasks.observation import Observation, Scope, clocks_off
from reconciler.tasks.task import TaskKey, id_order

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from reconciler.config.model import Configuration, Policy
    from reconciler.diagnostics import Location
    from reconciler.policy_tests.loader import PolicyTests
    from reconciler.policy_tests.model import Demand, Failure, Named, PolicyTest
    from reconciler.selectors.trace import Trace
    from reconciler.tasks.resource_type import Catalogue
    from reconciler.tasks.task import Task


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


def idle_protections(loaded: PolicyTests, catalogue: Catalogue) -> list[Diagnostic]:
    """Warnings of protections that hold none of the tasks that the tests give them, where they give any."""
    configuration = replace(loaded.configuration, policies={})
    counts: Counter[str] = Counter()
    busy: set[str] = set()
    for test in loaded.tests:
        listed = {scope: kept.observation for scope, kept in test.snapshot.scopes.items()} if test.snapshot else {}
        for task in test.tasks:
            scope = Scope(task.target, task.resource)
            known = listed.get(scope, Observation(scope, (), 0))
            listed[scope] = replace(known, tasks=(*known.tasks, task))
        seen = listed.values()
        judgements = Judgements(configuration, catalogue, test.now, clocks_off(seen).__contains__)
        watches = judgements.watches(seen, {one.scope: judgements.sifted(one, ()) for one in seen})
        idle = {watch.protection: watch.tasks for watch in watches if watch.idle}
        counts.update(idle)
        given = {observation.scope.resource for observation in seen if observation.tasks}
        rows = configuration.protections.values()
        busy |= {row.name for row in rows if row.name not in idle and not given.isdisjoint(row.resources)}
    return [
        Diagnostic(
            Severity.WARNING,
            f"protection `{name}` protects none of the {count} task{'s'[: count > 1]} of its kind in the tests",
            configuration.protections[name].location,
            hint="correct its `match`, or write a test of a task that it protects",
            rule=Rule.PROTECTION_IDLE,
        )
        for name, count in sorted(counts.items())
        if name not in busy
    ]


def _named(globs: Sequence[str], names: Iterable[str]) -> bool:
    return not globs or any(fnmatchcase(name, glob) for name in names for glob in globs)


def _check(flag: str, globs: Sequence[str], names: Iterable[str], none: str) -> None:
    for glob in globs:
        if not any(fnmatchcase(name, glob) for name in names):
            raise UsageError(f"{flag} {glob}: {none} has such a name")


_EXHAUSTIVE = (Fate.BLOCKED, Fate.PROTECTED, Fate.REFUSED, Fate.DEFERRED, Fate.REPORTED)
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


_FLIPPED = {
    Truth.FALSE: frozenset({Truth.TRUE}),
    Truth.TRUE: frozenset({Truth.FALSE}),
    Truth.UNKNOWN: frozenset({Truth.TRUE, Truth.FALSE}),
}


class Coverage:
    """Collects the cases of all active policies of a configuration, the first one of each kind."""

    def __init__(self, configuration: Configuration) -> None:
        self._policies = {name: policy for name, policy in configuration.policies.items() if not policy.suspend}
        self._matching: dict[str, str] = {}
        self._near_misses: dict[str, str] = {}

    def see(self, test: PolicyTest, world: World) -> None:
        """Look for cases among the tasks of a test, where some are still missing."""
        for name in self._policies.keys() & world.policies.keys():
            for task in world.tasks(self._policies[name]):
                if self._found(name):
                    break
                self._case(self._policies[name], task, test, world)

    def _found(self, name: str) -> bool:
        return name in self._matching and (name in self._near_misses or not _needs_near_miss(self._policies[name]))

    def _case(self, policy: Policy, task: Task, test: PolicyTest, world: World) -> None:
        """Note what one task is a case of. What a quota keeps counts as a near miss, too."""
        seen = trace(policy.match, task.values, test.now)
        if seen.truth is Truth.TRUE:
            self._matching.setdefault(policy.name, test.name)
        kept = seen.truth is Truth.TRUE and world.fate(policy.name, task.key) is Fate.KEEP
        if (kept and world.is_counted(policy, task)) or is_near_miss(seen):
            self._near_misses.setdefault(policy.name, test.name)

    def policies(self) -> tuple[PolicyCoverage, ...]:
        """What was found, by name of policy."""
        return tuple(
            PolicyCoverage(
                policy=name,
                location=policy.location,
                matching=self._matching.get(name),
                near_miss=self._near_misses.get(name),
                needs_near_miss=_needs_near_miss(policy),
            )
            for name, policy in sorted(self._policies.items())
        )


def is_near_miss(seen: Trace) -> bool:
    """Whether the selector is not true of the task, and would be if a single condition came out otherwise."""
    return seen.truth is not Truth.TRUE and Truth.TRUE in _by_one(seen)


def _by_one(seen: Trace) -> frozenset[Truth]:
    """The truths that a selector would have if one of its conditions came out otherwise."""
    match seen.selector:
        case Everything():
            return frozenset()
        case Test():
            return _FLIPPED[seen.truth]
        case Negation():
            return frozenset(Truth(2 - truth) for truth in _by_one(seen.parts[0]))
        case AllOf():
            return _joined(seen.parts, min)
        case AnyOf():
            return _joined(seen.parts, max)
        case _:
            assert_never(seen.selector)


def _joined(parts: Sequence[Trace], pick: Callable[[list[Truth]], Truth]) -> frozenset[Truth]:
    truths = [part.truth for part in parts]
    return frozenset(
        pick([*truths[:index], flipped, *truths[index + 1 :]])
        for index, part in enumerate(parts)
        for flipped in _by_one(part)
    )


def _needs_near_miss(policy: Policy) -> bool:
    """Not where every task matches and none may stay."""
    return bool(policy.fields) or isinstance(policy.ensure, AtMost)
