"""The world of one test: its tasks as listings would show them, and what the planner makes of them. Pure."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from reconciler import __version__
from reconciler.config.model import AtMost
from reconciler.planning.judgement import statuses_wanted
from reconciler.planning.planner import Planner
from reconciler.planning.quota import groups_by
from reconciler.planning.why import Inquiry
from reconciler.policy_tests.model import Fate
from reconciler.tasks.observation import Completeness, Observation, Scope

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.config.model import Configuration, Policy
    from reconciler.planning.why import PolicyAccount, TaskAccount
    from reconciler.policy_tests.model import PolicyTest
    from reconciler.tasks.observation import Fault
    from reconciler.tasks.resource_type import Action, Catalogue
    from reconciler.tasks.task import Task, TaskKey


class World:
    """What there is in one test, and what becomes of it.

    A scope without tasks is complete and empty, unless the test has a snapshot that cannot vouch for it.
    """

    def __init__(self, configuration: Configuration, catalogue: Catalogue, test: PolicyTest) -> None:
        self._catalogue = catalogue
        self.policies = {name: policy for name, policy in configuration.policies.items() if name in test.policies}
        self._tested = replace(configuration, policies=self.policies)
        self._observations = self._observed(test)
        self._tasks = {task.key: task for seen in self._observations.values() for task in seen.tasks}
        looking = {name: policy for name, policy in self.policies.items() if self.tasks(policy)}
        # Policies whose scopes are empty change nothing: leaving them out makes a thousand small tests quick.
        self._configuration = replace(configuration, policies=looking)
        self._now = test.now
        self._guarded = test.guarded
        self._planner = Planner(self._configuration, catalogue, test.now)
        make = self._planner.plan if test.guarded else self._planner.draft
        self._plan = make(self._observations, tool_version=__version__, expires_at=test.now)
        self._by_id: dict[str, defaultdict[str, list[TaskKey]]] = {}
        self._fates = self._all_fates()
        self._steps = {change.key: change.steps for change in self._plan.changes}

    def tasks(self, policy: Policy) -> tuple[Task, ...]:
        """The tasks that a policy looks at."""
        seen = (self._observations[scope] for scope in policy.scopes if scope in self._observations)
        return tuple(task for observation in seen for task in observation.tasks)

    def called(self, policy: str, task_id: str) -> tuple[TaskKey, ...]:
        """The tasks of this id among those that a policy looks at: one on each target at most."""
        if policy not in self._by_id:
            found = self._by_id[policy] = defaultdict(list)
            for task in self.tasks(self.policies[policy]):
                found[task.id].append(task.key)
        return tuple(self._by_id[policy].get(task_id, ()))

    def fate(self, policy: str, key: TaskKey) -> Fate:
        """What a policy makes of a task that it looks at."""
        return self._fates[policy].get(key, Fate.KEEP)

    def fated(self, policy: str, fate: Fate) -> tuple[TaskKey, ...]:
        """The tasks of which a policy makes this, in the order of their listing."""
        return tuple(task.key for task in self.tasks(self.policies[policy]) if self.fate(policy, task.key) is fate)

    def changed(self) -> Mapping[TaskKey, tuple[str, ...]]:
        """The tasks that would be changed, in the order of the plan, with the policies that ask for it."""
        return {change.key: change.policies for change in self._plan.changes}

    def protections(self) -> set[str]:
        """The protections that keep a task from what some policy wants."""
        return {name for skipped in self._plan.protected for name in skipped.protections}

    def steps(self, key: TaskKey) -> tuple[Action, ...]:
        """What would be done to a task."""
        return self._steps.get(key, ())

    def account(self, policy: str, key: TaskKey) -> tuple[TaskAccount, PolicyAccount]:
        """Why a policy makes of a task what it does."""
        task = self._inquiry.account(self._tasks[key])
        return task, next(account for account in task.policies if account.policy.name == policy)

    def is_counted(self, policy: Policy, task: Task) -> bool:
        """Whether a quota counts the task; one of no known group or time is kept without being tried by it."""
        quota, row = policy.ensure, self._catalogue.resource_types[task.resource]
        return isinstance(quota, AtMost) and groups_by(quota, row)(task) is not None

    @cached_property
    def _inquiry(self) -> Inquiry:
        """Made for failures only, since it plans once more."""
        return Inquiry(self._configuration, self._catalogue, self._observations, self._now, guarded=self._guarded)

    def named(self, task_id: str) -> TaskKey | None:
        """Any task of this id, whatever policy looks at it."""
        return next((key for key in self._tasks if key.id == task_id), None)

    def unseen(self, test: PolicyTest) -> tuple[tuple[Scope, Fault | None], ...]:
        """The scopes of active policies that the snapshot of the test cannot vouch for, and why.

        A listing that did not settle is good enough where all policies want tasks absent: each task that it saw is
        real. An `at_most` does not act on it, so that whatever is expected to stay would.
        """
        if test.snapshot is None:
            return ()
        found = []
        for scope, wanted in statuses_wanted(self._tested, self._catalogue).items():
            seen = self._observations[scope]
            gap = test.snapshot.gap(scope, wanted) if not self._inline(test, scope) else None
            if gap or seen.completeness is Completeness.FAILED or (not seen.complete and self._has_quota(scope)):
                found.append((scope, gap or seen.fault))
        return tuple(found)

    def _observed(self, test: PolicyTest) -> dict[Scope, Observation]:
        found = {scope: Observation(scope, (), 0) for scope in self._tested.scopes()}
        if test.snapshot is not None:
            found |= {scope: kept.observation for scope, kept in test.snapshot.scopes.items()}
            found |= test.snapshot.observations(statuses_wanted(self._tested, self._catalogue))
            if test.now != test.snapshot.taken_at:  # a clock that the test sets
                found = {scope: replace(seen, skews=()) for scope, seen in found.items()}
        inline: defaultdict[Scope, list[Task]] = defaultdict(list)
        for task in test.tasks:
            inline[Scope(task.target, task.resource)].append(task)
        for scope, tasks in inline.items():
            listed = found.get(scope)
            if listed is None or listed.completeness is Completeness.FAILED:
                found[scope] = Observation(scope, tuple(tasks), 0)
            else:
                found[scope] = replace(listed, tasks=(*listed.tasks, *tasks))
        return found

    def _inline(self, test: PolicyTest, scope: Scope) -> bool:
        return any((task.target, task.resource) == scope for task in test.tasks)

    def _has_quota(self, scope: Scope) -> bool:
        return any(isinstance(policy.ensure, AtMost) for policy in self._tested.policies_on(scope))

    def _all_fates(self) -> defaultdict[str, dict[TaskKey, Fate]]:
        plan = self._plan
        found: defaultdict[str, dict[TaskKey, Fate]] = defaultdict(dict)
        for change in plan.changes:
            for policy in change.policies:
                found[policy][change.key] = Fate.CHANGE
        for fate, group in ((Fate.BLOCKED, plan.blocked), (Fate.PROTECTED, plan.protected)):
            for skipped in group:
                for policy in skipped.policies:
                    found[policy][skipped.key] = fate
        held_back = {
            Fate.REFUSED: self._planner.refused,
            Fate.DEFERRED: self._planner.deferred,
            Fate.REPORTED: self._planner.reported,
        }
        for fate, held in held_back.items():
            for policy, keys in held.items():
                found[policy] |= dict.fromkeys(keys, fate)
        return found
