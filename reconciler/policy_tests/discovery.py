"""Which files are tests, and which the configuration that they test."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.config.discovery import files_under, is_configuration
from reconciler.config.files import Roots, shown_path
from reconciler.diagnostics import Diagnostic, Location, Rule, Severity

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Found", "discover"]

NAME = "reconciler-test.yaml"
SUFFIX = ".reconciler-test.yaml"

_SNIFFED = 64 * 1024
"""Bytes of a file of another name that are looked at to tell what it is."""
_TESTS = re.compile(rb"^(?:\xef\xbb\xbf)?(?:tests|\"tests\"|'tests')[ \t]*:", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Found:
    """Files of the configuration and test files, each sorted and each once, and what is wrong with the paths."""

    configuration: tuple[Path, ...]
    tests: tuple[Path, ...]
    roots: Roots
    diagnostics: tuple[Diagnostic, ...]


def discover(paths: Sequence[Path]) -> Found:
    """What lies under `paths` (default: the current directory).

    Directories are searched as for a configuration. A file that is named may have any name: one with a key `tests` is
    a test file. That there is no configuration under `paths` is no mistake, that there is no test file is one.
    """
    searched = tuple(paths) or (Path(),)
    roots = Roots.of(searched)
    found: dict[Path, Path] = {}
    diagnostics: list[Diagnostic] = []
    for path in searched:
        files, mistakes = files_under(path, lambda name: _is_test(name) or is_configuration(name), roots)
        diagnostics += mistakes
        for file in files or ():
            found.setdefault(Path(os.path.realpath(file)), file)
    every = sorted(found.values(), key=shown_path)
    tests = tuple(file for file in every if _holds_tests(file, roots))
    if not tests and not diagnostics:
        diagnostics.append(_none_found(searched))
    configuration = tuple(file for file in every if file not in tests)
    # Where none is found, that of the current directory is taken, which is thereby given as well.
    roots = roots if configuration else Roots.of([*searched, Path()])
    return Found(configuration, tests, roots, tuple(diagnostics))


def _is_test(name: str) -> bool:
    return name == NAME or (name.endswith(SUFFIX) and not name.startswith("."))


def _holds_tests(file: Path, roots: Roots) -> bool:
    if _is_test(file.name):
        return True
    if is_configuration(file.name):
        return False
    try:
        return _TESTS.search(roots.read(file, _SNIFFED)) is not None
    except (OSError, ValueError):
        return False  # whoever reads it as a configuration says why it cannot be read


def _none_found(searched: Sequence[Path]) -> Diagnostic:
    where = ", ".join(f"`{shown_path(path)}`" for path in searched)
    below = " and below" if any(path.is_dir() for path in searched) else ""
    hint = "write one beside the policies, or name a file or directory that has one"
    if any(path.is_dir() and any(path.glob("*reconciler-test.yml")) for path in searched):
        hint = "rename *.yml to *.yaml, or name the file"
    message = f"no test file found: looked for {NAME} and *{SUFFIX} in {where}{below}"
    return Diagnostic(Severity.ERROR, message, Location(shown_path(searched[0]), 1, 1), hint=hint, rule=Rule.FILE)
