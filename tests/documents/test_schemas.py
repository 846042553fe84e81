"""The published schemas: fresh, valid, and true of every document."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from reconciler.cli.schema import OUTPUT, formats
from reconciler.documents.files import PLAN_FILE, REPORT_FILE, read_either
from reconciler.documents.schema import schema_text
from reconciler.exceptions import ExitCode, InvalidPlan
from reconciler.planning.report import Report
from tests.reports.examples import EVERY_OUTCOME, PLANS, REPORTS, TRANSCODING
from tests.terminal import HEAD, Terminal

POLICY = f"""
policies:
  tidy: {{resource: {TRANSCODING}, match: {{status: pending}}, ensure: absent, limits: {{max_percent: 100}}}}
"""
SCHEMAS = Path(__file__).parents[2] / "schemas"


def check(document: Any, schema: Any) -> None:  # noqa: ANN401 - JSON
    """Against a schema, which is held against its own elsewhere."""
    jsonschema.validators.validator_for(schema)(schema).validate(document)


@pytest.mark.parametrize("name", OUTPUT)
def test_the_file_is_fresh(name: str) -> None:
    """Else: `make schemas`."""
    assert (SCHEMAS / f"{name}.schema.json").read_text(encoding="utf-8") == schema_text(name, *formats(name))


@pytest.mark.parametrize("name", OUTPUT)
def test_the_file_is_a_schema(name: str) -> None:
    schema = json.loads(schema_text(name, *formats(name)))
    jsonschema.validators.validator_for(schema).check_schema(schema)


@pytest.mark.parametrize("name", [name for name in PLANS if name != "hostile"])
def test_plans_are_accepted(name: str) -> None:
    check(json.loads(PLAN_FILE.text(PLANS[name])), json.loads(schema_text("plan", PLAN_FILE)))


def test_all_that_is_said_is_described(terminal: Terminal) -> None:
    terminal.write(HEAD + POLICY)
    terminal.simulator.huaweicloud.add(TRANSCODING, id=1, created="1d", input={"bucket": "b"})
    terminal.simulator.huaweicloud.add(TRANSCODING, id=2, created="1d", status="failed")
    terminal.simulator.faults.add("status", method="DELETE", status=403)

    def said(*words: str, of: str = "", code: int = 0) -> Any:  # noqa: ANN401 - JSON
        schema = json.loads(terminal.run("schema", "--of", of or words[0]).out)
        finished = terminal.run(*words, "--format", "json")
        assert finished.code == code
        check(finished.json, schema)
        return finished.json

    assert len(said("explain")["resource_types"]) > len(said("explain", TRANSCODING)["resource_types"]) == 1
    assert len(said("query", TRANSCODING)["tasks"]) == 2
    assert said("validate")["valid"]
    assert [grant["provider"] for grant in said("permissions")["grants"]] == ["huaweicloud"]
    assert said("doctor")["outcome"] == "ok"
    assert said("history")["runs"] == []
    assert len(said("plan", "--out", "plan.json", "--save-snapshot", "snapshot.json")["changes"]) == 1
    snapshot = json.loads(terminal.run("schema", "--of", "snapshot").out)
    check(json.loads((terminal.directory / "snapshot.json").read_text(encoding="utf-8")), snapshot)
    assert said("diff", "plan.json", "plan.json")["same"]
    assert said("why", "1")["tasks"][0]["policies"][0]["verdict"] == "changed"
    assert said("apply", "--auto-approve", of="report", code=3)["summary"]["failed"] == 1
    (run,) = said("history")["runs"]
    (attempt,) = said("history", run["run_id"])["actions"]
    assert attempt["error"] is not None
    assert said("history", "unlock", "--auto-approve")["freed"] == []
    assert said("history", "--prune", "30d", "--auto-approve")["pruned"] == 0
    assert said("plan", "--target", "other", of="error", code=64)["outcome"] == "usage"
    terminal.write("version: 2")
    assert said("validate", code=65)["error_count"] == len(said("plan", of="error", code=65)["diagnostics"]) > 0


@pytest.mark.parametrize("name", OUTPUT)
def test_another_document_is_refused(name: str) -> None:
    schema = json.loads(schema_text(name, *formats(name)))
    assert not jsonschema.validators.validator_for(schema)(schema).is_valid(
        {"format": "reconciler.other", "format_version": "1.0"}
    )


@pytest.mark.parametrize("name", [name for name in REPORTS if name != "hostile"])
def test_reports_are_accepted(name: str) -> None:
    document = json.loads(REPORT_FILE.text(REPORTS[name]))
    check(document, json.loads(schema_text("report", REPORT_FILE)))


# -- reports ---------------------------------------------------------------------------------------------------
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
    assert read_either(REPORT_FILE.text(EVERY_OUTCOME).encode(), "file") == EVERY_OUTCOME
    assert read_either(PLAN_FILE.text(PLANS["blocked"]).encode(), "file") == PLANS["blocked"]
    with pytest.raises(InvalidPlan, match="format is missing"):
        read_either(b"{}", "file")
