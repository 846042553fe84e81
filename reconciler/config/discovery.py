"""Which files make up the configuration."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

from reconciler.config.files import Roots, leads_away, reason_of, shown_path
from reconciler.diagnostics import Diagnostic, Location, Rule, Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

NAME: Final = "reconciler.yaml"
SUFFIX: Final = ".reconciler.yaml"

_PACKAGES = frozenset({"node_modules", "site-packages", "dist-packages"})
"""Directories of other people's code, which may bring files of our names along."""
_SNIFFED: Final = 64 * 1024
"""Bytes of a file of another name that are looked at to tell what it is."""
_VERSION = re.compile(
    rb"^(?:\xef\xbb\xbf)?[\"']?version[\"']?[ \t]*:[ \t]*[\"']?1[\"']?[ \t\r]*(?:#.*)?$", re.MULTILINE
)
_SECTION = re.compile(rb"^[\"']?(?:targets|protect|policies)[\"']?[ \t]*:", re.MULTILINE)
_PROTECTIONS = re.compile(rb"^[\"']?protect[\"']?[ \t]*:", re.MULTILINE)
_MAX_BESIDE: Final = 1_000
"""Files beside those given that are looked at for protections."""


@dataclass(frozen=True, slots=True)
class Found:
    """The files of a configuration, sorted, each once; where they may lie; and what is wrong with the paths."""

    files: tuple[Path, ...]
    roots: Roots
    diagnostics: tuple[Diagnostic, ...]


def discover(paths: Sequence[Path], roots: Roots | None = None) -> Found:
    """The configuration files under `paths` (default: the current directory). `roots` are those of `paths` by default.

    Directories are searched recursively for `reconciler.yaml` and `*.reconciler.yaml`; hidden ones, virtual
    environments and installed packages are left out. A file that is named may have any name. A path that leads to no
    file at all is a mistake: the policies and protections that the user believes to be there are not. A file that seems
    to belong here and is left out is a warning, for the same reason.
    """
    roots = roots or Roots.of(paths)
    found: dict[str, Path] = {}
    near: list[Path] = []
    diagnostics: list[Diagnostic] = []
    for path in paths or (Path(),):
        files, mistakes = files_under(path, lambda name: is_configuration(name) or _is_yaml(name), roots)
        diagnostics += mistakes
        if files is None:
            continue
        named = not path.is_dir()
        chosen = [file for file in files if named or is_configuration(file.name)]
        near += (file for file in set(files).difference(chosen) if _seems_ours(file, roots))
        if not (chosen or mistakes):
            diagnostics.append(_none_found(path, shown_path(path), near))
        for file in chosen:
            found.setdefault(os.path.realpath(file), file)
    diagnostics += (_near_miss(file) for file in near if os.path.realpath(file) not in found)
    return Found(tuple(sorted(found.values(), key=shown_path)), roots, tuple(diagnostics))


def left_out(paths: Sequence[Path], found: Found) -> list[Diagnostic]:
    """Warnings of protections that do not hold, because `paths` leave out the files that they stand in.

    Beside a file that is given, all is looked at that a run without paths would find; beside a directory, what stands
    in those around it.
    """
    read = {os.path.realpath(file) for file in found.files}
    beside = {os.path.realpath(file): file for file in _beside(paths)}
    warnings = []
    for real, file in sorted(beside.items()):
        begun = b"" if real in read else head(file, Roots.of([file]))
        if match := _PROTECTIONS.search(begun):
            shown = shown_path(file)
            message = f"`{shown}` is not among the paths given: its protections do not hold"
            hint = "name it as well, or give the directory that holds all files"
            line = begun.count(b"\n", 0, match.start()) + 1
            warnings.append(_mistake(shown, message, hint, line=line, severity=Severity.WARNING))
    return warnings


def _beside(paths: Sequence[Path]) -> Iterator[Path]:
    here = Path.cwd()
    around: dict[Path, None] = {}
    trees: dict[Path, None] = {}
    for given in (Path(os.path.abspath(path)) for path in paths):  # noqa: PTH100 - resolve() would follow links
        parents = [parent for parent in given.parents if parent.is_relative_to(here)]
        narrow = not parents or str(here) in (os.path.expanduser("~"), here.anchor)  # noqa: PTH111 - Path.home() raises
        if given.is_dir():
            around |= dict.fromkeys(parents)
        else:
            trees[given.parent if narrow else here] = None
    for directory in around:
        yield from (file for file in sorted(directory.glob(f"*{NAME}")) if is_configuration(file.name))
    for tree in trees:
        yield from islice(_walk(tree, is_configuration, Roots.of([tree]), []), _MAX_BESIDE)


