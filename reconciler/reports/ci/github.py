"""Plans, reports and diagnostics as annotations of GitHub, on the line of the policy or mistake they are about.

Workflow commands are lines on stdout that become annotations of files in a pull request:
https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands. GitHub shows ten of each level
and drops the others without a word, so the last one says how many more there are.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from reconciler.diagnostics import Severity
from reconciler.planning.remedies import enough_for, needed_together
from reconciler.planning.report import Outcome
from reconciler.redaction import bounded
from reconciler.reports.commands import command_line, show_saved
from reconciler.reports.tally import Tally
from reconciler.reports.wording import (
    KINDS,
    blocked_failure,
    estimate_words,
    guard_breach,
    guard_remedy,
    note_place,
    open_scopes,
    plan_counts,
    report_advice,
    report_counts,
    result_reason,
    scope_error,
    steps_words,
    unplaced_notes,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from reconciler.diagnostics import Diagnostic
    from reconciler.planning.plan import Plan
    from reconciler.planning.policy_plan import Note, PolicyPlan
    from reconciler.planning.report import Report, Result

SHOWN: Final = 10
"""Annotations of one level that GitHub shows for a step."""

_LONGEST: Final = 4_000
"""Characters of a message; GitHub cuts at 64 KiB, a reader long before."""


class Level(StrEnum):
    ERROR = "error"
    WARNING = "warning"
    NOTICE = "notice"


@dataclass(frozen=True, slots=True)
class Annotation:
    """A message on a line of a file, or on the whole run; it may have several lines. Texts come presentable."""

    level: Level
    title: str
    message: str
    file: str | None = None
    line: int | None = None
    column: int | None = None


def render_annotations(annotations: Sequence[Annotation], all_of_them: str) -> str:
    """The annotations as lines, errors first; within a level the order is the caller's, who puts the worst first.

    `all_of_them` tells where those are that are left out, such as "run `reconciler validate`".
    """
    return "".join(
        _command(annotation) + "\n"
        for level in Level
        for annotation in _shown([one for one in annotations if one.level is level], all_of_them)
    )


def _shown(annotations: Sequence[Annotation], all_of_them: str) -> Sequence[Annotation]:
    if len(annotations) <= SHOWN:
        return annotations
    shown, rest = annotations[: SHOWN - 1], annotations[SHOWN - 1 :]
    files = {annotation.file for annotation in rest if annotation.file}
    where = "" if not files else f" in {next(iter(files))}" if len(files) == 1 else f" in {len(files)} files"
    level = annotations[0].level
    return [*shown, Annotation(level, "more", f"{len(rest)} more {level.value}s{where}: {all_of_them}")]


def _command(annotation: Annotation) -> str:
    place = (("file", annotation.file), ("line", annotation.line), ("col", annotation.column))
    properties = {"title": f"reconciler: {annotation.title}", **{name: value for name, value in place if value}}
    written = ",".join(f"{name}={_property(str(value))}" for name, value in properties.items())
    return f"::{annotation.level.value} {written}::{_data(annotation.message[:_LONGEST])}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


_OF_SEVERITY: Final = {Severity.ERROR: Level.ERROR, Severity.WARNING: Level.WARNING}
_OF_OUTCOME: Final = {
    Outcome.FAILED: Level.ERROR,
    Outcome.UNKNOWN: Level.ERROR,
    Outcome.NOT_ATTEMPTED: Level.WARNING,
    Outcome.MISSED: Level.WARNING,
}
"""The outcomes that want attention, the worst first."""
_LONGEST_ID: Final = 300


def render_diagnostics_github(diagnostics: Iterable[Diagnostic], paths: Sequence[str] = ()) -> str:
    command = command_line("validate", paths)
    return render_annotations(list(map(_of_diagnostic, diagnostics)), f"run `{command}` to see them all")


def _of_diagnostic(diagnostic: Diagnostic) -> Annotation:
    where = diagnostic.location
    lines = [
        diagnostic.message,
        f"at {diagnostic.path}" if diagnostic.path else "",
        f"allowed: {', '.join(diagnostic.allowed)}" if diagnostic.allowed else "",
        diagnostic.hint,
    ]
    return Annotation(
        _OF_SEVERITY[diagnostic.severity],
        diagnostic.rule,
        "\n".join(line for line in lines if line),
        where.file if where else None,
        where.line if where else None,
        where.column if where else None,
    )


def render_plan_github(plan: Plan, saved_to: Sequence[str] = ()) -> str:
    """What refuses the plan or makes it less than the whole truth, then what each policy would do, deletes first."""
    return render_annotations(
        [*_doubts(plan), *_refusals(plan), *_notes(plan), *_intents(plan)],
        f"`{show_saved(saved_to)}` lists all of the saved plan",
    )


def _doubts(plan: Plan) -> Iterator[Annotation]:
    for scope in open_scopes(plan):
        yield Annotation(Level.ERROR, "not seen whole", "\n".join(scope_error(scope)))


def _refusals(plan: Plan) -> Iterator[Annotation]:
    together = needed_together(plan)
    for policy, verdict in plan.breaches:
        flag, limit, place = guard_remedy(policy, verdict, together)
        message = f"{guard_breach(policy, verdict)}\nTo allow it: {flag}, or {limit} {place}"
        yield _at(policy, Level.ERROR, "refused by a guard", message)
    for policy in plan.policies:
        if intolerant := blocked_failure(policy):
            yield _at(policy, Level.ERROR, "blocked tasks", intolerant)


def _notes(plan: Plan) -> Iterator[Annotation]:
    named = {policy.name: policy for policy in plan.policies}
    for note in unplaced_notes(plan):
        yield _of_note(note, named.get(note.policy or ""))


def _of_note(note: Note, policy: PolicyPlan | None = None) -> Annotation:
    level = Level.ERROR if note.severity is Severity.ERROR else Level.WARNING
    place = note_place(note)
    message = f"{f'{place}: ' if place else ''}{note.message}"
    return _at(policy, level, note.severity, message)


def _intents(plan: Plan) -> Iterator[Annotation]:
    """The summary, then a notice for each policy that does something: those that delete most come first."""
    tally = Tally.of(plan)
    refused = f"\n{len(plan.refused)} refused by guards; to allow all of it: {enough_for(plan).flags}"
    allow = refused if plan.breached else ""
    takes = f"\nTo apply it takes {words}." if (words := estimate_words(plan)) else ""
    yield Annotation(Level.NOTICE, "plan", f"Plan: {plan_counts(plan)}.{allow}{takes}\nDigest: {tally.digest}")
    for policy in tally.ranked(plan.policies):
        counts = zip(tally.counts(policy.name), KINDS.values(), strict=True)
        words = ", ".join(
            f"{count} to {kind}{' for good' if kind.endswith('delete') else ''}" for count, kind in counts if count
        )
        if words:
            yield _at(policy, Level.NOTICE, "plan", f"policy {policy.name}: {words}")


def _at(policy: PolicyPlan | None, level: Level, title: str, message: str) -> Annotation:
    source = policy.source if policy else None
    return Annotation(level, title, message, source.file if source else None, source.line if source else None)


def render_report_github(report: Report) -> str:
    """The summary, then what did not go well, change by change."""
    summary = [f"Apply: {report_counts(report)}.", *report_advice(report), f"Plan: {report.plan_digest}"]
    annotations = [
        Annotation(Level.ERROR if report.exit_code else Level.NOTICE, "apply", "\n".join(summary)),
        *map(_of_note, report.diagnostics),
        *(_of_result(result, _OF_OUTCOME[outcome]) for outcome in _OF_OUTCOME for result in _of(report, outcome)),
    ]
    return render_annotations(annotations, f"`{show_saved(())}` lists all of the saved report")


def _of(report: Report, outcome: Outcome) -> list[Result]:
    return [result for result in report.results if result.outcome is outcome]


def _of_result(result: Result, level: Level) -> Annotation:
    change = result
    title = result.outcome.value.replace("_", " ")
    task = bounded(change.id, _LONGEST_ID)
    return Annotation(level, title, f"{steps_words(change.steps)} {task}: {result_reason(result) or title}")
