"""The folded part of a plan's comment: tables of tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.reports.ages import age_of
from reconciler.reports.markdown.parts import code, folded, listed, table
from reconciler.reports.text.task_block import fields
from reconciler.reports.wording import counted, status_text, steps_words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reconciler.planning.change import Change, Skipped
    from reconciler.planning.plan import Plan
    from reconciler.reports.markdown.budget import Detail
    from reconciler.reports.tally import Group, Tally

__all__ = ["change_tables", "skipped_tables"]

_NAMES = 3
_TASK = ("task", "target", "status", "age", "fields")


def change_tables(tally: Tally, now: int, detail: Detail) -> Iterator[str]:
    """A table for each group of changes, those with deletes first."""
    shown = tally.groups[: detail.policy_limit]
    for group in shown:
        if text := _change_table(group, detail.rows(group.changes), now):
            yield text
    rest = tally.groups[len(shown) :]
    if rest:
        changes = sum(len(group.changes) for group in rest)
        detail.left_out += changes
        yield f"and {counted(changes, 'more change')} in {counted(len(rest), 'more group')}"


def _change_table(group: Group, shown: Sequence[Change], now: int) -> str:
    """Without rows, nothing. A reason that all of them share stands open above, and takes no column."""
    if not shown:
        return ""
    policies = listed(group.policies[:_NAMES], len(group.policies))
    summary = f"{policies} on {code(group.resource)}: {counted(len(group.changes), 'change')}"
    several = group.reason is None
    rows = [
        [steps_words(change.steps), *_task(change, now), *([code(change.reason, 160)] if several else [])]
        for change in shown
    ]
    head = ["do", *_TASK, *(["reason"] if several else [])]
    return folded(_first(summary, len(rows), len(group.changes)), table(head, rows))


def skipped_tables(plan: Plan, now: int, detail: Detail) -> Iterator[str]:
    yield _skipped_table("Blocked", "policy", plan.blocked, now, detail)
    yield _skipped_table("Protected", "protection", plan.protected, now, detail)


def _skipped_table(title: str, by: str, items: Sequence[Skipped], now: int, detail: Detail) -> str:
    rows = [
        [*_task(item, now), code(item.reason, 160), code(", ".join(item.protections or item.policies), 120)]
        for item in detail.rows(items)
    ]
    if not rows:
        return ""
    summary = f"{title}: {counted(len(items), 'task')}"
    return folded(_first(summary, len(rows), len(items)), table([*_TASK, "reason", by], rows))


def _first(summary: str, shown: int, total: int) -> str:
    return summary if shown == total else f"{summary} (the first {shown})"


def _task(item: Change | Skipped, now: int) -> list[str]:
    told = {"status", "created_at"}
    rest = "; ".join(f"{name} {value}" for name, value in fields(item.observed, now) if name not in told)
    age = age_of(item.observed.get("created_at"), now)
    return [
        code(item.task_id),
        code(item.target),
        code(status_text(item.observed)),
        age or "unknown",
        code(rest, 160),
    ]
