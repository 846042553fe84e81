"""Diagnostics as people read them: place, excerpt with a marker, what is allowed, what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.diagnostics import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.diagnostics import Diagnostic

__all__ = ["diagnostic_document", "render_diagnostics"]


def render_diagnostics(diagnostics: Iterable[Diagnostic]) -> str:
    """All diagnostics, a block each; empty text for none."""
    return "\n".join(_block(diagnostic) for diagnostic in diagnostics)


def _block(diagnostic: Diagnostic) -> str:
    label = "Error" if diagnostic.severity is Severity.ERROR else "Warning"
    where = f"{diagnostic.location}: " if diagnostic.location else ""
    lines = [f"{where}{label}: {diagnostic.message}"]
    if diagnostic.excerpt and diagnostic.location:
        number = str(diagnostic.location.line)
        gutter = " " * len(number)
        marker = " " * (diagnostic.location.column - 1) + "^" * max(1, diagnostic.excerpt_length)
        lines += [f"  {gutter} |", f"  {number} | {diagnostic.excerpt}", f"  {gutter} | {marker}"]
    if diagnostic.path:
        lines.append(f"  at {diagnostic.path}")
    if diagnostic.allowed:
        lines.append(f"  allowed: {', '.join(diagnostic.allowed)}")
    if diagnostic.hint:
        lines.append(f"  {diagnostic.hint}")
    return "\n".join(lines) + "\n"


def diagnostic_document(diagnostic: Diagnostic) -> dict[str, object]:
    """A diagnostic as JSON data; line and column count from 1."""
    location = diagnostic.location
    return {
        "severity": diagnostic.severity.value,
        "rule": diagnostic.rule.value,
        "message": diagnostic.message,
        "file": location.file if location else None,
        "line": location.line if location else None,
        "column": location.column if location else None,
        "path": diagnostic.path,
        "hint": diagnostic.hint,
        "allowed": list(diagnostic.allowed),
        "excerpt": diagnostic.excerpt,
    }
