"""Files that are not YAML as we read it: a clean diagnostic with line and column, never an exception."""

import math
import time
from pathlib import Path

import pytest
import yaml

from reconciler.config.yaml_document import MAX_BYTES, Document, parse
from reconciler.config.yaml_events import resolve

FILE = Path("f.yaml")


def read(text: str | bytes, loader: type = yaml.CSafeLoader) -> tuple[Document, list[str]]:
    content = text.encode() if isinstance(text, str) else text
    document, diagnostics = parse(content, FILE, "f.yaml", loader)
    return document, [f"{one.location}: {one.message}" + (f" ({one.hint})" if one.hint else "") for one in diagnostics]


def unseen(place: str, character: str) -> str:
    hint = f'in double quotes, write it as an escape: "\\U{ord(character):08x}"'
    return f"f.yaml:{place}: it holds the character U+{ord(character):04X}, which cannot be seen ({hint})"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "f.yaml:1:1: the file is empty (a configuration begins with `version: 1`)"),
        (b"# only a comment\n", "f.yaml:1:1: the file is empty (a configuration begins with `version: 1`)"),
        (b"a: 1\n---\nb: 2\n", "f.yaml:2:1: a second YAML document begins here (write it to a file of its own)"),
        (b"a: 1\nb: \xff\n", "f.yaml:2:4: byte 0xff is not UTF-8 (save the file as UTF-8)"),
        ("é: ü\r\nb: ".encode() + b"\xc3", "f.yaml:2:4: byte 0xc3 is not UTF-8 (save the file as UTF-8)"),
        ("a: 1".encode("utf-16"), "f.yaml:1:1: the file is UTF-16 (save it as UTF-8)"),
        (b"a: x\x00y\n", "f.yaml:1:5: the control character U+0000 is not allowed"),
        (
            b"a: 1\nb: \x1b[31m\n",
            (
                "f.yaml:2:4: the control character U+001B is not allowed"
                ' (in a quoted value, write it as an escape: "\\U0000001b")'
            ),
        ),
        (
            "a: safe\u202eelbat\n".encode(),
            (
                "f.yaml:1:8: the control character U+202E is not allowed"
                ' (in a quoted value, write it as an escape: "\\U0000202e")'
            ),
        ),
        *(
            (f"a: 1\nb: ['x', \"le{character}gal\"]\n", unseen("2:10", character))
            for character in "\u200b\u200d\u00ad\u00a0\u034f\u2060\u3164\ufe0f\u2003\u180b"
        ),
        ("a\u200bb: 1\n", unseen("1:1", "\u200b")),
        ("a: |\n  b\n  x\u200by\n", unseen("1:4", "\u200b")),
        (f"a: {'x' * 10_001}\n", "f.yaml:1:4: a value of more than 10000 characters"),
        (b"a:\n\tb: 1\n", "f.yaml:2:1: a tab cannot be used to indent (use spaces)"),
        (b"a: @x\n", "f.yaml:1:4: a value cannot begin with `@` (quote the value)"),
        (
            b"a: b: c\n",
            (
                "f.yaml:1:5: not valid YAML: a second `:` on one line, or a key where none is expected"
                " (check the indentation; a value that contains `: ` must be quoted)"
            ),
        ),
        (b"a: *x\n", "f.yaml:1:4: alias `*x` names no anchor above it"),
        (b"a: &x [1, *x]\n", "f.yaml:1:11: alias `*x` stands inside the value that it names"),
        (b"a: &x {b: {c: *x}}\n", "f.yaml:1:15: alias `*x` stands inside the value that it names"),
        (
            b"a: !!binary aGk=\n",
            "f.yaml:1:4: tag `!!binary` is not supported (remove the tag; quote the value if it is text)",
        ),
        (b"a: !Ref x\n", "f.yaml:1:4: tag `!Ref` is not supported (remove the tag; quote the value if it is text)"),
        (
            b"a: !!python/name:os x\n",
            "f.yaml:1:4: tag `!!python/name:os` is not supported (remove the tag; quote the value if it is text)",
        ),
        (b"a: !!set {x}\n", "f.yaml:1:4: tag `!!set` is not supported (remove the tag; quote the value if it is text)"),
        (b"a: !!int x\n", "f.yaml:1:4: the value is not of the type that its tag !!int says"),
        (b"1: x\n", "f.yaml:1:1: a key must be text (quote it)"),
        (b"null: x\n", "f.yaml:1:1: a key must be text (quote it)"),
        (b"true: x\n", "f.yaml:1:1: a key must be text (quote it)"),
        (b"? [a]\n: x\n", "f.yaml:1:3: a key must be text"),
        (b"a: 1\nb: 2\na: 3\n", "f.yaml:3:1: key `a` is defined twice: first at f.yaml:1:1 (remove one of the two)"),
        (b'"a": 1\na: 3\n', "f.yaml:2:1: key `a` is defined twice: first at f.yaml:1:1 (remove one of the two)"),
        (b"<<: 1\n", "f.yaml:1:5: a merge key `<<` takes a mapping or a list of mappings"),
        (
            b"a: {<<: {x: 1, x: 2}, y: 3}\n",
            "f.yaml:1:16: key `x` is defined twice: first at f.yaml:1:10 (remove one of the two)",
        ),
        (b"a: {<<: [{x: 1}, {1: 2}]}\n", "f.yaml:1:19: a key must be text (quote it)"),
        (b"a: {<<: {<<: 5}}\n", "f.yaml:1:14: a merge key `<<` takes a mapping or a list of mappings"),
        (
            b"b: &b {x: 1, x: 2}\na: {<<: *b}\nc: *b\n",
            "f.yaml:1:14: key `x` is defined twice: first at f.yaml:1:8 (remove one of the two)",
        ),
        (
            f"a: &a {'x' * 10_000}\nb: [{'*a, ' * 2000}]\n",
            "f.yaml:1:4: far more text than in the file once aliases are expanded",
        ),
        (b"a" * (MAX_BYTES + 1), "f.yaml:1:1: the file is larger than 5 MiB (split the file)"),
    ],
)
def test_refused(text: str | bytes, message: str) -> None:
    assert read(text)[1] == [message]


