"""`reconciler show`."""

from __future__ import annotations

import time
from pathlib import Path

import click

from reconciler.cli.options import argument, color_option, format_option, view_option
from reconciler.cli.output import Output
from reconciler.cli.saved_file import saved_plan_or_report
from reconciler.reports import FORMATS


@click.command("show")
@argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE...")
@format_option(*FORMATS)
@color_option
@view_option
def command(files: tuple[Path, ...], output_format: str, color: str, view: str) -> int:
    """Render a saved plan or report in any format. Needs no network.

    The files of all shards, of a plan or of a run, are one plan or report.

    markdown is a comment for a pull or merge request, html one file to read in a browser, junit for the test tab of a
    CI system, github annotations of GitHub Actions, gitlab the artifact reports:terraform, outputs key=value lines:
    `reconciler show plan.json --format outputs >> "$GITHUB_OUTPUT"`.
    """
    output = Output.of(output_format, color, view=view)
    item = saved_plan_or_report(*files)
    return output.show(item, int(time.time()), saved_to=files)
