"""The report as a JSON document: what `apply --format json` prints, `--report json=FILE` saves and `show` reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.engine.report import Outcome, Report, Result
from reconciler.exceptions import ExitCode, InvalidPlan
from reconciler.planning.document import check_derived
from reconciler.planning.records import (
    change_of,
    change_record,
    fault_of,
    fault_record,
    note_of,
    note_record,
    rfc3339,
    seconds_of,
    shown,
)
from reconciler.planning.schema import (
    CHANGE,
    COUNT,
    DEFINITIONS,
    DIGEST,
    FLAG,
    NAME,
    TEXT,
    TIME,
    VERSION,
    Schema,
    array,
    check,
    obj,
    optional,
    ref,
)
from reconciler.planning.strict_json import dump, load
from reconciler.redaction import presentable

if TYPE_CHECKING:
    from reconciler.planning.strict_json import Document

__all__ = ["REPORT_SCHEMA", "read_report", "render_report", "report_document", "report_from_document"]

_DERIVED = ("summary", "outcome", "causes", "exit_code")

_RESULT = obj(
    {
        **CHANGE,
        "outcome": {"enum": [outcome.value for outcome in Outcome]},
        "before": {**TEXT, "description": "Status before the run touched it."},
        "now": {**optional(TEXT), "description": "Status read afterwards; null: not read."},
        "detail": {**TEXT, "description": "Why, in a sentence."},
        "error": optional(ref("fault")),
        "calls": {**COUNT, "description": "Destructive requests sent for this task."},
        "started_ms": {**optional({"type": "integer"}), "description": "Milliseconds since the run began."},
        "finished_ms": optional({"type": "integer"}),
    },
    "What became of one change.",
)

REPORT_SCHEMA: Schema = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    "title": "Report of a run of media-reconciler",
    **obj(
        {
            "format": {"const": "reconciler.report"},
            "format_version": VERSION,
            "run_id": TEXT,
            "tool_version": TEXT,
            "plan_digest": DIGEST,
            "targets": array(NAME, "The targets of the plan, those without changes included."),
            "started_at": TIME,
            "finished_at": TIME,
            "outcome": {"enum": ["ok", "partial", "refused", "error", "interrupted"]},
            "causes": array(TEXT, "Everything that speaks against a plain `ok`, the decisive one first."),
            "exit_code": COUNT,
            "summary": obj(
                {outcome.value: COUNT for outcome in Outcome}, "Changes by outcome; they add up to those planned."
            ),
            "results": array(_RESULT, "In the order of the plan."),
            "blocked": {**COUNT, "description": "Tasks that the plan left alone as blocked."},
            "blocked_fails": {**FLAG, "description": "A policy does not tolerate its blocked tasks."},
            "errored": {**FLAG, "description": "Some scope was not observed whole; its tasks were left alone."},
            "refused": {**FLAG, "description": "A guard held all changes back."},
            "interrupted": {
                "enum": [None, ExitCode.INTERRUPTED.value, ExitCode.TERMINATED.value],
                "description": "Exit code of the signal that stopped the run.",
            },
            "fail_on": array(TEXT, "Outcomes counted as failures besides the usual ones."),
            "diagnostics": array(ref("note")),
        }
    ),
    "definitions": {name: DEFINITIONS[name] for name in ("fault", "note")},
}


def report_document(report: Report) -> Document:
    """The keys and values of `report.json`."""
    return {
        "format": "reconciler.report",
        "format_version": "1.0",
        "run_id": report.run_id,
        "tool_version": report.tool_version,
        "plan_digest": report.plan_digest,
        "targets": list(report.targets),
        "started_at": rfc3339(report.started_at),
        "finished_at": rfc3339(report.finished_at),
        "outcome": report.outcome,
        "causes": list(report.causes),
        "exit_code": report.exit_code.value,
        "summary": report.summary,
        "results": [_result_record(result) for result in report.results],
        "blocked": report.blocked,
        "blocked_fails": report.blocked_fails,
        "errored": report.errored,
        "refused": report.refused,
        "interrupted": None if report.interrupted is None else report.interrupted.value,
        "fail_on": list(report.fail_on),
        "diagnostics": [note_record(note) for note in report.notes],
    }


def _result_record(result: Result) -> Document:
    return {
        **change_record(result.change),
        "outcome": result.outcome.value,
        "before": result.before,
        "now": result.now,
        "detail": result.detail,
        "error": fault_record(result.error),
        "calls": result.calls,
        "started_ms": result.started_ms,
        "finished_ms": result.finished_ms,
    }


def render_report(report: Report) -> str:
    """The text of `report.json`."""
    return dump(report_document(report))


def read_report(text: str, source: str = "report") -> Report:
    """The report that `text` holds; `source` names it in messages. Raises InvalidPlan, and nothing else."""
    return report_from_document(load(text, source), source)


def report_from_document(document: Document, source: str = "report") -> Report:
    """The report of a parsed document. Raises InvalidPlan."""
    check(document, REPORT_SCHEMA, source)
    try:
        report = _report_of(document)
    except ValueError as error:  # a time such as month 13 passes the schema
        raise InvalidPlan(f"{source}: {error}", "use the report as the run wrote it") from None
    check_derived(document, report_document(report), _DERIVED, source)
    return report


def _report_of(document: Document) -> Report:
    signal = document["interrupted"]
    return Report(
        run_id=presentable(document["run_id"]),
        tool_version=presentable(document["tool_version"]),
        plan_digest=document["plan_digest"],
        started_at=seconds_of(document["started_at"]),
        finished_at=seconds_of(document["finished_at"]),
        results=tuple(_result_of(record) for record in document["results"]),
        targets=tuple(document["targets"]),
        blocked=document["blocked"],
        errored=document["errored"],
        refused=document["refused"],
        blocked_fails=document["blocked_fails"],
        fail_on=tuple(presentable(name) for name in document["fail_on"]),
        interrupted=None if signal is None else ExitCode(signal),
        notes=tuple(note_of(record) for record in document["diagnostics"]),
    )


def _result_of(record: Document) -> Result:
    return Result(
        change=change_of(record),
        outcome=Outcome(record["outcome"]),
        before=presentable(record["before"]),
        now=shown(record["now"]),
        detail=presentable(record["detail"]),
        error=fault_of(record["error"]),
        calls=record["calls"],
        started_ms=record["started_ms"],
        finished_ms=record["finished_ms"],
    )
