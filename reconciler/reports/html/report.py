"""The report as a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.diagnostics import Severity
from reconciler.reports.ages import duration
from reconciler.reports.cells import counted
from reconciler.reports.html.ages import report_ages
from reconciler.reports.html.elements import Markup, element
from reconciler.reports.html.page_parts import (
    callout,
    document,
    facts,
    filtered,
    footer,
    job_link,
    masthead,
    note_item,
    page,
)
from reconciler.reports.html.tables import Column, Sort, codes, created, moment, section, table
from reconciler.reports.html.tasks import steps_cell
from reconciler.reports.wording import GRAVE, OUTCOMES, report_advice, report_counts, result_reason

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.planning.report import Report, Result

_RESULT = (
    *(Column("outcome", choice="outcome"), Column("do", choice="do"), Column("task")),
    *(Column("target", choice="target"), Column("resource"), Column("before"), Column("now", choice="status now")),
    *(Column("age", Sort.AGE), Column("policies", choice="policy"), Column("why")),
)


def render_report_html(report: Report, *, now: int, job: tuple[str, str] | None = None) -> str:
    """The report as one HTML file. `now` (seconds since the epoch) is what the ages of its chart are reckoned from;
    `job` is the address and the name of the job that makes it, if one does."""
    counts = report_counts(report)
    parts = [
        masthead("reconciler apply", report.outcome, counts),
        *_alerts(report),
        _facts(report, job),
        _outcomes(report),
        report_ages(report, now),
        filtered(("policy", "target", "outcome", "do", "status now"), _results(report)),
        footer(report.tool_version),
    ]
    return document(f"reconciler apply: {counts}", page(parts))


def _alerts(report: Report) -> Iterator[Markup]:
    errors = [note_item(note) for note in report.diagnostics if note.severity is Severity.ERROR]
    if errors:
        yield callout("danger", "Errors", errors)
    advice = report_advice(report)
    if advice:
        yield callout("danger" if GRAVE.intersection(report.causes) else "calm", "What to do next", advice)
    warned = [note_item(note) for note in report.diagnostics if note.severity is not Severity.ERROR]
    if warned:
        yield callout("warning", counted(len(warned), "warning").capitalize(), warned)


def _facts(report: Report, job: tuple[str, str] | None) -> Markup:
    state = "interrupted" if report.interrupted is not None else "ended"
    blocked = f"{counted(report.blocked, 'task')}{', which fails the run' if 'blocked' in report.causes else ''}"
    return facts(
        [
            ("outcome", f"{report.outcome} (exit {report.exit_code.value})"),
            ("plan", element("code", report.plan_digest)),
            ("run", element("code", report.run_id)),
            ("job", job_link(job)),
            ("targets", codes(report.targets)),
            ("shard", report.shard.told if report.shard else ""),
            ("started", moment(report.started_at)),
            (state, moment(report.finished_at)),
            ("took", duration(max(0, report.finished_at - report.started_at))),
            ("blocked", blocked if report.blocked else ""),
            ("counted as failures too", ", ".join(report.fail_on)),
        ]
    )


def _outcomes(report: Report) -> Markup:
    columns = (Column("outcome"), Column("changes", Sort.NUMBER), Column("meaning"))
    rows = ([_outcome(outcome), str(report.summary[outcome]), meaning] for outcome, meaning in OUTCOMES.items())
    return section("outcomes", "Outcomes", table("outcomes", "What became of the changes", columns, rows))


def _outcome(outcome: str) -> Markup:
    return element("code", outcome.replace("_", " "), class_=outcome)


def _results(report: Report) -> Iterator[Markup]:
    """The results in one table, those that want attention first."""
    if report.results:
        urgency = {outcome: rank for rank, outcome in enumerate(OUTCOMES)}
        results = sorted(report.results, key=lambda result: urgency[result.outcome])
        rows = (_row(result) for result in results)
        content = table("results", counted(len(results), "change"), _RESULT, rows, header=2, tasks=True)
        yield section("results", "Results", content)


def _row(result: Result) -> list[str]:
    change = result
    return [
        _outcome(result.outcome),
        steps_cell(change.steps),
        change.task_id,
        change.target,
        change.resource,
        result.before,
        result.now or "not read",
        moment(created(change.observed)),
        codes(change.policies),
        result_reason(result),
    ]