def files_under(path: Path, wanted: Callable[[str], bool], roots: Roots) -> tuple[list[Path] | None, list[Diagnostic]]:
    """The file `path` itself, or the files below the directory whose name is `wanted`; and what cannot be read.

    None where there is no such path, or it cannot be looked at.
    """
    shown = shown_path(path)
    try:
        if leads_away(path) and not roots.hold(path):
            hint = "name what it leads to"
            return None, [_mistake(shown, f"`{shown}` is a link that leads out of the directory it is in", hint)]
        if not path.exists():
            return None, [_mistake(shown, f"`{shown}` does not exist")]
        if not path.is_dir():
            return [path], []
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        return None, [_mistake(shown, f"`{shown}` cannot be read: {reason_of(error)}")]
    mistakes: list[Diagnostic] = []
    files = list(_walk(path, wanted, roots, mistakes))
    return files, mistakes


def _walk(top: Path, wanted: Callable[[str], bool], roots: Roots, mistakes: list[Diagnostic]) -> Iterator[Path]:
    """Files by name below `top`. Links to directories are followed within `roots`, each real directory once."""

    def unreadable(error: OSError) -> None:
        mistakes.append(_mistake(shown_path(Path(error.filename)), f"directory cannot be read: {reason_of(error)}"))

    visited: set[str] = set()
    for directory, names, files in os.walk(top, followlinks=True, onerror=unreadable):
        place, real = Path(directory), os.path.realpath(directory)
        if real in visited or not roots.hold(real):
            if real not in visited:
                mistakes.append(_leads_out(place))
            names.clear()
            continue
        visited.add(real)
        if place != top and "pyvenv.cfg" in files:
            names.clear()
            continue
        names[:] = sorted(name for name in names if not name.startswith(".") and name not in _PACKAGES)
        for name in sorted(files):
            file = place / name
            # A broken link counts, so that reading it says what is wrong; sockets and pipes do not.
            if wanted(name) and (file.is_file() or not file.exists()):
                yield file


def is_configuration(name: str) -> bool:
    """Whether a file of this name is part of a configuration."""
    return name == NAME or (name.endswith(SUFFIX) and not name.startswith("."))


def _is_yaml(name: str) -> bool:
    return name.lower().endswith((".yaml", ".yml"))


def _seems_ours(file: Path, roots: Roots) -> bool:
    begun = head(file, roots)
    return _VERSION.search(begun) is not None and _SECTION.search(begun) is not None


def head(file: Path, roots: Roots) -> bytes:
    """The beginning of a file, to tell what it is; nothing where it is not to be read, or cannot be."""
    try:
        return roots.read(file, _SNIFFED)
    except (OSError, ValueError):
        return b""


def _none_found(path: Path, shown: str, near: Sequence[Path]) -> Diagnostic:
    hint = "name a file or directory that has one; `reconciler init DIR` writes a first one"
    if near or any(path.glob("*reconciler.yml")):
        hint = "rename *.yml to *.yaml, or name the file"
    return _mistake(shown, f"no configuration found: looked for {NAME} and *{SUFFIX} in `{shown}` and below", hint)


def _near_miss(file: Path) -> Diagnostic:
    shown, stem = shown_path(file), file.name.partition(".")[0]
    name = NAME if stem.lower() == "reconciler" else f"{stem}{SUFFIX}"
    message = f"`{shown}` looks like configuration, but is not read: its name is neither {NAME} nor *{SUFFIX}"
    return _mistake(shown, message, f"rename it to {name}, or name it", severity=Severity.WARNING)


def _leads_out(directory: Path) -> Diagnostic:
    shown = shown_path(directory)
    message = f"`{shown}` is a link that leads out of the directory given, so what is there is not read"
    return _mistake(shown, message, "remove the link, or give a directory without it")


def _mistake(
    file: str, message: str, hint: str = "", *, line: int = 1, severity: Severity = Severity.ERROR
) -> Diagnostic:
    return Diagnostic(severity, message, Location(file, line, 1), hint=hint, rule=Rule.FILE)
