"""`reconciler schema`."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

import click

from reconciler.cli.options import flag
from reconciler.cli.output import write
from reconciler.config import schema as configuration_schema
from reconciler.exceptions import ExitCode
from reconciler.policy_tests import schema as test_schema
from reconciler.providers.registry import catalogue

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reconciler.tasks.catalogue import Catalogue

__all__ = ["command"]

_SCHEMAS: Mapping[str, Callable[[Catalogue], str]] = MappingProxyType(
    {"configuration": configuration_schema.render_schema, "tests": test_schema.render_schema}
)


@click.command("schema")
@flag(
    "--of",
    "what",
    type=click.Choice(list(_SCHEMAS)),
    default="configuration",
    show_default=True,
    help="Which files: those of the configuration, or *.reconciler-test.yaml.",
)
def command(what: str) -> int:
    """Print the JSON Schema (draft-07) of configuration or test files, for editors and linters."""
    write(_SCHEMAS[what](catalogue()))
    return ExitCode.OK
