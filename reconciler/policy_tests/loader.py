"""Test files and the configuration that they test, or every mistake in them at once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.config.entries import Findings, WrongType, entries_of, mapping, read_sources
from reconciler.config.environment import expand
from reconciler.config.files import shown_path
from reconciler.config.loader import check
from reconciler.config.structure import structure_of
from reconciler.diagnostics import MAX_PROBLEMS
from reconciler.exceptions import InvalidConfiguration, InvalidTests
from reconciler.policy_tests.discovery import discover
from reconciler.policy_tests.reader import Reader
from reconciler.policy_tests.schema import structure_schema

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reconciler.config.model import Configuration
    from reconciler.diagnostics import Problem
    from reconciler.policy_tests.model import PolicyTest
    from reconciler.tasks.catalogue import Catalogue

__all__ = ["PolicyTests", "load_tests"]

_BEGINNING = "a test file begins with `version: 1`"


@dataclass(frozen=True, slots=True)
class PolicyTests:
    """What there is to run: a configuration, and its tests in the order of files and names."""

    configuration: Configuration
    tests: tuple[PolicyTest, ...]
    files: tuple[str, ...]


def load_tests(paths: Sequence[Path], catalogue: Catalogue, *, environment: Mapping[str, str]) -> PolicyTests:
    """The tests under `paths` and the configuration there, or in the current directory where `paths` hold none.

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
