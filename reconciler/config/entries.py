"""All files merged: the named entries of a section, and what was found wrong on the way."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reconciler.config.quoting import quoted
from reconciler.diagnostics import Diagnostic, DocumentPath, Problem, Rule, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from reconciler.config.yaml_document import Document
    from reconciler.diagnostics import Location

__all__ = ["Entry", "Findings", "Source", "entries_of", "mapping", "number", "text", "texts"]


@dataclass(frozen=True, slots=True)
class Source:
    """A file and its data, variables expanded. The data need not have the right structure: that is reported apart."""

    document: Document
    data: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Entry:
    """One target, policy or protection as written, with the way back to its place."""

    name: str
    body: Mapping[str, object]
    path: DocumentPath
    document: Document

    @property
    def location(self) -> Location:
        return self.document.location(self.path, at_key=True)


@dataclass(slots=True)
class Findings:
    """Collects the mistakes of all files."""

    diagnostics: list[Diagnostic] = field(default_factory=list)

    def add(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics += diagnostics

    def problem(self, document: Document, problem: Problem) -> None:
        self.diagnostics.append(document.diagnose(problem))

    @property
    def invalid(self) -> bool:
        return any(diagnostic.severity is Severity.ERROR for diagnostic in self.diagnostics)

    def sorted(self) -> tuple[Diagnostic, ...]:
        """By file, line and column, each once."""

        def place(diagnostic: Diagnostic) -> tuple[str, int, int, str]:
            where = diagnostic.location
            return (
                (where.file, where.line, where.column, diagnostic.message) if where else ("", 0, 0, diagnostic.message)
            )

        return tuple(sorted(dict.fromkeys(self.diagnostics), key=place))


def entries_of(section: str, sources: Sequence[Source], findings: Findings) -> dict[str, Entry]:
    """The entries of one section by name. A name that two files define is a mistake; the first one is kept."""
    found: dict[str, Entry] = {}
    for source in sources:
        for name, body in mapping(source.data, section).items():
            path = (section, name)
            if first := found.get(name):
                message = f"{quoted(name)} is defined twice: first at {first.location}"
                hint = "rename or remove one of the two"
                problem = Problem(path, message, hint, at_key=True, rule=Rule.DUPLICATE)
                findings.problem(source.document, problem)
            else:
                contents = body if isinstance(body, dict) else {}
                found[name] = Entry(name, contents, path, source.document)
    return found


def text(body: Mapping[str, object], key: str) -> str | None:
    """The text at `key`; None where it is missing or no text."""
    value = body.get(key)
    return value if isinstance(value, str) else None


def number(body: Mapping[str, object], key: str) -> int | None:
    """The whole number at `key` (`5.0` is one, as in JSON Schema); None where it is missing or something else."""
    value = body.get(key)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def texts(body: Mapping[str, object], key: str) -> list[str]:
    """The texts of the list at `key`; others are left out."""
    value = body.get(key)
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def mapping(body: Mapping[str, object], key: str) -> Mapping[str, object]:
    value = body.get(key)
    return value if isinstance(value, dict) else {}
