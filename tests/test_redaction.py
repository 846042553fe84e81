"""What may leave the process."""

import doctest
import json
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, is_dataclass, replace
from enum import StrEnum
from html import escape
from typing import NamedTuple, get_args, get_type_hints
from urllib.parse import quote

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler import redaction
from reconciler.cli.schema import OUTPUT, formats
from reconciler.diagnostics import Diagnostic, Location, Severity
from reconciler.exceptions import ReconcilerError
from reconciler.redaction import Shown, bounded, masked, presentable, strip_queries
from reconciler.tasks.task import TaskKey


def test_the_example_in_the_docstring() -> None:
    assert doctest.testmod(redaction).failed == 0


@pytest.mark.parametrize(
    "text",
    [
        "https://h/v?SECRET",
        "_https://h/v?SECRET",
        "1https://h/v#SECRET",
        "http://a\nb?SECRET",
        "http://a\u200bb?SECRET",
        "https://h/v|x?SECRET",
        "https://h/v?a='SECRET'&b=`SECRET`",
        "oss://user:SECRET@h/v",
        "http://SECRET@b@c/v",
        r'{"url": "https:\/\/user:SECRET@h\/v?a=SECRET"}',
        r"https:/\/h/v?SECRET",
        "error: GET https://h/v?a=b&SECRET failed, see https://h/w?SECRET",
    ],
)
def test_queries_and_user_parts_are_taken_out(text: str) -> None:
    assert "SECRET" not in presentable(text)


def test_two_urls_stay_two() -> None:
    tails = ["", "?a=1", "?a=2", "#a=1", "?#a=1", "#?a=1", "?a=1#", "??a=1", "##a=1"]
    assert len({presentable(f"https://h/v{tail}") for tail in tails}) == len(tails)


