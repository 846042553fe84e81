"""Guards: how much a policy, and all policies together, may do in one run."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.config.model import RUN_ACTIONS
from reconciler.planning.plan import Guard, GuardVerdict
from reconciler.tasks.observation import Completeness, Scope

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from reconciler.config.model import Configuration
    from reconciler.planning.judgement import Judgements
    from reconciler.planning.plan import Change, Overrides, Plan, PolicyVerdict
    from reconciler.tasks.status import Status

__all__ = ["guarded"]


def guarded(
    plan: Plan, changes: Iterable[Change], configuration: Configuration, judgements: Judgements, overrides: Overrides
) -> Plan:
    """`plan` with every guard held against `changes`, on what its scopes were seen to hold.

    A share is of the listed tasks in a status that the policy admits, or any policy of the scope. What a policy would
    do that is refused counts nothing towards the limits of the run, which are for what is left.
    """
    held = _Guards(plan, tuple(changes), configuration, judgements, overrides)
    policies = tuple(replace(verdict, guards=tuple(held.of_policy(verdict))) for verdict in plan.policies)
    return replace(plan, policies=policies, run_guards=tuple(held.of_run(policies)))


class _Guards:
    def __init__(
        self,
        plan: Plan,
        changes: tuple[Change, ...],
        configuration: Configuration,
        judgements: Judgements,
        overrides: Overrides,
    ) -> None:
        self._listed = {
            Scope(scope.target, scope.resource): scope.tasks
            for scope in plan.scopes
            if scope.completeness is not Completeness.FAILED
        }
        self._changes = changes
        self._configuration = configuration
        self._judgements = judgements
        self._overrides = overrides
        self._wanted = Counter((policy, change.target) for change in changes for policy in change.policies)

    def of_policy(self, verdict: PolicyVerdict) -> Iterator[GuardVerdict]:
        policy = self._configuration.policies[verdict.name]
        limits, overrides = policy.limits, self._overrides
        basis = {
            target: self._basis(Scope(target, policy.resource), self._judgements.of(policy.name, target).admitted)
            for target in sorted(policy.targets)
            if not policy.suspend and Scope(target, policy.resource) in self._listed
        }
        actions = sum(self._wanted[policy.name, target] for target in basis)
        yield _held(
            GuardVerdict(Guard.MAX_ACTIONS, limits.max_actions, actions, sum(basis.values())), overrides.max_actions
        )
        for target, listed in basis.items():
            count = self._wanted[policy.name, target]
            yield _held(
                GuardVerdict(Guard.MAX_PERCENT, limits.max_percent, count, listed, target), overrides.max_percent
            )

    def of_run(self, verdicts: Iterable[PolicyVerdict]) -> Iterator[GuardVerdict]:
        refused = {verdict.name for verdict in verdicts if verdict.breaches}
        left = Counter(
            Scope(change.target, change.resource) for change in self._changes if not refused.issuperset(change.policies)
        )
        limits, overrides = self._configuration.settings.run_limits, self._overrides
        on = {scope: self._configuration.policies_on(scope) for scope in sorted(self._listed)}
        basis = {
            scope: self._basis(
                scope, {status for one in policies for status in self._judgements.of(one.name, scope.target).admitted}
            )
            for scope, policies in on.items()
        }
        actions = limits.max_actions
        if actions is None:
            actions = max([RUN_ACTIONS, *(policy.limits.max_actions for each in on.values() for policy in each)])
        yield _held(
            GuardVerdict(Guard.MAX_ACTIONS, actions, left.total(), sum(basis.values())),
            _raised(actions, overrides.max_actions),
        )
        for scope, policies in on.items():
            percent = limits.max_percent
            if percent is None:
                percent = max(policy.limits.max_percent for policy in policies)
            yield _held(
                GuardVerdict(Guard.MAX_PERCENT, percent, left[scope], basis[scope], scope.target, scope.resource),
                _raised(percent, overrides.max_percent),
            )

    def _basis(self, scope: Scope, admitted: Iterable[Status]) -> int:
        observed: Mapping[str, int] = self._listed[scope]
        return sum(observed.get(status.value, 0) for status in admitted)


def _raised(own: int, override: int | None) -> int | None:
    """A limit of the command line is meant for the policies: that of the run it may raise, and never lowers."""
    return override if override is not None and override > own else None


def _held(own: GuardVerdict, override: int | None) -> GuardVerdict:
    """The verdict under a limit of the command line, where there is one."""
    if override is None:
        return own
    lifted = replace(own, limit=override)
    return replace(lifted, overridden=own.breached and not lifted.breached)
