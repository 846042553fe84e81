"""Runs tests. Pure: the planner works on the tasks of each, with its clock."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from reconciler.exceptions import UsageError
from reconciler.policy_tests.comparison import failures_of
from reconciler.policy_tests.coverage import Coverage
from reconciler.policy_tests.results import Result, Results
from reconciler.policy_tests.world import World

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from reconciler.policy_tests.loader import PolicyTests
    from reconciler.policy_tests.model import PolicyTest
    from reconciler.tasks.catalogue import Catalogue

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
            results.append(Result(test, failures_of(test, world)))
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
