"""The ways in which VOD writes lists, all seen in the vendor's own material.

Arrays, arrays of one comma-joined element, arrays of one JSON-like element (also with single quotes), a bare string,
an object around the array, null, and no key at all. What was asked for is looked for first, since a decoded URL may
itself hold commas, brackets and quotes.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["entry_key", "named", "records"]

DECODINGS = 3
"""A URL is encoded twice on its way to the vendor; nobody encodes it more often."""

DEPTH = 6
"""Levels of a list in an answer: an object around an array of texts that are lists themselves."""

MOST_ELEMENTS = 10_000
LONGEST_TEXT = 64 * 1024
"""Ten URLs, joined and encoded, are shorter."""


def entry_key(text: str) -> str:
    """What two spellings of one id or URL have in common: the fully decoded text."""
    key = text.strip()
    for _ in range(DECODINGS):
        decoded = unquote(key)
        if decoded == key:
            break
        key = decoded
    return key


def named(found: object, requested: Iterable[str]) -> frozenset[str]:
    """Which of the `requested` ids or URLs the value `found` of an answer names, in whatever shape."""
    wanted: dict[str, set[str]] = {}
    for entry in requested:
        wanted.setdefault(entry_key(entry), set()).add(entry)
    keys = _keys(found, wanted)
    return frozenset(entry for key in keys for entry in wanted[key])


def records(found: object) -> list[object] | None:
    """The rows of a list, which may be wrapped in an object of one key; None where it is something else.

    A key that is left out, or null, is the empty list: what was asked for and is named nowhere stays unanswered.
    """
    if isinstance(found, dict):
        if len(found) != 1:
            return None
        found = next(iter(found.values()))
    if found is None:
        return []
    return found if isinstance(found, list) else None


def _keys(found: object, wanted: Mapping[str, object], depth: int = DEPTH) -> set[str]:
    """What is larger or deeper than the vendor's shapes names nothing."""
    if depth == 0:
        return set()
    match found:
        case str():
            return _keys_in_text(found, wanted, depth)
        case list() if len(found) <= MOST_ELEMENTS:
            return {key for element in found for key in _keys(element, wanted, depth - 1)}
        case dict() if len(found) == 1:
            return _keys(next(iter(found.values())), wanted, depth - 1)
        case int() if not isinstance(found, bool):
            return _keys_in_text(str(found), wanted, depth)
        case _:
            return set()


def _keys_in_text(text: str, wanted: Mapping[str, object], depth: int) -> set[str]:
    if len(text) > LONGEST_TEXT:
        return set()
    key = entry_key(text)
    if key in wanted:
        return {key}
    stripped = text.strip()
    if stripped.startswith("[") and stripped.endswith("]"):
        return _keys_in_brackets(stripped, wanted, depth)
    return _keys_in_parts(stripped.split(","), wanted)


def _keys_in_brackets(text: str, wanted: Mapping[str, object], depth: int) -> set[str]:
    try:
        return _keys(json.loads(text), wanted, depth - 1)
    except (ValueError, RecursionError):
        return _keys_in_parts(text[1:-1].split(","), wanted)


def _keys_in_parts(parts: list[str], wanted: Mapping[str, object]) -> set[str]:
    """Join neighbouring parts again wherever they make up something that was asked for, the longest first."""
    keys: set[str] = set()
    start = 0
    lengths = sorted({1 + key.count(",") for key in wanted}, reverse=True)
    while start < len(parts):
        for length in (length for length in lengths if start + length <= len(parts)):
            key = entry_key(",".join(parts[start : start + length]).strip().strip("'\""))
            if key in wanted:
                keys.add(key)
                start += length
                break
        else:
            start += 1
    return keys
