"""`reconciler test`."""

from __future__ import annotations

import os
from pathlib import Path

import click

from reconciler.cli.options import color_option, flag, format_option, paths_argument, verbose_flag
from reconciler.cli.output import Output
from reconciler.cli.places import write, write_private
from reconciler.exceptions import ExitCode, UsageError
from reconciler.policy_tests.loader import load_tests
from reconciler.policy_tests.runner import Selection, run_tests
from reconciler.providers.registry import catalogue
from reconciler.reports.policy_tests.document import render_results_json, render_results_junit
from reconciler.reports.policy_tests.text import render_results_text


@click.command("test")
@paths_argument
@flag("--test", "names", multiple=True, metavar="GLOB", help="Only tests of this name (repeatable).")
@flag("--policy", "policies", multiple=True, metavar="GLOB", help="Only tests that expect something of this policy.")
@flag("--require-coverage", is_flag=True, help="Fail when a policy has no matching or no near-miss case.")
@flag(
    "--junit",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Also write JUnit XML to a file.",
)
@format_option("text", "json", "junit")
@color_option
@verbose_flag("Name the tests that passed as well.")
def command(
    paths: tuple[Path, ...],
    names: tuple[str, ...],
    policies: tuple[str, ...],
    require_coverage: bool,
    junit: Path | None,
    output_format: str,
    color: str,
    verbose: int,
) -> int:
    """Run the unit tests of policies: no network, no credentials, no environment variables.

    PATH is a file, or a directory that is searched for *.reconciler-test.yaml and for the configuration (default: the
    current directory). Ends with 1 when a test fails, with 65 when a file is invalid or there is no test.
    """
    if names and require_coverage:
        raise UsageError("--require-coverage and --test exclude each other", "coverage is that of all tests together")
    output = Output.of(output_format, color, verbose=bool(verbose), files={"--junit": junit})
    installed = catalogue()
    loaded = load_tests(paths, installed, environment=os.environ)
    results = run_tests(loaded, installed, Selection(names, policies))
    passed = not results.failed and not (require_coverage and results.uncovered)
    if junit is not None:
        write_private(junit, render_results_junit(results, require_coverage=require_coverage))
    match output_format:
        case "json":
            write(render_results_json(results, passed=passed), "json")
        case "junit":
            write(render_results_junit(results, require_coverage=require_coverage), "junit")
        case _:
            write(render_results_text(results, color=output.color, verbose=bool(verbose)))
    return ExitCode.OK if passed else ExitCode.ERROR