def test_what_cannot_be_seen_may_be_written_as_an_escape_and_in_a_description() -> None:
    text = 'a: "le\\u200bgal"\npolicies: {p: {description: "le\u200bgal \u26a0\ufe0f"}} # \u26a0\ufe0f\n'
    document, complaints = read(text)
    assert complaints == []
    assert document.data == {"a": "le\u200bgal", "policies": {"p": {"description": "le\u200bgal \u26a0\ufe0f"}}}


@pytest.mark.parametrize(
    "text",
    [
        "protect: {p: {match: {description: le\u200bgal}}}",
        "tests: {t: {tasks: [{description: le\u200bgal}]}}",
        "a: {description: le\u200bgal}",
        "a: le\ufff0gal",
        "a: le\U00013437gal",
    ],
)
def test_what_cannot_be_seen_is_told_elsewhere_also_in_a_field_of_that_name(text: str) -> None:
    assert len(read(text)[1]) == 1


def test_an_escape_beside_a_character_that_cannot_be_seen_is_not_told() -> None:
    assert read('a: ["x\\u00ad", "y\u00ad"]')[1] == [unseen("1:16", "\u00ad")]


BLANK = "\n" * 1_000_000
DEEP = "".join(f"{'  ' * level}? {'é' * 250}\n{'  ' * level}:\n" for level in range(50)) + "  " * 51


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"a: &a {{token: [x,{BLANK} y]}}\nb: [{'*a, ' * 20_000}]\n", id="lines hidden at each alias"),
        pytest.param(
            'a: &a "' + "".join(f"\\U{0xE0000 + point:08x}" for point in range(4_000)) + "\n\n" * 2_900 + '"\n'
            f"b: [{'*a, ' * 1_000}]\n",
            id="characters looked for at each alias",
        ),
        pytest.param("b: [" + '"\\u00ad", ' * 90_000 + "]\n", id="characters looked for in one long line"),
        pytest.param(DEEP + "[" + "a\u00adb, " * 50_000 + "]\n", id="mistakes below long keys"),
    ],
)
def test_what_repeats_costs_time_once(text: str) -> None:
    started = time.process_time()
    document, diagnostics = parse(text.encode(), Path("f.yaml"), "f.yaml")
    assert document.data is not None
    assert sum(len(found.path) + len(found.message) for found in diagnostics) < 20_000_000
    assert time.process_time() - started < 60  # it was hours


