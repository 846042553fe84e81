"""Files to one checked configuration, or every mistake in them at once."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar

from reconciler.config.discovery import discover, left_out
from reconciler.config.entries import Entry, Findings, Source, WrongType, entries_of, read_sources
from reconciler.config.environment import expand, without_empty
from reconciler.config.fingerprint import fingerprint
from reconciler.config.model import Configuration
from reconciler.config.policies import PolicyReader, protection_of
from reconciler.config.schema import structure_schema
from reconciler.config.settings import settings_of
from reconciler.config.structure import structure_of
from reconciler.config.targets import spread, target_of
from reconciler.exceptions import InvalidConfiguration

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from reconciler.config.files import Roots
    from reconciler.config.model import Settings
    from reconciler.diagnostics import Diagnostic
    from reconciler.tasks.resource_type import Catalogue

_Made = TypeVar("_Made")
SECTIONS = ("defaults", "targets", "protect", "policies")


def load_configuration(
    paths: Sequence[Path], catalogue: Catalogue, *, environment: Mapping[str, str], strict: bool
) -> Configuration:
    """The configuration in `paths` (files, or directories to search; none: the current directory).

    `strict` makes an unset environment variable without default a mistake; commands that use the network need it.
    Raises InvalidConfiguration with every mistake in every file, sorted by place, warnings included.
    """
    configuration, diagnostics = check(paths, catalogue, environment=environment, strict=strict)
    if configuration is None:
        raise InvalidConfiguration(diagnostics)
    return configuration


def check(
    paths: Sequence[Path],
    catalogue: Catalogue,
    *,
    environment: Mapping[str, str],
    strict: bool = False,
    roots: Roots | None = None,
) -> tuple[Configuration | None, tuple[Diagnostic, ...]]:
    """The configuration, or None where it is invalid, and all errors and warnings, sorted by place.

    `roots` are given where `paths` are not the user's own, but what was found there.
    """
    configuration, findings = _looked_at(paths, catalogue, environment, strict, roots)
    diagnostics = findings.sorted()
    return None if findings.invalid else replace(configuration, warnings=diagnostics), diagnostics


def settings_known(paths: Sequence[Path], catalogue: Catalogue, *, environment: Mapping[str, str]) -> Settings:
    """The settings, as far as they can be read, whatever else is wrong: who is to be told of that."""
    configuration, _ = _looked_at(paths, catalogue, environment, strict=True, roots=None)
    return configuration.settings


def names(
    paths: Sequence[Path], catalogue: Catalogue, *, environment: Mapping[str, str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names of the targets and of the policies that can be read, whatever else is wrong, as for completion."""
    configuration, _ = _looked_at(paths, catalogue, environment, strict=False, roots=None)
    return tuple(configuration.targets), tuple(configuration.policies)


def _looked_at(
    paths: Sequence[Path], catalogue: Catalogue, environment: Mapping[str, str], strict: bool, roots: Roots | None
) -> tuple[Configuration, Findings]:
    """What the files say, and what is wrong: where it is invalid the configuration is of no use but for that."""
    findings = Findings()
    found = discover(paths, roots)
    findings.add(found.diagnostics)
    all_found = not findings.invalid
    structure = structure_of(catalogue, structure_schema)
    expansion = partial(expand, environment=environment, strict=strict)
    read = read_sources(found.files, found.roots, expansion, structure.problems, findings)
    sources = [replace(source, data=without_empty(source.data)) for source in read]
    all_files_read = len(sources) == len(found.files) and all_found
    configuration = _merged(sources, found.files, catalogue, findings, all_files_read=all_files_read)
    if roots is None and configuration.policies:
        findings.add(left_out(paths, found))
    return configuration, findings


def _merged(
    sources: Sequence[Source], files: Sequence[Path], catalogue: Catalogue, findings: Findings, *, all_files_read: bool
) -> Configuration:
    """All files as one. With mistakes among the findings, the result is of no use but for finding more of them."""
    settings = settings_of(sources, findings)
    entries = {section: entries_of(section, sources, findings) for section in SECTIONS}
    declared = entries["targets"]
    entries["targets"] = spread(declared, entries.pop("defaults"), findings)
    targets = _kept(entries["targets"], lambda entry: target_of(entry, catalogue, findings), findings)
    protections = _kept(entries["protect"], lambda entry: protection_of(entry, catalogue, findings), findings)
    names = tuple(dict.fromkeys((*declared, *entries["targets"])))
    all_made = all_files_read and len(targets) == len(entries["targets"])
    reader = PolicyReader(catalogue, targets, names, settings, all_files_read, all_made)
    policies = _kept(entries["policies"], lambda entry: reader.policy(entry, findings), findings)
    return Configuration(
        settings=settings,
        targets=MappingProxyType(targets),
        protections=MappingProxyType(protections),
        policies=MappingProxyType(policies),
        files=tuple(files),
        fingerprint=fingerprint(targets, protections, policies, entries),
    )


def _kept(entries: Mapping[str, Entry], make: Callable[[Entry], _Made | None], findings: Findings) -> dict[str, _Made]:
    """What `make` makes of each entry, sorted by name."""
    kept: dict[str, _Made] = {}
    for name, entry in sorted(entries.items()):
        try:
            made = make(entry)
        except WrongType as error:
            findings.doubt(entry.document, entry.path, error)
        else:
            if made is not None:
                kept[name] = made
    return kept
