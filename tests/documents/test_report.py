"""Reports as JSON documents: what is written is read back, what was altered is refused."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from reconciler.documents.files import PLAN_FILE, REPORT_FILE, read_either
from reconciler.exceptions import ExitCode, InvalidPlan
from reconciler.planning.report import Report
from tests.reports.examples import EVERY_OUTCOME, PLANS, REPORTS


@pytest.mark.parametrize("report", [report for name, report in REPORTS.items() if name != "hostile"])
def test_round_trip(report: Report) -> None:
    assert REPORT_FILE.read(REPORT_FILE.text(report)) == report


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
        _set("format_version", to="1.0"),
    ],
)
def test_altered_reports_are_refused(alter: Callable[[Any], None]) -> None:
    document = REPORT_FILE.document(EVERY_OUTCOME)
    alter(document)
    with pytest.raises(InvalidPlan) as caught:
        REPORT_FILE.read(json.dumps(document), "report.json")
    assert caught.value.exit_code is ExitCode.INVALID
    assert caught.value.message.startswith("report.json")
    assert caught.value.hint


def test_show_reads_either() -> None:
    assert read_either(REPORT_FILE.text(EVERY_OUTCOME), "file") == EVERY_OUTCOME
    assert read_either(PLAN_FILE.text(PLANS["blocked"]), "file") == PLANS["blocked"]
    with pytest.raises(InvalidPlan, match="format is missing"):
        read_either("{}", "file")