@pytest.mark.parametrize(
    "piece",
    [
        "a",
        r":\/\/u@",
        "://",
        "://a",
        "a@",
        "://@",
        "?",
        "://x?",
        "#://",
        "a.+-1",
        "s://u:p@h/v?",
        "~00000000",
        "\u0301",
    ],
)
@pytest.mark.parametrize(("before", "after"), [("", "://x"), ("http://", ""), ("http://h/?", "@")])
def test_hostile_text_takes_time_in_proportion_to_its_length(before: str, piece: str, after: str) -> None:
    """A million characters: what is quadratic would take hours."""
    text = before + piece * (1_000_000 // len(piece)) + after
    assert strip_queries(strip_queries(text)) == strip_queries(text)


@pytest.mark.parametrize("text", ["{}; then", "({}).", "see {}, {}", "[{}]: '{}'!"])
def test_a_url_in_a_sentence_keeps_its_hash(text: str) -> None:
    """A sentence is made of values that are presentable already, and made presentable once more where it is shown."""
    shown = text.format(*[presentable("https://h/v?a=1")] * 2)
    assert presentable(shown) == shown


def test_what_only_begins_like_a_hash_is_hidden() -> None:
    assert "SECRET" not in presentable("https://h/v?~a67312e0&SECRET")
    assert "SECRET" not in presentable("https://h/v?~a67312e0;SECRET")


def test_marks_do_not_pile_up_over_other_lines() -> None:
    assert presentable("a" + 4 * "\u0301") == "a" + 4 * "\u0301"
    assert presentable("a" + 9 * "\u0301" + "b\u0301") == "a" + 4 * "\u0301" + 5 * "\\u0301" + "b\u0301"
    assert presentable("\u0e17\u0e35\u0e48") == "\u0e17\u0e35\u0e48"  # a syllable of Thai, with two marks


PIECES = st.lists(
    st.sampled_from(["http://", "a", "@", "?", "#", "|", "~", "\n", "\u202e", "/", " ", "é", "1", "'", "\u0301"])
)
TEXTS = st.one_of(st.text(), PIECES.map("".join))


@given(TEXTS)
def test_it_is_idempotent_and_printable(text: str) -> None:
    shown = presentable(text)
    assert presentable(shown) == shown
    assert not [character for character in shown if unicodedata.category(character)[0] == "C"]


@given(TEXTS, st.integers(1, 40))
def test_a_bound_holds_and_cuts_no_mark_in_two(text: str, longest: int) -> None:
    shown = bounded(text, longest)
    assert len(shown) <= longest
    assert presentable(shown) == shown


def test_what_is_masked_is_named_instead() -> None:
    values = {"abcd": "${A}", "abcdef": "${B}", "abc": "${SHORT}"}
    assert masked("https://abcdef/abcd/abc", values) == "https://${B}/${A}/abc"
    assert masked("GET ABCDEF.example", values) == "GET ${B}.example"
    assert masked("a(b)c\\1", {"(b)c": "\\1 ${X}"}) == "a\\1 ${X}\\1"


@given(st.lists(st.characters() | st.sampled_from("\udcff\ud800/\"'&"), min_size=4).map("".join), st.text())
def test_what_is_masked_is_found_however_it_is_quoted(value: str, around: str) -> None:
    """Lone surrogates, which a variable of bytes that are no UTF-8 holds, as well."""
    for form in (value, json.dumps(value)[1:-1], quote(value, safe="", errors="surrogatepass"), escape(value)):
        shown = masked(f"{around}{form}{around}", {value: "\u2588"})
        assert "\u2588" in shown


EVIL = "\x1b[31m\u202e https://u:p@h/v?token=s3cret"


class Kind(StrEnum):
    EVIL = EVIL


class Key(NamedTuple):
    name: str
    number: int


@dataclass(frozen=True, slots=True)
class Record(Shown):
    text: str
    texts: tuple[str, ...]
    fields: Mapping[str, str | int | tuple[str, ...]]
    key: Key
    kind: Kind = Kind.EVIL


RECORD = Record(EVIL, ("a", EVIL), {EVIL: EVIL, "b": (EVIL,), "c": 1}, Key(EVIL, 2))


def test_a_document_holds_what_is_presentable_of_any_text() -> None:
    shown = presentable(EVIL)
    assert Record(shown, ("a", shown), {shown: shown, "b": (shown,), "c": 1}, Key(shown, 2)) == RECORD
    assert type(RECORD.key) is Key
    assert RECORD.kind is Kind.EVIL


def test_however_it_is_made() -> None:
    shown = presentable(EVIL)
    assert replace(RECORD, text=f"{EVIL} again").text == f"{shown} again"
    written = {"text": EVIL, "texts": [EVIL], "fields": {"a": EVIL}, "key": [EVIL, 1]}
    assert msgspec.convert(written, Record) == Record(shown, (shown,), {"a": shown}, Key(shown, 1))


def test_what_is_presentable_stays_the_same_object() -> None:
    texts, named = ("a", "b"), {"a": "b"}
    record = Record("a", texts, named, Key("a", 1))
    assert record.texts is texts
    assert record.fields is named


def test_messages_are_presentable_whoever_makes_them() -> None:
    shown = presentable(EVIL)
    error = ReconcilerError(EVIL, EVIL)
    assert (error.message, error.hint, str(error)) == (shown, shown, shown)
    place = Location(EVIL, 1, 1)
    mistake = Diagnostic(Severity.ERROR, f"`{EVIL}` is odd", place, EVIL, f"did you mean `{EVIL}`?", (EVIL,))
    assert mistake.message == f"`{shown}` is odd"
    assert (place.file, mistake.path, mistake.hint, mistake.allowed) == (
        shown,
        shown,
        f"did you mean `{shown}`?",
        (shown,),
    )


UNSHOWN = {
    # A snapshot holds what selectors see, and its text is written with `cut` and shown by none.
    *("SnapshotRecord", "ScopeRecord", "TaskRecord"),
    # Its `body` is a whole comment, which is made of a plan or report.
    "CommentRecord",
}


def _dataclasses(hint: object, seen: dict[type, None]) -> dict[type, None]:
    """The dataclasses that a type is made of, in `seen` as well."""
    if isinstance(hint, type) and is_dataclass(hint) and hint not in seen:
        seen[hint] = None
        for part in _fields(hint):
            _dataclasses(part, seen)
    for part in get_args(hint):
        _dataclasses(part, seen)
    return seen


def _fields(kind: type) -> list[object]:
    """The types of the fields of a dataclass."""
    hints = get_type_hints(kind)
    return [hints[name] for name in kind.__dataclass_fields__]  # type: ignore[attr-defined] # those of a dataclass


def _holds_text(hint: object) -> bool:
    return hint in (str, TaskKey) or any(map(_holds_text, get_args(hint)))


def test_every_class_that_documents_are_made_of_is_shown() -> None:
    kinds: dict[type, None] = {}
    for name in OUTPUT:
        for form in formats(name):
            _dataclasses(form.kind, kinds)
    assert len(kinds) > 50
    bare = {kind for kind in kinds if not issubclass(kind, Shown) and any(map(_holds_text, _fields(kind)))}
    assert {kind.__name__ for kind in bare} == UNSHOWN
