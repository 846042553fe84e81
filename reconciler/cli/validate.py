"""`reconciler validate`.

It is the hook of every commit and mostly says one line, so that what only some runs need is imported by these.
"""

# ruff: noqa: PLC0415 - see above

from __future__ import annotations

import os
from types import MappingProxyType
from typing import TYPE_CHECKING

import click

from reconciler.cli.options import format_option, paths_argument
from reconciler.cli.places import write
from reconciler.config.loader import check
from reconciler.diagnostics import Severity
from reconciler.exceptions import ExitCode, InvalidTests
from reconciler.providers.registry import catalogue
from reconciler.reports.cells import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from reconciler.config.model import Configuration
    from reconciler.diagnostics import Diagnostic
    from reconciler.tasks.resource_type import Catalogue


@click.command("validate")
@paths_argument
@format_option("text", "json", "github", "sarif")
def command(paths: tuple[Path, ...], output_format: str) -> int:
    """Check configuration files; report every mistake at once.

    PATH is a file, or a directory that is searched for reconciler.yaml and *.reconciler.yaml (default: the current
    directory). Needs no network, no credentials and no environment variables. Of the policy tests that are there the
    tasks are looked at: a protection that holds none of them is a warning.

    github writes annotations of GitHub Actions, sarif a log for code scanning.
    """
    installed = catalogue()
    configuration, diagnostics = check(paths, installed, environment=os.environ)
    if configuration and configuration.protections:
        diagnostics += _idle_protections(paths, installed, configuration)
    write(_FORMATS[output_format](configuration, diagnostics, tuple(map(str, paths))), output_format)
    return ExitCode.OK if configuration else ExitCode.INVALID


def _idle_protections(
    paths: Sequence[Path], installed: Catalogue, configuration: Configuration
) -> tuple[Diagnostic, ...]:
    from reconciler.policy_tests.loader import load_tests
    from reconciler.policy_tests.runner import idle_protections

    try:
        tests = load_tests(paths, installed, environment=os.environ, configuration=configuration)
    except InvalidTests:  # or there is none: `test` says so
        return ()
    return tuple(idle_protections(tests, installed))


def _counts(diagnostics: Sequence[Diagnostic]) -> tuple[int, int]:
    errors = sum(diagnostic.severity is Severity.ERROR for diagnostic in diagnostics)
    return errors, len(diagnostics) - errors


def _text(configuration: Configuration | None, diagnostics: Sequence[Diagnostic], _: Sequence[str]) -> str:
    verdict = _verdict(configuration, diagnostics)
    if not diagnostics:
        return verdict
    from reconciler.reports.diagnostics import render_diagnostics

    return f"{render_diagnostics(diagnostics)}\n{verdict}"


def _github(configuration: Configuration | None, diagnostics: Sequence[Diagnostic], paths: Sequence[str]) -> str:
    """Annotations, and the last line for the log."""
    from reconciler.reports.ci.github import render_diagnostics_github

    return render_diagnostics_github(diagnostics, paths) + _verdict(configuration, diagnostics)


def _sarif(_: Configuration | None, diagnostics: Sequence[Diagnostic], paths: Sequence[str]) -> str:
    from reconciler.reports.ci.sarif import render_diagnostics_sarif

    return render_diagnostics_sarif(diagnostics, paths)


def _verdict(configuration: Configuration | None, diagnostics: Sequence[Diagnostic]) -> str:
    errors, warnings = _counts(diagnostics)
    if configuration is None:
        return f"Invalid: {counted(errors, 'error')}, {counted(warnings, 'warning')}.\n"
    policies = len(configuration.policies)
    counts = (
        counted(len(configuration.files), "file"),
        counted(len(configuration.targets), "target"),
        "1 policy" if policies == 1 else f"{policies} policies",
        counted(warnings, "warning"),
    )
    return f"Valid: {', '.join(counts)}.\n"


def _document(configuration: Configuration | None, diagnostics: Sequence[Diagnostic], _: Sequence[str]) -> str:
    from reconciler.reports.diagnostics import VALIDATION, Validation

    return VALIDATION.text(Validation(configuration is not None, tuple(diagnostics)))


_FORMATS: Mapping[str, Callable[[Configuration | None, Sequence[Diagnostic], Sequence[str]], str]] = MappingProxyType(
    {"text": _text, "json": _document, "github": _github, "sarif": _sarif}
)
