"""Values of fields, from what vendors write: numbers where their schema says text and the other way round, and three
forms of timestamps. What cannot be read as its type, or is larger than a field may be, is none.
"""

from __future__ import annotations

import json
import math
import re
from datetime import UTC, datetime
from functools import lru_cache, partial
from typing import TYPE_CHECKING

from reconciler.tasks.task import EARLIEST, LARGEST_INTEGER, LONGEST_TEXT, MOST_TEXTS, FieldType

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reconciler.tasks.task import Value

_WHOLE = re.compile(r"[+-]?\d{1,18}(\.0*)?", re.ASCII)
"""Not beyond `LARGEST_INTEGER`."""

_LONGEST_NUMBER = 64
"""Characters of a number or a time: both are read from text as well, and neither is longer."""

_LARGEST = 10**_LONGEST_NUMBER

_DEEPEST = 64
"""Levels of lists and objects in a field at most; what nests deeper is left out."""


def value_of(coercion: Callable[[object], Value | None], found: object) -> Value | None:
    """What a coercion makes of what a record has; null and the empty text are no value."""
    return coercion(found) if found is not None and found != "" else None


def timestamp(found: object) -> int | None:
    """Seconds since the epoch; None where `found` is no time.

    Reads `yyyyMMddHHmmss`, RFC 3339, the same with a blank and without a zone (both taken for UTC), and epoch
    seconds, whole or not, or milliseconds. What comes out before 1980 is no time: vendors write "none" as zero in many
    forms.
    """
    seconds = _seconds(found)
    return seconds if seconds is not None and seconds >= EARLIEST else None


def _seconds(found: object) -> int | None:
    if not isinstance(found, str):
        found = int(found) if isinstance(found, float) and 0 <= found < _LARGEST else found
        found = digits(found) if isinstance(found, int) else None
    if found is None or len(found) > _LONGEST_NUMBER:
        return None
    text = found.strip()
    try:
        if text.isascii() and text.isdigit():
            match len(text):
                case 14:
                    seconds = int(text[12:])
                    return _midnight(text[:8]) + _minute(text[8:12]) + seconds if seconds < 60 else None
                case 10:
                    return int(text)
                case 13:
                    return int(text) // 1000
                case _:
                    return None
        moment = datetime.fromisoformat(text)
        return int((moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError):  # OverflowError: the year 0 or 10000 in UTC, which nothing could write down
        return None


@lru_cache(maxsize=4096)
def _midnight(day: str) -> int:
    """Seconds since the epoch when a day began, `yyyyMMdd`. Raises ValueError for none of the calendar."""
    return int(datetime.fromisoformat(f"{day}T000000Z").timestamp())


@lru_cache(maxsize=1440)
def _minute(clock: str) -> int:
    """Seconds from midnight to a minute, `hhmm`. Raises ValueError for none of the clock."""
    hours, minutes = int(clock[:2]), int(clock[2:])
    if hours > 23 or minutes > 59:
        raise ValueError("no minute of a day")
    return hours * 3600 + minutes * 60


def as_text(found: object) -> str | None:
    """Text, also of what came as something else; None where that is too much or cannot be written down."""
    match found:
        case str() if len(found) <= LONGEST_TEXT:
            # A lone surrogate, which JSON can spell, is no text: nobody could have written it into a selector.
            return found if found.isascii() or is_unicode(found) else None
        case bool():
            return str(found).lower()
        case int():
            return str(found) if abs(found) < _LARGEST else None
        case float():
            return str(found) if math.isfinite(found) else None
        case dict() | list() if not _is_deeper(found, _DEEPEST):
            try:
                written = json.dumps(found, separators=(",", ":"), sort_keys=True, ensure_ascii=False, allow_nan=False)
            except ValueError:
                return None
            return as_text(written)
    return None


def _is_deeper(found: object, levels: int) -> bool:
    """Whether lists and objects nest deeper than so many levels; what Python itself bears differs by version."""
    match found:
        case dict():
            return not levels or any(_is_deeper(part, levels - 1) for part in found.values())
        case list():
            return not levels or any(_is_deeper(part, levels - 1) for part in found)
    return False


def digits(number: int) -> str | None:
    """A whole number as text; None below nought, beyond all numbers of a vendor's, and for `true` and `false`."""
    return str(number) if not isinstance(number, bool) and 0 <= number < _LARGEST else None


def is_unicode(text: str) -> bool:
    """Whether a text can be written down: a lone surrogate, which JSON can spell, is none."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _integer(found: object) -> int | None:
    match found:
        case bool():
            return None
        case int():
            return found if abs(found) <= LARGEST_INTEGER else None
        case float():
            return _integer(str(found))
        case str() if len(found) <= _LONGEST_NUMBER and _WHOLE.fullmatch(text := found.strip()):
            return int(text.partition(".")[0])
    return None


def _texts(found: object) -> tuple[str, ...] | None:
    """The texts of a list. One that cannot be read leaves out all: without it, the list would not contain it."""
    entries = found if isinstance(found, list | tuple) else [found]
    listed = [entry for entry in entries if entry is not None and entry != ""]
    texts = [as_text(entry) for entry in listed[: MOST_TEXTS + 1]]
    whole = tuple(text for text in texts if text is not None)
    return whole if 0 < len(texts) == len(whole) <= MOST_TEXTS else None


COERCIONS: Mapping[FieldType, Callable[[object], Value | None]] = {
    FieldType.STRING: as_text,
    FieldType.STATUS: as_text,
    FieldType.INTEGER: _integer,
    FieldType.TIMESTAMP: timestamp,
    FieldType.STRINGS: _texts,
}


def _text(found: object) -> Value | None:
    """`as_text`, at once for what nearly all there are."""
    if type(found) is str and found.isascii() and 0 < len(found) <= LONGEST_TEXT:
        return found
    return value_of(as_text, found)


READS: Mapping[FieldType, Callable[[object], Value | None]] = {
    **{kind: partial(value_of, coercion) for kind, coercion in COERCIONS.items()},
    FieldType.STRING: _text,
    FieldType.STATUS: _text,
    FieldType.TIMESTAMP: timestamp,  # which nothing leads to none
}
"""What makes a value of what a record has, by the type of its field; None where there is none."""
