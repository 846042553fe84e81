"""A policy test, checked and typed, and what running tests brought: the failures of each, and coverage of policies."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar

from reconciler.diagnostics import Location, Placed
from reconciler.redaction import Shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.planning.snapshot import Snapshot
    from reconciler.planning.why import PolicyAccount, TaskAccount
    from reconciler.tasks.observation import Fault, Scope
    from reconciler.tasks.resource_type import Action
    from reconciler.tasks.task import Task, TaskKey


class Fate(StrEnum):
    """What a policy makes of a task that it looks at: one of these, always."""

    CHANGE = "change"
    KEEP = "keep"
    """The policy does not want the task out, for whatever reason."""
    BLOCKED = "blocked"
    PROTECTED = "protected"
    REFUSED = "refused"
    """A guard refuses the change."""
    DEFERRED = "deferred"
    """It is left to a later run."""
    REPORTED = "reported"
    """The policy wants it out, and only reports that."""


GUARDED = frozenset({Fate.REFUSED, Fate.DEFERRED})
"""What only guards make of a task. They are in force in tests that expect something of it."""


@dataclass(frozen=True, slots=True)
class Named(Shown):
    """One task that an expectation names. `target` and `steps` are None where any will do."""

    id: str
    location: Location
    target: str | None = None
    steps: tuple[Action, ...] | None = None


@dataclass(frozen=True, slots=True)
class Demand:
    """What a test expects of one policy and one fate: these `tasks`, or, where `count` is given, so many."""

    policy: str
    fate: Fate
    location: Location
    tasks: tuple[Named, ...] = ()
    count: int | None = None


@dataclass(frozen=True, slots=True)
class PolicyTest(Shown):
    """One test. `now` is its frozen clock, in seconds since the epoch (UTC).

    `policies` are the names of the policies that are there, suspended ones included. `expected` has a key for each
    policy that the test says something about, with what it demands.
    """

    name: str
    location: Location
    now: int
    policies: frozenset[str]
    expected: Mapping[str, tuple[Demand, ...]]
    tasks: tuple[Task, ...] = ()
    snapshot: Snapshot | None = None
    description: str = ""

    @property
    def guarded(self) -> bool:
        """Whether guards are in force: not where a few tasks are to show what a selector does."""
        return any(demand.fate in GUARDED for demands in self.expected.values() for demand in demands)

    @property
    def file(self) -> str:
        """The file that it stands in, as messages print it."""
        return self.location.file


@dataclass(frozen=True, slots=True)
class WrongFate(Shown):
    """A named task became something else. `account` is what the policy makes of it, with the deciding conditions."""

    location: Location
    policy: str
    expected: Fate
    found: Fate
    task: TaskAccount
    account: PolicyAccount


@dataclass(frozen=True, slots=True)
class WrongSteps(Shown):
    """A named task is changed, but not by the expected operations. `found` is what all policies together ask for."""

    location: Location
    policy: str
    task: TaskKey
    expected: tuple[Action, ...]
    found: tuple[Action, ...]


@dataclass(frozen=True, slots=True)
class WrongCount(Shown):
    """Not as many tasks of one fate as expected. `found` are those that there are."""

    location: Location
    policy: str
    fate: Fate
    expected: int
    found: tuple[TaskKey, ...]


@dataclass(frozen=True, slots=True)
class Unexpected(Shown):
    """A task that no expectation names is changed, or blocked or protected where all of those were named."""

    location: Location
    policy: str
    found: Fate
    task: TaskAccount
    account: PolicyAccount


@dataclass(frozen=True, slots=True)
class NoSuchTask(Shown):
    """An expectation about a task that the policy does not look at. `others` are some that it does look at.

    `elsewhere` is a task of the test that has the id, of another resource type or target.
    """

    location: Location
    policy: str
    id: str
    target: str | None
    others: tuple[str, ...]
    elsewhere: TaskKey | None


@dataclass(frozen=True, slots=True)
class Ambiguous(Shown):
    """An expectation about an id that tasks on several targets have."""

    location: Location
    policy: str
    id: str
    targets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Unseen(Shown):
    """The snapshot does not show what a policy looks at, so nothing could be said about it."""

    location: Location
    scope: Scope
    fault: Fault | None


Failure = WrongFate | WrongSteps | WrongCount | Unexpected | NoSuchTask | Ambiguous | Unseen


@dataclass(frozen=True, slots=True)
class Result:
    """One test that was run."""

    test: PolicyTest
    failures: tuple[Failure, ...]

    @property
    def passed(self) -> bool:
        return not self.failures


@dataclass(frozen=True, slots=True)
class PolicyCoverage(Placed):
    """What the tests try out of one policy."""

    WRITTEN: ClassVar = (
        *("policy", "file", "line", "column", "matching", "near_miss", "needs_near_miss", "covered", "missing"),
    )

    policy: str
    location: Location | None
    matching: str | None
    """A test in which it matches."""
    near_miss: str | None
    """A test in which it nearly does."""
    needs_near_miss: bool
    """False where it matches every task and leaves none."""

    @property
    def covered(self) -> bool:
        return not self.missing

    @property
    def missing(self) -> str:
        """What no test tries, in words."""
        near_miss = self.near_miss is not None or not self.needs_near_miss
        match self.matching is not None, near_miss:
            case True, True:
                return ""
            case True, False:
                return "no test has a near miss"
            case False, True:
                return "no test has a task that it matches"
            case _:
                return "no test has a task that it matches, nor a near miss"


@dataclass(frozen=True, slots=True)
class Results(Shown):
    """All tests that were run, in the order of files and names. `coverage` is None where only some were run.

    `idle` are the protections that hold no task of any test which a policy wants.
    """

    files: tuple[str, ...]
    results: tuple[Result, ...]
    coverage: tuple[PolicyCoverage, ...] | None = None
    idle: tuple[str, ...] = ()

    @property
    def failed(self) -> tuple[Result, ...]:
        return tuple(result for result in self.results if not result.passed)

    @property
    def uncovered(self) -> tuple[PolicyCoverage, ...]:
        return tuple(policy for policy in self.coverage or () if not policy.covered)
