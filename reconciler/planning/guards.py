"""Guards: how much a policy, and all policies together, may do in one run."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar

from reconciler.config.model import RUN_ACTIONS
from reconciler.planning.change import Change, Count, Name, ResourceName
from reconciler.redaction import Shown
from reconciler.tasks.observation import Scope

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from reconciler.config.model import Configuration
    from reconciler.planning.judgement import Judgements
    from reconciler.tasks.task import Status

PERCENT_FLOOR = 10
"""Listed tasks from which on `max_percent` is enforced: below, one task is already 10 percent. 0 means 0 of any."""


class Guard(StrEnum):
    MAX_ACTIONS = "max_actions"
    """So many changes, over all scopes."""
    MAX_PERCENT = "max_percent"
    """Such a share of the tasks listed in one scope."""


@dataclass(frozen=True, slots=True)
class GuardCheck(Shown):
    """One limit against what a policy, or all policies together, would do."""

    DERIVED: ClassVar = ("needed", "breached")

    guard: Guard
    limit: Count
    changes: Count
    basis: Count
    """Tasks that `max_percent` is a share of. No part of the digest."""
    target: Name | None = None
    resource: ResourceName | None = None
    """Set, with its target, where the limit holds for one scope."""
    overridden: bool = False
    """It holds only for a limit of the command line."""

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
    def flag(self) -> str:
        """The flag that lets it pass."""
        return f"--{self.guard.value.replace('_', '-')} {self.needed}"


@dataclass(frozen=True, slots=True)
class Overrides:
    """Limits given on the command line instead of the policies' own. Part of the digest."""

    max_actions: Count | None = None
    max_percent: Count | None = None


class Guards:
    """Every guard of a configuration, held against the changes of one plan.

    `listed` has the tasks by status of each scope that was listed. A share is of those in a status that the policy
    admits, or any policy of the scope.
    """

    def __init__(
        self,
        listed: Mapping[Scope, Mapping[str, int]],
        changes: Collection[Change],
        configuration: Configuration,
        judgements: Judgements,
        overrides: Overrides,
    ) -> None:
        self._listed = listed
        self._changes = changes
        self._configuration = configuration
        self._judgements = judgements
        self._overrides = overrides
        self._wanted = Counter(
            (policy, Scope(change.target, change.resource)) for change in changes for policy in change.policies
        )

    def of_policy(self, name: str) -> Iterator[GuardCheck]:
        """Those of one policy: over all its scopes, and for each."""
        policy = self._configuration.policies[name]
        limits, overrides = policy.limits, self._overrides
        basis = {
            scope: self._basis(scope, self._judgements.of(policy.name, scope).admitted)
            for scope in policy.scopes
            if not policy.suspend and scope in self._listed
        }
        actions = sum(self._wanted[policy.name, scope] for scope in basis)
        yield _held(
            GuardCheck(Guard.MAX_ACTIONS, limits.max_actions, actions, sum(basis.values())), overrides.max_actions
        )
        for scope, listed in basis.items():
            count = self._wanted[policy.name, scope]
            yield _held(GuardCheck(Guard.MAX_PERCENT, limits.max_percent, count, listed, *scope), overrides.max_percent)

    def of_run(self, refused: set[str]) -> Iterator[GuardCheck]:
        """Those of all policies together: of the run, and of each scope.

        What only policies ask for that are `refused` counts nothing: these limits are for what is left.
        """
        left = Counter(
            Scope(change.target, change.resource) for change in self._changes if not refused.issuperset(change.policies)
        )
        limits, overrides = self._configuration.settings.run_limits, self._overrides
        on = {scope: self._configuration.policies_on(scope) for scope in sorted(self._listed)}
        basis = {
            scope: self._basis(
                scope, {status for one in policies for status in self._judgements.of(one.name, scope).admitted}
            )
            for scope, policies in on.items()
        }
        actions = limits.max_actions
        if actions is None:
            actions = max([RUN_ACTIONS, *(policy.limits.max_actions for each in on.values() for policy in each)])
        yield _held(
            GuardCheck(Guard.MAX_ACTIONS, actions, left.total(), sum(basis.values())),
            _raised(actions, overrides.max_actions),
        )
        for scope, policies in on.items():
            percent = limits.max_percent
            if percent is None:
                percent = max(policy.limits.max_percent for policy in policies)
            yield _held(
                GuardCheck(Guard.MAX_PERCENT, percent, left[scope], basis[scope], scope.target, scope.resource),
                _raised(percent, overrides.max_percent),
            )

    def _basis(self, scope: Scope, admitted: Iterable[Status]) -> int:
        return sum(self._listed[scope].get(status.value, 0) for status in admitted)


def _raised(own: int, override: int | None) -> int | None:
    """A limit of the command line is meant for the policies: that of the run it may raise, and never lowers."""
    return override if override is not None and override > own else None


def _held(own: GuardCheck, override: int | None) -> GuardCheck:
    """The check under a limit of the command line, where there is one."""
    if override is None:
        return own
    lifted = replace(own, limit=override)
    return replace(lifted, overridden=own.breached and not lifted.breached)
