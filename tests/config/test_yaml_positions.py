"""Positions point at the text they speak of; hostile bytes are diagnosed; both parsers give the same document."""

from pathlib import Path

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from reconciler.config.yaml_document import Document, parse
from reconciler.config.yaml_events import resolve

FILE = Path("f.yaml")
WORDS = st.text(st.sampled_from("abcdefgxyz0123456789 -_é漢😀:#'\"{}[],&*!|>%@"), min_size=1, max_size=12).filter(
    lambda word: isinstance(resolve(word), str)
)  # PyYAML quotes by YAML 1.1
SCALARS = WORDS | st.integers(-(10**9), 10**9) | st.booleans() | st.none()
TREES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=4), max_leaves=20
)
MAPPINGS = st.dictionaries(WORDS, TREES, min_size=1, max_size=5)


def scalars(data: object, path: tuple[str | int, ...] = ()) -> list[tuple[tuple[str | int, ...], object]]:
    match data:
        case dict():
            return [found for key, value in data.items() for found in scalars(value, (*path, key))]
        case list():
            return [found for index, value in enumerate(data) for found in scalars(value, (*path, index))]
        case _:
            return [(path, data)]


def text_at(document: Document, line: int, column: int, length: int) -> str:
    return document.lines[line - 1][column - 1 : column - 1 + length]


@given(
    data=MAPPINGS,
    flow=st.sampled_from([None, True, False]),
    style=st.sampled_from([None, "'", '"']),
    indent=st.integers(2, 6),
    unicode=st.booleans(),
)
def test_each_position_points_at_its_text(
    data: dict[str, object], flow: bool | None, style: str | None, indent: int, unicode: bool
) -> None:
    text = yaml.safe_dump(
        data,
        default_flow_style=flow,
        default_style=style,
        indent=indent,
        allow_unicode=unicode,
        width=10_000,
        sort_keys=False,
    )
    document, diagnostics = parse(text.encode(), FILE, "f.yaml")
    assert diagnostics == []
    assert document.data == data
    for path, value in scalars(data):
        if isinstance(value, dict | list):
            continue
        span = document.span(path)
        written = text_at(document, span.line, span.column, span.length)
        assert yaml.safe_load(written) == value if span.last_line == span.line else True
        if isinstance(path[-1], str):
            key = document.span(path, at_key=True)
            if key.last_line == key.line:
                assert (
                    yaml.safe_load(text_at(document, key.line, key.column, key.length).removeprefix("? ")) == path[-1]
                )


@given(data=MAPPINGS, flow=st.sampled_from([None, True, False]), style=st.sampled_from([None, "'", '"', "|", ">"]))
def test_the_pure_parser_gives_the_same_document(data: dict[str, object], flow: bool | None, style: str | None) -> None:
    text = yaml.safe_dump(data, default_flow_style=flow, default_style=style, allow_unicode=True).encode()
    fast, _ = parse(text, FILE, "f.yaml", yaml.CSafeLoader)
    pure, _ = parse(text, FILE, "f.yaml", yaml.SafeLoader)
    assert fast.data == pure.data
    assert {path: (p.value.line, p.value.column) for path, p in fast.positions.items()} == {
        path: (p.value.line, p.value.column) for path, p in pure.positions.items()
    }


FRAGMENTS = st.sampled_from(
    [
        "a",
        "b: ",
        ": ",
        "- ",
        "\n",
        "\n  ",
        "[",
        "]",
        "{",
        "}",
        ",",
        "&x ",
        "*x",
        "!!str ",
        "!",
        "|",
        ">",
        "'",
        '"',
        "#",
        "<<: ",
        "? ",
        "%YAML 1.1\n",
        "---\n",
        "...\n",
        "\t",
        "\\",
        "\\U",
        "FFFFFFFF",
        "\x00",
        "\x85",
        "\u2028",
        "1",
    ]
)


@given(st.binary(max_size=200) | st.lists(FRAGMENTS, max_size=30).map(lambda parts: "".join(parts).encode()))
@example(b'%TAG ! %ff\n---\n!x "\\xff"')
@example(b"!%ff%fe x")
@example(b'"\\UFFFFFFFF"')
@example(b"\r\r\n\xef\xbb\xbf")
@pytest.mark.parametrize("loader", [yaml.CSafeLoader, yaml.SafeLoader])
def test_any_bytes_are_read_or_diagnosed(loader: type, content: bytes) -> None:
    document, diagnostics = parse(content, FILE, "f.yaml", loader)
    for diagnostic in diagnostics:
        assert diagnostic.location is not None
        assert diagnostic.location.line <= len(document.lines) + 1
        assert diagnostic.location.column >= 1
        assert diagnostic.excerpt.isprintable()
    assert diagnostics or document.data is not None or document.positions
