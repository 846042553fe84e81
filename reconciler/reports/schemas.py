"""The published schemas of what is written as JSON. `python -m reconciler.reports.schemas schemas` writes them anew."""

from __future__ import annotations

import sys
from pathlib import Path

from reconciler.engine.report_document import REPORT_SCHEMA
from reconciler.planning.schema import PLAN_SCHEMA, render_schema
from reconciler.planning.snapshot_schema import SNAPSHOT_SCHEMA
from reconciler.reports.difference.document import DIFFERENCE_SCHEMA
from reconciler.reports.why.document import WHY_SCHEMA

__all__ = ["published_schemas"]


def published_schemas() -> dict[str, str]:
    """Text of each schema file, by its name."""
    return {
        "plan.schema.json": render_schema(PLAN_SCHEMA),
        "report.schema.json": render_schema(REPORT_SCHEMA),
        "snapshot.schema.json": render_schema(SNAPSHOT_SCHEMA),
        "diff.schema.json": render_schema(DIFFERENCE_SCHEMA),
        "why.schema.json": render_schema(WHY_SCHEMA),
    }


if __name__ == "__main__":
    for name, text in published_schemas().items():
        (Path(sys.argv[1]) / name).write_text(text, encoding="utf-8")
