"""Where output goes: the product to stdout and to files, everything else to stderr."""

from __future__ import annotations

import os
import re
import stat
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from reconciler.exceptions import ReconcilerError, UsageError
from reconciler.reports.formats import FORMATS
from reconciler.reports.registry import View, render

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reconciler.engine.report import Report
    from reconciler.planning.plan import Plan

__all__ = ["Output", "write", "write_private"]

_DESCRIPTOR = re.compile(r"/dev/(?:(?P<out>stdout)|(?P<err>stderr)|fd/(?P<number>[0-9]{1,9}))")


@dataclass(frozen=True, slots=True)
class Output:
    """What a command was asked to write, and how. `reports` are further outputs: format by file."""

    format: str
    color: bool
    verbose: bool
    reports: Mapping[Path, str]

    @classmethod
    def of(cls, output_format: str, color: str, *, verbose: bool, reports: Sequence[str] = ()) -> Output:
        """Check the flags of a command. Raises UsageError for a `--report` that is not FORMAT=FILE, and for two that
        name one file."""
        return cls(output_format, _wants_color(color), verbose, _reports(reports))

    def show(self, item: Plan | Report, now: int, saved_to: Path | None = None) -> None:
        """Write a plan or report to stdout, and to every file of `--report`."""
        saved = str(saved_to) if saved_to else None
        write(render(item, self.format, View(now, self.color, saved, self.verbose)))
        self.save(item, now, saved)

    def save(self, item: Plan | Report, now: int, saved: str | None = None) -> None:
        """Write a plan or report to every file of `--report` only."""
        for path, name in self.reports.items():
            place = _append if _is_collected(path) else write_private
            place(path, render(item, name, View(now, saved_to=saved, verbose=self.verbose)))


def write(text: str) -> None:
    """Write to stdout; characters that its encoding lacks are escaped, never an error.

    Raises BrokenPipeError where the reader went away, ReconcilerError where it cannot be written to: a full disk, say.
    """
    encoding = sys.stdout.encoding or "utf-8"
    try:
        sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise ReconcilerError(f"cannot write to stdout: {error.strerror or error}") from error


def write_private(path: Path, text: str) -> None:
    """Replace `path` as a whole, readable by its owner only (mode 0600): either all of it is there or nothing.

    A pipe or a device, such as /dev/stdout, is written to and stays what it is. Raises ReconcilerError where that
    cannot be done.
    """
    if _is_stream(path):
        _append(path, text)
        return
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


def _append(path: Path, text: str) -> None:
    """Write at the end of `path`; where it names a descriptor of ours, through that one, after what is there."""
    try:
        with _descriptor(path) or path.open("a", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise ReconcilerError(f"cannot write {path}: {error.strerror or error}") from error


def _descriptor(path: Path) -> IO[str] | None:
    """The stream that /dev/stdout, /dev/stderr or /dev/fd/N names.

    Opening those anew would give a position of its own in a file that stdout was sent to, for others to write over.
    """
    match = _DESCRIPTOR.fullmatch(str(path.absolute()))
    if match is None:
        return None
    sys.stdout.flush()
    number = 1 if match["out"] else 2 if match["err"] else int(match["number"])
    return os.fdopen(os.dup(number), "w", encoding="utf-8")


def _is_stream(path: Path) -> bool:
    """Whether `path` is no file of its own: whoever replaces /dev/stdout or /dev/null breaks the machine."""
    try:
        return bool(_DESCRIPTOR.fullmatch(str(path.absolute()))) or not stat.S_ISREG(path.stat().st_mode)
    except OSError:
        return False


def _is_collected(path: Path) -> bool:
    """Whether it is a file in which a GitHub runner collects what the steps of a job append."""
    runners = (os.environ.get(name) for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"))
    return any(file and Path(file).absolute() == path.absolute() for file in runners)


def _reports(texts: Sequence[str]) -> dict[Path, str]:
    found: dict[Path, str] = {}
    for path, name in map(_report, texts):
        if path in found:
            raise UsageError(f"--report: {path} is named twice", "give each format a file of its own")
        found[path] = name
    return found


def _report(text: str) -> tuple[Path, str]:
    name, separator, path = text.partition("=")
    if not separator or not path or name not in FORMATS:
        raise UsageError(f"--report {text}: expected FORMAT=FILE, with one of {', '.join(FORMATS)}")
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
