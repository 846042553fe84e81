"""From a provider's record to a task: fields found by their path and coerced to their type.

Vendors write numbers where their schema says text and the other way round, and three forms of timestamps. What
cannot be read as its type, or is larger than a field may be, is left out, which makes it unknown to selectors:
unknown is never a match.
"""

from __future__ import annotations

import json
import math
import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from reconciler.redaction import bounded
from reconciler.tasks.observation import Fault, Meaning
from reconciler.tasks.task import EARLIEST, LARGEST_INTEGER, LONGEST_TEXT, MOST_TEXTS, FieldType, Status, Task

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from reconciler.tasks.resource_type import ResourceType
    from reconciler.tasks.task import Value

Row = dict[str, Any]

_WHOLE = re.compile(r"[+-]?\d{1,18}(\.0*)?", re.ASCII)
"""Not beyond `LARGEST_INTEGER`."""

_LONGEST_NUMBER = 64
"""Characters of a number or a time: both are read from text as well, and neither is longer."""

_LARGEST = 10**_LONGEST_NUMBER

_DEEPEST = 64
"""Levels of lists and objects in a field at most; what nests deeper is left out."""


def tasks_in(resource: ResourceType, rows: Sequence[object], read: Callable[[Row], Task | None]) -> list[Task] | str:
    """The tasks that `rows` show, in their order; or which row cannot be one, as text of the server's.

    The vendor makes the ids, so a row without a usable one is no row of this API, and nor is the answer around it.
    """
    tasks: list[Task] = []
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict):
            return f"row {number} of {resource.listing.envelope!r} is no object"
        task = read(row)
        if task is None:
            key = ".".join(resource.fields["id"].source)
            found = _at(row, resource.fields["id"].source)
            shown = found[:80] if isinstance(found, str) else type(found).__name__
            return f"row {number} of {resource.listing.envelope!r} without a usable {key!r}: {shown!r}"
        tasks.append(task)
    return tasks


def impossible_ids(resource: ResourceType, ids: Iterable[str]) -> dict[str, Fault]:
    """Why some of `ids` go into no request: they are not of the form that the API can carry."""
    return {
        task_id: Fault(Meaning.PERMANENT, f"not sent: {bounded(task_id, 80)!r} can be no id of a {resource.name}")
        for task_id in ids
        if not resource.has_id(task_id)
    }


def task_from(target: str, resource: ResourceType, row: Row) -> Task | None:
    """The task that `row` shows; None where the row has no usable id.

    Its status is `gone` where the row says that there is no such task.
    """
    task_id = identity(resource, row)
    if task_id is None:
        return None
    values: dict[str, Value] = {}
    for path, fields in _places(resource):
        place = _at(row, path) if path else row
        if not isinstance(place, dict):
            continue
        for name, key, read in fields:
            found = place.get(key)
            if found is None or found == "":
                continue
            if read is _text and type(found) is str and len(found) <= LONGEST_TEXT and found.isascii():
                values[name] = found  # what `_text` says of nearly all there are
            elif (value := read(found)) is not None:
                values[name] = value
    values["id"] = task_id
    spoken = values.get("provider_status")
    if spoken in resource.gone:
        return Task(target, resource.name, task_id, Status.GONE, {"id": task_id})
    status = resource.statuses.get(spoken, Status.UNKNOWN) if isinstance(spoken, str) else Status.UNKNOWN
    if status is not Status.UNKNOWN:
        values["status"] = status.value
    return Task(target, resource.name, task_id, status, values)


def identity(resource: ResourceType, row: Row) -> str | None:
    """The id in a row as text; None for a row without one. Not coerced further: it goes into requests."""
    found = _at(row, resource.fields["id"].source)
    text = _digits(found) if isinstance(found, int) else found
    return text if isinstance(text, str) and resource.has_id(text) else None


def timestamp(found: object) -> int | None:
    """Seconds since the epoch; None where `found` is no time.

    Reads `yyyyMMddHHmmss`, RFC 3339, the same with a blank and without a zone (both taken for UTC), and epoch
    seconds, whole or not, or milliseconds. What comes out before 1980 is no time: vendors write "none" as zero in many
    forms.
    """
    seconds = _seconds(found)
    return seconds if seconds is not None and seconds >= EARLIEST else None


def _seconds(found: object) -> int | None:
    if isinstance(found, float):
        found = int(found) if 0 <= found < _LARGEST else None
    text = _digits(found) if isinstance(found, int) else found
    if not isinstance(text, str) or len(text) > _LONGEST_NUMBER:
        return None
    text = text.strip()
    try:
        if text.isascii() and text.isdigit():
            match len(text):
                case 14:
                    hours, minutes, seconds = int(text[8:10]), int(text[10:12]), int(text[12:])
                    proper = hours < 24 and minutes < 60 and seconds < 60
                    return _midnight(text[:8]) + hours * 3600 + minutes * 60 + seconds if proper else None
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


_Places = tuple[tuple[tuple[str, ...], tuple[tuple[str, str, "Callable[[object], Value | None]"], ...]], ...]
"""The objects in a row that hold fields, by their path, each with the fields' names and keys and what reads them."""

_KNOWN: dict[int, tuple[ResourceType, _Places]] = {}


def _places(resource: ResourceType) -> _Places:
    """Made once for each resource type, since a million rows are read by it."""
    known = _KNOWN.get(id(resource))
    if known is None or known[0] is not resource:
        by_path: dict[tuple[str, ...], list[tuple[str, str, Callable[[object], Value | None]]]] = {}
        for field in resource.fields.values():
            if field.source:
                reads = _COERCIONS[field.type]
                by_path.setdefault(field.source[:-1], []).append((field.name, field.source[-1], reads))
        known = (resource, tuple((path, tuple(fields)) for path, fields in by_path.items()))
        _KNOWN[id(resource)] = known
    return known[1]


def _at(row: Row, path: tuple[str, ...]) -> object:
    found: object = row
    for key in path:
        if not isinstance(found, dict):
            return None
        found = found.get(key)
    return found


def _text(found: object) -> str | None:
    match found:
        case str() if len(found) <= LONGEST_TEXT:
            # A lone surrogate, which JSON can spell, is no text: nobody could have written it into a selector.
            return found if found.isascii() or _is_unicode(found) else None
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
            return _text(written)
    return None


def _is_deeper(found: object, levels: int) -> bool:
    """Whether lists and objects nest deeper than so many levels; what Python itself bears differs by version."""
    match found:
        case dict():
            return not levels or any(_is_deeper(part, levels - 1) for part in found.values())
        case list():
            return not levels or any(_is_deeper(part, levels - 1) for part in found)
    return False


def _digits(number: int) -> str | None:
    """A whole number as text; None below nought, beyond all numbers of a vendor's, and for `true` and `false`."""
    return str(number) if not isinstance(number, bool) and 0 <= number < _LARGEST else None


def _is_unicode(text: str) -> bool:
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
    listed = [entry for entry in (found if isinstance(found, list) else [found]) if entry is not None and entry != ""]
    texts = [_text(entry) for entry in listed[: MOST_TEXTS + 1]]
    whole = tuple(text for text in texts if text is not None)
    return whole if 0 < len(texts) == len(whole) <= MOST_TEXTS else None


_COERCIONS: Mapping[FieldType, Callable[[object], Value | None]] = {
    FieldType.STRING: _text,
    FieldType.STATUS: _text,
    FieldType.INTEGER: _integer,
    FieldType.TIMESTAMP: timestamp,
    FieldType.STRINGS: _texts,
}
