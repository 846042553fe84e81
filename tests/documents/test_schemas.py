"""The published schemas: fresh, valid, and true of every document."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from reconciler.cli.schema import OUTPUT
from reconciler.documents.files import PLAN_FILE, REPORT_FILE
from reconciler.documents.schema import schema_text
from tests.reports.examples import PLANS, REPORTS, TRANSCODING
from tests.terminal import HEAD, Terminal

POLICY = f"""
policies:
  tidy: {{resource: {TRANSCODING}, match: {{status: pending}}, ensure: absent, limits: {{max_percent: 100}}}}
"""
SCHEMAS = Path(__file__).parents[2] / "schemas"


@pytest.mark.parametrize("name", OUTPUT)
def test_the_file_is_fresh(name: str) -> None:
    """Else: `make schemas`."""
    assert (SCHEMAS / f"{name}.schema.json").read_text(encoding="utf-8") == schema_text(name, *OUTPUT[name])


@pytest.mark.parametrize("name", OUTPUT)
def test_the_file_is_a_schema(name: str) -> None:
    schema = json.loads(schema_text(name, *OUTPUT[name]))
    jsonschema.validators.validator_for(schema).check_schema(schema)


@pytest.mark.parametrize("name", [name for name in PLANS if name != "hostile"])
def test_plans_are_accepted(name: str) -> None:
    jsonschema.validate(json.loads(PLAN_FILE.text(PLANS[name])), json.loads(schema_text("plan", PLAN_FILE)))


def test_all_that_is_said_is_described(terminal: Terminal) -> None:
    terminal.write(HEAD + POLICY)
    terminal.simulator.huaweicloud.add(TRANSCODING, id=1, created="1d", input={"bucket": "b"})
    terminal.simulator.huaweicloud.add(TRANSCODING, id=2, created="1d", status="failed")
    terminal.simulator.faults.add("status", method="DELETE", status=403)

    def said(*words: str, of: str = "", code: int = 0) -> Any:  # noqa: ANN401 - JSON
        schema = json.loads(terminal.run("schema", "--of", of or words[0]).out)
        finished = terminal.run(*words, "--format", "json")
        assert finished.code == code
        jsonschema.validate(finished.json, schema)
        return finished.json

    assert len(said("explain")["resource_types"]) > len(said("explain", TRANSCODING)["resource_types"]) == 1
    assert len(said("query", TRANSCODING)["tasks"]) == 2
    assert said("validate")["valid"]
    assert [grant["provider"] for grant in said("permissions")["grants"]] == ["huaweicloud"]
    assert said("history")["runs"] == []
    assert len(said("plan", "--out", "plan.json", "--save-snapshot", "snapshot.json")["changes"]) == 1
    snapshot = json.loads(terminal.run("schema", "--of", "snapshot").out)
    jsonschema.validate(json.loads((terminal.directory / "snapshot.json").read_text(encoding="utf-8")), snapshot)
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
    schema = json.loads(schema_text(name, *OUTPUT[name]))
    assert not jsonschema.validators.validator_for(schema)(schema).is_valid(
        {"format": "reconciler.other", "format_version": "1.0"}
    )


@pytest.mark.parametrize("name", [name for name in REPORTS if name != "hostile"])
def test_reports_are_accepted(name: str) -> None:
    document = json.loads(REPORT_FILE.text(REPORTS[name]))
    jsonschema.validate(document, json.loads(schema_text("report", REPORT_FILE)))
