"""`reconciler schema`."""

from __future__ import annotations

import sys

import click

from reconciler.config.schema import render_schema
from reconciler.exceptions import ExitCode
from reconciler.providers.registry import catalogue

__all__ = ["command"]


@click.command("schema")
def command() -> int:
    """Print the JSON Schema (draft-07) of configuration files, for editors and linters."""
    sys.stdout.write(render_schema(catalogue()))
    return ExitCode.OK
