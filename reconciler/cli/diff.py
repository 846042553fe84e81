"""`reconciler diff`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli.options import argument, color_option, flag, format_option, view_option
from reconciler.cli.output import Output
from reconciler.cli.places import write
from reconciler.cli.saved_file import saved_plan
from reconciler.exceptions import ExitCode
from reconciler.planning.difference import difference
from reconciler.reports.difference import DIFFERENCE
from reconciler.reports.difference.markdown import render_difference_markdown
from reconciler.reports.difference.text import render_difference

if TYPE_CHECKING:
    from reconciler.planning.difference import PlanDifference


@click.command("diff")
@argument("old", type=click.Path(path_type=Path))
@argument("new", type=click.Path(path_type=Path))
@flag("--detailed-exitcode", is_flag=True, help="Exit with 2 when the plans differ.")
@format_option("text", "json", "markdown")
@color_option
@view_option
def command(old: Path, new: Path, detailed_exitcode: bool, output_format: str, color: str, view: str) -> int:
    """Say what changed between two saved plans: tasks, policies, scopes and configuration. Needs no network.

    Times, versions and reasons alone are no difference.
    """
    output = Output.of(output_format, color, view=view)
    found = difference(*(saved_plan(path) for path in (old, new)))
    write(_rendered(found, (str(old), str(new)), output), output.format)
    return ExitCode.CHANGES if detailed_exitcode and not found.same else ExitCode.OK


def _rendered(found: PlanDifference, names: tuple[str, str], output: Output) -> str:
    match output.format:
        case "json":
            return DIFFERENCE.text(found)
        case "markdown":
            return render_difference_markdown(found, names=names)
        case _:
            return render_difference(found, names=names, color=output.color, view=output.tasks, columns=output.columns)
