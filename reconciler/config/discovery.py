"""Which files make up the configuration."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.diagnostics import Diagnostic, Location, Rule, Severity
from reconciler.redaction import presentable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = ["discover", "files_under", "is_configuration", "shown_path"]

NAME = "reconciler.yaml"
SUFFIX = ".reconciler.yaml"


def discover(paths: Sequence[Path]) -> tuple[list[Path], list[Diagnostic]]:
    """The configuration files under `paths` (default: the current directory), sorted, each once.

    Directories are searched recursively for `reconciler.yaml` and `*.reconciler.yaml`, hidden ones left out; a file
    that is named may have any name. A path that leads to no file at all is a mistake: the policies and protections
    that the user believes to be there are not.
    """
    found: dict[Path, Path] = {}
    diagnostics: list[Diagnostic] = []
    for path in paths or (Path(),):
        files, mistakes = files_under(path, is_configuration)
        diagnostics += mistakes
        if files == []:
            diagnostics.append(_none_found(path, shown_path(path)))
        for file in files or ():
            found.setdefault(Path(os.path.realpath(file)), file)
    return sorted(found.values(), key=shown_path), diagnostics


def shown_path(path: Path) -> str:
    """`path` as messages print it: relative to the current directory where it lies below it."""
    absolute = Path(os.path.abspath(path))  # noqa: PTH100 - resolve() would show a symlink's target instead
    try:
        return presentable(absolute.relative_to(Path.cwd()).as_posix())
    except ValueError:
        return presentable(absolute.as_posix())


def files_under(path: Path, wanted: Callable[[str], bool]) -> tuple[list[Path] | None, list[Diagnostic]]:
    """The file `path` itself, or the files below the directory whose name is `wanted`; and what cannot be read.

    None where there is no such path, or it cannot be looked at.
    """
    shown = shown_path(path)
    try:
        if not path.exists():
            return None, [_mistake(shown, f"`{shown}` does not exist")]
        if not path.is_dir():
            return [path], []
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        return None, [_mistake(shown, f"`{shown}` cannot be read: {_reason(error)}")]
    unreadable: list[OSError] = []
    files = list(_walk(path, wanted, unreadable))
    diagnostics = [
        _mistake(shown_path(Path(error.filename)), f"directory cannot be read: {_reason(error)}")
        for error in unreadable
    ]
    return files, diagnostics


def _walk(top: Path, wanted: Callable[[str], bool], unreadable: list[OSError]) -> Iterator[Path]:
    """Files by name below `top`. Links to directories are followed, each real directory once."""
    visited: set[str] = set()
    for directory, names, files in os.walk(top, followlinks=True, onerror=unreadable.append):
        real = os.path.realpath(directory)
        if real in visited:
            names.clear()
            continue
        visited.add(real)
        names[:] = sorted(name for name in names if not name.startswith("."))
        for name in sorted(files):
            file = Path(directory, name)
            # A broken link counts, so that reading it says what is wrong; sockets and pipes do not.
            if wanted(name) and (file.is_file() or not file.exists()):
                yield file


def is_configuration(name: str) -> bool:
    """Whether a file of this name is part of a configuration."""
    return name == NAME or (name.endswith(SUFFIX) and not name.startswith("."))


def _none_found(path: Path, shown: str) -> Diagnostic:
    hint = "name a file or directory that has one; `reconciler init DIR` writes a first one"
    if any(path.glob("*reconciler.yml")):
        hint = "rename *.yml to *.yaml, or name the file"
    return _mistake(shown, f"no configuration found: looked for {NAME} and *{SUFFIX} in `{shown}` and below", hint)


def _mistake(file: str, message: str, hint: str = "") -> Diagnostic:
    return Diagnostic(Severity.ERROR, message, Location(file, 1, 1), hint=hint, rule=Rule.FILE)


def _reason(error: OSError | ValueError) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or "the name is not valid"
