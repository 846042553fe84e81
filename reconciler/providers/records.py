"""From a provider's record to a task: fields found by their path and coerced to their type.

Vendors write numbers where their schema says text and the other way round, and three forms of timestamps. What
cannot be read as its type is left out, which makes it unknown to selectors: unknown is never a match.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from reconciler.tasks.field import FieldType
from reconciler.tasks.status import GONE_SPELLINGS, Status
from reconciler.tasks.task import Task

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reconciler.tasks.field import Field, Value
    from reconciler.tasks.resource_type import ResourceType

__all__ = ["Row", "identity", "task_from", "timestamp"]

Row = dict[str, Any]

_COMPACT = re.compile(r"\d{14}", re.ASCII)
_WHOLE = re.compile(r"[+-]?\d{1,18}(\.0*)?", re.ASCII)
"""Not beyond `tasks.field.LARGEST_INTEGER`."""


def task_from(target: str, resource: ResourceType, row: Row) -> Task | None:
    """The task that `row` shows; None where the row has no usable id.

    Its status is `gone` where the row says that there is no such task.
    """
    task_id = identity(resource.fields["id"], row)
    if task_id is None:
        return None
    values: dict[str, Value] = {}
    for field in resource.fields.values():
        value = _value(field, row)
        if value is not None:
            values[field.name] = value
    values["id"] = task_id
    spoken = values.get("provider_status")
    if spoken in GONE_SPELLINGS:
        return Task(target, resource.name, task_id, Status.GONE, {"id": task_id})
    status = resource.statuses.get(spoken, Status.UNKNOWN) if isinstance(spoken, str) else Status.UNKNOWN
    if status is not Status.UNKNOWN:
        values["status"] = status.value
    return Task(target, resource.name, task_id, status, values)


def identity(field: Field, row: Row) -> str | None:
    """The id in a row as text; None for a row without one. Not coerced further: it goes into requests."""
    found = _at(row, field.source)
    if isinstance(found, bool) or not isinstance(found, str | int):
        return None
    text = str(found)
    return text if text and text.isprintable() and text == text.strip() else None


def timestamp(found: object) -> int | None:
    """Seconds since the epoch; None where `found` is no time.

    Reads `yyyyMMddHHmmss`, RFC 3339, the same with a blank and without a zone (both taken for UTC), and epoch
    seconds or milliseconds.
    """
    if isinstance(found, bool) or not isinstance(found, str | int):
        return None
    text = str(found).strip()
    try:
        if _COMPACT.fullmatch(text):
            return int(datetime.fromisoformat(f"{text[:8]}T{text[8:]}Z").timestamp())
        if text.isascii() and text.isdigit():
            return {10: int(text), 13: int(text) // 1000}.get(len(text))
        moment = datetime.fromisoformat(text)
        return int((moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError):  # OverflowError: the year 0 or 10000 in UTC, which nothing could write down
        return None


def _value(field: Field, row: Row) -> Value | None:
    if not field.source:
        return None
    found = _at(row, field.source)
    return None if found is None or found == "" else _COERCIONS[field.type.value](found)


def _at(row: Row, path: tuple[str, ...]) -> object:
    found: object = row
    for key in path:
        if not isinstance(found, dict):
            return None
        found = found.get(key)
    return found


def _text(found: object) -> str | None:
    match found:
        case str():
            # A lone surrogate, which JSON can spell, would break whoever encodes the text later.
            return found if found.isascii() else found.encode("utf-8", "replace").decode()
        case bool():
            return str(found).lower()
        case int() | float():
            return str(found)
        case dict() | list():
            return _text(json.dumps(found, separators=(",", ":"), sort_keys=True, ensure_ascii=False))
    return None


def _integer(found: object) -> int | None:
    if isinstance(found, bool) or not isinstance(found, str | int | float):
        return None
    text = str(found).strip()
    if not _WHOLE.fullmatch(text):
        return None
    return int(text.partition(".")[0])


def _texts(found: object) -> tuple[str, ...] | None:
    listed = found if isinstance(found, list) else [found]
    texts = tuple(text for text in map(_text, listed) if text)
    return texts or None


# By value: the hash of an enum member is computed in Python, a dozen times for each of a million rows.
_COERCIONS: Mapping[str, Callable[[object], Value | None]] = {
    FieldType.STRING.value: _text,
    FieldType.STATUS.value: _text,
    FieldType.INTEGER.value: _integer,
    FieldType.TIMESTAMP.value: timestamp,
    FieldType.STRINGS.value: _texts,
}
