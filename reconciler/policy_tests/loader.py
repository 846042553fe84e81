"""Test files and the configuration that they test, found and read; or every mistake in them at once."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.config.discovery import files_under, head, is_configuration
from reconciler.config.entries import Findings, WrongType, entries_of, mapping, read_sources
from reconciler.config.environment import expand
from reconciler.config.files import Roots, shown_path
from reconciler.config.loader import check
from reconciler.config.structure import structure_of
from reconciler.diagnostics import MAX_PROBLEMS, Diagnostic, Location, Rule, Severity
from reconciler.exceptions import InvalidConfiguration, InvalidTests
from reconciler.policy_tests.reader import Reader
from reconciler.policy_tests.schema import structure_schema

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reconciler.config.model import Configuration
    from reconciler.diagnostics import Problem
    from reconciler.policy_tests.model import PolicyTest
    from reconciler.tasks.resource_type import Catalogue

NAME = "reconciler-test.yaml"
SUFFIX = ".reconciler-test.yaml"

_TESTS = re.compile(rb"^(?:\xef\xbb\xbf)?(?:tests|\"tests\"|'tests')[ \t]*:", re.MULTILINE)
_BEGINNING = "a test file begins with `version: 1`"


@dataclass(frozen=True, slots=True)
class PolicyTests:
    """What there is to run: a configuration, and its tests in the order of files and names."""

    configuration: Configuration
    tests: tuple[PolicyTest, ...]
    files: tuple[str, ...]


def load_tests(
    paths: Sequence[Path],
    catalogue: Catalogue,
    *,
    environment: Mapping[str, str],
    configuration: Configuration | None = None,
) -> PolicyTests:
    """The tests under `paths` and the configuration there, or in the current directory where `paths` hold none.

    `configuration` is that of `paths`, where it was read already.
    Raises InvalidConfiguration or InvalidTests with every mistake in every file, sorted by place.
    """
    found = discover(paths)
    if found.diagnostics:
        raise InvalidTests(found.diagnostics)
    findings = Findings()
    structure = structure_of(catalogue, structure_schema)
    sources = read_sources(
        found.tests,
        found.roots,
        partial(expand, environment={}, strict=True),
        lambda data: map(_hinted, structure.problems(data)),
        findings,
        _BEGINNING,
    )
    if configuration is None:
        configuration, diagnostics = check(
            found.configuration or [Path()], catalogue, environment=environment, roots=found.roots
        )
        if configuration is None:
            raise InvalidConfiguration([*diagnostics, *findings.sorted()])
    reader = Reader(configuration, catalogue, findings)
    files = {source.document.shown: source.data for source in sources}
    tests: list[PolicyTest] = []
    for entry in entries_of("tests", sources, findings).values():
        if findings.invalid and len(findings.diagnostics) >= MAX_PROBLEMS:
            break
        file = files[entry.document.shown]
        try:
            if isinstance(mapping(file, "tests")[entry.name], dict):
                tests.append(reader.test(entry, file))
        except WrongType as error:
            findings.doubt(entry.document, entry.path, error)
    if findings.invalid:
        raise InvalidTests(findings.sorted())
    return PolicyTests(configuration, tuple(tests), tuple(shown_path(file) for file in found.tests))


def _hinted(problem: Problem) -> Problem:
    about_expect = problem.path[2:] == ("expect",) or problem.message == "missing key `expect`"
    return replace(problem, hint="`expect: {}` says that nothing may change") if about_expect else problem


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
    # Of a file that cannot be read, whoever reads it as a configuration says why.
    return _is_test(file.name) or (not is_configuration(file.name) and _TESTS.search(head(file, roots)) is not None)


def _none_found(searched: Sequence[Path]) -> Diagnostic:
    where = ", ".join(f"`{shown_path(path)}`" for path in searched)
    below = " and below" if any(path.is_dir() for path in searched) else ""
    hint = "write one beside the policies, or name a file or directory that has one"
    if any(path.is_dir() and any(path.glob("*reconciler-test.yml")) for path in searched):
        hint = "rename *.yml to *.yaml, or name the file"
    message = f"no test file found: looked for {NAME} and *{SUFFIX} in {where}{below}"
    return Diagnostic(Severity.ERROR, message, Location(shown_path(searched[0]), 1, 1), hint=hint, rule=Rule.FILE)
