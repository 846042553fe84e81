"""JSON as plans and reports use it: written safe for a terminal, read as hostile input.

Reading is bounded in size, and refuses what JSON parsers disagree about: duplicate keys, floats, NaN and numbers
beyond 64 bits. Every refusal is an `InvalidPlan`.
"""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

from reconciler.exceptions import InvalidPlan
from reconciler.redaction import presentable

Document = dict[str, Any]
"""A JSON object. `Any`, because its schema, not its type, says what is in it."""

MAX_BYTES = 64 * 2**20
"""Size above which a file is not read. A change takes about 1 KB."""
MAX_BYTES_AS_WRITTEN = 2**30
"""The same for a file that is to the byte as it was written, which is checked without looking at it value by value: a
plan of a million changes and more."""

_MAX_DIGITS = 18  # always fits 64 bits
_EXOTIC = re.compile(r"[^\n\x20-\x7e]+")


def dump(document: Document) -> str:
    """Indented JSON with a final newline; whatever a terminal or an editor might not show is escaped."""
    return escaped(json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)) + "\n"


def escaped(text: str) -> str:
    """JSON in which whatever a terminal or an editor might not show is escaped."""
    return _EXOTIC.sub(_escaped, text)


def _escaped(run: re.Match[str]) -> str:
    """The characters of a run, those that do not print as `\\uXXXX`; they can only stand inside strings."""
    return "".join(char if char.isprintable() else json.dumps(char)[1:-1].replace("\x7f", "\\u007f") for char in run[0])


def load(text: str | bytes, source: str) -> Document:
    """The object that `text` holds; `source` names it in messages.

    Raises InvalidPlan.
    """
    if isinstance(text, bytes):
        text = decoded(text, source)
    if len(text) > MAX_BYTES or len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise _invalid(source, f"larger than {MAX_BYTES // 2**20} MiB")
    try:
        found = json.loads(
            text, object_pairs_hook=_unique, parse_float=_no_float, parse_constant=_no_float, parse_int=_small_integer
        )
    except json.JSONDecodeError as error:
        raise _invalid(f"{source}:{error.lineno}:{error.colno}", f"not JSON: {error.msg}") from None
    except RecursionError:
        raise _invalid(source, "nested too deeply") from None
    except _RefusedError as refusal:
        raise _invalid(source, str(refusal)) from None
    if not isinstance(found, dict):
        raise _invalid(source, "not a JSON object")
    return found


def decoded(data: bytes, source: str) -> str:
    """The text of a file, with or without a byte order mark. Raises InvalidPlan."""
    if len(data) > MAX_BYTES:
        raise _invalid(source, f"larger than {MAX_BYTES // 2**20} MiB")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _invalid(source, "not UTF-8 text") from None


class _RefusedError(ValueError):
    """JSON that is well formed, and still not accepted."""


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found: dict[str, object] = {}
    for key, value in pairs:
        if key in found:
            raise _RefusedError(f"the key {presentable(key)[:80]!r} stands twice in one object")
        found[key] = value
    return found


def _no_float(literal: str) -> NoReturn:
    raise _RefusedError(f"{literal[:40]} is not a whole number, and nothing else is used here")


def _small_integer(literal: str) -> int:
    if len(literal.lstrip("-")) > _MAX_DIGITS:
        raise _RefusedError(f"the number {literal[:40]} is too large")
    return int(literal)


def _invalid(where: str, what: str) -> InvalidPlan:
    return InvalidPlan(f"{where}: {what}", "use the file as `reconciler` wrote it, or make it again")
