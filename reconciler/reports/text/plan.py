"""The plan for a terminal: everything a reviewer needs to say yes or no, errors first, the summary last."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING

from reconciler.diagnostics import Severity
from reconciler.planning.remedies import enough_for, needed_together
from reconciler.redaction import presentable
from reconciler.reports import TaskView
from reconciler.reports.ages import until
from reconciler.reports.cells import Palette, counted, table, wrapped
from reconciler.reports.commands import apply_saved, approval, show_saved
from reconciler.reports.text.tasks import TaskWriter
from reconciler.reports.wording import (
    ALLOW_ALL,
    BLOCKED,
    INTOLERANT,
    LACKING,
    MEANINGS,
    PROTECTED,
    REFUSED,
    REPORTED,
    SYMBOLS,
    estimate_words,
    guard_breach,
    guard_remedy,
    note_place,
    object_fields,
    open_scopes,
    plan_counts,
    plan_sentence,
    restraints,
    scope_error,
    steps_words,
    unplaced_notes,
)

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Sequence

    from reconciler.planning.change import Change, Skipped
    from reconciler.planning.plan import Plan
    from reconciler.planning.policy_plan import Note, PolicyPlan

_EXAMPLES = 3
_PARTICULAR = re.compile(r"""`[^`]*`|'[^']*'|"[^"]*"|\S*[\d/]\S*""")
"""What differs between two sentences of one kind: what is quoted, numbers, places, and names that hold such."""


def render_plan_text(
    plan: Plan,
    *,
    now: int,
    color: bool = False,
    saved_to: Sequence[str] = (),
    paths: Sequence[str] | None = None,
    view: TaskView = TaskView.AUTO,
    columns: int | None = None,
    asking: bool = False,
) -> str:
    """The plan as text. `now` (seconds since the epoch) is what ages are reckoned from.

    `saved_to` are the paths that the plan, or its parts, were saved under, `paths` are those it was made from (None:
    not known). `view` is how much is said of each task, `columns` how many cells a line has (None: as many as it
    takes). `asking`: whether to apply it is asked next, so that no command need be named.
    """
    paint = Palette(color)
    tasks = TaskWriter(paint, now, object_fields(plan), view, columns)
    sections = [
        [paint.bold(_heading(plan, now)), *_part(plan)],
        _errors(plan, paint, view),
        _guards(plan, paint, view),
        _legend(plan),
        *tasks.sections(plan.changes, partial(_scope_heading, paint)),
        *_skipped(f"Refused: {REFUSED}", plan.refused, replace(tasks, would="#")),
        *_skipped(f"Reported: {REPORTED}", plan.reported, replace(tasks, would="~")),
        *_skipped(f"Blocked: {BLOCKED}", plan.blocked, tasks),
        *_skipped(f"Protected: {PROTECTED}", plan.protected, tasks),
        _rest(plan, view, saved_to),
        _intolerant(plan, paint),
        _unknown(plan, paint),
        _policies(plan, paint),
        _notes(plan, paint, view),
        _closing(plan, paint),
        [] if asking else _next_step(plan, now, saved_to, paths),
    ]
    return wrapped("\n\n".join("\n".join(lines) for lines in sections if lines) + "\n", columns)


def _heading(plan: Plan, now: int) -> str:
    tasks = sum(sum(scope.tasks.values()) for scope in plan.scopes)
    requests = sum(scope.requests for scope in plan.scopes)
    listed = f"{counted(len(plan.scopes), 'scope')}, {counted(tasks, 'task')} seen with {counted(requests, 'request')}"
    return f"reconciler plan: {listed}; {until(plan.expires_at, now)}"


def _part(plan: Plan) -> list[str]:
    if plan.part is None:
        return []
    shard = plan.part.shard
    return [f"{shard.told.capitalize()}: the guards are held against all {shard.total} together."]


def _scope_heading(paint: Palette, scope: str, changes: Sequence[Change]) -> str:
    kinds = {steps_words(steps): count for steps, count in Counter(change.steps for change in changes).items()}
    counts = "; ".join(f"{count} to {words}" for words, count in sorted(kinds.items()))
    return paint.bold(f"{scope}: {counts}")


def _skipped(title: str, items: Sequence[Change | Skipped], tasks: TaskWriter) -> Iterator[list[str]]:
    if items:
        yield [tasks.paint.bold(f"{title} ({counted(len(items), 'task')})")]
        yield from tasks.sections(items, lambda scope, members: f"{scope}: {counted(len(members), 'task')}")


def _rest(plan: Plan, view: TaskView, saved_to: Sequence[str]) -> list[str]:
    """How to see what the view leaves out."""
    views = {view.of(len(tasks)) for tasks in (plan.changes, plan.refused, plan.reported, plan.blocked, plan.protected)}
    if views == {TaskView.FULL}:
        return []
    command = f"{show_saved(saved_to)} " if saved_to else ""
    each = f"Each task: {command}--view list. " if TaskView.SUMMARY in views else ""
    return [f"{each}All that is known of each: {command}--view full."]


def _closing(plan: Plan, paint: Palette) -> list[str]:
    """What to conclude, the frozen summary line, and the digest."""
    sentence = plan_sentence(plan)
    lines = [sentence] if sentence else []
    if plan.changes and not plan.complete:
        lines.append(paint.red("This plan is incomplete: see the errors at its head. More may be left to do."))
    takes = estimate_words(plan)
    counts = [paint.bold(f"Plan: {plan_counts(plan)}."), *([f"To apply it takes {takes}."] if takes else [])]
    return [*lines, *counts, f"Digest: {plan.digest}"]


def _next_step(plan: Plan, now: int, saved_to: Sequence[str], paths: Sequence[str] | None) -> list[str]:
    if plan.part is not None:
        files = f"Saved to {', '.join(map(presentable, saved_to))}. " if saved_to else ""
        return [f"{files}The files of all {plan.part.shard.total} shards are one plan to show, comment and apply."]
    if not plan.changes:
        return []
    if not saved_to:
        return [
            "Note: this plan was not saved (--out plan.json). An apply without it will plan again, and act on what it",
            "finds then.",
        ]
    if now >= plan.expires_at:
        return ["This plan has expired: `reconciler apply` refuses it (exit 5). Make it again."]
    command, newline = apply_saved(plan, saved_to, paths), " \\\n        "
    return [
        f"Saved to {', '.join(map(presentable, saved_to))}. To do this and nothing more:",
        f"    {' '.join(filter(None, (command, plan.overrides.flags)))}",
        "To do it only if this very plan was approved:",
        f"    {command}{newline}{approval(plan, newline)}",
    ]


def _errors(plan: Plan, paint: Palette, view: TaskView) -> list[str]:
    """The scopes that were not observed whole, and all other errors."""
    found: list[tuple[Hashable, list[str]]] = []
    for scope in open_scopes(plan):
        what, consequence = scope_error(scope)
        kind = (scope.resource, consequence, _kind(str(scope.error)))
        found.append((kind, [paint.red(f"  ! {what}"), f"    {consequence}"]))
    found += [
        (note_kind(note), [paint.red(note_line(note))])
        for note in unplaced_notes(plan)
        if note.severity is Severity.ERROR
    ]
    if not found:
        return []
    heading = "Errors: this plan is not the whole truth" if not plan.complete else "Errors"
    return [paint.red(paint.bold(heading)), *by_kind(found, view)]


def _guards(plan: Plan, paint: Palette, view: TaskView) -> list[str]:
    """The guards that refuse, each with the number that would let it pass, and the overrides in force."""
    together = needed_together(plan)
    found: list[tuple[Hashable, list[str]]] = []
    for policy, verdict in plan.breaches:
        flag, limit, place = guard_remedy(policy, verdict, together)
        told = [
            paint.red(f"  ! {guard_breach(policy, verdict)}"),
            f"    To allow it: {flag}, or `{limit}` {place}.",
        ]
        found.append(((policy.name if policy else None, verdict.guard, verdict.resource), told))
    lines: list[str] = []
    if found:
        heading = f"Refused by guards (exit 4): {counted(len(plan.refused), 'task')} will not be changed"
        lines = [paint.red(paint.bold(heading)), *by_kind(found, view), f"  {ALLOW_ALL} {enough_for(plan).flags}"]
    given = plan.overrides.flags
    if given:
        lines.append(paint.yellow(f"Limits of the policies overridden by {given} (part of the digest)"))
    return lines


def _legend(plan: Plan) -> list[str]:
    """What the symbols mean that this plan uses."""
    used = {change.steps for change in plan.changes}
    rows = [(SYMBOLS[steps], steps_words(steps), MEANINGS[steps]) for steps in SYMBOLS if steps in used]
    return ["What will be done:", *(f"  {line}" for line in table(rows))] if rows else []


def _intolerant(plan: Plan, paint: Palette) -> list[str]:
    """The policies that count their blocked tasks as failures."""
    names = [policy.name for policy in plan.policies if policy.blocked_fails]
    return [paint.red(f"{INTOLERANT} for {', '.join(names)}")] if names else []


def _unknown(plan: Plan, paint: Palette) -> list[str]:
    """The tasks that lack a field which a policy asks for."""
    counts = [(policy.name, str(policy.unknown)) for policy in plan.policies if policy.unknown]
    if not counts:
        return []
    heading = f"Unknown: these tasks {LACKING}"
    return [paint.bold(heading), *(f"  {line}" for line in table(counts, numbers_from=1))]


_COLUMNS = (
    *("matched", "changes", "refused", "deferred", "reported", "spared"),
    *("blocked", "protected", "kept", "unknown"),
)
"""The first two are always shown, the others where some policy has such tasks."""


def _policies(plan: Plan, paint: Palette) -> list[str]:
    """What each policy found, those without a match included."""
    if not plan.policies:
        return []
    columns = [
        name for name in _COLUMNS if name in _COLUMNS[:2] or any(getattr(policy, name) for policy in plan.policies)
    ]
    rows = [("policy", *columns), *(_policy_row(policy, columns) for policy in plan.policies)]
    head, *lines = table(rows, numbers_from=1)
    lines = [
        part
        for policy, line in zip(plan.policies, lines, strict=True)
        for part in (line, *([paint.faint(f"  {policy.description}")] if policy.description else []))
    ]
    suspended = [policy.name for policy in plan.policies if policy.suspended]
    return [
        paint.bold("Policies, in tasks:"),
        paint.faint(f"  {head}"),
        *(f"  {line}" for line in lines),
        *([paint.yellow(f"  Suspended, so not checked: {', '.join(suspended)}")] if suspended else []),
        *(paint.yellow(f"  Only reporting: {restraint}") for restraint in restraints(plan)),
    ]


def _policy_row(policy: PolicyPlan, columns: Sequence[str]) -> tuple[str, ...]:
    if policy.suspended:
        return (policy.name, *("-" for _ in columns))
    return (policy.name, *(str(getattr(policy, column)) for column in columns))


def _notes(plan: Plan, paint: Palette, view: TaskView) -> list[str]:
    """The warnings."""
    warnings = [note for note in unplaced_notes(plan) if note.severity is not Severity.ERROR]
    if not warnings:
        return []
    told = [(note_kind(note), [note_line(note)]) for note in warnings]
    return [paint.yellow(counted(len(warnings), "warning")) + ":", *by_kind(told, view)]


def note_line(note: Note) -> str:
    place = note_place(note)
    return f"  ! {f'{place}: ' if place else ''}{note.message}"


def note_kind(note: Note) -> Hashable:
    """Two notes of one kind say the same of different targets, places or numbers."""
    return note.severity, note.policy, note.resource, _kind(note.message)


def _kind(sentence: str) -> str:
    return _PARTICULAR.sub("*", sentence)


def by_kind(entries: Sequence[tuple[Hashable, list[str]]], view: TaskView) -> Iterator[str]:
    """The lines of all entries, each with its kind. Where the view, or their number, makes groups of them: of each kind
    three for example, and how many more there are."""
    if view.of(len(entries)) is not TaskView.SUMMARY:
        yield from chain.from_iterable(lines for _, lines in entries)
        return
    kinds: dict[Hashable, list[list[str]]] = {}
    for kind, lines in entries:
        kinds.setdefault(kind, []).append(lines)
    for members in kinds.values():
        yield from chain.from_iterable(members[:_EXAMPLES])
        if members[_EXAMPLES:]:
            yield f"    and {len(members) - _EXAMPLES} more of this kind: --view list has each"
