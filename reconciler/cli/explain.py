"""`reconciler explain RESOURCE`."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

import click

from reconciler.cli.options import argument, format_option, resource_types
from reconciler.cli.places import write
from reconciler.exceptions import ExitCode, UsageError
from reconciler.providers.registry import catalogue, resource_type
from reconciler.reports.explanation.document import EXPLANATION, explanation
from reconciler.reports.explanation.drawing import mermaid_lifecycle
from reconciler.reports.explanation.text import render_explanation, render_index

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reconciler.tasks.resource_type import ResourceType


@click.command("explain")
@argument("resource", required=False, shell_complete=resource_types)
@format_option("text", "json", "mermaid")
def command(resource: str | None, output_format: str) -> int:
    """Describe a resource type: fields, statuses, lifecycle, calls, permissions. Needs no network.

    Without RESOURCE, list the resource types. The format mermaid is the lifecycle alone, as a diagram for documents.
    """
    rows = catalogue().resource_types
    if resource is None:
        if output_format == "mermaid":
            raise UsageError("--format mermaid draws one resource type", f"name one of {', '.join(rows)}")
        json = output_format == "json"
        write(EXPLANATION.text(explanation(rows.values())) if json else render_index(rows.values()), output_format)
        return ExitCode.OK
    write(_FORMATS[output_format](resource_type(rows, resource)), output_format)
    return ExitCode.OK


_FORMATS: Mapping[str, Callable[[ResourceType], str]] = MappingProxyType(
    {
        "text": render_explanation,
        "json": lambda row: EXPLANATION.text(explanation([row])),
        "mermaid": mermaid_lifecycle,
    }
)
