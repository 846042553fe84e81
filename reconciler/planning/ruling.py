"""What is asked for of each task, and what of it goes ahead once the guards are held against it. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from reconciler.planning.change import Change
from reconciler.planning.guards import Wanted
from reconciler.planning.limits import Refused
from reconciler.tasks.task import task_order

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from reconciler.planning.change import Observed
    from reconciler.planning.estimate import Estimate
    from reconciler.planning.guards import Guards, Ruling
    from reconciler.planning.limits import Overrides
    from reconciler.planning.plan import Plan
    from reconciler.tasks.resource_type import Action
    from reconciler.tasks.task import TaskKey


@dataclass(slots=True)
class Asked:
    """One task that some policies want out, with the reason of each, and how far each of them needs it to go.

    `created` is when the task was: seconds since the epoch (UTC); None: not known.
    """

    key: TaskKey
    created: int | None
    reasons: dict[str, str] = field(default_factory=dict)
    steps: dict[str, tuple[Action, ...]] = field(default_factory=dict)

    def add(self, policy: str, reason: str, steps: tuple[Action, ...] = ()) -> None:
        self.reasons[policy] = reason
        self.steps[policy] = steps

    def keep(self, policies: Collection[str]) -> None:
        """Forget all policies but these, where any of these wants it out."""
        if not self.steps.keys().isdisjoint(policies):
            self.reasons = {name: reason for name, reason in self.reasons.items() if name in policies}
            self.steps = {name: steps for name, steps in self.steps.items() if name in policies}

    def actions(self, policies: Iterable[str]) -> tuple[Action, ...]:
        """The longest way that one of these policies needs."""
        return max((self.steps[name] for name in policies), key=len)

    def entry(self, policies: Collection[str], seen: Observed) -> tuple[str, str, str, tuple[str, ...], str, Observed]:
        """The fields of an `Entry`, as far as these policies ask for it. What several of them say alike, such as why a
        task is blocked, is said once."""
        reasons = dict.fromkeys(self.reasons[name] for name in policies)
        return (*self.key, tuple(policies), "; ".join(reasons), seen)

    def change(self, policies: Collection[str], seen: Observed) -> Change:
        return Change(*self.entry(policies, seen), self.actions(policies))


def in_order(asked: Iterable[Asked]) -> list[Asked]:
    """By target, resource type, time of creation (unknown last) and id, as all lists of tasks in a plan are."""
    return sorted(asked, key=lambda one: task_order(one.key, one.created))


def ruled(
    plan: Plan,
    asked: Collection[Asked],
    guards: Guards,
    overrides: Overrides,
    seen: Callable[[Asked], Observed],
    estimate: Callable[[Collection[Change]], Estimate],
) -> tuple[Plan, Ruling]:
    """What goes ahead of what is `asked`, and how the guards decided that. `seen` says what is shown of a task."""
    ruling = guards.hold([Wanted(one.key, one.created, tuple(one.steps)) for one in asked])
    going = Counter(name for names in ruling.ahead.values() for name in names)
    left = set().union(*ruling.deferred.values()) - ruling.ahead.keys() - ruling.refused.keys()
    ordered = in_order(asked)
    changes = tuple(one.change(ruling.ahead[one.key], seen(one)) for one in ordered if one.key in ruling.ahead)
    refused = []
    for one in ordered:
        if check := ruling.refused.get(one.key):
            entry, steps = one.entry(one.steps, seen(one)), one.actions(one.steps)
            refused.append(Refused(*entry, steps, guard=check.guard, limit=check.limit, needed=check.needed))
    made = replace(
        plan,
        changes=changes,
        estimate=estimate(changes),
        refused=tuple(refused),
        deferred=len(left),
        policies=tuple(
            replace(
                policy,
                changes=going[policy.name],
                deferred=len(ruling.deferred.get(policy.name, ())),
                refused=len(ruling.refused_of.get(policy.name, ())),
                guards=ruling.of_policies.get(policy.name, ()),
            )
            for policy in plan.policies
        ),
        run_guards=ruling.of_run,
        overrides=overrides,
    )
    return made, ruling
