"""Guards: how much a policy, and all policies together, may do in one run."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from reconciler.config.model import RUN_ACTIONS, OnExcess
from reconciler.planning.limits import Guard, GuardCheck
from reconciler.tasks.observation import Scope
from reconciler.tasks.task import id_order

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from reconciler.config.model import Configuration, Policy
    from reconciler.planning.judgement import Judgements
    from reconciler.planning.limits import Overrides
    from reconciler.tasks.task import Status, TaskKey


class Wanted(NamedTuple):
    """A task that policies want out: which ones, in their order, and when it was created (None: not known)."""

    key: TaskKey
    created: int | None
    policies: tuple[str, ...]

    @property
    def scope(self) -> Scope:
        return Scope(self.key.target, self.key.resource)


@dataclass(frozen=True, slots=True)
class Ruling:
    """What the guards make of what is wanted.

    `ahead` has the tasks that go ahead, each with the policies that it does so for; `refused` those that no policy is
    left for, each with the guard that decides; `refused_of` has by policy what it asks for in vain, and `deferred` what
    it leaves to later runs.
    """

    ahead: Mapping[TaskKey, tuple[str, ...]]
    refused: Mapping[TaskKey, GuardCheck]
    refused_of: Mapping[str, frozenset[TaskKey]]
    deferred: Mapping[str, frozenset[TaskKey]]
    of_policies: Mapping[str, tuple[GuardCheck, ...]]
    of_run: tuple[GuardCheck, ...]


class Guards:
    """Every guard of the policies that act, held against what they want.

    `listed` has the tasks by status of each scope that was listed. A share is of those in a status that the policy
    admits, or any policy of the scope. A policy that a guard refuses is out alone; then all policies together are held
    to what they may do in a scope, and in the run. Those that defer take of what is left as much as all limits allow,
    the oldest task first.
    """

    def __init__(
        self,
        listed: Mapping[Scope, Mapping[str, int]],
        acting: Collection[str],
        configuration: Configuration,
        judgements: Judgements,
        overrides: Overrides,
    ) -> None:
        self._judgements = judgements
        self._overrides = overrides
        self._limits = configuration.settings.run_limits
        self._on = {
            scope: [policy for policy in configuration.policies_on(scope) if policy.name in acting]
            for scope in sorted(listed)
        }
        self._policies = {name: configuration.policies[name] for name in sorted(acting)}
        self._listed = listed

    def hold(self, wanted: Sequence[Wanted]) -> Ruling:
        """Say which of these go ahead."""
        counts = Counter((policy, task.scope) for task in wanted for policy in task.policies)
        firm = {name for name, policy in self._policies.items() if policy.limits.on_excess is OnExcess.REFUSE}
        checks = {name: tuple(self._of_policy(policy, counts)) for name, policy in self._policies.items()}
        broken = {name: [check for check in checks[name] if check.breached] for name in firm}
        ahead = {
            task.key: left
            for task in wanted
            if (left := tuple(name for name in task.policies if name in firm and not broken[name]))
        }
        per_scope = Counter(Scope(key.target, key.resource) for key in ahead)
        scopes = {scope: self._of_scope(scope, per_scope[scope]) for scope in self._on}
        shut = {scope: check for scope, check in scopes.items() if check.breached}
        ahead = {key: left for key, left in ahead.items() if (key.target, key.resource) not in shut}
        run = self._of_run(len(ahead))
        if run.breached:
            ahead = {}
        deferred = self._share_out(wanted, ahead, firm, checks, scopes, run)
        taken = Counter(Scope(key.target, key.resource) for key in ahead)
        refused = {
            task.key: shut.get(task.scope) or _decisive(broken[asking[0]], task.scope) or run
            for task in wanted
            if task.key not in ahead and (asking := [name for name in task.policies if name in firm])
        }
        in_vain: defaultdict[str, set[TaskKey]] = defaultdict(set)
        for task in wanted:
            for name in firm.intersection(task.policies).difference(ahead.get(task.key, ())):
                in_vain[name].add(task.key)
        going = Counter((name, Scope(key.target, key.resource)) for key, names in ahead.items() for name in names)
        return Ruling(
            ahead,
            refused,
            {name: frozenset(keys) for name, keys in in_vain.items()},
            {name: frozenset(keys) for name, keys in deferred.items()},
            {
                name: found if name in firm else tuple(self._of_policy(self._policies[name], going))
                for name, found in checks.items()
            },
            (
                run if run.breached else self._of_run(len(ahead)),
                *(check if check.breached else self._of_scope(scope, taken[scope]) for scope, check in scopes.items()),
            ),
        )

    def _share_out(
        self,
        wanted: Sequence[Wanted],
        ahead: dict[TaskKey, tuple[str, ...]],
        firm: Collection[str],
        checks: Mapping[str, tuple[GuardCheck, ...]],
        scopes: Mapping[Scope, GuardCheck],
        run: GuardCheck,
    ) -> Mapping[str, set[TaskKey]]:
        """Put `ahead` what policies that defer want, as far as all limits allow; returns the rest."""
        room = {
            (name, check.scope): check.allowed for name, found in checks.items() if name not in firm for check in found
        }
        in_scope = {scope: 0 if check.breached else check.allowed - check.changes for scope, check in scopes.items()}
        in_run = 0 if run.breached else run.allowed - run.changes
        deferred: defaultdict[str, set[TaskKey]] = defaultdict(set)
        for task in sorted(wanted, key=_oldest_first):
            asking = [name for name in task.policies if name not in firm]
            goes = task.key in ahead
            fits = goes or (in_scope[task.scope] > 0 and in_run > 0)
            takers = [name for name in asking if fits and room[name, None] > 0 and room[name, task.scope] > 0]
            for name in takers:
                room[name, None] -= 1
                room[name, task.scope] -= 1
            for name in asking:
                if name not in takers:
                    deferred[name].add(task.key)
            if takers and not goes:
                in_scope[task.scope] -= 1
                in_run -= 1
            if takers:
                going = {*takers, *ahead.get(task.key, ())}
                ahead[task.key] = tuple(name for name in task.policies if name in going)
        return deferred

    def _of_policy(self, policy: Policy, counts: Mapping[tuple[str, Scope], int]) -> Iterator[GuardCheck]:
        """Those of one policy: over all its scopes, and for each."""
        limits, overrides, name = policy.limits, self._overrides, policy.name
        basis = {
            scope: self._basis(scope, self._judgements.of(name, scope).admitted)
            for scope in policy.scopes
            if scope in self._on
        }
        actions = sum(counts.get((name, scope), 0) for scope in basis)
        yield _held(
            GuardCheck(Guard.MAX_ACTIONS, limits.max_actions, actions, sum(basis.values())),
            overrides.of(Guard.MAX_ACTIONS, name),
        )
        for scope, listed in basis.items():
            check = GuardCheck(Guard.MAX_PERCENT, limits.max_percent, counts.get((name, scope), 0), listed, *scope)
            yield _held(check, overrides.of(Guard.MAX_PERCENT, name))

    def _of_scope(self, scope: Scope, changes: int) -> GuardCheck:
        policies = self._on[scope]
        own = [policy.limits.max_percent for policy in policies]
        lifted = [self._overrides.max_percent_of.get(policy.name, policy.limits.max_percent) for policy in policies]
        percent, most = _together(self._limits.max_percent, own, lifted, 0)
        derived = self._limits.max_percent is None
        check = GuardCheck(Guard.MAX_PERCENT, percent, changes, self._all_of(scope), *scope, derived=derived)
        return _held(check, _raised(percent, most, self._overrides.of_run(Guard.MAX_PERCENT)))

    def _of_run(self, changes: int) -> GuardCheck:
        policies = self._policies.values()
        own = [policy.limits.max_actions for policy in policies]
        lifted = [self._overrides.max_actions_of.get(policy.name, policy.limits.max_actions) for policy in policies]
        actions, most = _together(self._limits.max_actions, own, lifted, RUN_ACTIONS)
        derived, listed = self._limits.max_actions is None, sum(map(self._all_of, self._on))
        check = GuardCheck(Guard.MAX_ACTIONS, actions, changes, listed, derived=derived)
        return _held(check, _raised(actions, most, self._overrides.of_run(Guard.MAX_ACTIONS)))

    def _all_of(self, scope: Scope) -> int:
        """Tasks in a status that any policy there admits."""
        admitted = (self._judgements.of(policy.name, scope).admitted for policy in self._on[scope])
        return self._basis(scope, {status for statuses in admitted for status in statuses})

    def _basis(self, scope: Scope, admitted: Iterable[Status]) -> int:
        return sum(self._listed[scope].get(status.value, 0) for status in admitted)


def _oldest_first(task: Wanted) -> tuple[bool, int, str, str, tuple[int, int, str]]:
    target, resource, task_id = task.key
    return (task.created is None, task.created or 0, target, resource, id_order(task_id))


def _decisive(breaches: Sequence[GuardCheck], scope: Scope) -> GuardCheck | None:
    """The breach that a reader of a change there is told of, if there is any."""
    here = [check for check in breaches if check.scope in {None, scope}]
    return next(iter((*here, *breaches)), None)


def _together(limit: int | None, own: Iterable[int], lifted: Iterable[int], least: int) -> tuple[int, int]:
    """The limit of all policies together, and what it is under the limits given for single policies.

    What is written in the settings is written for all; else it is the largest that a policy has.
    """
    if limit is not None:
        return limit, limit
    return max(least, *own, 0), max(least, *lifted, 0)


def _raised(own: int, most: int, override: int | None) -> int | None:
    """A limit of the command line is meant for the policies: that of all together it may raise, and never lowers."""
    highest = max(own, most, override or 0)
    return highest if highest > own else None


def _held(own: GuardCheck, override: int | None) -> GuardCheck:
    """The check under a limit of the command line, where there is one."""
    if override is None:
        return own
    lifted = replace(own, limit=override)
    return replace(lifted, overridden=own.breached and not lifted.breached)
