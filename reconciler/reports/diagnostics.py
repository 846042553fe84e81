"""Diagnostics as people read them: place, excerpt with a marker, what is allowed, what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.diagnostics import Severity
from reconciler.reports.cells import width

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reconciler.diagnostics import Diagnostic, Location

__all__ = ["diagnostic_document", "render_diagnostics"]


def render_diagnostics(diagnostics: Iterable[Diagnostic]) -> str:
    """All diagnostics, a block each; empty text for none."""
    return "\n".join(_block(diagnostic) for diagnostic in diagnostics)


def _block(diagnostic: Diagnostic) -> str:
    label = "Error" if diagnostic.severity is Severity.ERROR else "Warning"
    where = f"{diagnostic.location}: " if diagnostic.location else ""
    lines = [f"{where}{label}: {diagnostic.message}"]
    if diagnostic.excerpt and diagnostic.location:
        lines += _excerpt(diagnostic.excerpt, diagnostic.location, diagnostic.excerpt_length)
    if diagnostic.path:
        lines.append(f"  at {diagnostic.path}")
    if diagnostic.allowed:
        lines.append(f"  allowed: {', '.join(diagnostic.allowed)}")
    if diagnostic.hint:
        lines.append(f"  {diagnostic.hint}")
    return "\n".join(lines) + "\n"


def _excerpt(text: str, where: Location, length: int) -> Iterator[str]:
    """The source line, and below it a mark, measured in cells; none where the excerpt ends before the place."""
    number = str(where.line)
    gutter = " " * len(number)
    before, marked = text[: where.column - 1], text[where.column - 1 :][:length]
    yield f"  {gutter} |"
    yield f"  {number} | {text}"
    if len(before) == where.column - 1:
        yield f"  {gutter} | {' ' * width(before)}{'^' * max(1, width(marked))}"


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
