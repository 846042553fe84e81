"""Remedies: which limits, given on the command line, let pass what guards refuse."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.planning.limits import Guard, Overrides
from reconciler.tasks.observation import Scope

if TYPE_CHECKING:
    from reconciler.planning.plan import Plan

_NAMED = 4
"""Limits of single policies that are named. Of more, there is one for all of them."""


def needed_together(plan: Plan) -> dict[Guard, int]:
    """What all policies together need where no guard of a single one refuses any more, of the limits that refuse then.

    Given for all, it lowers what none of them needs less of.
    """
    needed: dict[Guard, int] = {}
    raised: dict[tuple[Guard, Scope | None], int] = {}
    for policy in plan.policies:
        for one in policy.guards:
            raised[one.guard, one.scope] = max(raised.get((one.guard, one.scope), 0), one.needed)
    asked = Counter(Scope(entry.target, entry.resource) for entry in (*plan.changes, *plan.refused))
    for check in plan.run_guards:
        together = replace(check, changes=asked.total() if check.scope is None else asked[check.scope])
        if check.derived:
            together = replace(together, limit=max(check.limit, raised.get((check.guard, check.scope), 0)))
        if together.breached:
            needed[check.guard] = max(needed.get(check.guard, 0), together.needed)
    largest = _largest(plan)
    return {guard: max(number, largest[guard]) for guard, number in needed.items()}


def _largest(plan: Plan) -> Counter[Guard]:
    """What the policy needs that needs most, of each limit."""
    largest: Counter[Guard] = Counter()
    for policy in plan.policies:
        for one in policy.guards:
            largest[one.guard] = max(largest[one.guard], one.needed)
    return largest


def enough_for(plan: Plan) -> Overrides:
    """The limits that let all of the plan pass, whatever number of guards refuses."""
    named: dict[tuple[Guard, str], int] = {}
    for policy in plan.policies:
        for check in policy.breaches:
            named[check.guard, policy.name] = max(named.get((check.guard, policy.name), 0), check.needed)
    together = needed_together(plan)
    if len(named) > _NAMED:
        largest = _largest(plan)
        for guard, _ in named:
            together.setdefault(guard, largest[guard])
        named = {}
    actions, percent = (
        {policy: number for (of, policy), number in sorted(named.items()) if of is guard} for guard in Guard
    )
    return Overrides(together.get(Guard.MAX_ACTIONS), together.get(Guard.MAX_PERCENT), actions, percent)
