"""Patterns of texts, in linear time: regular expressions and globs. The one place that knows re2.

Fields of tasks are hostile input (a bucket key can be anything), so Python's backtracking `re` is out: 25 characters
can hold it for half a second. re2 takes time linear in the text and refuses patterns that would need much memory.

re2 works on UTF-8. A text with lone surrogates, which JSON can carry and UTF-8 cannot, is matched with each of them
replaced by U+FFFD, so that it still counts as one character.

Globs are case-sensitive patterns of whole texts. `*` is any run of characters, `/` and newlines included, `?` any one
character, `[abc]` and `[a-z]` one of a set, `[!abc]` one outside it. A special character stands for itself within a set
(`[*]`, `[[]`, and `]` where it comes first: `[]a]`); a backslash is an ordinary character.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import re2

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_PATTERN = 1_000
"""Characters; the longest pattern that is accepted."""

REPLACEMENT = "\ufffd"
"""What stands for a lone surrogate."""

_MAX_MEMORY = 8 << 20  # bytes, per pattern; re2 falls back to a slower, still linear search beyond its cache
_MAX_PROGRAM = 1_500
"""Instructions of re2, each of which may cost time at every character. Counted repetitions multiply them."""
_PROGRAM_MEMORY = 256 << 10
"""Bytes in which a program of that size can be made. With more, a pattern that is refused would take a second first."""
_TOO_SLOW = "too slow to match; count up to less, or write `*` or `+` where the number does not matter"
_SURROGATE = re.compile("[\ud800-\udfff]")
_SPECIAL = frozenset("\\.^$*+?{}[]|()" + REPLACEMENT)


def check_pattern(pattern: str) -> None:
    """Raise ValueError, whose text is for the user, where a pattern is empty, too long or not valid Unicode."""
    if not pattern:
        raise ValueError("an empty pattern says nothing; use `exists` to ask whether the field is there")
    if len(pattern) > MAX_PATTERN:
        raise ValueError(f"a pattern may not be longer than {MAX_PATTERN} characters")
    if _SURROGATE.search(pattern):
        raise ValueError("the pattern is not valid Unicode text: it holds a lone surrogate")


def escape(text: str) -> str:
    """A pattern that matches exactly `text`."""
    return str(re2.escape(text))


def compile_regex(pattern: str) -> Callable[[str], bool]:
    """A test whether the pattern occurs anywhere in a text. `.` does not match a newline, `$` only the very end.

    Raises ValueError, whose text is for the user, when the pattern is out of bounds or refused by re2.
    """
    check_pattern(pattern)
    test = search_test(pattern)
    return test if not _SPECIAL.isdisjoint(pattern) else lambda text: pattern in text


def program_size(pattern: str) -> int:
    """Instructions that re2 makes of a pattern."""
    return int(_compile(pattern).programsize)


def search_test(pattern: str) -> Callable[[str], bool]:
    """The same for a pattern of our own making, unbounded in length."""
    search = _compile(pattern).search

    def test(text: str) -> bool:
        # Bytes rather than text: re2's wrapper translates match positions of text, which trebles the time.
        try:
            encoded = text.encode()
        except UnicodeEncodeError:
            encoded = _SURROGATE.sub(REPLACEMENT, text).encode()
        return search(encoded) is not None

    return test


def _compile(pattern: str) -> re2._Regexp:
    """The pattern with all the memory that matching may take, once it was seen to be small."""
    if _within(pattern, _PROGRAM_MEMORY).programsize > _MAX_PROGRAM:
        raise ValueError(_TOO_SLOW)
    return _within(pattern, _MAX_MEMORY)


def _within(pattern: str, memory: int) -> re2._Regexp:
    options = re2.Options()
    options.log_errors = False
    options.max_mem = memory
    options.never_capture = True
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        reason = error.args[0]
        text = reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)
        raise ValueError(_TOO_SLOW if "too large" in text else f"not a regular expression of re2: {text}") from None


def compile_glob(pattern: str) -> Callable[[str], bool]:
    """A test whether a whole text has the form of the pattern.

    Takes time linear in the text. Raises ValueError, whose text is for the user.
    """
    check_pattern(pattern)
    return search_test(_translate(pattern)) if _needs_re2(pattern) else _runs(pattern)


def glob_size(pattern: str) -> int:
    """Instructions that re2 makes of a pattern; none where it is not needed."""
    return program_size(_translate(pattern)) if _needs_re2(pattern) else 0


def _needs_re2(pattern: str) -> bool:
    return "?" in pattern or "[" in pattern or REPLACEMENT in pattern


def _runs(pattern: str) -> Callable[[str], bool]:
    """The test of a glob that has no special character but `*`: plain text search, many times as fast as re2."""
    first, *rest = pattern.split("*")
    if not rest:
        return lambda text: text == pattern
    *middle, last = rest
    middle = [piece for piece in middle if piece]
    match (first, middle, last):
        case ("", [], ""):
            return lambda _text: True
        case (_, [], ""):
            return lambda text: text.startswith(first)
        case ("", [], _):
            return lambda text: text.endswith(last)
        case ("", [only], ""):
            return lambda text: only in text
    shortest = len(first) + len(last)
    start = len(first)

    def test(text: str) -> bool:
        if len(text) < shortest or not text.startswith(first) or not text.endswith(last):
            return False
        position, end = start, len(text) - len(last)
        for piece in middle:  # the leftmost place of each is as good as any later one
            found = text.find(piece, position, end)
            if found < 0:
                return False
            position = found + len(piece)
        return True

    return test


def _translate(pattern: str) -> str:
    """The same pattern for re2, anchored at both ends."""
    parts: list[str] = []
    position = 0
    while position < len(pattern):
        character = pattern[position]
        position += 1
        match character:
            case "*":
                if parts[-1:] != [".*"]:
                    parts.append(".*")
            case "?":
                parts.append(".")
            case "[":
                end = pattern.find("]", position + (2 if pattern[position : position + 1] == "!" else 1))
                if end < 0:
                    raise ValueError("`[` opens a set that is never closed; write `[[]` for the character itself")
                parts.append(_translate_set(pattern[position:end]))
                position = end + 1
            case _:
                parts.append(escape(character))
    return rf"(?s)\A{''.join(parts)}\z"


def _translate_set(members: str) -> str:
    """A set without its brackets, for re2."""
    if members.startswith("^"):
        raise ValueError("a set is negated with `!`: write `[!...]` instead of `[^...]`")
    negated = members.startswith("!")
    rest = members[1:] if negated else members
    parts: list[str] = []
    while rest:
        if len(rest) >= 3 and rest[1] == "-":
            low, high, rest = rest[0], rest[2], rest[3:]
            if low > high:
                raise ValueError(f"the range `{low}-{high}` in a set is the wrong way round")
            parts.append(f"{_member(low)}-{_member(high)}")
        else:
            parts.append(_member(rest[0]))
            rest = rest[1:]
    return f"[{'^' if negated else ''}{''.join(parts)}]"


def _member(character: str) -> str:
    return f"\\x{{{ord(character):x}}}"
