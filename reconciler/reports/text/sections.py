"""The sections of a plan for a terminal that are about the run as a whole. Each is a list of lines, or empty."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.diagnostics import Severity
from reconciler.reports.cells import table
from reconciler.reports.wording import (
    MEANINGS,
    SYMBOLS,
    counted,
    flags,
    guard_breach,
    guard_remedy,
    note_place,
    open_scopes,
    overrides_flags,
    scope_error,
    steps_words,
    unplaced_notes,
)

if TYPE_CHECKING:
    from reconciler.planning.plan import Plan
    from reconciler.planning.policy_plan import Note, PolicyPlan
    from reconciler.reports.cells import Palette

__all__ = ["errors", "guards", "intolerant", "legend", "note_line", "notes", "policies", "unknown"]


def errors(plan: Plan, paint: Palette) -> list[str]:
    """The scopes that were not observed whole, and all other errors."""
    lines = []
    for scope in open_scopes(plan):
        what, consequence = scope_error(scope)
        lines += [paint.red(f"  ! {what}"), f"    {consequence}"]
    lines += [paint.red(note_line(note)) for note in unplaced_notes(plan) if note.severity is Severity.ERROR]
    return (
        [paint.red(paint.bold("Errors: this plan is not the whole truth" if not plan.complete else "Errors")), *lines]
        if lines
        else []
    )


def guards(plan: Plan, paint: Palette) -> list[str]:
    """The guards that refuse, each with the number that would let it pass, and the overrides in force."""
    lines = []
    for policy, verdict in plan.breaches:
        flag, limit, place = guard_remedy(policy, verdict)
        lines += [
            paint.red(f"  ! {guard_breach(policy, verdict)}"),
            f"    To allow it: {flag}, or `{limit}` {place}.",
        ]
    if lines:
        heading = paint.red(paint.bold("Refused by guards: nothing of this plan will be applied"))
        lines = [heading, *lines, f"  To allow all of it, on plan and apply: {flags(plan)}"]
    given = overrides_flags(plan.overrides)
    if given:
        lines.append(paint.yellow(f"Limits of the policies overridden by {given} (part of the digest)"))
    return lines


def legend(plan: Plan) -> list[str]:
    """What the symbols mean that this plan uses."""
    used = {change.steps for change in plan.changes}
    rows = [(SYMBOLS[steps], steps_words(steps), MEANINGS[steps]) for steps in SYMBOLS if steps in used]
    return ["What will be done:", *(f"  {line}" for line in table(rows))] if rows else []


def intolerant(plan: Plan, paint: Palette) -> list[str]:
    """The policies that count their blocked tasks as failures."""
    names = [policy.name for policy in plan.policies if policy.blocked_fails]
    return [paint.red(f"Blocked tasks count as failures (on_blocked: fail) for {', '.join(names)}")] if names else []


def unknown(plan: Plan, paint: Palette) -> list[str]:
    """The tasks that lack a field which a policy asks for."""
    counts = [(policy.name, str(policy.unknown)) for policy in plan.policies if policy.unknown]
    if not counts:
        return []
    heading = "Unknown: these tasks lack a field that the policy asks for, and are left alone"
    return [paint.bold(heading), *(f"  {line}" for line in table(counts, numbers_from=1))]


_COLUMNS = ("matched", "changes", "blocked", "protected", "kept", "unknown")


def policies(plan: Plan, paint: Palette) -> list[str]:
    """What each policy found, those without a match included."""
    if not plan.policies:
        return []
    rows = [("policy", *_COLUMNS), *(_policy_row(policy) for policy in plan.policies)]
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
    ]


def _policy_row(policy: PolicyPlan) -> tuple[str, ...]:
    if policy.suspended:
        return (policy.name, *("-" for _ in _COLUMNS))
    return (policy.name, *(str(getattr(policy, column)) for column in _COLUMNS))


def notes(plan: Plan, paint: Palette) -> list[str]:
    """The warnings."""
    warnings = [note for note in unplaced_notes(plan) if note.severity is not Severity.ERROR]
    if not warnings:
        return []
    return [paint.yellow(counted(len(warnings), "warning")) + ":", *map(note_line, warnings)]


def note_line(note: Note) -> str:
    place = note_place(note)
    return f"  ! {f'{place}: ' if place else ''}{note.message}"
