"""The published schemas: fresh, valid, and true of every document."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import jsonschema
import pytest

from reconciler.engine.report_document import REPORT_SCHEMA, render_report
from reconciler.planning.document import render_plan
from reconciler.planning.schema import PLAN_SCHEMA
from reconciler.reports.schemas import published_schemas
from tests.reports.examples import PLANS, REPORTS

if TYPE_CHECKING:
    from reconciler.engine.report import Report
    from reconciler.planning.plan import Plan

SCHEMAS = Path(__file__).parents[2] / "schemas"


@pytest.mark.parametrize("name", published_schemas())
def test_the_file_is_fresh(name: str) -> None:
    """Else: `python -m reconciler.reports.schemas schemas`."""
    assert (SCHEMAS / name).read_text(encoding="utf-8") == published_schemas()[name]


@pytest.mark.parametrize("name", published_schemas())
def test_the_file_is_a_schema(name: str) -> None:
    jsonschema.Draft7Validator.check_schema(json.loads(published_schemas()[name]))


@pytest.mark.parametrize("plan", PLANS.values(), ids=PLANS)
def test_plans_are_accepted(plan: Plan) -> None:
    jsonschema.Draft7Validator(PLAN_SCHEMA).validate(json.loads(render_plan(plan)))


@pytest.mark.parametrize("report", REPORTS.values(), ids=REPORTS)
def test_reports_are_accepted(report: Report) -> None:
    jsonschema.Draft7Validator(REPORT_SCHEMA).validate(json.loads(render_report(report)))
