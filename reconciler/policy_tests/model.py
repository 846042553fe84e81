"""A policy test, checked and typed: what the runner reads instead of YAML."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.diagnostics import Location
    from reconciler.planning.snapshot import Snapshot
    from reconciler.tasks.resource_type import Action
    from reconciler.tasks.task import Task

__all__ = ["Demand", "Fate", "Named", "PolicyTest"]


class Fate(StrEnum):
    """What a policy makes of a task that it looks at: one of these, always."""

    CHANGE = "change"
    KEEP = "keep"
    """The policy does not want the task out, for whatever reason."""
    BLOCKED = "blocked"
    PROTECTED = "protected"


@dataclass(frozen=True, slots=True)
class Named:
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
class PolicyTest:
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
    def file(self) -> str:
        """The file that it stands in, as messages print it."""
        return self.location.file
