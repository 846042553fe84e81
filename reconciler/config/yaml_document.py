"""One YAML file as data, with the position of every key and value."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from reconciler.config import yaml_nodes as nodes
from reconciler.config.environment import quoted
from reconciler.config.files import Roots
from reconciler.config.yaml_events import LOADER, Span, YamlError
from reconciler.config.yaml_nodes import MAX_DEPTH, MAX_NODES, Node, ScalarNode
from reconciler.diagnostics import MAX_PROBLEMS, QUOTE_IT, Diagnostic, DocumentPath, Location, Problem, Rule
from reconciler.redaction import presentable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

MAX_BYTES: Final = 5 * 1024 * 1024
MAX_EXCERPT: Final = 400
"""Characters of a source line that a diagnostic repeats."""

_MOST_ALLOWED: Final = 100
"""Words that a diagnostic names as those that are allowed: more than any closed set has."""

BEGINNING: Final = "a configuration begins with `version: 1`"

_PLAIN = re.compile(r"[-+.0-9A-Za-z]{1,100}")
_LINE_BREAK = re.compile(r"\r\n|\r|\n")
# Control characters, other line separators, byte order marks, and the bidirectional controls, which make a reviewer
# read something else than what is there.
_FORBIDDEN = re.compile(
    "[^\t\n\r\x20-\x7e\xa0-\u2027\u202f-\u2065\u206a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
# Zero-width and formatting characters, blanks that look like others, fillers, variation selectors and tags.
_UNSEEN = re.compile(
    "[\u00a0\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u2028-\u202f\u205f-\u206f\u2800\u3000"
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U00013430-\U0001345f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
SENSITIVE_KEY = re.compile(
    r"secret|(?:access|api|private)[_-]?key|pass(?:word|wd|phrase|code)|token|credential|webhook|apprise"
    r"|(?<![a-z0-9])(?:sk|pwd?|pass)(?![a-z0-9])",
    re.IGNORECASE,
)
_SENSITIVE_TEXT = re.compile(rf"(?:{SENSITIVE_KEY.pattern})\w*+[\"']?\s*+[:=]|://[^\s\"'@]*+@", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Position:
    """Where a value stands, and the key that holds it (None at the root and in lists)."""

    value: Span
    key: Span | None = None


@dataclass(slots=True)
class Document:
    """A parsed file. `shown` is its path as diagnostics print it; `hidden` are lines that may hold a secret.

    Files that it names must lie in `roots`.
    """

    file: Path
    shown: str
    lines: Sequence[str]
    data: object = None
    positions: dict[DocumentPath, Position] = field(default_factory=dict)
    hidden: set[int] = field(default_factory=set)
    roots: Roots = field(default_factory=lambda: Roots(()))
    _excerpts: dict[int, str] = field(default_factory=dict)

    def span(self, path: DocumentPath, *, at_key: bool = False) -> Span:
        """Where `path` stands; of a path that is not in the file, its nearest ancestor."""
        position = self.positions.get(path)
        if position is None:
            return self.span(path[:-1], at_key=True) if path else Span(1, 1)
        return position.key if at_key and position.key is not None else position.value

    def location(self, path: DocumentPath, *, at_key: bool = False) -> Location:
        span = self.span(path, at_key=at_key)
        return Location(self.shown, span.line, span.column)

    def diagnose(self, problem: Problem, span: Span | None = None) -> Diagnostic:
        """Give a mistake its place in the file: `span`, or that of its path."""
        span = span or self.span(problem.path, at_key=problem.at_key)
        excerpt = self.excerpt(span.line)
        return Diagnostic(
            severity=problem.severity,
            message=problem.message,
            location=Location(self.shown, span.line, span.column),
            path=dotted(problem.path),
            hint=problem.hint if problem.hint != QUOTE_IT else self._quoted(problem.path),
            allowed=problem.allowed[:_MOST_ALLOWED],
            excerpt=excerpt,
            excerpt_length=span.length if excerpt else 1,  # the length of a secret is nobody's business
            rule=problem.rule,
        )

    def _quoted(self, path: DocumentPath) -> str:
        """How to write the plain scalar at `path` as text."""
        span = self.span(path)
        found = _PLAIN.match(self.lines[span.line - 1], span.column - 1) if span.line not in self.hidden else None
        return f'{QUOTE_IT}: `"{found[0]}"`' if found and len(found[0]) == span.length else QUOTE_IT

    def written(self, span: Span) -> frozenset[str]:
        """The characters of what stands there, as it is written."""
        first, *more = self.lines[span.line - 1 : span.last_line]
        end = len(first) if more else span.column - 1 + span.length
        return frozenset().union(first[span.column - 1 : end], *more)

    def excerpt(self, line: int) -> str:
        """The source line, fit for printing; empty where it may hold a secret."""
        if line in self.hidden:
            return ""
        if line not in self._excerpts:  # many mistakes may stand on one long line
            self._excerpts[line] = self._presentable_line(line)
        return self._excerpts[line]

    def _presentable_line(self, line: int) -> str:
        text = self.lines[line - 1][: 5 * MAX_EXCERPT] if 0 < line <= len(self.lines) else ""
        if _SENSITIVE_TEXT.search(text):
            return ""
        return presentable(text.replace("\t", " ").rstrip())[:MAX_EXCERPT]


def dotted(path: DocumentPath) -> str:
    """`("policies", "a", "per", 0)` as `policies.a.per[0]`."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")


