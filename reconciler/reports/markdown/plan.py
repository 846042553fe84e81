"""The plan as a comment on a pull request: one comment, found again by its first line, within GitHub's limit.

What a reviewer decides by stands open: what is refused, what will be deleted and canceled, and why, what is left alone,
how to apply or refuse it. The tasks are folded below, in tables.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from reconciler.diagnostics import Severity
from reconciler.planning.remedies import enough_for
from reconciler.reports.ages import age_of, until
from reconciler.reports.cells import counted
from reconciler.reports.commands import apply_saved, approval
from reconciler.reports.markdown.marker import Marker, MarkerKind, key_of
from reconciler.reports.markdown.parts import BUDGET, Detail, code, comment, fitted, folded, listed, note_item, table
from reconciler.reports.markdown.reasons import cancels, cautions, deletes, skipped
from reconciler.reports.tally import Tally, holders
from reconciler.reports.text.tasks import dated, fields
from reconciler.reports.wording import (
    KINDS,
    estimate_words,
    object_fields,
    object_text,
    plan_counts,
    plan_sentence,
    rare_counts,
    status_text,
    steps_words,
    unplaced_notes,
)
from reconciler.tasks.observation import Scope

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from reconciler.planning.change import Change, Skipped
    from reconciler.planning.plan import Plan
    from reconciler.planning.policy_plan import Note, PolicyPlan
    from reconciler.reports.markdown.parts import Detail
    from reconciler.reports.tally import Group

    _Cells = Callable[[Change | Skipped], list[str]]
    """Those of a task in its row of a table."""

_DESCRIPTION = 160
"""Characters of a policy's description."""
_LONGEST_COMMAND = 2_000
"""Characters. One that is cut would be another command."""


def render_plan_markdown(
    plan: Plan,
    *,
    now: int,
    budget: int = BUDGET,
    saved_to: Sequence[str] = (),
    paths: Sequence[str] | None = None,
    run: str = "",
    merging_applies: bool = False,
) -> str:
    """The plan as Markdown of GitHub and GitLab, of at most `budget` characters. Ages are reckoned from `now`.

    `saved_to` are the paths that the plan, or its parts, were saved under, `paths` are those it was made from (None:
    not known). `run` is a link to the job that keeps the whole plan. `merging_applies`: that is what merging the
    request does.
    """
    tally, command = Tally.of(plan), apply_saved(plan, saved_to, paths)
    where = "" if saved_to else " (FILE: where the plan was saved)"
    how = partial(_next_step, plan, now, command, where, merging_applies=merging_applies)
    return fitted(lambda detail: _composed(plan, tally, now, detail, how(), run), budget)


def _composed(plan: Plan, tally: Tally, now: int, detail: Detail, next_step: str, run: str) -> str:
    cells = partial(_task, objects=object_fields(plan), now=now)
    parts = [
        f"## reconciler plan: {plan_counts(plan)}",
        plan_sentence(plan) or "",
        cautions(plan, detail),
        deletes(plan, tally, detail),
        cancels(tally, detail),
        *skipped(plan, detail),
        next_step,
        _facts(plan, tally, now),
        _policies(plan, tally, now, detail),
        *_change_tables(tally, cells, detail),
        *_skipped_tables(plan, cells, detail),
        "\n".join(detail.bullets(_warnings(plan), note_item, "warning")),
    ]
    return comment(_marker(plan, tally, detail), detail.left_out, parts, run)


def _marker(plan: Plan, tally: Tally, detail: Detail) -> str:
    return Marker(
        MarkerKind.PLAN,
        key=key_of(plan.targets),
        digest=tally.digest,
        outcome=plan.outcome,
        changes=len(plan.changes),
        valid_at=plan.created_at,
        applyable=plan.applyable,
        truncated=detail.left_out > 0,
        expires_at=plan.expires_at,
    ).render()


def _warnings(plan: Plan) -> list[Note]:
    return [note for note in unplaced_notes(plan) if note.severity is not Severity.ERROR]


def _next_step(plan: Plan, now: int, command: str, where: str, *, merging_applies: bool) -> str:
    """How to apply the plan, and how to refuse it. `where` says what stands for the file of the plan."""
    refuse = "- **To refuse it:** close this request, or change the policies and plan again."
    allow = (
        f"raise the limits in the policies, or plan again with {code(enough_for(plan).flags, _LONGEST_COMMAND)}."
        if plan.breached
        else ""
    )
    if not plan.changes:
        return f"- **To allow what guards refuse:** {allow}" if allow else ""
    if allow:
        refuse = f"- **To allow what guards refuse as well:** {allow}\n{refuse}"
    if now >= plan.expires_at:
        return f"- **It has expired**, so it cannot be applied: plan again.\n{refuse}"
    line = code(f"{command} {approval(plan)}", _LONGEST_COMMAND) + where
    if merging_applies:
        merge = "merge this request. This plan is then applied, if it is the last one shown here, and nothing more"
        return f"- **To apply it:** {merge}; it can shrink, never grow. By hand: {line}\n{refuse}"
    return f"- **To apply it**, and nothing more: {line}\n{refuse} Nothing is done before an apply."


