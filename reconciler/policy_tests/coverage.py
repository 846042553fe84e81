"""Which policies the tests try out: each needs a task that it matches, and one that it only just does not. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from reconciler.config.model import AtMost
from reconciler.planning.quota import group_of
from reconciler.policy_tests.model import Fate, PolicyCoverage
from reconciler.selectors.describe import fields_of
from reconciler.selectors.syntax import AllOf, AnyOf, Everything, Negation, Test, Truth
from reconciler.selectors.trace import trace

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from reconciler.config.model import Configuration, Policy
    from reconciler.policy_tests.model import PolicyTest
    from reconciler.policy_tests.world import World
    from reconciler.selectors.trace import Trace
    from reconciler.tasks.task import Task

__all__ = ["Coverage", "is_near_miss"]

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
        if (kept and _is_counted(policy, task)) or is_near_miss(seen):
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


def _is_counted(policy: Policy, task: Task) -> bool:
    """Whether a quota counts the task; one of no known group or time is kept without being tried by it."""
    return isinstance(policy.ensure, AtMost) and group_of(task, policy.ensure) is not None


def _needs_near_miss(policy: Policy) -> bool:
    """Not where every task matches and none may stay."""
    return bool(fields_of(policy.match)) or isinstance(policy.ensure, AtMost)
