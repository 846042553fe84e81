"""Failures in words and as a JSON document."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from reconciler.exceptions import ExitCode, InvalidConfiguration, ReconcilerError
from reconciler.redaction import presentable
from reconciler.reports.diagnostics import diagnostic_document, render_diagnostics

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["describe_failure", "failure_document"]

_OUTCOMES = {
    ExitCode.ERROR: "error",
    ExitCode.REFUSED: "refused",
    ExitCode.STALE: "stale",
    ExitCode.LOCKED: "locked",
    ExitCode.USAGE: "usage",
    ExitCode.INVALID: "invalid",
    ExitCode.INTERRUPTED: "interrupted",
    ExitCode.TERMINATED: "interrupted",
}


def describe_failure(error: ReconcilerError) -> tuple[str, dict[str, object]]:
    """The failure as text for people, and as data."""
    message, hint = presentable(error.message), presentable(error.hint)
    document: dict[str, object] = {"message": message, "hint": hint}
    if isinstance(error, InvalidConfiguration):
        document["diagnostics"] = [diagnostic_document(diagnostic) for diagnostic in error.diagnostics]
        return render_diagnostics(error.diagnostics) + f"\nError: {message}", document
    return f"Error: {message}" + (f"\n  {hint}" if hint else ""), document


def failure_document(code: ExitCode, facts: Mapping[str, object]) -> str:
    """The one document that stands on stdout when a command fails under `--format json`."""
    document = {
        "format": "reconciler.error",
        "format_version": "1.0",
        "outcome": _OUTCOMES.get(code, "error"),
        "exit_code": int(code),
        **facts,
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
