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


@dataclass(frozen=True, slots=True)
class Share:
    """One's place among several: how many scopes come before its own, how many are its own, and how many there are."""

    before: int
    own: int
    of: int


@dataclass(frozen=True, slots=True)
class Portion:
    """What of all limits on actions falls to one of several runs that know nothing of each other: by its scopes, of
    those of each policy and of all. The portions of all add up to the limits."""

    of_policies: Mapping[str, Share]
    of_run: Share


def _portion_of(check: GuardCheck, share: Share) -> GuardCheck:
    if check.own is not None or not share.of:
        return check
    upto = check.limit * (share.before + share.own) // share.of
    return replace(check, limit=upto - check.limit * share.before // share.of)


@dataclass(frozen=True, slots=True)
class Guards:
    """The limits of the policies that act, and of all of them together: checks, whatever was counted in them.

    Of each policy, and of all, the first is that of its changes in the run; the others are of scopes. A policy that is
    not `firm` defers what is more than its limits.
    """

    of_policies: Mapping[str, tuple[GuardCheck, ...]]
    of_run: tuple[GuardCheck, ...]
    firm: frozenset[str]

    def divided(self, portion: Portion) -> Guards:
        """What of the limits on actions falls to one of several runs; those of the command line are its own."""
        return Guards(
            {
                name: (_portion_of(first, portion.of_policies[name]), *others)
                for name, (first, *others) in self.of_policies.items()
            },
            (_portion_of(self.of_run[0], portion.of_run), *self.of_run[1:]),
            self.firm,
        )

    def hold(self, wanted: Sequence[Wanted]) -> Ruling:
        """Say which of these go ahead.

        A policy that a guard refuses is out alone; then all policies together are held to what they may do in a scope,
        and in the run. Those that defer take of what is left as much as all limits allow, the oldest task first.
        """
        asked = _by_policy((policy, task.scope) for task in wanted for policy in task.policies)
        checks = {name: _counted(found, asked[name]) for name, found in self.of_policies.items()}
        broken = {name: [check for check in checks[name] if check.breached] for name in self.firm}
        ahead = {
            task.key: left
            for task in wanted
            if (left := tuple(name for name in task.policies if name in self.firm and not broken[name]))
        }
        of_run, *of_scopes = _counted(self.of_run, Counter(Scope(key.target, key.resource) for key in ahead))
        shut = {check.scope: check for check in of_scopes if check.breached}
        ahead = {key: left for key, left in ahead.items() if (key.target, key.resource) not in shut}
        run = replace(of_run, changes=len(ahead))
        if run.breached:
            ahead = {}
        deferred = self._share_out(wanted, ahead, checks, of_scopes, run)
        taken = Counter(Scope(key.target, key.resource) for key in ahead)
        refused = {
            task.key: shut.get(task.scope) or _decisive(broken[asking[0]], task.scope) or run
            for task in wanted
            if task.key not in ahead and (asking := [name for name in task.policies if name in self.firm])
        }
        in_vain: defaultdict[str, set[TaskKey]] = defaultdict(set)
        for task in wanted:
            for name in self.firm.intersection(task.policies).difference(ahead.get(task.key, ())):
                in_vain[name].add(task.key)
        going = _by_policy((name, Scope(key.target, key.resource)) for key, names in ahead.items() for name in names)
        now_run, *now_scopes = _counted(self.of_run, taken)
        return Ruling(
            ahead,
            refused,
            {name: frozenset(keys) for name, keys in in_vain.items()},
            {name: frozenset(keys) for name, keys in deferred.items()},
            {name: found if name in self.firm else _counted(found, going[name]) for name, found in checks.items()},
            (
                run if run.breached else now_run,
                *(was if was.breached else now for was, now in zip(of_scopes, now_scopes, strict=True)),
            ),
        )

    def _share_out(
        self,
        wanted: Sequence[Wanted],
        ahead: dict[TaskKey, tuple[str, ...]],
        checks: Mapping[str, tuple[GuardCheck, ...]],
        of_scopes: Sequence[GuardCheck],
        run: GuardCheck,
    ) -> Mapping[str, set[TaskKey]]:
        """Put `ahead` what policies that defer want, as far as all limits allow; returns the rest."""
        room = {
            (name, check.scope): check.allowed
            for name, found in checks.items()
            if name not in self.firm
            for check in found
        }
        in_scope = {check.scope: 0 if check.breached else check.allowed - check.changes for check in of_scopes}
        in_run = 0 if run.breached else run.allowed - run.changes
        deferred: defaultdict[str, set[TaskKey]] = defaultdict(set)
        for task in sorted(wanted, key=_oldest_first):
            asking = [name for name in task.policies if name not in self.firm]
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


def guards(
    listed: Mapping[Scope, Mapping[str, int]],
    acting: Collection[str],
    configuration: Configuration,
    judgements: Judgements,
    overrides: Overrides,
) -> Guards:
    """The guards of the policies that are `acting`.

    `listed` has the tasks by status of each scope that was listed. A share is of those in a status that the policy
    admits, or any policy of the scope.
    """
    on = {
        scope: [policy for policy in configuration.policies_on(scope) if policy.name in acting]
        for scope in sorted(listed)
    }
    policies = {name: configuration.policies[name] for name in sorted(acting)}

    def basis(scope: Scope, admitted: Iterable[Status]) -> int:
        return sum(listed[scope].get(status.value, 0) for status in admitted)

    def of_policy(policy: Policy) -> Iterator[GuardCheck]:
        limits, name = policy.limits, policy.name
        found = {scope: basis(scope, judgements.of(name, scope).admitted) for scope in policy.scopes if scope in on}
        actions = GuardCheck(Guard.MAX_ACTIONS, limits.max_actions, 0, sum(found.values()))
        yield _under(actions, overrides.of(Guard.MAX_ACTIONS, name))
        for scope, tasks in found.items():
            check = GuardCheck(Guard.MAX_PERCENT, limits.max_percent, 0, tasks, *scope)
            yield _under(check, overrides.of(Guard.MAX_PERCENT, name))

    def of_run() -> Iterator[GuardCheck]:
        limits = configuration.settings.run_limits
        admitted = {
            scope: {status for policy in there for status in judgements.of(policy.name, scope).admitted}
            for scope, there in on.items()
        }
        tasks = {scope: basis(scope, statuses) for scope, statuses in admitted.items()}
        own = [policy.limits.max_actions for policy in policies.values()]
        lifted = [overrides.max_actions_of.get(name, policy.limits.max_actions) for name, policy in policies.items()]
        actions, most = _together(limits.max_actions, own, lifted, RUN_ACTIONS)
        check = GuardCheck(Guard.MAX_ACTIONS, actions, 0, sum(tasks.values()), derived=limits.max_actions is None)
        yield _under(check, _raised(actions, most, overrides.of_run(Guard.MAX_ACTIONS)))
        for scope, there in on.items():
            own = [policy.limits.max_percent for policy in there]
            lifted = [overrides.max_percent_of.get(policy.name, policy.limits.max_percent) for policy in there]
            percent, most = _together(limits.max_percent, own, lifted, 0)
            derived = limits.max_percent is None
            check = GuardCheck(Guard.MAX_PERCENT, percent, 0, tasks[scope], *scope, derived=derived)
            yield _under(check, _raised(percent, most, overrides.of_run(Guard.MAX_PERCENT)))

    firm = frozenset(name for name, policy in policies.items() if policy.limits.on_excess is OnExcess.REFUSE)
    return Guards({name: tuple(of_policy(policy)) for name, policy in policies.items()}, tuple(of_run()), firm)


def _by_policy(entries: Iterable[tuple[str, Scope]]) -> defaultdict[str, Counter[Scope]]:
    counts: defaultdict[str, Counter[Scope]] = defaultdict(Counter)
    for policy, scope in entries:
        counts[policy][scope] += 1
    return counts


def _counted(checks: Iterable[GuardCheck], changes: Counter[Scope]) -> tuple[GuardCheck, ...]:
    """The checks, with so many changes in each scope."""
    total = changes.total()
    return tuple(replace(check, changes=changes[check.scope] if check.scope else total) for check in checks)


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


def _under(check: GuardCheck, override: int | None) -> GuardCheck:
    """The check under a limit of the command line, where there is one."""
    return check if override is None else replace(check, limit=override, own=check.limit)
