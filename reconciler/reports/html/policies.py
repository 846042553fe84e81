"""The tables of policies and scopes of a plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.reports.html.elements import Markup, element, joined
from reconciler.reports.html.moments import created, moment
from reconciler.reports.html.tables import Column, Sort, section, table
from reconciler.reports.tally import Tally
from reconciler.reports.wording import KINDS, counted
from reconciler.tasks.observation import Completeness

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.planning.plan import Plan
    from reconciler.planning.policy_plan import PolicyPlan, ScopePlan

__all__ = ["policies", "scopes"]

_POLICY_COLUMNS = (
    Column("policy"),
    *(Column(title, Sort.NUMBER) for title in (*KINDS.values(), "blocked", "protected", "kept", "unknown")),
    Column("oldest", Sort.AGE),
)
_UNKNOWN = "; unknown tasks lack a field that the policy asks for, and are left alone"

_SCOPE_COLUMNS = (
    Column("resource"),
    Column("target"),
    Column("tasks", Sort.NUMBER),
    Column("by status"),
    Column("requests", Sort.NUMBER),
    Column("observed"),
)
_OBSERVED = {
    Completeness.COMPLETE: "whole",
    Completeness.UNSTABLE: "not whole",
    Completeness.FAILED: "could not be listed",
}


def policies(plan: Plan, now: int) -> Markup:
    """What each policy would do and found, in tasks; those that do most come first."""
    if not plan.policies:
        return Markup()
    caption = f"What each would do and found, in tasks{_UNKNOWN if plan.summary.unknown else ''}"
    return section("policies", "Policies", table("policies", caption, _POLICY_COLUMNS, _policy_rows(plan, now)))


def _policy_rows(plan: Plan, now: int) -> Iterator[list[str]]:
    tally = Tally.of(plan)
    for policy in tally.ranked(plan.policies):
        counts = (*tally.counts(policy.name), policy.blocked, policy.protected, policy.kept, policy.unknown)
        first = created({"created_at": tally.oldest.get(policy.name, "")})
        age = "" if first is None else moment(first, now)
        yield [joined([element("code", policy.name), *_traits(policy)]), *map(str, counts), age]


def _traits(policy: PolicyPlan) -> Iterator[Markup]:
    if policy.suspended:
        yield element("em", "suspended")
    if policy.breaches:
        yield element("em", "refused by a guard", class_="bad")
    if policy.blocked_fails:
        yield element("em", "blocked tasks fail it", class_="bad")
    if policy.description:
        yield element("p", policy.description, class_="aside")


def scopes(plan: Plan) -> Markup:
    """What was listed, and how that went."""
    caption = f"{counted(len(plan.scopes), 'scope')}: what was listed, and how that went"
    return section("scopes", "Scopes", table("scopes", caption, _SCOPE_COLUMNS, map(_scope_row, plan.scopes)))


def _scope_row(scope: ScopePlan) -> list[str]:
    observed = _OBSERVED[scope.completeness]
    return [
        element("code", scope.resource),
        scope.target,
        str(sum(scope.tasks.values())),
        joined((f"{count} {status}" for status, count in scope.tasks.items() if count), Markup(", ")),
        str(scope.requests),
        observed if scope.complete else joined([element("em", observed, class_="bad"), f" {scope.error or ''}"]),
    ]
