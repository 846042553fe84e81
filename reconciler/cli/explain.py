"""`reconciler explain RESOURCE`."""

from __future__ import annotations

import json
from types import MappingProxyType
from typing import TYPE_CHECKING

import click

from reconciler.cli.options import argument, format_option
from reconciler.cli.places import write
from reconciler.diagnostics import suggestion
from reconciler.exceptions import ExitCode, UsageError
from reconciler.providers.registry import catalogue
from reconciler.reports.explanation.drawing import mermaid_lifecycle
from reconciler.reports.explanation.text import explanation_document, render_explanation, render_index

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from reconciler.tasks.resource_type import ResourceType

__all__ = ["command"]


@click.command("explain")
@argument("resource", required=False)
@format_option("text", "json", "mermaid")
def command(resource: str | None, output_format: str) -> int:
    """Describe a resource type: fields, statuses, lifecycle, calls, permissions. Needs no network.

    Without RESOURCE, list the resource types. The format mermaid is the lifecycle alone, as a diagram for documents.
    """
    rows = catalogue().resource_types
    if resource is None:
        if output_format == "mermaid":
            raise UsageError("--format mermaid draws one resource type", f"name one of {', '.join(rows)}")
        write(_json(rows.values()) if output_format == "json" else render_index(rows.values()), output_format)
        return ExitCode.OK
    row = rows.get(resource)
    if row is None:
        near = suggestion(resource, rows)
        hint = f"did you mean {near}?" if near else f"there are: {', '.join(rows)}"
        raise UsageError(f"there is no resource type {resource!r}", hint)
    write(_FORMATS[output_format](row), output_format)
    return ExitCode.OK


def _json(rows: Iterable[ResourceType]) -> str:
    """One shape for one resource type and for all."""
    document = {
        "format": "reconciler.resource_types",
        "format_version": "1.0",
        "resource_types": [explanation_document(row) for row in rows],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


_FORMATS: Mapping[str, Callable[[ResourceType], str]] = MappingProxyType(
    {
        "text": render_explanation,
        "json": lambda row: _json([row]),
        "mermaid": mermaid_lifecycle,
    }
)
