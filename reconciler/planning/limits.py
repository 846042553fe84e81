"""Limits: what one says of so many changes, and those of the command line instead of the policies' own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from math import inf
from types import MappingProxyType
from typing import ClassVar

from reconciler.planning.change import Change, Count, Name, ResourceName
from reconciler.redaction import Shown
from reconciler.tasks.observation import Scope

PERCENT_FLOOR = 10
"""Listed tasks from which on `max_percent` is enforced: below, one task is already 10 percent. 0 means 0 of any."""


class Guard(StrEnum):
    MAX_ACTIONS = "max_actions"
    """So many changes, over all scopes."""
    MAX_PERCENT = "max_percent"
    """Such a share of the tasks listed in one scope."""

    @property
    def flag(self) -> str:
        """The flag that gives another limit."""
        return f"--{self.value.replace('_', '-')}"


@dataclass(frozen=True, slots=True)
class GuardCheck(Shown):
    """One limit against what a policy, or all policies together, would do."""

    DERIVED: ClassVar = ("needed", "breached", "overridden")

    guard: Guard
    limit: Count
    changes: Count
    basis: Count
    """Tasks that `max_percent` is a share of. No part of the digest."""
    target: Name | None = None
    resource: ResourceName | None = None
    """Set, with its target, where the limit holds for one scope."""
    own: Count | None = None
    """What the limit is without that of the command line, which stands in its place; null: it is none of those."""
    derived: bool = False
    """The limit, of all policies together, is the largest that one of them has, and is raised with that."""

    @property
    def limit_of_its_own(self) -> int:
        """The limit, whatever the command line says."""
        return self.limit if self.own is None else self.own

    @property
    def scope(self) -> Scope | None:
        """Where it holds; None: everywhere."""
        return None if self.target is None or self.resource is None else Scope(self.target, self.resource)

    @property
    def allowed(self) -> float:
        """The most changes that pass."""
        if self.guard is Guard.MAX_ACTIONS:
            return self.limit
        return self.limit * self.basis // 100 if self.basis >= PERCENT_FLOOR else inf if self.limit else 0

    @property
    def share(self) -> int:
        """Percent of the basis that would change, rounded up."""
        return -(-100 * self.changes // self.basis) if self.basis else 0

    @property
    def needed(self) -> Count:
        """The least limit that lets it pass."""
        if self.guard is Guard.MAX_ACTIONS:
            return self.changes
        return self.share if self.basis >= PERCENT_FLOOR else min(self.changes, 1)

    @property
    def breached(self) -> bool:
        """Whether it refuses."""
        return self.needed > self.limit

    @property
    def overridden(self) -> bool:
        """Whether it holds only for a limit of the command line."""
        return self.limit_of_its_own < self.needed <= self.limit

    def flag(self, policy: str | None) -> str:
        """The flag that lets it pass, where it is a guard of this policy, or (None) of all policies together."""
        return f"{self.guard.flag} {f'{policy}=' if policy else ''}{self.needed}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused(Change):
    """A change that does not go ahead, since a guard refuses it."""

    guard: Guard
    """The guard that refuses the policy, the scope or the run that it belongs to."""
    limit: Count
    needed: Count
    """The least limit that lets it pass."""


@dataclass(frozen=True, slots=True)
class Overrides(Shown):
    """Limits given on the command line instead of the policies' own. Part of the digest."""

    max_actions: Count | None = None
    """Of every policy, and of all together where that is more."""
    max_percent: Count | None = None
    max_actions_of: Mapping[Name, Count] = field(default_factory=lambda: MappingProxyType({}))
    """Of single policies, by name."""
    max_percent_of: Mapping[Name, Count] = field(default_factory=lambda: MappingProxyType({}))

    def of(self, guard: Guard, policy: str) -> int | None:
        """The limit of one policy; None: its own holds."""
        named, all_of_them = self._given(guard)
        return named.get(policy, all_of_them)

    def of_run(self, guard: Guard) -> int | None:
        """What is meant for all of them; None: nothing is."""
        return self._given(guard)[1]

    @property
    def given(self) -> tuple[tuple[Guard, str | None, int], ...]:
        """Each as it was given: the guard, the policy (None: every one) and the number."""
        return tuple(
            (guard, policy, number)
            for guard in Guard
            for named, all_of_them in [self._given(guard)]
            for policy, number in [(None, all_of_them), *sorted(named.items())]
            if number is not None
        )

    @property
    def flags(self) -> str:
        """The flags that give them."""
        return " ".join(
            f"{guard.flag} {f'{policy}=' if policy else ''}{number}" for guard, policy, number in self.given
        )

    def _given(self, guard: Guard) -> tuple[Mapping[str, int], int | None]:
        if guard is Guard.MAX_ACTIONS:
            return self.max_actions_of, self.max_actions
        return self.max_percent_of, self.max_percent

    def unheeded(self, others: Overrides) -> Overrides:
        """Those of these in whose place `others` has nothing."""
        return Overrides(
            self.max_actions if others.max_actions is None else None,
            self.max_percent if others.max_percent is None else None,
            {name: limit for name, limit in self.max_actions_of.items() if others.of(Guard.MAX_ACTIONS, name) is None},
            {name: limit for name, limit in self.max_percent_of.items() if others.of(Guard.MAX_PERCENT, name) is None},
        )

    def given_again(self, given: Overrides) -> Overrides:
        """These, with what is `given` now in their place."""
        return Overrides(
            self.max_actions if given.max_actions is None else given.max_actions,
            self.max_percent if given.max_percent is None else given.max_percent,
            {**self.max_actions_of, **given.max_actions_of},
            {**self.max_percent_of, **given.max_percent_of},
        )
