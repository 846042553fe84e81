"""Diagnostics as people read them: place, excerpt with a marker, what is allowed, what to do."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from reconciler.diagnostics import Diagnostic, Severity
from reconciler.documents.document import Format
from reconciler.exceptions import ExitCode
from reconciler.planning.change import Count
from reconciler.redaction import Shown
from reconciler.reports.cells import width

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from reconciler.diagnostics import Location


_ALIKE = 3
"""Mistakes of one kind in a file from which on the others are told in a line."""
_LINES = 20
"""Lines that are told of mistakes of one kind."""
_QUOTED = re.compile(r"`[^`]*`")


def render_diagnostics(diagnostics: Iterable[Diagnostic]) -> str:
    """All diagnostics, a block each, and many of one kind as one with the lines of the others; empty text for none."""
    kinds: dict[tuple[object, ...], list[Diagnostic]] = {}
    for number, found in enumerate(diagnostics):
        file = found.location.file if found.location else number  # what has no place is told by itself
        # What is allowed tells places apart: a wrong `mode` says nothing of a wrong `on_excess`.
        kind = (found.severity, found.rule, _QUOTED.sub("", found.message), found.allowed, file)
        kinds.setdefault(kind, []).append(found)
    blocks: list[str] = []
    for first, *others in kinds.values():
        if len(others) < _ALIKE:
            blocks += map(_block, (first, *others))
        else:
            blocks.append(f"{_block(first)}{_elsewhere(others)}")
    return "\n".join(blocks)


def _elsewhere(others: Sequence[Diagnostic]) -> str:
    lines = dict.fromkeys(str(found.location.line) for found in others if found.location)
    some = ", ".join(list(lines)[:_LINES]) + (", ..." if len(lines) > _LINES else "")
    return f"  and {len(others)} more of this kind, on {'line' if len(lines) == 1 else 'lines'} {some}\n"


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


@dataclass(frozen=True, slots=True)
class Validation(Shown):
    """Whether a configuration is valid, and all that is to be said of it."""

    WRITTEN: ClassVar = ("valid", "outcome", "error_count", "warning_count", "diagnostics")

    valid: bool
    diagnostics: tuple[Diagnostic, ...]

    @property
    def outcome(self) -> str:
        """`ok` or `invalid`."""
        return "ok" if self.valid else "invalid"

    @property
    def error_count(self) -> Count:
        return sum(found.severity is Severity.ERROR for found in self.diagnostics)

    @property
    def warning_count(self) -> Count:
        return len(self.diagnostics) - self.error_count


@dataclass(frozen=True, slots=True)
class Failure(Shown):
    """Why a command failed: the one document that stands on stdout then, under `--format json`."""

    WRITTEN: ClassVar = ("outcome", "exit_code", "message", "hint", "diagnostics")

    exit_code: ExitCode
    message: str
    hint: str = ""
    """What to do."""
    diagnostics: tuple[Diagnostic, ...] = ()
    """The mistakes of an invalid configuration."""

    @property
    def outcome(self) -> str:
        """The exit code in a word."""
        return outcome_of(self.exit_code)


def outcome_of(code: ExitCode) -> str:
    """How a command ended that failed, in a word."""
    return FAILURES.get(code, "error")


FAILURES = {
    ExitCode.REFUSED: "refused",
    ExitCode.STALE: "stale",
    ExitCode.LOCKED: "locked",
    ExitCode.USAGE: "usage",
    ExitCode.INVALID: "invalid",
    ExitCode.INTERRUPTED: "interrupted",
    ExitCode.TERMINATED: "interrupted",
}
VALIDATION = Format("reconciler.validation", "2.0", Validation, "What `reconciler validate` found")
FAILURE = Format("reconciler.error", "2.0", Failure, "Why a command of reconciler failed")