@pytest.mark.parametrize("text", ["a: *NAME", "a: &NAME [*NAME]", "a: !NAME b"])
def test_a_message_repeats_no_long_name(text: str) -> None:
    (message,) = read(text.replace("NAME", "x" * 9_000))[1]
    assert len(message) < 250


def test_a_key_is_no_longer_than_any_name() -> None:
    assert read(f"{'k' * 256}: 1")[1] == []
    assert read(f"a: {{? {'k' * 257} : 1}}")[1] == ["f.yaml:1:7: a key of more than 256 characters"]


def test_the_lines_of_a_secret_that_an_alias_names_are_hidden() -> None:
    document, _ = parse(b"a: &a hunter2\nb: 1\npassphrase: *a\n", Path("f.yaml"), "f.yaml")
    assert [document.excerpt(line) for line in (1, 2, 3)] == ["", "b: 1", ""]


@pytest.mark.parametrize(
    "line", ["sk: hunter2", "{api_key: hunter2}", "- pwd: hunter2", "a: host=db password=hunter2", '"apiKey": hunter2']
)
def test_a_line_that_may_hold_a_secret_is_not_repeated(line: str) -> None:
    document, _ = parse(line.encode(), Path("f.yaml"), "f.yaml")
    assert document.excerpt(1) == ""


@pytest.mark.parametrize("line", ["task: x", "bypass: x", "a: [risk=1]", "forward: x"])
def test_other_lines_are(line: str) -> None:
    document, _ = parse(line.encode(), Path("f.yaml"), "f.yaml")
    assert document.excerpt(1) == line


@pytest.mark.parametrize(
    "text",
    [
        "a: [1, 2\nb: 3\n",
        "a: 'x\n",
        "a: {b: 1]\n",
        "%YAML 9.9\n---\na: 1\n",
        '"\\UFFFFFFFF"',
        '"\\ud800"',
        "a: b\n c\n  d: e",
    ],
)
@pytest.mark.parametrize("loader", [yaml.CSafeLoader, yaml.SafeLoader])
def test_no_valid_yaml_has_one_diagnostic(text: str, loader: type) -> None:
    _, messages = read(text, loader)
    assert len(messages) == 1
    assert messages[0].startswith("f.yaml:")


def test_what_an_unclosed_bracket_belongs_to_is_named() -> None:
    assert "that begins on line 1" in read("a: [1, 2\nb: 3\n")[1][0]


def test_mistakes_with_keys_do_not_hide_one_another() -> None:
    document, messages = read("a: 1\na: 2\n1: x\nb: {c: 1, c: 2}\n")
    assert len(messages) == 3
    assert document.data == {"a": 1, "b": {"c": 1}}


def test_tags_of_the_core() -> None:
    assert read("a: !!str 1\nb: !!int '2'\nc: ! 3\nd: !!seq []\ne: !!map {}\nf: !!null ''\n")[0].data == {
        "a": "1",
        "b": 2,
        "c": "3",
        "d": [],
        "e": {},
        "f": None,
    }


def test_a_byte_order_mark_is_no_character() -> None:
    document, _ = read(b"\xef\xbb\xbfa: 1\n")
    assert document.data == {"a": 1}
    assert document.span(("a",), at_key=True).column == 1


def test_merge_keys() -> None:
    text = "base: &base {x: 1, y: 2}\nmore: &more {y: 3, z: 4}\na: {<<: *base, y: 9}\nb: {<<: [*base, *more], w: 0}\n"
    document, messages = read(text)
    assert messages == []
    assert isinstance(document.data, dict)
    assert document.data["a"] == {"x": 1, "y": 9}
    assert document.data["b"] == {"x": 1, "y": 2, "z": 4, "w": 0}
    assert document.span(("b", "z")).line == 2, "what is merged stands where it was written"


