"""What may leave the process."""

import doctest
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler import redaction
from reconciler.redaction import bounded, masked, presentable, strip_queries


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
