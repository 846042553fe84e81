"""Regular expressions in linear time: the one place that knows re2.

Fields of tasks are hostile input (a bucket key can be anything), so Python's backtracking `re` is out: 25 characters
can hold it for half a second. re2 takes time linear in the text and refuses patterns that would need much memory.

re2 works on UTF-8. A text with lone surrogates, which JSON can carry and UTF-8 cannot, is matched with each of them
replaced by U+FFFD, so that it still counts as one character.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import re2

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["REPLACEMENT", "check_pattern", "compile_regex", "escape", "program_size", "search_test"]

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
