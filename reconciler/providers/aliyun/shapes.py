"""The ways in which VOD writes lists, all seen in the vendor's own material.

Arrays, arrays of one comma-joined element, arrays of one JSON-like element (also with single quotes), a bare string,
an object around the array, null, and no key at all. What was asked for is looked for first, since a decoded URL may
itself hold commas, brackets and quotes.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["entry_key", "named", "records"]

DECODINGS = 3
"""A URL is encoded twice on its way to the vendor; nobody encodes it more often."""


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


def records(found: object) -> list[dict[str, Any]] | None:
    """The objects of a list, which may be wrapped in an object of one key; null is the empty list.

    None where it is something else, or one of them is no object.
    """
    if isinstance(found, dict):
        if len(found) != 1:
            return None
        found = next(iter(found.values()))
    if found is None:
        return []
    if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
        return None
    return found


def _keys(found: object, wanted: Mapping[str, object]) -> set[str]:
    match found:
        case str():
            return _keys_in_text(found, wanted)
        case list():
            return {key for element in found for key in _keys(element, wanted)}
        case dict():
            return {key for element in found.values() for key in _keys(element, wanted)}
        case bool() | None:
            return set()
        case _:
            return _keys_in_text(str(found), wanted)


def _keys_in_text(text: str, wanted: Mapping[str, object]) -> set[str]:
    key = entry_key(text)
    if key in wanted:
        return {key}
    stripped = text.strip()
    if stripped.startswith("[") and stripped.endswith("]"):
        return _keys_in_brackets(stripped, wanted)
    return _keys_in_parts(stripped.split(","), wanted)


def _keys_in_brackets(text: str, wanted: Mapping[str, object]) -> set[str]:
    try:
        return _keys(json.loads(text), wanted)
    except (ValueError, RecursionError):
        return _keys_in_parts(text[1:-1].split(","), wanted)


def _keys_in_parts(parts: list[str], wanted: Mapping[str, object]) -> set[str]:
    """Join neighbouring parts again wherever they make up something that was asked for, the longest first."""
    keys: set[str] = set()
    start = 0
    longest = 1 + max((key.count(",") for key in wanted), default=0)
    while start < len(parts):
        for length in range(min(longest, len(parts) - start), 0, -1):
            key = entry_key(",".join(parts[start : start + length]).strip().strip("'\""))
            if key in wanted:
                keys.add(key)
                start += length
                break
        else:
            start += 1
    return keys
