"""What a plan would do, counted once: by policy, and by what asks for it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.planning.change import Change
from reconciler.reports.wording import KINDS
from reconciler.tasks.resource_type import Action

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reconciler.planning.change import Skipped
    from reconciler.planning.plan import Plan
    from reconciler.planning.policy_plan import PolicyPlan


@dataclass(frozen=True, slots=True)
class Group:
    """The changes that the same policies ask for on tasks of one type."""

    policies: tuple[str, ...]
    resource: str
    changes: tuple[Change, ...]

    @property
    def deletes(self) -> tuple[Change, ...]:
        """Those that end with the record gone for good, canceled first or not."""
        return tuple(change for change in self.changes if Action.DELETE in change.steps)

    @property
    def cancels(self) -> tuple[Change, ...]:
        """Those that leave the record."""
        return tuple(change for change in self.changes if Action.DELETE not in change.steps)

    @property
    def reason(self) -> str | None:
        """The reason of all its changes; None where they have several."""
        first = self.changes[0].reason
        return first if all(change.reason == first for change in self.changes) else None


@dataclass(frozen=True, slots=True)
class SkippedGroup:
    """Tasks that are left alone for the same reason. `named`: their protections, or the policies where they block."""

    named: tuple[str, ...]
    resource: str
    reason: str
    tasks: int


@dataclass(frozen=True, slots=True)
class Tally:
    """`groups` are ordered by what weighs most: deletes, which are for good, then the number of changes.

    `digest` is the plan's, which is costly to compute. `kinds` counts changes by policy and steps. `oldest` is the
    time of creation of the oldest task that a policy changes. `reasons` holds, by policy, the reason that all changes
    share which it alone asks for.
    """

    digest: str
    groups: tuple[Group, ...]
    kinds: Mapping[tuple[str, tuple[Action, ...]], int]
    oldest: Mapping[str, str]
    reasons: Mapping[str, str]

    @classmethod
    def of(cls, plan: Plan) -> Tally:
        kinds = Counter((policy, change.steps) for change in plan.changes for policy in change.policies)
        return cls(plan.digest, tuple(groups(plan.changes)), kinds, _oldest(plan.changes), _reasons(plan.changes))

    def says(self, change: Change) -> bool:
        """Whether the reason of a change is one of `reasons`."""
        return len(change.policies) == 1 and self.reasons.get(change.policies[0]) == change.reason

    def counts(self, policy: str) -> tuple[int, ...]:
        """The changes of a policy by what is done, in the order of `wording.KINDS`."""
        return tuple(self.kinds.get((policy, steps), 0) for steps in KINDS)

    def ranked(self, policies: Sequence[PolicyPlan]) -> list[PolicyPlan]:
        """Those that do most first, since they stay where a list is cut."""

        def weight(policy: PolicyPlan) -> tuple[int, int, int, str]:
            deletes = sum(self.kinds.get((policy.name, steps), 0) for steps in KINDS if Action.DELETE in steps)
            return -deletes, -policy.changes, -policy.blocked, policy.name

        return sorted(policies, key=weight)


def groups(changes: Sequence[Change]) -> list[Group]:
    """Those with most deletes first, then those of most changes."""
    found: dict[tuple[tuple[str, ...], str], list[Change]] = {}
    for change in changes:
        found.setdefault((change.policies, change.resource), []).append(change)
    groups = [Group(policies, resource, tuple(members)) for (policies, resource), members in found.items()]
    return sorted(groups, key=lambda group: (-len(group.deletes), -len(group.changes), group.policies, group.resource))


def _oldest(changes: Sequence[Change]) -> dict[str, str]:
    """RFC 3339 in UTC sorts as text."""
    oldest: dict[str, str] = {}
    for change in changes:
        created = change.observed.get("created_at")
        if isinstance(created, str):
            oldest.update({policy: min(created, oldest.get(policy, created)) for policy in change.policies})
    return oldest


def holders(item: Change | Skipped) -> tuple[str, ...]:
    """What is named for a task that is left alone: its protections, or the policies that want it out."""
    return (() if isinstance(item, Change) else item.protections) or item.policies


def _reasons(changes: Sequence[Change]) -> dict[str, str]:
    found: dict[str, str | None] = {}
    for change in changes:
        if len(change.policies) == 1:
            (policy,) = change.policies
            found[policy] = change.reason if found.setdefault(policy, change.reason) == change.reason else None
    return {policy: reason for policy, reason in found.items() if reason is not None}


def skipped_groups(items: Sequence[Skipped]) -> list[SkippedGroup]:
    """Those of most tasks first."""
    counts = Counter((holders(item), item.resource, item.reason) for item in items)
    ranked = sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))
    return [SkippedGroup(named, resource, reason, tasks) for (named, resource, reason), tasks in ranked]