def parse(
    data: bytes,
    file: Path,
    shown: str,
    loader: type = LOADER,
    *,
    beginning: str = BEGINNING,
    roots: Roots = Roots(()),  # noqa: B008 - frozen, without state
) -> tuple[Document, list[Diagnostic]]:
    """Read one file's bytes. Never raises for their content: what is wrong is in the diagnostics.

    A document with diagnostics still holds what could be read, so that later checks can go on; its `data` is None
    where nothing could.
    """
    document = Document(file, shown, _LINE_BREAK.split(data[:MAX_BYTES].decode("utf-8-sig", "replace")), roots=roots)
    try:
        text = _decode(data)
        _refuse_control_characters(document.lines)
        root = nodes.compose(text, loader)
        if root is None:
            raise YamlError("the file is empty", Span(1, 1), beginning)
        walk = _Walk(document)
        document.data = walk.value(root, (), 1)
    except YamlError as error:
        document.data = None
        problem = Problem((), error.message, error.hint, rule=Rule.YAML_SYNTAX)
        return document, [document.diagnose(problem, error.span)]
    return document, walk.diagnostics


def _decode(data: bytes) -> str:
    if len(data) > MAX_BYTES:
        raise YamlError(f"the file is larger than {MAX_BYTES // 1024 // 1024} MiB", Span(1, 1), "split the file")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise YamlError("the file is UTF-16", Span(1, 1), "save it as UTF-8")
    try:
        return data.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8").removeprefix("\ufeff")
        lines = _LINE_BREAK.split(before)
        span = Span(len(lines), len(lines[-1]) + 1)
        raise YamlError(f"byte 0x{data[error.start]:02x} is not UTF-8", span, "save the file as UTF-8") from error


def _refuse_control_characters(lines: Iterable[str]) -> None:
    for number, line in enumerate(lines, 1):
        if found := _FORBIDDEN.search(line):
            point = ord(found[0])
            hint = f'in a quoted value, write it as an escape: "\\U{point:08x}"' if point else ""
            raise YamlError(
                f"the control character U+{point:04X} is not allowed", Span(number, found.start() + 1), hint
            )