def test_merge_keys_chain() -> None:
    document, _ = read("a: &a {x: 1}\nb: &b {<<: *a, y: 2}\nc: {<<: *b, z: 3}\n")
    assert isinstance(document.data, dict)
    assert document.data["c"] == {"x": 1, "y": 2, "z": 3}


def test_a_quoted_merge_key_is_a_key() -> None:
    assert read('"<<": 1\n')[0].data == {"<<": 1}


@pytest.mark.parametrize("loader", [yaml.CSafeLoader, yaml.SafeLoader])
@pytest.mark.parametrize(
    "text", ["[" * 5000, "{a: " * 5000, "- " * 5000 + "x", "\n".join("  " * n + "a:" for n in range(500))]
)
def test_depth_is_bounded(text: str, loader: type) -> None:
    assert "nested more than 64 levels deep" in read(text, loader)[1][0]


def test_depth_is_bounded_through_aliases() -> None:
    lines = ["a0: &a0 [x]", *(f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 200))]
    assert "once aliases are expanded" in read("\n".join(lines))[1][0]


def test_depth_is_bounded_through_merges() -> None:
    lines = ["a0: &a0 {k0: 0}", *(f"a{n}: &a{n} {{<<: *a{n - 1}, k{n}: 0}}" for n in range(1, 200))]
    assert "once aliases are expanded" in read("\n".join(lines))[1][0]


def test_expansion_is_bounded() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    assert "more than 100000 values once aliases are expanded" in read("\n".join(lines))[1][0]


def test_expansion_is_bounded_through_merges() -> None:
    lines = ["a0: &a0 {k: 0}"]
    lines += [f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 10)}]}}" for n in range(1, 12)]
    assert "values once aliases are expanded" in read("\n".join(lines))[1][0]


def test_values_are_counted() -> None:
    assert "more than 100000 values in one document" in read("a: [" + "1," * 100_001 + "]")[1][0]


# -- scalars ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("~", None),
        ("null", None),
        ("Null", None),
        ("NULL", None),
        ("nUll", "nUll"),
        ("true", True),
        ("True", True),
        ("TRUE", True),
        ("tRUE", "tRUE"),
        ("false", False),
        ("False", False),
        ("FALSE", False),
        ("yes", "yes"),
        ("No", "No"),
        ("on", "on"),
        ("OFF", "OFF"),
        ("y", "y"),
        ("0", 0),
        ("-0", 0),
        ("+12", 12),
        ("-7", -7),
        ("010", 10),
        ("0o17", 15),
        ("0O17", "0O17"),
        ("0x1F", 31),
        ("0X1F", "0X1F"),
        ("-0x1F", "-0x1F"),
        ("0b101", "0b101"),
        ("1_000", "1_000"),
        ("190:20:30", "190:20:30"),
        ("1:30", "1:30"),
        ("1.5", 1.5),
        (".5", 0.5),
        ("5.", 5.0),
        ("-1e3", -1000.0),
        ("1E-2", 0.01),
        (".", "."),
        ("1e", "1e"),
        ("1,5", "1,5"),
        (".inf", math.inf),
        ("-.INF", -math.inf),
        ("+.Inf", math.inf),
        ("inf", "inf"),
        ("nan", "nan"),
        ("2025-01-31", "2025-01-31"),
        ("2025-01-31T08:00:00Z", "2025-01-31T08:00:00Z"),
        ("=", "="),
        ("<<", "<<"),
        ("24h", "24h"),
        ("١٢", "١٢"),
        ("9" * 5000, "9" * 5000),
    ],
)
def test_core_schema(text: str, value: object) -> None:
    resolved = resolve(text)
    assert resolved == value
    assert type(resolved) is type(value)


def test_not_a_number() -> None:
    assert math.isnan(float(str(resolve(".nan"))))
