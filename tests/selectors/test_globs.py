import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.selectors.patterns import compile_glob


@pytest.mark.parametrize(
    ("pattern", "matching", "other"),
    [
        ("abc", ["abc"], ["ABC", "abcd", "xabc", ""]),
        ("legal-*", ["legal-", "legal-hold/x\ny"], ["Legal-x", "a/legal-x"]),
        ("*.mp4", [".mp4", "a/b\n.mp4"], ["a.mp4 ", "a.MP4"]),
        ("*b*", ["b", "abc"], ["", "ac"]),
        ("*", ["", "anything\n"], []),
        ("a**b", ["ab", "axb"], ["a", "b"]),
        ("aba*aba", ["abaaba", "abaxaba"], ["aba", "ababa"]),
        ("a*b*b*c", ["abbc", "axbybzc"], ["abc", "abb"]),
        ("a?c", ["abc", "a\nc", "aéc", "a😀c"], ["ac", "abbc"]),
        ("[abc]x", ["ax", "cx"], ["dx", "Ax", "x"]),
        ("[!abc]x", ["dx", "\nx"], ["ax", "x"]),
        ("[a-c]", ["b"], ["-", "d"]),
        ("[a-]", ["a", "-"], ["b"]),
        ("[]a]", ["]", "a"], ["b"]),
        ("[!]a]", ["b"], ["]", "a"]),
        ("[a^]", ["a", "^"], ["b"]),
        ("[*]?", ["*x"], ["xx"]),
        (r"\d+(.)$|", [r"\d+(.)$|"], ["1"]),
        (r"[\d]", ["\\", "d"], ["1"]),
        ("é?", ["éé"], ["é"]),
    ],
)
def test_matches_whole_texts(pattern: str, matching: list[str], other: list[str]) -> None:
    test = compile_glob(pattern)
    assert [text for text in [*matching, *other] if test(text)] == matching


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("", "empty"),
        ("a[bc", "never closed"),
        ("[]", "never closed"),
        ("[!]", "never closed"),
        ("[^a]", "negated with `!`"),
        ("[z-a]", "wrong way round"),
        ("a" * 1_001, "longer than 1000"),
        ("\ud800", "not valid Unicode"),
        ("[\ud800]", "not valid Unicode"),
    ],
)
def test_refuses_what_is_no_glob(pattern: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        compile_glob(pattern)


@pytest.mark.parametrize(("pattern", "expected"), [("a?c", True), ("a*c", True), ("a[!x]c", True), ("a??c", False)])
def test_a_lone_surrogate_is_one_character(pattern: str, *, expected: bool) -> None:
    assert compile_glob(pattern)("a\ud800c") is expected


def _naive(pattern: str, text: str) -> bool:
    """The definition, with backtracking."""
    if not pattern:
        return not text
    if pattern[0] == "*":
        return any(_naive(pattern[1:], text[start:]) for start in range(len(text) + 1))
    return bool(text) and pattern[0] in ("?", text[0]) and _naive(pattern[1:], text[1:])


@settings(max_examples=400)
@given(st.text("ab*?", min_size=1, max_size=7), st.text("ab", max_size=8))
def test_agrees_with_the_definition(pattern: str, text: str) -> None:
    assert compile_glob(pattern)(text) == _naive(pattern, text)


@pytest.mark.parametrize("pattern", ["*a" * 30 + "*b", "*a" * 30 + "?b"])
def test_hostile_text_takes_linear_time(pattern: str) -> None:
    test = compile_glob(pattern)
    started = time.process_time()
    assert not test("a" * 20_000)
    assert time.process_time() - started < 1  # seconds; backtracking would take years