class _Walk:
    """Turns nodes into data, notes positions, and collects what is wrong with keys."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._count = 0
        self._characters = 0
        self._told: set[tuple[Span, str]] = set()
        # What has an anchor is walked at each of its aliases, and looked at once.
        self._seen: set[Span] = set()
        self._hidden: set[tuple[int, int]] = set()
        self.diagnostics: list[Diagnostic] = []

    def value(self, node: Node, path: DocumentPath, depth: int, key: Span | None = None) -> object:
        self._count += 1
        if self._count > MAX_NODES:
            raise YamlError(f"more than {MAX_NODES} values once aliases are expanded", node.span)
        if depth > MAX_DEPTH:
            raise YamlError(f"nested more than {MAX_DEPTH} levels deep once aliases are expanded", node.span)
        self._document.positions[path] = Position(node.span, key)
        match node:
            case ScalarNode():
                self._characters += len(node.value) if isinstance(node.value, str) else 0
                if self._characters > 2 * MAX_BYTES:
                    raise YamlError("far more text than in the file once aliases are expanded", node.span)
                if path[2:] != ("description",):  # of a policy or a test, not the field of a task
                    self._look_at(node, path)
                return node.value
            case nodes.Sequence():
                return [self.value(item, (*path, index), depth + 1) for index, item in enumerate(node.items)]
            case nodes.Mapping():
                return self._mapping(node, path, depth)

    def _mapping(self, node: nodes.Mapping, path: DocumentPath, depth: int) -> dict[str, object]:
        data: dict[str, object] = {}
        merged: list[nodes.Mapping] = []
        for name, key, value in self._pairs(node, path):
            if _is_merge(key):
                merged = self._merges(value, path)
            else:
                data[name] = self.value(value, (*path, name), depth + 1, key.span)
        for source in merged:
            self._merge(source, data, path, depth)
        return data

    def _merge(self, source: nodes.Mapping, data: dict[str, object], path: DocumentPath, depth: int) -> None:
        """Add the pairs of `source` whose keys are not there yet: what is written out wins over what is merged."""
        if depth > MAX_DEPTH:
            raise YamlError(f"nested more than {MAX_DEPTH} levels deep once aliases are expanded", source.span)
        nested: list[nodes.Mapping] = []
        for name, key, value in self._pairs(source, path):
            self._count += 1
            if _is_merge(key):
                nested = self._merges(value, path)
            elif name not in data:
                data[name] = self.value(value, (*path, name), depth + 1, key.span)
        for inner in nested:
            self._merge(inner, data, path, depth + 1)

    def _pairs(self, node: nodes.Mapping, path: DocumentPath) -> Iterator[tuple[str, Node, Node]]:
        """Name, key and value of each pair whose key is text, and new there; the others are told."""
        first: dict[str, Span] = {}
        for key, value in node.pairs:
            if not isinstance(key, ScalarNode) or not isinstance(key.value, str):
                self._tell("a key must be text", key.span, path, "quote it" if isinstance(key, ScalarNode) else "")
            elif key.value in first:
                there = first[key.value]
                message = f"key {quoted(key.value)} is defined twice: first at "
                place = f"{self._document.shown}:{there.line}:{there.column}"
                self._tell(message + place, key.span, (*path, key.value), "remove one of the two", Rule.DUPLICATE)
            else:
                first[key.value] = key.span
                self._look_at(key, path)
                if SENSITIVE_KEY.search(key.value):
                    self._hide(key.span, value.span)
                yield key.value, key, value

    def _hide(self, key: Span, value: Span) -> None:
        """Keep the lines of a key and its value, which an alias may have elsewhere, out of every message."""
        begin = min(key.line, value.line)
        for first, last in {(key.line, key.last_line), (begin, value.last_line)} - self._hidden:
            self._hidden.add((first, last))
            self._document.hidden.update(range(first, last + 1))

    def _look_at(self, node: ScalarNode, path: DocumentPath) -> None:
        """Tell of a character that no reviewer sees, unless it is written as an escape."""
        if not isinstance(node.value, str) or node.value.isascii() or node.span in self._seen:
            return
        self._seen.add(node.span)
        if unseen := dict.fromkeys(_UNSEEN.findall(node.value)):
            written = self._document.written(node.span)
            for found in filter(written.__contains__, unseen):
                hint = f'in double quotes, write it as an escape: "\\U{ord(found):08x}"'
                self._tell(f"it holds the character U+{ord(found):04X}, which cannot be seen", node.span, path, hint)

    def _merges(self, node: Node, path: DocumentPath) -> list[nodes.Mapping]:
        candidates = node.items if isinstance(node, nodes.Sequence) else [node]
        mappings = [candidate for candidate in candidates if isinstance(candidate, nodes.Mapping)]
        if len(mappings) < len(candidates):
            self._tell("a merge key `<<` takes a mapping or a list of mappings", node.span, path)
        return mappings

    def _tell(
        self, message: str, span: Span, path: DocumentPath, hint: str = "", rule: Rule = Rule.YAML_SYNTAX
    ) -> None:
        """Report a mistake where it stands, once: what has an anchor is walked at each of its aliases."""
        if (span, message) not in self._told and len(self._told) < MAX_PROBLEMS:
            self._told.add((span, message))
            self.diagnostics.append(self._document.diagnose(Problem(path, message, hint, rule=rule), span))


def _is_merge(key: Node) -> bool:
    return isinstance(key, ScalarNode) and key.plain and key.value == "<<"
