"""What the policies make of single tasks, and why: the plan's own verdicts, with the conditions behind them. Pure.

Nothing is decided here a second time. The planner plans what was observed, and each verdict is looked up in its plan;
the truths are those of its compiled selectors.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

from reconciler import __version__
from reconciler.config.model import AtMost
from reconciler.planning.judgement import Judgements
from reconciler.planning.planner import Planner
from reconciler.planning.quota import split
from reconciler.planning.reasons import observed, shown_fields
from reconciler.redaction import Shown
from reconciler.selectors.syntax import Truth
from reconciler.selectors.trace import trace
from reconciler.tasks.observation import Completeness, Observation, Scope, clock_fault, clocks_off
from reconciler.tasks.resource_type import Paging
from reconciler.tasks.task import TaskKey, id_order, task_order

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.config.model import Configuration, Policy
    from reconciler.planning.change import Change, Observed, Skipped
    from reconciler.planning.plan import Plan
    from reconciler.planning.quota import Surplus
    from reconciler.planning.sieve import Sieve
    from reconciler.selectors.trace import Trace
    from reconciler.tasks.resource_type import Action, Catalogue
    from reconciler.tasks.task import Task

NEAR = 3
"""Ids that are suggested for one that was not seen."""


class Verdict(StrEnum):
    """What one policy makes of one task."""

    CHANGED = "changed"
    BLOCKED = "blocked"
    PROTECTED = "protected"
    REFUSED = "refused"
    """It is surplus, and a guard refuses the policy, the scope or the run."""
    DEFERRED = "deferred"
    """It is surplus, and left to a later run, since the limits allow no more in this one."""
    REPORTED = "reported"
    """It is surplus, and the policy only reports."""
    SPARED = "spared"
    """It is surplus, and stays, since `only` is not known to be true of it."""
    KEPT = "kept"
    """It matches, and is within the quota."""
    UNDECIDED = "undecided"
    """It matches, and is kept because its group or its place in it is not known."""
    NOT_ACTING = "not_acting"
    """It matches, but the listing is incomplete, so an `at_most` does not act."""
    NOT_MATCHED = "not_matched"
    UNKNOWN = "unknown"
    SUSPENDED = "suspended"


@dataclass(frozen=True, slots=True)
class PolicyAccount(Shown):
    """One policy against one task.

    `steps` are those that this policy asks for. `place` is the task's place in its group, where a quota counts it
    (rank from 1, in the order of keeping). `reason` is the plan's, of a task that is blocked or protected. `only` is of
    the selector of those that may go, where the task is surplus.
    """

    policy: Policy
    verdict: Verdict
    trace: Trace
    steps: tuple[Action, ...] = ()
    place: Surplus | None = None
    reason: str = ""
    only: Trace | None = None


@dataclass(frozen=True, slots=True)
class ProtectionAccount(Shown):
    """One protection against one task. It holds the task unless it is false of it."""

    name: str
    holds: bool
    trace: Trace


@dataclass(frozen=True, slots=True)
class TaskAccount(Shown):
    """All that the policies of its scope make of one task.

    `steps` is what the plan does to it in all. `fields` are those it has, fit to be shown. `elsewhere` counts the
    policies that look at other targets or resource types only.
    """

    key: TaskKey
    fields: Observed
    complete: bool
    steps: tuple[Action, ...]
    policies: tuple[PolicyAccount, ...]
    protections: tuple[ProtectionAccount, ...]
    elsewhere: int


@dataclass(frozen=True, slots=True)
class Why(Shown):
    """The tasks of one id, in plan order. None: it was not seen, which is not to say that it is not there.

    `name` is the id as it was asked for. `near` are some ids that begin like it, where it was not seen.
    `taken_at` (seconds since the epoch, UTC) is given where a snapshot was asked instead of the clouds, and `partial`
    then names the scopes of which it holds some statuses only.
    `by_inventory` are the scopes in which only what the target's inventory names can be seen, and whether it names it.
    """

    name: str
    now: int
    tasks: tuple[TaskAccount, ...]
    plan: Plan
    observations: tuple[Observation, ...]
    near: tuple[str, ...] = ()
    by_inventory: tuple[tuple[Scope, bool], ...] = ()
    taken_at: int | None = None
    partial: tuple[Scope, ...] = ()

    @property
    def incomplete(self) -> tuple[Observation, ...]:
        """The listings that did not come through whole."""
        return tuple(seen for seen in self.observations if not seen.complete or seen.fault)


def scopes_of(configuration: Configuration) -> tuple[Scope, ...]:
    """The scopes that an answer needs: those of a plan, and those of suspended policies."""
    found = {scope for policy in configuration.policies.values() for scope in policy.scopes}
    return tuple(sorted(found))


class Inquiry:
    """Answers for the tasks of one set of observations. `now` is seconds since the epoch (UTC), the clock of all ages.

    `plan` is what the planner makes of the same observations, with its guards where it is `guarded`. A scope that could
    not be listed has no tasks here, and one that was listed into one of the `sieves` only those that are asked about.
    """

    def __init__(
        self,
        configuration: Configuration,
        catalogue: Catalogue,
        observations: Mapping[Scope, Observation],
        now: int,
        sieves: Mapping[Scope, Sieve] = MappingProxyType({}),
        *,
        guarded: bool = True,
    ) -> None:
        self._configuration = configuration
        self._catalogue = catalogue
        self._now = now
        off = clocks_off(observations.values())
        self._observations = tuple(
            replace(seen, fault=clock_fault(off[scope.target])) if seen.complete and scope.target in off else seen
            for scope, seen in sorted(observations.items())
        )
        self._seen = {
            scope: seen for scope, seen in observations.items() if seen.completeness is not Completeness.FAILED
        }
        self._planner = Planner(configuration, catalogue, now)
        make = self._planner.plan if guarded else self._planner.draft
        self.plan: Plan = make(observations, sieves, tool_version=__version__, expires_at=now)
        self._sieves = sieves
        self._off = off
        self._judgements = Judgements(configuration, catalogue, now, self._off.__contains__)
        self._changes = {change.key: change for change in self.plan.changes}
        self._held_back = {
            Verdict.REFUSED: self._planner.refused,
            Verdict.DEFERRED: self._planner.deferred,
            Verdict.REPORTED: self._planner.reported,
        }
        self._restraints = {found.name: found.restraint for found in self.plan.policies}
        self._blocked = {skipped.key: skipped for skipped in self.plan.blocked}
        self._protected = {skipped.key: skipped for skipped in self.plan.protected}
        self._places: dict[tuple[str, Scope], Mapping[TaskKey, Surplus]] = {}

    def answer(self, name: str) -> Why:
        """All about the tasks of this id, or of this `<target>/<resource>/<id>`."""
        tasks = [task for seen in self._seen.values() for task in seen.tasks]
        named = [task for task in tasks if name in (task.id, "/".join(task.key))]
        near = {task.id for task in tasks if name and task.id.startswith(name)} if not named else set()
        rows = self._catalogue.resource_types
        return Why(
            name=name,
            now=self._now,
            tasks=tuple(
                self.account(task) for task in sorted(named, key=lambda task: task_order(task.key, task.created_at))
            ),
            plan=self.plan,
            observations=self._observations,
            near=tuple(sorted(near, key=id_order)[:NEAR]),
            by_inventory=tuple(
                (seen.scope, self._is_named(name, seen.scope))
                for seen in self._observations
                if rows[seen.scope.resource].listing.paging is Paging.INVENTORY
            ),
        )

    def _is_named(self, name: str, scope: Scope) -> bool:
        lists = (self._configuration.targets[scope.target].inventory or {}).values()
        return any(name.removeprefix("/".join((*scope, ""))) in entries for entries in lists)

    def account(self, task: Task) -> TaskAccount:
        """What becomes of one of the observed tasks."""
        scope = Scope(task.target, task.resource)
        policies = [policy for _, policy in sorted(self._configuration.policies.items())]
        here = [policy for policy in policies if scope in policy.scopes]
        change = self._changes.get(task.key)
        row = self._catalogue.resource_types[task.resource]
        return TaskAccount(
            key=task.key,
            fields=observed(task, shown_fields(row, row.fields)),
            complete=self._seen[scope].complete,
            steps=change.steps if change else (),
            policies=tuple(self._policy(policy, task) for policy in here),
            protections=self._protections(task),
            elsewhere=len(policies) - len(here),
        )

    def _clock(self, task: Task) -> int | None:
        return None if task.target in self._off else self._now

    def _policy(self, policy: Policy, task: Task) -> PolicyAccount:
        found = self._judged(policy, task)
        if policy.suspend or policy.only is None or found.trace.truth is not Truth.TRUE:
            return found
        surplus = self._is_surplus(policy, task)
        return replace(found, only=trace(policy.only, task.values, self._clock(task))) if surplus else found

    def _judged(self, policy: Policy, task: Task) -> PolicyAccount:
        seen = trace(policy.match, task.values, self._clock(task))
        if policy.suspend:
            return PolicyAccount(policy, Verdict.SUSPENDED, seen)
        place = self._place(policy, task) if seen.truth is Truth.TRUE else None
        if _asks(policy, self._changes.get(task.key)):
            judgement = self._judgements.of(policy.name, Scope(task.target, task.resource))
            steps = tuple(operation.action for operation in judgement.route(task) or ())
            return PolicyAccount(policy, Verdict.CHANGED, seen, steps, place)
        for verdict, keys in self._held_back.items():
            if task.key in keys.get(policy.name, ()):
                return PolicyAccount(policy, verdict, seen, (), place, self._restraints[policy.name])
        for verdict, skipped in (
            (Verdict.PROTECTED, self._protected.get(task.key)),
            (Verdict.BLOCKED, self._blocked.get(task.key)),
        ):
            if skipped is not None and _asks(policy, skipped):
                return PolicyAccount(policy, verdict, seen, (), place, skipped.reason)
        return PolicyAccount(policy, self._left_alone(policy, task, seen.truth), seen, (), place)

    def _left_alone(self, policy: Policy, task: Task, truth: Truth) -> Verdict:
        """Why the plan has no word of this policy about the task."""
        if truth is not Truth.TRUE:
            return Verdict.UNKNOWN if truth is Truth.UNKNOWN else Verdict.NOT_MATCHED
        scope = Scope(task.target, task.resource)
        if isinstance(policy.ensure, AtMost) and not self._seen[scope].complete:
            return Verdict.NOT_ACTING
        lets_go = self._judgements.of(policy.name, scope).lets_go(task.values)
        if lets_go is not Truth.TRUE and self._is_surplus(policy, task):
            return Verdict.SPARED
        return Verdict.KEPT if self._place(policy, task) else Verdict.UNDECIDED

    def _is_surplus(self, policy: Policy, task: Task) -> bool:
        place = self._place(policy, task)
        return not isinstance(policy.ensure, AtMost) or (place is not None and place.rank > policy.ensure.count)

    def _place(self, policy: Policy, task: Task) -> Surplus | None:
        """The task's place among the matches of its group; None where the policy has no quota, or cannot tell."""
        scope = Scope(task.target, task.resource)
        if not isinstance(policy.ensure, AtMost) or not self._seen[scope].complete:
            return None
        if (policy.name, scope) not in self._places:
            judgement, seen = self._judgements.of(policy.name, scope), self._seen[scope].tasks
            held = self._sieves[scope].selected(policy.name) if scope in self._sieves else seen
            matched = [one for one in held if judgement.wants(one)]
            # A quota of none makes every task surplus that can be counted at all, and so gives each its place.
            everyone = split(matched, replace(policy.ensure, count=0), judgement.resource).surplus
            self._places[policy.name, scope] = {place.task.key: place for place in everyone}
        return self._places[policy.name, scope].get(task.key)

    def _protections(self, task: Task) -> tuple[ProtectionAccount, ...]:
        holding = self._judgements.protections(task)
        return tuple(
            ProtectionAccount(
                name, name in holding, trace(protection.match, task.values, self._clock(task), unknown_holds=True)
            )
            for name, protection in sorted(self._configuration.protections.items())
            if task.resource in protection.resources
        )


def _asks(policy: Policy, entry: Change | Skipped | None) -> bool:
    """Whether there is an entry of the plan, and this policy is behind it."""
    return entry is not None and policy.name in entry.policies
