"""Reports as JSON documents: what is written is read back, what was altered is refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.engine.report_document import read_report, render_report, report_document
from reconciler.exceptions import ExitCode, InvalidPlan
from reconciler.planning.document import render_plan
from reconciler.reports.registry import read_document
from tests.reports.examples import EVERY_OUTCOME, PLANS, REPORTS

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.engine.report import Report


@pytest.mark.parametrize("report", REPORTS.values(), ids=REPORTS)
def test_round_trip(report: Report) -> None:
    assert read_report(render_report(report)) == report


def _set(*path: str | int, to: object) -> Callable[[Any], None]:
    def change(document: Any) -> None:  # noqa: ANN401 - a JSON document
        for step in path[:-1]:
            document = document[step]
        document[path[-1]] = to

    return change


@pytest.mark.parametrize(
    "alter",
    [
        _set("outcome", to="ok"),
        _set("exit_code", to=0),
        _set("summary", "failed", to=0),
        _set("causes", to=[]),
        _set("results", 3, "outcome", to="done"),
        _set("results", 3, "outcome", to="splendid"),
        _set("results", 0, "id", to="another"),
        _set("results", to=[]),
        _set("interrupted", to=1),
        _set("interrupted", to=True),
        _set("started_at", to="2026-13-01T00:00:00Z"),
        _set("format", to="reconciler.plan"),
        _set("format_version", to="2.0"),
    ],
)
def test_altered_reports_are_refused(alter: Callable[[Any], None]) -> None:
    document = report_document(EVERY_OUTCOME)
    alter(document)
    with pytest.raises(InvalidPlan) as caught:
        read_report(json.dumps(document), "report.json")
    assert caught.value.exit_code is ExitCode.INVALID
    assert caught.value.message.startswith("report.json")
    assert caught.value.hint


def test_show_reads_either() -> None:
    assert read_document(render_report(EVERY_OUTCOME), "file") == EVERY_OUTCOME
    assert read_document(render_plan(PLANS["blocked"]), "file") == PLANS["blocked"]
    with pytest.raises(InvalidPlan, match="format is missing"):
        read_document("{}", "file")
