import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.selectors.patterns import compile_glob, compile_regex


@pytest.mark.parametrize(
    ("pattern", "matching", "other"),
    [
        ("legacy", ["legacy", "https://legacy.example.com"], ["Legacy", ""]),
        ("^a", ["ab"], ["ba", "b\na"]),
        ("a$", ["ba"], ["a\n", "ab"]),
        ("a.c", ["abc", "xaécx"], ["a\nc", "ac"]),
        ("(?i)A+", ["xaax"], ["b"]),
        (r"\d{4}", ["in 2025"], ["202"]),
        ("(?:a|b)c", ["ac", "bc"], ["c"]),
    ],
)
def test_searches_anywhere(pattern: str, matching: list[str], other: list[str]) -> None:
    test = compile_regex(pattern)
    assert [text for text in [*matching, *other] if test(text)] == matching


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("(", r"not a regular expression of re2: missing \): \("),
        ("(?<=a)b", r"invalid perl operator: \(\?<="),
        (r"(a)\1", r"invalid escape sequence: \\1"),
        (r"(\pL{100}){10}", "too slow to match"),
        (r"(a{1,100}){1,10}", "too slow to match"),
        ("([a-z]{1,90}){1,9}b", "too slow to match"),
        ("(?:.a|b.){400}", "too slow to match"),
        ("", "empty"),
        ("a" * 1_001, "longer than 1000"),
        ("\udfff", "not valid Unicode"),
    ],
)
def test_refuses_what_re2_refuses(pattern: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        compile_regex(pattern)


def test_a_refusal_is_not_logged(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="missing"):
        compile_regex("(")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(("pattern", "expected"), [("^a.c$", True), ("^a..c$", False), ("a", True), ("�", True)])
def test_a_lone_surrogate_is_one_replacement_character(pattern: str, *, expected: bool) -> None:
    assert compile_regex(pattern)("a\ud800c") is expected


def test_hostile_text_takes_linear_time() -> None:
    test = compile_regex("^(a+)+$")
    started = time.process_time()
    assert not test("a" * 100_000 + "b")
    assert time.process_time() - started < 1  # seconds; backtracking would take years


def test_what_is_refused_takes_little_time_to_refuse() -> None:
    started = time.process_time()
    for count in range(1, 201):
        with pytest.raises(ValueError, match="too slow to match"):
            compile_regex(rf"\pL{{1000}}\pN{{{count}}}")
    assert time.process_time() - started < 30  # seconds; it was a hundred


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
def test_hostile_text_takes_linear_time_for_globs(pattern: str) -> None:
    test = compile_glob(pattern)
    started = time.process_time()
    assert not test("a" * 20_000)
    assert time.process_time() - started < 1  # seconds; backtracking would take years
