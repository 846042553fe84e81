"""Writes a set of files into a directory: all of them, or none, and never over what is there."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from reconciler.exceptions import ReconcilerError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

_NOTHING_WRITTEN = "nothing was written"

_NAMED = 4
"""How many of the files that are in the way a message names."""


def write_all(directory: Path, files: Mapping[str, str]) -> None:
    """Write `files` (text by path below `directory`), and the directories that they need.

    Raises UsageError where something is in the way, ReconcilerError where a file cannot be written. Whatever goes
    wrong, an interruption included, what was written until then is taken away again.
    """
    if os.path.lexists(directory) and not directory.is_dir():
        raise UsageError(f"{_shown(directory)} is no directory", f"choose another name; {_NOTHING_WRITTEN}")
    if taken := _in_the_way(directory, files):
        listed = ", ".join(taken[:_NAMED])
        more = f" and {len(taken) - _NAMED} more of the files" if len(taken) > _NAMED else ""
        hint = f"choose another directory, or move them away; {_NOTHING_WRITTEN}"
        raise UsageError(f"{_shown(directory)} already has {listed}{more}", hint)
    made: list[Path] = []
    complete = False
    try:
        for name, text in files.items():
            _write(directory / name, text, made)
        complete = True
    except OSError as error:
        raise ReconcilerError(
            f"cannot write {error.filename or directory}: {error.strerror or error}", _NOTHING_WRITTEN
        ) from error
    finally:
        if not complete:
            _remove(made)


def _in_the_way(directory: Path, files: Iterable[str]) -> list[str]:
    """What exists of the files, and what stands where a directory must be. A link to one is not followed."""
    taken: dict[str, None] = {}
    for name in files:
        parts = name.split("/")
        for number in range(1, len(parts) + 1):
            path = directory.joinpath(*parts[:number])
            whole = number == len(parts)
            if os.path.lexists(path) and (whole or path.is_symlink() or not path.is_dir()):
                taken["/".join(parts[:number])] = None
                break
    return list(taken)


def _write(path: Path, text: str, made: list[Path]) -> None:
    """Create one file, and note in `made` what came to be, in order."""
    for parent in reversed(path.parents):
        if not parent.exists():
            parent.mkdir()
            made.append(parent)
    with path.open("x", encoding="utf-8", newline="\n") as file:  # x: fails where somebody was quicker
        made.append(path)
        file.write(text)


def _remove(made: list[Path]) -> None:
    """Take away what was made, last first. A directory that somebody else has put something into stays."""
    for path in reversed(made):
        with contextlib.suppress(OSError):
            if path.is_dir():
                path.rmdir()
            else:
                path.unlink()


def _shown(directory: Path) -> str:
    return str(directory) if str(directory) != "." else "the current directory"
