"""The report for a terminal: what wants attention first, one line a change, the summary on every exit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.diagnostics import Severity
from reconciler.planning.report import Outcome
from reconciler.reports.ages import duration
from reconciler.reports.cells import FOLD, Palette, counted, folded, table
from reconciler.reports.text.plan import note_line
from reconciler.reports.wording import OUTCOMES, report_advice, report_counts, result_reason, steps_words
from reconciler.tasks.timestamps import format_timestamp

if TYPE_CHECKING:
    from reconciler.planning.report import Report, Result

_REASON_CELLS = 240
_ID_CELLS = 120
"""All rows are as wide as the longest id."""
_WELL = frozenset({Outcome.DONE, Outcome.SATISFIED})


def render_report_text(report: Report, *, color: bool = False, verbose: bool = False) -> str:
    """The report as text. `verbose` lifts every limit on widths and lengths."""
    paint = Palette(color, verbose)
    sections = [
        [paint.bold(_heading(report))],
        [
            (paint.red if note.severity is Severity.ERROR else paint.yellow)(note_line(note))
            for note in report.diagnostics
        ],
        *(_of_outcome(report, outcome, paint) for outcome in OUTCOMES),
        [paint.bold(f"Apply: {report_counts(report)}."), *report_advice(report)],
    ]
    return "\n\n".join("\n".join(lines) for lines in sections if lines) + "\n"


def _heading(report: Report) -> str:
    took = duration(max(0, report.finished_at - report.started_at))
    state = "was interrupted" if report.interrupted is not None else "ended"
    return (
        f"reconciler run {report.run_id} {state} at {format_timestamp(report.finished_at)} after {took}\n"
        f"Plan: {report.plan_digest}"
    )


def _of_outcome(report: Report, outcome: Outcome, paint: Palette) -> list[str]:
    results = [result for result in report.results if result.outcome is outcome]
    if not results:
        return []
    shown = results if paint.verbose else results[:FOLD]
    title = f"{outcome.value.replace('_', ' ').capitalize()}: {counted(len(results), 'change')} ({OUTCOMES[outcome]})"
    colour = paint.green if outcome in _WELL else paint.yellow if outcome is Outcome.MISSED else paint.red
    rest = len(results) - len(shown)
    return [
        colour(paint.bold(title)),
        *(f"  {line}" for line in table([_row(result, paint) for result in shown])),
        *([paint.yellow(folded(counted(rest, "more change")))] if rest else []),
    ]


def _row(result: Result, paint: Palette) -> tuple[str, ...]:
    change = result
    reason, task = result_reason(result), change.task_id
    return (
        f"{change.target} / {change.resource}",
        paint.fitted(task, _ID_CELLS),
        steps_words(change.steps),
        f"{result.before} -> {result.now or 'not read'}",
        paint.fitted(reason, _REASON_CELLS),
    )
