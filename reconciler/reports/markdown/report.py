"""The report as a comment on a pull request: the same comment that held the plan may take it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.reports.ages import duration
from reconciler.reports.cells import counted
from reconciler.reports.markdown.marker import Marker, MarkerKind, key_of
from reconciler.reports.markdown.parts import (
    BUDGET,
    Detail,
    callout,
    code,
    comment,
    fitted,
    folded,
    listed,
    note_item,
    table,
)
from reconciler.reports.wording import GRAVE, OUTCOMES, report_advice, report_counts, result_reason, steps_words
from reconciler.tasks.timestamps import format_timestamp

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.planning.report import Outcome, Report, Result

_NAMES = 3
"""Targets that are named."""


def render_report_markdown(report: Report, *, budget: int = BUDGET, run: str = "") -> str:
    """The report as Markdown of GitHub and GitLab, of at most `budget` characters. `run`: a link to who keeps it."""
    return fitted(lambda detail: _composed(report, detail, run), budget)


def _composed(report: Report, detail: Detail, run: str) -> str:
    parts = [
        f"## reconciler apply: {report_counts(report)}",
        _advice(report),
        _facts(report),
        "\n".join(note_item(note) for note in detail.notes(report.diagnostics)),
        table(["outcome", "changes", "meaning"], [_outcome_row(report, outcome) for outcome in OUTCOMES]),
        *_groups(report, detail),
    ]
    return comment(_marker(report, detail), detail.left_out, parts, run)


def _marker(report: Report, detail: Detail) -> str:
    return Marker(
        MarkerKind.REPORT,
        key=key_of(report.targets),
        digest=report.plan_digest,
        outcome=report.outcome,
        changes=len(report.results),
        valid_at=report.finished_at,
        truncated=detail.left_out > 0,
    ).render()


def _advice(report: Report) -> str:
    """What to do next; loud where something went wrong."""
    advice = report_advice(report)
    if not advice:
        return ""
    return callout("CAUTION" if GRAVE.intersection(report.causes) else "NOTE", [f"- {line}" for line in advice])


def _facts(report: Report) -> str:
    took = duration(max(0, report.finished_at - report.started_at))
    state = "interrupted" if report.interrupted is not None else "ended"
    return " · ".join(
        fact
        for fact in (
            f"Outcome {report.outcome} (exit {report.exit_code.value})",
            f"plan {code(report.plan_digest)}",
            f"run {code(report.run_id)}",
            f"on {listed(report.targets[:_NAMES], len(report.targets))}" if report.targets else "",
            f"{state} {format_timestamp(report.finished_at)} after {took}",
            f"reconciler {code(report.tool_version)}",
            report.shard.told if report.shard else "",
        )
        if fact
    )


def _outcome_row(report: Report, outcome: Outcome) -> list[str]:
    return [outcome.value.replace("_", " "), str(report.summary[outcome.value]), OUTCOMES[outcome]]


def _groups(report: Report, detail: Detail) -> Iterator[str]:
    for outcome in OUTCOMES:
        results = [result for result in report.results if result.outcome is outcome]
        rows = [_result_row(result) for result in detail.rows(results)]
        if rows:
            first = "" if len(rows) == len(results) else f" (the first {len(rows)})"
            summary = f"{outcome.value.replace('_', ' ').capitalize()}: {counted(len(results), 'change')}{first}"
            yield folded(summary, table(["do", "task", "target", "resource", "before", "now", "why"], rows))


def _result_row(result: Result) -> list[str]:
    change = result
    return [
        steps_words(change.steps),
        code(change.task_id),
        code(change.target),
        code(change.resource),
        code(result.before),
        code(result.now or "not read"),
        code(result_reason(result), 240),
    ]
