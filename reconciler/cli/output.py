"""Where output goes: the product to stdout and to files, everything else to stderr."""

from __future__ import annotations

import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.exceptions import ReconcilerError, UsageError
from reconciler.reports.registry import PLAN_FORMATS, View, render

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reconciler.engine.report import Report
    from reconciler.planning.plan import Plan

__all__ = ["Output", "write_private"]


@dataclass(frozen=True, slots=True)
class Output:
    """What a command was asked to write, and how. `reports` are further outputs: format by file."""

    format: str
    color: bool
    verbose: bool
    reports: Mapping[Path, str]

    @classmethod
    def of(cls, output_format: str, color: str, *, verbose: bool, reports: Sequence[str] = ()) -> Output:
        """Check the flags of a command. Raises UsageError for a `--report` that is not FORMAT=FILE."""
        return cls(output_format, _wants_color(color), verbose, dict(_report(text) for text in reports))

    def show(self, item: Plan | Report, now: int, saved_to: Path | None = None) -> None:
        """Write a plan or report to stdout, and to every file of `--report`."""
        saved = str(saved_to) if saved_to else None
        write(render(item, self.format, View(now, self.color, saved, self.verbose)))
        self.save(item, now, saved)

    def save(self, item: Plan | Report, now: int, saved: str | None = None) -> None:
        """Write a plan or report to every file of `--report` only."""
        for path, name in self.reports.items():
            write_private(path, render(item, name, View(now, saved_to=saved, verbose=self.verbose)))


def write(text: str) -> None:
    """Write to stdout; characters that its encoding lacks are escaped, never an error."""
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))
    sys.stdout.flush()


def write_private(path: Path, text: str) -> None:
    """Replace `path` as a whole, readable by its owner only (mode 0600): either all of it is there or nothing.

    Raises ReconcilerError where that cannot be done.
    """
    try:
        descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).replace(path)
        finally:
            Path(temporary).unlink(missing_ok=True)
    except OSError as error:
        raise ReconcilerError(f"cannot write {path}: {error.strerror or error}") from error


def _report(text: str) -> tuple[Path, str]:
    name, separator, path = text.partition("=")
    if not separator or not path or name not in PLAN_FORMATS:
        raise UsageError(f"--report {text}: expected FORMAT=FILE, with one of {', '.join(PLAN_FORMATS)}")
    return Path(path), name


def _wants_color(choice: str) -> bool:
    """The flag first, then NO_COLOR (https://no-color.org), FORCE_COLOR and the terminal."""
    if choice != "auto":
        return choice == "always"
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
