"""The report for a terminal: what wants attention first, one line a change, the summary on every exit."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from reconciler.diagnostics import Severity
from reconciler.planning.report import Outcome
from reconciler.reports import TaskView
from reconciler.reports.ages import duration
from reconciler.reports.cells import Palette, clipped, counted, table, wrapped
from reconciler.reports.text.plan import by_kind, note_kind, note_line
from reconciler.reports.wording import OUTCOMES, report_advice, report_counts, result_reason, steps_words
from reconciler.tasks.timestamps import format_timestamp

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reconciler.planning.policy_plan import Note
    from reconciler.planning.report import Report, Result

_ID_CELLS = 80
_EXAMPLES = 3
_MOST_GROUPS = 4
_WELL = frozenset({Outcome.DONE, Outcome.SATISFIED})


def render_report_text(
    report: Report, *, color: bool = False, view: TaskView = TaskView.AUTO, columns: int | None = None
) -> str:
    """The report as text. `view` is how much is said of each change, `columns` how many cells a line has (None: as many
    as it takes). What went well is told in numbers, unless more is asked for."""
    paint = Palette(color)
    writer = _Writer(paint, view)
    sections = [
        [paint.bold(_heading(report))],
        [*by_kind([(note_kind(note), [_note(note, paint)]) for note in report.diagnostics], view)],
        *(_of_outcome(report, outcome, writer) for outcome in OUTCOMES),
        [paint.bold(f"Apply: {report_counts(report)}."), *report_advice(report)],
    ]
    return wrapped("\n\n".join("\n".join(lines) for lines in sections if lines) + "\n", columns)


def _note(note: Note, paint: Palette) -> str:
    return (paint.red if note.severity is Severity.ERROR else paint.yellow)(note_line(note))


def _heading(report: Report) -> str:
    took = duration(max(0, report.finished_at - report.started_at))
    state = "was interrupted" if report.interrupted is not None else "ended"
    return (
        f"reconciler run {report.run_id} {state} at {format_timestamp(report.finished_at)} after {took}\n"
        f"Plan: {report.plan_digest}" + (f"\n{report.shard.told.capitalize()}" if report.shard else "")
    )


def _of_outcome(report: Report, outcome: Outcome, writer: _Writer) -> list[str]:
    results = [result for result in report.results if result.outcome is outcome]
    if not results:
        return []
    title = f"{outcome.value.replace('_', ' ').capitalize()}: {counted(len(results), 'change')} ({OUTCOMES[outcome]})"
    well = outcome in _WELL
    colour = writer.paint.green if well else writer.paint.yellow if outcome is Outcome.MISSED else writer.paint.red
    view = TaskView.SUMMARY if well and writer.view is TaskView.AUTO else writer.view.of(len(results))
    lines = (
        writer.groups(results) if view is TaskView.SUMMARY else writer.rows(results, whole=writer.view is TaskView.FULL)
    )
    return [colour(writer.paint.bold(title)), *lines]


@dataclass(frozen=True, slots=True)
class _Writer:
    """Writes the results of one outcome."""

    paint: Palette
    view: TaskView

    def rows(self, results: Sequence[Result], *, whole: bool) -> Iterator[str]:
        """A line for each, by scope. All rows of a scope are as wide as the longest id, hence the limit."""
        for scope, group in groupby(results, key=_scope):
            yield f"  {scope}"
            rows = [
                (
                    result.task_id if whole else clipped(result.task_id, _ID_CELLS),
                    steps_words(result.steps),
                    f"{result.before} -> {result.now or 'not read'}",
                    result_reason(result),
                )
                for result in group
            ]
            yield from (f"    {line}" for line in table(rows))

    def groups(self, results: Sequence[Result]) -> Iterator[str]:
        """Those of one scope with one reason as one: how many, and some by id where somebody has to look at them."""
        found: dict[tuple[str, ...], list[Result]] = {}
        for result in results:
            well = result.outcome in _WELL
            why = "" if well else "; ".join(filter(None, (result.detail, str(result.error or ""))))
            found.setdefault((_scope(result), steps_words(result.steps), why), []).append(result)
        ranked = sorted(found.items(), key=lambda entry: -len(entry[1]))
        for (scope, steps, why), members in ranked[:_MOST_GROUPS]:
            ids = ", ".join(result.task_id for result in members[:_EXAMPLES])
            more = ", ..." if len(members) > _EXAMPLES else ""
            yield f"  {scope}: {len(members)} {steps}{f': {why} ({ids}{more})' if why else ''}"
        if rest := sum(len(members) for _, members in ranked[_MOST_GROUPS:]):
            yield f"  and {rest} more in {counted(len(ranked) - _MOST_GROUPS, 'group')}"


def _scope(result: Result) -> str:
    return f"{result.target} / {result.resource}"
