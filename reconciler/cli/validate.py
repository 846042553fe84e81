"""`reconciler validate`."""

from __future__ import annotations

import contextlib
import os
from types import MappingProxyType
from typing import TYPE_CHECKING

import click

from reconciler.cli.options import format_option, paths_argument
from reconciler.cli.places import write
from reconciler.config.loader import check
from reconciler.diagnostics import Severity
from reconciler.exceptions import ExitCode, InvalidTests
from reconciler.policy_tests.loader import load_tests
from reconciler.policy_tests.runner import idle_protections
from reconciler.providers.registry import catalogue
from reconciler.reports.ci.github import render_diagnostics_github
from reconciler.reports.ci.sarif import render_diagnostics_sarif
from reconciler.reports.diagnostics import VALIDATION, Validation, render_diagnostics
from reconciler.reports.wording import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from reconciler.config.model import Configuration
    from reconciler.diagnostics import Diagnostic


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
        with contextlib.suppress(InvalidTests):  # or there is none: `test` says so
            tests = load_tests(paths, installed, environment=os.environ, configuration=configuration)
            diagnostics += tuple(idle_protections(tests, installed))
    write(_FORMATS[output_format](configuration, diagnostics, tuple(map(str, paths))), output_format)
    return ExitCode.OK if configuration else ExitCode.INVALID


def _counts(diagnostics: Sequence[Diagnostic]) -> tuple[int, int]:
    errors = sum(diagnostic.severity is Severity.ERROR for diagnostic in diagnostics)
    return errors, len(diagnostics) - errors


def _text(configuration: Configuration | None, diagnostics: Sequence[Diagnostic], _: Sequence[str]) -> str:
    blocks = render_diagnostics(diagnostics)
    return f"{blocks}\n{_verdict(configuration, diagnostics)}" if blocks else _verdict(configuration, diagnostics)


def _github(configuration: Configuration | None, diagnostics: Sequence[Diagnostic], paths: Sequence[str]) -> str:
    """Annotations, and the last line for the log."""
    return render_diagnostics_github(diagnostics, paths) + _verdict(configuration, diagnostics)


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
    return VALIDATION.text(Validation(configuration is not None, tuple(diagnostics)))


_FORMATS: Mapping[str, Callable[[Configuration | None, Sequence[Diagnostic], Sequence[str]], str]] = MappingProxyType(
    {
        "text": _text,
        "json": _document,
        "github": _github,
        "sarif": lambda _, diagnostics, paths: render_diagnostics_sarif(diagnostics, paths),
    }
)
