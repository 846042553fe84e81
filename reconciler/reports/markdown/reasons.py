"""The open part of a plan's comment: what is refused, what will be done, what is left alone, each with its reason."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from reconciler.diagnostics import Severity
from reconciler.planning.remedies import needed_together
from reconciler.reports.cells import counted
from reconciler.reports.markdown.parts import callout, code, listed, note_item
from reconciler.reports.tally import groups, skipped_groups
from reconciler.reports.wording import (
    blocked_failure,
    guard_breach,
    guard_remedy,
    half_truth,
    open_scopes,
    scope_error,
    unplaced_notes,
)
from reconciler.tasks.resource_type import Action

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from reconciler.planning.change import Change, Skipped
    from reconciler.planning.limits import Guard, GuardCheck
    from reconciler.planning.plan import Plan
    from reconciler.planning.policy_plan import PolicyPlan, ScopePlan
    from reconciler.reports.markdown.parts import Detail
    from reconciler.reports.tally import Group, SkippedGroup, Tally

_NAMES = 3
"""Policies, targets or protections that one line names."""
_REASON_CELLS = 240


def cautions(plan: Plan, detail: Detail) -> str:
    """What a reviewer must not overlook: scopes that were not seen whole, errors, guards that refuse."""
    together = needed_together(plan)
    lines: list[Callable[[], str]] = [  # of thousands, those that are shown are worded
        *(partial(_breach, policy, verdict, together) for policy, verdict in plan.breaches),
        *(partial(_blocked, reason) for reason in map(blocked_failure, plan.policies) if reason),
        *(partial(_open_scope, scope) for scope in open_scopes(plan)),
        *(partial(note_item, note) for note in unplaced_notes(plan) if note.severity is Severity.ERROR),
    ]
    if not lines:
        return ""
    leads = [
        f"**{half_truth(plan)}.**" if not plan.complete else "",
        f"**Guards refuse {counted(len(plan.refused), 'task')}, which will not be changed.**" if plan.breached else "",
    ]
    return callout("CAUTION", [*filter(None, leads), *detail.bullets(lines, lambda line: line(), "reason")])


def _breach(policy: PolicyPlan | None, verdict: GuardCheck, together: Mapping[Guard, int]) -> str:
    flag, limit, place = guard_remedy(policy, verdict, together)
    return f"- {code(guard_breach(policy, verdict), 240)}, to allow it: {code(flag, 320)} or {code(limit)} {place}"


def _blocked(reason: str) -> str:
    return f"- {code(reason, 160)}"


def _open_scope(scope: ScopePlan) -> str:
    what, consequence = scope_error(scope)
    return f"- {code(what, 240)}<br>{consequence}"


def deletes(plan: Plan, tally: Tally, detail: Detail) -> str:
    """The records that will not be there any more, first of all: a delete is for good."""
    groups = [group for group in tally.groups if group.deletes]
    if not groups:
        return ""
    count = plan.summary.delete + plan.summary.cancel_then_delete
    lead = f"**{counted(count, 'task record')} will be deleted for good**"
    return callout("WARNING", [lead, *detail.bullets(groups, lambda group: _bullet(group, group.deletes), "group")])


def cancels(tally: Tally, detail: Detail) -> str:
    groups = [group for group in tally.groups if group.cancels]
    if not groups:
        return ""
    count = sum(len(group.cancels) for group in groups)
    lead = f"**{counted(count, 'waiting task')} will be canceled**"
    return "\n".join([lead, *detail.bullets(groups, lambda group: _bullet(group, group.cancels), "group")])


def _bullet(group: Group, changes: Sequence[Change]) -> str:
    """How many tasks of what, where, and why."""
    targets = sorted({change.target for change in changes})
    before = sum(Action.CANCEL in change.steps and Action.DELETE in change.steps for change in changes)
    some = "" if before == len(changes) else f"{before} of them "
    first = f", {some}canceled first" if before else ""
    example = "" if len({change.reason for change in changes}) == 1 else "for example "
    reason = changes[0].reason
    if len(group.policies) == 1:
        reason = reason.removeprefix(f"{group.policies[0]}: ")  # which has just been said
    return (
        f"- {len(changes)} of {code(group.resource)} on {listed(targets[:_NAMES], len(targets))}{first}, by "
        f"{listed(group.policies[:_NAMES], len(group.policies))}: {example}{code(reason, _REASON_CELLS)}"
    )


def skipped(plan: Plan, detail: Detail) -> Iterator[str]:
    """The surplus tasks that stay, with what holds them."""
    yield _held_back("Refused", "by a guard: nothing is done to them", plan.refused, detail)
    if plan.deferred:
        yield f"**Deferred: {counted(plan.deferred, 'task')}** (left to later runs: more than the limits allow)"
    if plan.excluded:
        yield f"**Left out by --task: {counted(plan.excluded, 'change')}**"
    meaning = "by policies that only report: nothing is done"
    yield _held_back("Reported", meaning, plan.reported, detail)
    yield _left_alone("Blocked", "no operation leads out of their state now", plan.blocked, detail)
    yield _left_alone("Protected", "left alone, whatever policies ask for", plan.protected, detail)


def _left_alone(title: str, meaning: str, items: Sequence[Skipped], detail: Detail) -> str:
    if not items:
        return ""
    lead = f"**{title}: {counted(len(items), 'task')}** ({meaning})"
    return "\n".join([lead, *detail.bullets(skipped_groups(items), _skipped_bullet, "group")])


def _held_back(title: str, meaning: str, items: Sequence[Change], detail: Detail) -> str:
    """Changes that do not go ahead, by what asks for them."""
    if not items:
        return ""
    lead = f"**{title}: {counted(len(items), 'task')}** ({meaning})"
    return "\n".join([lead, *detail.bullets(groups(items), lambda group: _bullet(group, group.changes), "group")])


def _skipped_bullet(group: SkippedGroup) -> str:
    names = listed(group.named[:_NAMES], len(group.named))
    said = group.reason == f"protected by {', '.join(group.named)}"
    why = "" if said else f": {code(group.reason, _REASON_CELLS)}"
    return f"- {group.tasks} of {code(group.resource)}, by {names}{why}"
