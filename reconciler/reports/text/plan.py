"""The plan for a terminal: everything a reviewer needs to say yes or no, errors first, the summary last."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from reconciler.redaction import presentable
from reconciler.reports.ages import until
from reconciler.reports.cells import Palette
from reconciler.reports.commands import apply_saved, approval
from reconciler.reports.text.sections import errors, guards, intolerant, legend, notes, policies, unknown
from reconciler.reports.text.task_block import TaskBlocks
from reconciler.reports.wording import counted, flags, overrides_flags, plan_counts, plan_sentence, steps_words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reconciler.planning.change import Change, Skipped
    from reconciler.planning.plan import Plan

__all__ = ["render_plan_text"]

_FOLD = 1_000
"""Tasks of one scope that are written out, unless all are asked for."""


def render_plan_text(
    plan: Plan,
    *,
    now: int,
    color: bool = False,
    saved_to: str | None = None,
    paths: Sequence[str] | None = None,
    verbose: bool = False,
) -> str:
    """The plan as text. `now` (seconds since the epoch) is what ages are reckoned from.

    `saved_to` is the path that the plan was saved under, `paths` are those it was made from (None: not known).
    `verbose` lifts every limit on widths and lengths.
    """
    paint = Palette(color)
    blocks = TaskBlocks(paint, now, verbose)
    sections = [
        [paint.bold(_heading(plan, now))],
        errors(plan, paint),
        guards(plan, paint),
        legend(plan),
        *_changes(plan, blocks),
        *_skipped("Blocked: no operation leads out of the state these tasks are in", "!", plan.blocked, blocks),
        *_skipped("Protected: these tasks stay, whatever policies ask for", "=", plan.protected, blocks),
        intolerant(plan, paint),
        unknown(plan, paint),
        policies(plan, paint),
        notes(plan, paint),
        _closing(plan, paint),
        _next_step(plan, now, saved_to, paths),
    ]
    return "\n\n".join("\n".join(lines) for lines in sections if lines) + "\n"


def _heading(plan: Plan, now: int) -> str:
    tasks = sum(sum(scope.tasks.values()) for scope in plan.scopes)
    requests = sum(scope.requests for scope in plan.scopes)
    listed = f"{counted(len(plan.scopes), 'scope')}, {counted(tasks, 'task')} seen with {counted(requests, 'request')}"
    return f"reconciler plan: {listed}; {until(plan.expires_at, now)}"


def _changes(plan: Plan, blocks: TaskBlocks) -> Iterator[list[str]]:
    for (target, resource), group in groupby(plan.changes, key=lambda change: (change.target, change.resource)):
        changes = list(group)
        yield [blocks.paint.bold(f"{target} / {resource}: {_group_counts(changes)}")]
        shown = changes if blocks.verbose else changes[:_FOLD]
        yield from (blocks.change(change) for change in shown)
        yield _folded(len(changes) - len(shown), blocks)


def _group_counts(changes: Sequence[Change]) -> str:
    kinds: dict[str, int] = {}
    for change in changes:
        kinds[steps_words(change.steps)] = kinds.get(steps_words(change.steps), 0) + 1
    return "; ".join(f"{count} to {words}" for words, count in sorted(kinds.items()))


def _skipped(title: str, symbol: str, items: Sequence[Skipped], blocks: TaskBlocks) -> Iterator[list[str]]:
    if not items:
        return
    yield [blocks.paint.bold(f"{title} ({counted(len(items), 'task')})")]
    for (target, resource), group in groupby(items, key=lambda item: (item.target, item.resource)):
        tasks = list(group)
        yield [f"{target} / {resource}: {counted(len(tasks), 'task')}"]
        shown = tasks if blocks.verbose else tasks[:_FOLD]
        yield from (blocks.skipped(symbol, task) for task in shown)
        yield _folded(len(tasks) - len(shown), blocks)


def _folded(count: int, blocks: TaskBlocks) -> list[str]:
    if not count:
        return []
    return [blocks.paint.yellow(f"  ... and {counted(count, 'more task')} here. All of them: --format json, or -v")]


def _closing(plan: Plan, paint: Palette) -> list[str]:
    """What to conclude, the frozen summary line, and the digest."""
    sentence = plan_sentence(plan)
    lines = [sentence] if sentence else []
    if plan.changes and not plan.complete:
        lines.append(paint.red("This plan is incomplete: see the errors at its head. More may be left to do."))
    return [*lines, paint.bold(f"Plan: {plan_counts(plan)}."), f"Digest: {plan.digest}"]


def _next_step(plan: Plan, now: int, saved_to: str | None, paths: Sequence[str] | None) -> list[str]:
    if not plan.changes:
        return []
    if plan.breached:
        return [f"`reconciler apply` refuses this plan (exit 4) unless it is given {flags(plan)}."]
    if saved_to is None:
        return [
            "Note: this plan was not saved (--out plan.json). An apply without it will plan again, and act on what it",
            "finds then.",
        ]
    if now >= plan.expires_at:
        return ["This plan has expired: `reconciler apply` refuses it (exit 5). Make it again."]
    command = apply_saved(plan, saved_to, paths)
    return [
        f"Saved to {presentable(saved_to)}. To do this and nothing more:",
        f"    {' '.join(filter(None, (command, overrides_flags(plan.overrides))))}",
        "To do it only if this very plan was approved:",
        f"    {command} {approval(plan)}",
    ]
