"""Globs: case-sensitive patterns of whole texts.

`*` is any run of characters, `/` and newlines included, `?` any one character, `[abc]` and `[a-z]` one of a set,
`[!abc]` one outside it. A special character stands for itself within a set (`[*]`, `[[]`, and `]` where it comes
first: `[]a]`); a backslash is an ordinary character.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.selectors.patterns import REPLACEMENT, check_pattern, escape, program_size, search_test

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["compile_glob", "glob_size"]


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
