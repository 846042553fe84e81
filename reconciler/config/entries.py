"""Files from the disk to data, and all of them merged: the named entries of a section, and what was found wrong."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeVar

from reconciler.config.environment import Unexpanded, quoted
from reconciler.config.files import reason_of, shown_path
from reconciler.config.yaml_document import BEGINNING, MAX_BYTES, parse
from reconciler.diagnostics import Diagnostic, DocumentPath, Location, Problem, Rule, Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from reconciler.config.files import Roots
    from reconciler.config.yaml_document import Document

_Word = TypeVar("_Word", bound=StrEnum)


class WrongType(Exception):  # noqa: N818 - a mistake in a file, not a failure of the program
    """A value is not of the type that a reader asks for. A default in its place would be what nobody wrote."""

    def __init__(self, key: str, expected: str) -> None:
        super().__init__(f"`{key}` must be {expected}")


@dataclass(frozen=True, slots=True)
class Source:
    """A file and its data, variables expanded. The data need not have the right structure: that is reported apart."""

    document: Document
    data: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Entry:
    """One target, policy or protection as written, with the way back to its place.

    `inherited` are the keys that stand elsewhere, each with the entry that it is taken from. `family` is the name of
    the entry that this one, with others, was made of.
    """

    name: str
    body: Mapping[str, object]
    path: DocumentPath
    document: Document
    inherited: Mapping[str, Entry] = field(default_factory=lambda: MappingProxyType({}))
    family: str = ""

    def home(self, key: str) -> Entry:
        """Where a key is written."""
        return self.inherited.get(key, self)

    @property
    def location(self) -> Location:
        return self.document.location(self.path, at_key=True)


@dataclass(slots=True)
class Findings:
    """Collects the mistakes of all files.

    `doubts` are values that a reader could not use. The check of structure says so in better words; where it did not,
    they count, so that nothing is valid that was not read. `inventories` are files that were read, by what was asked of
    them: many targets may name one; `lists` those of selectors, each read once, whatever happens to it meanwhile.
    """

    diagnostics: list[Diagnostic] = field(default_factory=list)
    doubts: list[Diagnostic] = field(default_factory=list)
    inventories: dict[tuple[Path, str, str], tuple[str, ...]] = field(default_factory=dict)
    lists: dict[Path, tuple[tuple[int, str], ...]] = field(default_factory=dict)

    def add(self, diagnostics: Iterable[Diagnostic]) -> None:
        self.diagnostics += diagnostics

    def problem(self, document: Document, problem: Problem) -> None:
        self.diagnostics.append(document.diagnose(problem))

    def doubt(self, document: Document, path: DocumentPath, error: WrongType) -> None:
        self.doubts.append(document.diagnose(Problem(path, str(error), rule=Rule.STRUCTURE)))

    @property
    def invalid(self) -> bool:
        return self._has_errors() or bool(self.doubts)

    def _has_errors(self) -> bool:
        return any(diagnostic.severity is Severity.ERROR for diagnostic in self.diagnostics)

    def sorted(self) -> tuple[Diagnostic, ...]:
        """By file, line and column, each once."""

        def place(diagnostic: Diagnostic) -> tuple[str, int, int, str]:
            where = diagnostic.location
            return (
                (where.file, where.line, where.column, diagnostic.message) if where else ("", 0, 0, diagnostic.message)
            )

        found = self.diagnostics if self._has_errors() else [*self.diagnostics, *self.doubts]
        return tuple(sorted(dict.fromkeys(found), key=place))


def read_sources(
    files: Iterable[Path],
    roots: Roots,
    expansion: Callable[[object], tuple[object, list[Problem]]],
    structure: Callable[[object], Iterable[Problem]],
    findings: Findings,
    beginning: str = BEGINNING,
) -> list[Source]:
    """The files that hold a mapping, read, expanded and checked for structure. What is wrong is among the findings.

    `beginning` says to the user of an empty file how one begins.
    """
    sources = []
    for file in files:
        document = _document(file, roots, findings, beginning)
        if document is None:
            continue
        data, problems = expansion(document.data)
        for problem in (*problems, *structure(data)):
            findings.problem(document, problem)
        if isinstance(data, dict):
            sources.append(Source(document, data))
    return sources


def _document(file: Path, roots: Roots, findings: Findings, beginning: str) -> Document | None:
    """The file, as far as it can be read."""
    shown = shown_path(file)
    try:
        content = roots.read(file, MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        message = f"the file cannot be read: {reason_of(error)}"
        findings.add([Diagnostic(Severity.ERROR, message, Location(shown, 1, 1), rule=Rule.FILE)])
        return None
    document, diagnostics = parse(content, file, shown, beginning=beginning, roots=roots)
    findings.add(diagnostics)
    return None if document.data is None and diagnostics else document


def entries_of(section: str, sources: Sequence[Source], findings: Findings) -> dict[str, Entry]:
    """The entries of one section by name. A name that two files define is a mistake; the first one is kept."""
    found: dict[str, Entry] = {}
    for source in sources:
        try:
            written = mapping(source.data, section)
        except WrongType as error:
            findings.doubt(source.document, (section,), error)
            continue
        for name, body in written.items():
            path = (section, name)
            if first := found.get(name):
                message = f"{quoted(name)} is defined twice: first at {first.location}"
                hint = "rename or remove one of the two"
                problem = Problem(path, message, hint, at_key=True, rule=Rule.DUPLICATE)
                findings.problem(source.document, problem)
            else:
                if not isinstance(body, dict):
                    findings.doubt(source.document, path, WrongType(name, "a mapping"))
                found[name] = Entry(name, body if isinstance(body, dict) else {}, path, source.document)
    return found


def text(body: Mapping[str, object], key: str) -> str | None:
    """The text at `key`; None where it is missing or a variable that is not set. Raises WrongType, as all of these."""
    value = _value(body, key)
    if value is None or isinstance(value, str):
        return None if value is None else str(value)
    raise WrongType(key, "text")


def number(body: Mapping[str, object], key: str) -> int | None:
    """The whole number at `key` (`5.0` is one, as in JSON Schema); None as with `text`."""
    value = _value(body, key)
    match value:
        case None:
            return None
        case bool():
            pass
        case int():
            return int(value)
        case float() if value.is_integer():
            return int(value)
    raise WrongType(key, "a whole number")


def flag(body: Mapping[str, object], key: str) -> bool:
    """The truth value at `key`; false where it is missing."""
    value = _value(body, key)
    if value is None or isinstance(value, bool):
        return bool(value)
    raise WrongType(key, "true or false")


def choice(body: Mapping[str, object], key: str, words: type[_Word], default: _Word) -> _Word:
    """The word at `key`; `default` where it is missing."""
    written = text(body, key)
    try:
        return words(written) if written else default
    except ValueError:
        raise WrongType(key, f"one of {', '.join(words)}") from None


def texts(body: Mapping[str, object], key: str) -> list[str]:
    """The texts of the list at `key`; variables that are not set stand there as written."""
    value = _value(body, key)
    if value is None:
        return []
    if not isinstance(value, list):
        raise WrongType(key, "a list")
    items = [item.written if isinstance(item, Unexpanded) else item for item in value]
    if not all(isinstance(item, str) for item in items):
        raise WrongType(key, "a list of texts")
    return [str(item) for item in items]


def mapping(body: Mapping[str, object], key: str) -> Mapping[str, object]:
    """The mapping at `key`; an empty one where it is missing."""
    value = _value(body, key)
    if value in (None, ""):
        return {}
    if isinstance(value, dict):
        return value
    raise WrongType(key, "a mapping")


def _value(body: Mapping[str, object], key: str) -> object:
    value = body.get(key)
    return None if isinstance(value, Unexpanded) else value
