"""YAML text to a tree of nodes that know where they stand.

Built from the parser's events, not by `compose`: the depth can be bounded before anything recurses, in libyaml's C
code as well.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import yaml

from reconciler.config.environment import quoted
from reconciler.config.yaml_events import LOADER, Scalar, Span, YamlError, events, resolve

MAX_DEPTH: Final = 64
"""Levels of nesting, aliases expanded."""
MAX_NODES: Final = 100_000
"""Values in one document, aliases expanded."""
MAX_KEY: Final = 256
"""Characters of one key: more than any name has, and few enough for the paths that messages are about."""
MAX_SCALAR: Final = 10_000
"""Characters of one value: more than any URL has, and few enough for whatever looks at it."""

_CORE = "tag:yaml.org,2002:"
_SCALAR_TAGS: dict[str, tuple[type, ...]] = {
    "null": (type(None),),
    "bool": (bool,),
    "int": (int,),
    "float": (float, int),
}


@dataclass(frozen=True, slots=True)
class ScalarNode:
    value: Scalar
    span: Span
    plain: bool = False


@dataclass(slots=True)
class Sequence:
    span: Span
    items: list[Node] = field(default_factory=list)


@dataclass(slots=True)
class Mapping:
    """Pairs in the order of the text, duplicates included."""

    span: Span
    pairs: list[tuple[Node, Node]] = field(default_factory=list)


Node = ScalarNode | Sequence | Mapping


def compose(text: str, loader: type = LOADER) -> Node | None:
    """The one document in `text`, None where it is empty. Raises YamlError, and nothing else, on any text."""
    return _Composer(text, loader).document()


class _Composer:
    def __init__(self, text: str, loader: type) -> None:
        self._text = text
        self._events = events(text, loader)
        self._anchors: dict[str, Node] = {}
        self._open: set[str] = set()
        self._count = 0

    def document(self) -> Node | None:
        next(self._events)  # the start of the stream
        start = next(self._events)
        if isinstance(start, yaml.StreamEndEvent):
            return None
        root = self._node(next(self._events), depth=1)
        next(self._events)  # the end of the document
        after = next(self._events)
        if not isinstance(after, yaml.StreamEndEvent):
            raise YamlError("a second YAML document begins here", _span(after), "write it to a file of its own")
        return root

    def _node(self, event: yaml.Event, depth: int) -> Node:
        self._count += 1
        if self._count > MAX_NODES:
            raise YamlError(f"more than {MAX_NODES} values in one document", _span(event), "split the file")
        if depth > MAX_DEPTH:
            raise YamlError(f"nested more than {MAX_DEPTH} levels deep", _span(event))
        match event:
            case yaml.AliasEvent():
                return self._alias(event)
            case yaml.ScalarEvent():
                node: Node = self._scalar(event)
                self._remember(event.anchor, node)
                return node
            case yaml.SequenceStartEvent():
                return self._sequence(event, depth)
            case yaml.MappingStartEvent():
                return self._mapping(event, depth)
        raise YamlError("not valid YAML", _span(event))  # pragma: no cover - the parser gives no other event here

    def _alias(self, event: yaml.AliasEvent) -> Node:
        if event.anchor in self._open:
            raise YamlError(f"alias {quoted(f'*{event.anchor}')} stands inside the value that it names", _span(event))
        if event.anchor not in self._anchors:
            raise YamlError(f"alias {quoted(f'*{event.anchor}')} names no anchor above it", _span(event))
        return self._anchors[event.anchor]

    def _scalar(self, event: yaml.ScalarEvent) -> ScalarNode:
        span = _span(event)
        text: str = event.value
        if len(text) > MAX_SCALAR:
            raise YamlError(f"a value of more than {MAX_SCALAR} characters", span)
        if any("\ud800" <= character <= "\udfff" for character in text):
            raise YamlError("an escape for half a surrogate pair is no character", span)
        plain = event.style in (None, "")
        if event.tag in (None, "!"):
            return ScalarNode(resolve(text) if plain and event.tag is None else text, span, plain and event.tag is None)
        kind = event.tag.removeprefix(_CORE)
        if kind == "str":
            return ScalarNode(text, span)
        if kind not in _SCALAR_TAGS or kind == event.tag:
            raise _unknown_tag(event.tag, span)
        value = resolve(text)
        if type(value) not in _SCALAR_TAGS[kind]:
            raise YamlError(f"the value is not of the type that its tag !!{kind} says", span)
        return ScalarNode(value, span)

    def _sequence(self, event: yaml.SequenceStartEvent, depth: int) -> Sequence:
        if event.tag not in (None, "!", f"{_CORE}seq"):
            raise _unknown_tag(event.tag, _span(event))
        node = Sequence(_span(event))
        self._begin(event.anchor)
        while not isinstance(item := next(self._events), yaml.SequenceEndEvent):
            node.items.append(self._node(item, depth + 1))
        node.span = _until(node.span, item)
        self._remember(event.anchor, node)
        return node

    def _mapping(self, event: yaml.MappingStartEvent, depth: int) -> Mapping:
        if event.tag not in (None, "!", f"{_CORE}map"):
            raise _unknown_tag(event.tag, _span(event))
        node = Mapping(_span(event))
        self._begin(event.anchor)
        while not isinstance(item := next(self._events), yaml.MappingEndEvent):
            key = self._node(item, depth + 1)
            if isinstance(key, ScalarNode) and isinstance(key.value, str) and len(key.value) > MAX_KEY:
                raise YamlError(f"a key of more than {MAX_KEY} characters", key.span)
            node.pairs.append((key, self._node(next(self._events), depth + 1)))
        node.span = _until(node.span, item)
        self._remember(event.anchor, node)
        return node

    def _begin(self, anchor: str | None) -> None:
        if anchor is not None:
            self._open.add(anchor)

    def _remember(self, anchor: str | None, node: Node) -> None:
        if anchor is not None:
            self._open.discard(anchor)
            self._anchors[anchor] = node


def _unknown_tag(tag: str, span: Span) -> YamlError:
    named = quoted(tag.replace(_CORE, "!!", 1))
    return YamlError(f"tag {named} is not supported", span, "remove the tag; quote the value if it is text")


def _span(event: yaml.Event) -> Span:
    start: Any = event.start_mark  # which both parsers give to every event
    end: Any = event.end_mark
    length = end.column - start.column if end.line == start.line else 1
    return Span(start.line + 1, start.column + 1, max(length, 1), end.line + 1)


def _until(span: Span, end: yaml.Event) -> Span:
    """The span of a collection: to its closing bracket in flow style, its first character otherwise."""
    last: Any = end.end_mark
    length = last.column + 1 - span.column if last.line + 1 == span.line else 1
    return Span(span.line, span.column, max(length, 1), last.line + 1)
