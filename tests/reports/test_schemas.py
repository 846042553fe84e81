"""The published schemas: fresh, valid, and true of every document."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from reconciler.documents.files import PLAN_FILE, REPORT_FILE
from reconciler.reports.schemas import published_schemas
from tests.reports.examples import PLANS, REPORTS, TRANSCODING
from tests.terminal import HEAD

if TYPE_CHECKING:
    from tests.terminal import Terminal

POLICY = f"""
policies:
  tidy: {{resource: {TRANSCODING}, match: {{status: pending}}, ensure: absent, limits: {{max_percent: 100}}}}
"""
SCHEMAS = Path(__file__).parents[2] / "schemas"


@pytest.mark.parametrize("name", published_schemas())
def test_the_file_is_fresh(name: str) -> None:
    """Else: `python -m reconciler.reports.schemas schemas`."""
    assert (SCHEMAS / name).read_text(encoding="utf-8") == published_schemas()[name]


@pytest.mark.parametrize("name", published_schemas())
def test_the_file_is_a_schema(name: str) -> None:
    schema = json.loads(published_schemas()[name])
    jsonschema.validators.validator_for(schema).check_schema(schema)


@pytest.mark.parametrize("name", [name for name in PLANS if name != "hostile"])
def test_plans_are_accepted(name: str) -> None:
    jsonschema.validate(json.loads(PLAN_FILE.text(PLANS[name])), json.loads(published_schemas()["plan.schema.json"]))


def test_what_query_explain_and_history_say_is_accepted(terminal: Terminal) -> None:
    terminal.write(HEAD + POLICY)
    terminal.simulator.huaweicloud.add(TRANSCODING, id=1, created="1d", input={"bucket": "b"})
    terminal.simulator.huaweicloud.add(TRANSCODING, id=2, created="1d", status="failed")
    terminal.simulator.faults.add("status", method="DELETE", status=403)

    def said(*words: str) -> Any:  # noqa: ANN401 - JSON
        schema = json.loads(terminal.run("schema", "--of", words[0].replace("apply", "report")).out)
        document = terminal.run(*words, "--format", "json").json
        jsonschema.validate(document, schema)
        return document

    assert len(said("explain")["resource_types"]) > len(said("explain", TRANSCODING)["resource_types"]) == 1
    assert len(said("query", TRANSCODING)["tasks"]) == 2
    assert said("history")["runs"] == []
    assert said("apply", "--auto-approve")["summary"]["failed"] == 1
    (run,) = said("history")["runs"]
    (attempt,) = said("history", run["run_id"])["actions"]
    assert attempt["error"] is not None
    assert said("history", "unlock", "--auto-approve")["freed"] == []
    assert said("history", "--prune", "30d", "--auto-approve")["pruned"] == 0


@pytest.mark.parametrize("name", published_schemas())
def test_another_document_is_refused(name: str) -> None:
    schema = json.loads(published_schemas()[name])
    assert not jsonschema.validators.validator_for(schema)(schema).is_valid(
        {"format": "reconciler.other", "format_version": "1.0"}
    )


@pytest.mark.parametrize("name", [name for name in REPORTS if name != "hostile"])
def test_reports_are_accepted(name: str) -> None:
    document = json.loads(REPORT_FILE.text(REPORTS[name]))
    jsonschema.validate(document, json.loads(published_schemas()["report.schema.json"]))