def _facts(plan: Plan, tally: Tally, now: int) -> str:
    given = plan.overrides.flags
    facts = [
        f"Outcome {plan.outcome}",
        f"digest {code(tally.digest)}",
        f"{counted(len(plan.scopes), 'scope')} listed",
        f"made {plan.created_at}, {until(plan.expires_at, now)} ({plan.expires_at})",
        f"reconciler {code(plan.tool_version)}",
    ]
    takes = estimate_words(plan)
    facts += [f"to apply it takes {takes}"] if takes else []
    facts += [f"limits overridden by {code(given)}"] if given else []
    facts += [plan.part.shard.told] if plan.part else []
    return " · ".join(facts)


def _policies(plan: Plan, tally: Tally, now: int, detail: Detail) -> str:
    """The table of policies, folded where none of them asks for anything; then those that are suspended, by name."""
    ranked = tally.ranked(plan.policies)
    rare = rare_counts(plan)
    rows = [_policy(policy, tally, now, rare) for policy in detail.policies(ranked)]
    rest = len(ranked) - len(rows)
    lines = [
        table(["policy", *KINDS.values(), "blocked", "protected", "kept", "unknown", *rare, "oldest"], rows),
        f"\nand {rest} more of {len(ranked)} policies" if rest else "",
        _suspended(plan, detail),
    ]
    body = "\n".join(line for line in lines if line)
    asked = plan.changes or plan.blocked or plan.protected or plan.refused or plan.deferred or plan.reported
    title = "1 policy" if len(ranked) == 1 else f"{len(ranked)} policies"
    return body if asked or not ranked else folded(title, body)


def _policy(policy: PolicyPlan, tally: Tally, now: int, rare: Sequence[str]) -> list[str]:
    trait = " (suspended)" if policy.suspended else f" ({policy.restraint})" if policy.restraint else ""
    described = f"<br>{code(policy.description, _DESCRIPTION)}" if policy.description else ""
    return [
        f"{code(policy.name)}{trait}{described}",
        *map(str, tally.counts(policy.name)),
        *(str(count) for count in (policy.blocked, policy.protected, policy.kept, policy.unknown)),
        *(str(getattr(policy, name)) for name in rare),
        age_of(tally.oldest.get(policy.name), now) or "",
    ]


def _suspended(plan: Plan, detail: Detail) -> str:
    names = [policy.name for policy in plan.policies if policy.suspended]
    return f"\nSuspended, so not checked: {listed(detail.notes(names), len(names))}" if names else ""


_NAMES = 3
_TASK = ("object", "task", "target", "status", "age", "fields")


def _change_tables(tally: Tally, cells: _Cells, detail: Detail) -> Iterator[str]:
    """A table for each group of changes, those with deletes first."""
    shown = tally.groups[: detail.policy_limit]
    for group in shown:
        if text := _change_table(group, detail.rows(group.changes), cells):
            yield text
    rest = tally.groups[len(shown) :]
    if rest:
        changes = sum(len(group.changes) for group in rest)
        detail.left_out += changes
        yield f"and {counted(changes, 'more change')} in {counted(len(rest), 'more group')}"


def _change_table(group: Group, shown: Sequence[Change], cells: _Cells) -> str:
    """Without rows, nothing. A reason that all of them share stands open above, and takes no column."""
    if not shown:
        return ""
    policies = listed(group.policies[:_NAMES], len(group.policies))
    summary = f"{policies} on {code(group.resource)}: {counted(len(group.changes), 'change')}"
    several = group.reason is None
    rows = [
        [steps_words(change.steps), *cells(change), *([code(change.reason, 160)] if several else [])]
        for change in shown
    ]
    head = ["do", *_TASK, *(["reason"] if several else [])]
    return folded(_first(summary, len(rows), len(group.changes)), table(head, rows))


def _skipped_tables(plan: Plan, cells: _Cells, detail: Detail) -> Iterator[str]:
    yield _skipped_table("Refused", "policy", plan.refused, cells, detail)
    yield _skipped_table("Reported", "policy", plan.reported, cells, detail)
    yield _skipped_table("Blocked", "policy", plan.blocked, cells, detail)
    yield _skipped_table("Protected", "protection", plan.protected, cells, detail)


def _skipped_table(title: str, by: str, items: Sequence[Change | Skipped], cells: _Cells, detail: Detail) -> str:
    rows = [[*cells(item), code(item.reason, 160), code(", ".join(holders(item)), 120)] for item in detail.rows(items)]
    if not rows:
        return ""
    summary = f"{title}: {counted(len(items), 'task')}"
    return folded(_first(summary, len(rows), len(items)), table([*_TASK, "reason", by], rows))


def _first(summary: str, shown: int, total: int) -> str:
    return summary if shown == total else f"{summary} (the first {shown})"


def _task(item: Change | Skipped, objects: Mapping[Scope, tuple[str, ...]], now: int) -> list[str]:
    names = objects.get(Scope(item.target, item.resource), ())
    told = {"status", "created_at", *names}
    rest = "; ".join(f"{name} {dated(name, value, now)}" for name, value in fields(item.observed) if name not in told)
    age = age_of(item.observed.get("created_at"), now)
    return [
        code(object_text(item.observed, names), 120),
        code(item.task_id),
        code(item.target),
        code(status_text(item.observed)),
        age or "unknown",
        code(rest, 160),
    ]
