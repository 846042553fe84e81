"""`reconciler schema`."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

import click

from reconciler.cli.options import flag
from reconciler.cli.places import write
from reconciler.config import schema as configuration_schema
from reconciler.exceptions import ExitCode
from reconciler.policy_tests import schema as test_schema
from reconciler.providers.registry import catalogue
from reconciler.reports.schemas import published_schemas

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reconciler.tasks.catalogue import Catalogue

__all__ = ["command"]

_INPUT: Mapping[str, Callable[[Catalogue], str]] = MappingProxyType(
    {"configuration": configuration_schema.render_schema, "tests": test_schema.render_schema}
)
_OUTPUT = MappingProxyType({name.removesuffix(".schema.json"): text for name, text in published_schemas().items()})


@click.command("schema")
@flag(
    "--of",
    "what",
    type=click.Choice([*_INPUT, *_OUTPUT]),
    default="configuration",
    show_default=True,
    help="Which files: those of the configuration, *.reconciler-test.yaml, or the JSON of a command.",
)
def command(what: str) -> int:
    """Print a JSON Schema (draft-07), for editors and linters: of configuration, of tests, or of a command's JSON."""
    write(_INPUT[what](catalogue()) if what in _INPUT else _OUTPUT[what], "json")
    return ExitCode.OK
