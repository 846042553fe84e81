"""The sentences of `diff`, shared by its formats. Everything that comes back is fit for a terminal."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from reconciler.planning.field_differences import value_words
from reconciler.planning.task_differences import Kind, Standing
from reconciler.reports.wording import plan_counts

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.planning.difference import PlanDifference, PolicyDifference, ScopeDifference
    from reconciler.planning.task_differences import TaskDifference

__all__ = [
    "counts_words",
    "digest_rows",
    "part_name",
    "plan_rows",
    "summary_words",
    "task_words",
]


def counts_words(kinds: Iterable[Kind]) -> str:
    """`3 added, 1 changed`: those that there are."""
    counts = Counter(kinds)
    return ", ".join(f"{counts[kind]} {kind.value}" for kind in Kind if counts[kind])


def summary_words(found: PlanDifference) -> str:
    """How many tasks differ, or that nothing does."""
    if found.same:
        return "no differences"
    return f"tasks: {counts_words(task.kind for task in found.tasks)}" if found.tasks else "no task differs"


def task_words(task: TaskDifference) -> str:
    """`cancel -> blocked`; of one that is in one plan only, with its status and policies."""
    if task.before is not None and task.now is not None:
        before, now = task.before.text, task.now.text
        return before if before == now else f"{before} -> {now}"
    standing = task.now or task.before or Standing()
    names = dict.fromkeys(policy for entry in standing.entries for policy in entry.policies)
    return f"{standing.text} ({value_words(standing.status)}, for {value_words(tuple(names))})"


def part_name(part: PolicyDifference | ScopeDifference) -> str:
    """Name of a policy or scope; of one that is in one plan only, it says so."""
    name = part.name
    return name if part.kind is Kind.CHANGED else f"{name} ({part.kind.value})"


def plan_rows(found: PlanDifference) -> list[str]:
    """What each plan comes to."""
    old, new = (f"{plan_counts(plan)} ({plan.outcome})" for plan in (found.old_plan, found.new_plan))
    return [f"Both plans: {new}"] if found.same and old == new else [f"Old plan: {old}", f"New plan: {new}"]


def digest_rows(found: PlanDifference) -> list[str]:
    """The digests, and what they mean for an approval."""
    if found.same_digest:
        return [f"Digest: {found.new_plan.digest}", "It is the same for both: an approval of one holds for the other."]
    return [
        f"Old digest: {found.old_plan.digest}",
        f"New digest: {found.new_plan.digest}",
        "They differ: an approval of the old plan does not hold for the new one.",
    ]
