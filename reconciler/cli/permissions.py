"""`reconciler permissions`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from reconciler.cli.options import filter_options, flag, format_option, paths_argument
from reconciler.cli.places import write
from reconciler.config.loader import load_configuration
from reconciler.engine.permissions import grants
from reconciler.engine.world import restrict
from reconciler.exceptions import ExitCode
from reconciler.planning.permissions import Role
from reconciler.providers.registry import catalogue, providers
from reconciler.reports.permissions import render_permissions, render_permissions_json

if TYPE_CHECKING:
    from pathlib import Path


@click.command("permissions")
@paths_argument
@flag(
    "--role",
    type=click.Choice([role.value for role in Role]),
    default=Role.APPLY.value,
    show_default=True,
    help="What the credentials are for: plan only reads, apply reads and acts.",
)
@filter_options
@format_option("text", "json")
def command(
    paths: tuple[Path, ...], role: str, targets: tuple[str, ...], policies: tuple[str, ...], output_format: str
) -> int:
    """Write the least-privilege IAM and RAM policy documents for this configuration.

    They allow the calls that the active policies can lead to, and no others. Needs no network, no credentials and no
    environment variables: what is not set stays a placeholder.
    """
    installed = catalogue()
    configuration = load_configuration(paths, installed, environment=os.environ, strict=False)
    chosen = Role(role)
    found = grants(restrict(configuration, targets, policies), installed, providers(), chosen)
    render = render_permissions_json if output_format == "json" else render_permissions
    write(render(found, chosen), output_format)
    return ExitCode.OK
