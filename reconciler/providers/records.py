"""From a provider's record to a task: fields found by their path and coerced to their type.

A page is looked at by its columns first, since most of its rows become no task: what is asked about goes into structs
that take what nearly all rows have, texts and whole numbers. Anything else is made into these before.

Vendors write numbers where their schema says text and the other way round, and three forms of timestamps. What
cannot be read as its type, or is larger than a field may be, is left out, which makes it unknown to selectors:
unknown is never a match.
"""

from __future__ import annotations

import json
import math
import re
from datetime import UTC, datetime
from functools import lru_cache, partial
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import msgspec

from reconciler.redaction import bounded
from reconciler.tasks.observation import Fault, Meaning
from reconciler.tasks.sink import Rows
from reconciler.tasks.task import EARLIEST, LARGEST_INTEGER, LONGEST_TEXT, MOST_TEXTS, FieldType, Status, Task, composed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from reconciler.tasks.resource_type import ResourceType
    from reconciler.tasks.sink import Column
    from reconciler.tasks.task import Field, Value

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
        task = read(row) if isinstance(row, dict) else None
        if task is None:
            return _unusable(resource, number, row)
        tasks.append(task)
    return tasks


def records_in(target: str, resource: ResourceType, rows: Sequence[Any]) -> Records | str:
    """The same for rows from which `task_from` makes the tasks, once somebody asks for them."""
    key, fits = resource.fields["id"].source, resource.id_form.fullmatch
    try:
        ids = [row[key[0]] for row in rows] if len(key) == 1 else []
        usable = len(ids) == len(rows) and all(map(fits, ids))
    except (KeyError, TypeError):  # no object, no id in it, or one that is no text
        usable = False
    if not usable:
        ids = []
        for number, row in enumerate(rows, 1):
            task_id = identity(resource, row) if isinstance(row, dict) else None
            if task_id is None:
                return _unusable(resource, number, row)
            ids.append(task_id)
    return Records(target, resource, rows, ids)


def _unusable(resource: ResourceType, number: int, row: object) -> str:
    if not isinstance(row, dict):
        return f"row {number} of {resource.listing.envelope!r} is no object"
    key = ".".join(resource.fields["id"].source)
    found = _at(row, resource.fields["id"].source)
    shown = found[:80] if isinstance(found, str) else type(found).__name__
    return f"row {number} of {resource.listing.envelope!r} without a usable {key!r}: {shown!r}"


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
    for field in resource.fields.values():
        if field.prefix:
            values |= _of_all_keys(field, row)
    values["id"] = task_id
    status = _status(resource, values.get("provider_status"))
    if status is Status.GONE:
        return Task(target, resource.name, task_id, status, {"id": task_id})
    if status is not Status.UNKNOWN:
        values["status"] = status.value
    return Task(target, resource.name, task_id, status, values)


def _status(resource: ResourceType, spoken: Value | None) -> Status:
    if not isinstance(spoken, str):
        return Status.UNKNOWN
    return Status.GONE if spoken in resource.gone else resource.statuses.get(spoken, Status.UNKNOWN)


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
            if field.source and not field.prefix:
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


def _by_key(row: Row, path: tuple[str, ...]) -> Mapping[str, object]:
    """The object at this path whose keys are fields, by the form in which names are compared. Of two keys that are one
    in that form, the one that is written in it."""
    found = _at(row, path)
    if not isinstance(found, dict) or len(found) > MOST_TEXTS:
        return {}
    if all(map(str.isascii, found)):
        return found
    forms = {composed(key): value for key, value in found.items() if _is_unicode(key)}
    return forms | {key: value for key, value in found.items() if key in forms}


def _of_key(field: Field, row: Row) -> Value | None:
    *path, key = field.source
    return _read(_COERCIONS[field.type], _by_key(row, tuple(path)).get(key))


def _of_all_keys(field: Field, row: Row) -> frozenset[tuple[str, Value]]:
    """The fields that one stands for, as far as a row has them."""
    reads = _COERCIONS[field.type]
    found = ((field.of_key(f"{field.prefix}{key}"), _read(reads, it)) for key, it in _by_key(row, field.source).items())
    return frozenset((entry.name, value) for entry, value in found if entry is not None and value is not None)


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
    entries = found if isinstance(found, list | tuple) else [found]
    listed = [entry for entry in entries if entry is not None and entry != ""]
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


class Records(Rows):
    """The rows of one page of a list, whose ids are usable."""

    def __init__(self, target: str, resource: ResourceType, rows: Sequence[Row], ids: Sequence[str]) -> None:
        self.target = target
        self.resource = resource
        self.rows = rows
        self.ids = ids

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Task]:
        return map(self.task, range(len(self.rows)))

    def __contains__(self, task: object) -> bool:
        return any(task == made for made in self)

    def task(self, place: int) -> Task:
        """The task that a row shows."""
        made = task_from(self.target, self.resource, self.rows[place])
        assert made is not None  # noqa: S101 - told to mypy: its id is usable
        return made

    def view(self, fields: frozenset[str]) -> _Columns:
        layout = _layout(self.resource, fields)
        try:
            structs = msgspec.convert(self.rows, layout.page)
        except msgspec.ValidationError:
            structs = msgspec.convert([layout.mended(row) for row in self.rows], layout.page)
        return _Columns(self, layout, structs)


_Tree = dict[str, "_Tree | Field"]
"""Where a row holds fields, by its keys."""


class _Layout:
    """How the rows of a resource type are put into structs, each field as it came. `reads` has what makes a value of
    it, `attributes` where it is; frozen structs are alike, and have one hash, where all fields are alike. `keyed` has
    what makes the values of fields of a key, which may be no name of an attribute."""

    def __init__(self, resource: ResourceType, fields: frozenset[str]) -> None:
        self.resource = resource
        self.attributes: dict[str, Callable[[Any], Any]] = {}
        self.reads: dict[str, Callable[[Any], Value | None]] = {}
        self.keyed: dict[str, Callable[[Row], Any]] = {}
        self._tree: _Tree = {}
        for name in {*fields, "provider_status"} - {"id"}:
            known = resource.fields.get(name)
            field = known or resource.field_named(name)
            if field is None:
                self._lack(name)
            elif not field.source:
                continue
            elif known is None:
                self.keyed[name] = partial(_of_key, field)
                self.reads[name] = _as_it_came
            elif known.prefix:
                self.keyed[name] = partial(_of_all_keys, field)
            else:
                self._add(field)
        self.page = list[self._struct(self._tree, "")]  # type: ignore[misc]
        self.status = partial(_status_of, resource)
        self.attributes["status"] = self.attributes["provider_status"]
        self.reads["status"] = partial(_status_value, resource)

    def _lack(self, name: str) -> None:
        """A field that a protection asks about, and this resource type does not have."""
        self.attributes[name] = self.reads[name] = _nothing

    def _add(self, field: Field) -> None:
        tree = self._tree
        for key in field.source[:-1]:
            inner = tree.setdefault(key, {})
            if not isinstance(inner, dict):
                raise ValueError(f"{self.resource.name}: {field.name} is within another field")
            tree = inner
        tree[field.source[-1]] = field
        self.reads[field.name] = partial(_read, _COERCIONS[field.type])

    def _struct(self, tree: _Tree, path: str) -> type[msgspec.Struct]:
        members: list[tuple[str, Any, Any]] = []
        for number, node in enumerate(tree.values()):
            name = f"f{number}"
            if isinstance(node, dict):
                inner = self._struct(node, f"{path}{name}.")
                members.append((name, inner | None, inner()))
            else:
                self.attributes[node.name] = attrgetter(path + name)
                kind = tuple[str, ...] | None if node.type is FieldType.STRINGS else str | int | None
                members.append((name, kind, None))
        keys = {f"f{number}": key for number, key in enumerate(tree)}
        return msgspec.defstruct("Row", members, rename=keys, frozen=True, gc=False)

    def mended(self, row: Row) -> Row:
        """A row of which nothing does not fit: with what would be read of the odd values in it instead of these."""
        return _mended(row, self._tree)


def _mended(row: Row, tree: _Tree) -> Row:
    made: Row = {}
    for key, node in tree.items():
        found = row.get(key)
        if isinstance(node, dict):
            made[key] = _mended(found, node) if isinstance(found, dict) else None
        elif type(found) in {str, int} and node.type is not FieldType.STRINGS:
            made[key] = found
        elif found is not None and found != "":
            made[key] = _COERCIONS[node.type](found)
    return made


def _read(coercion: Callable[[object], Value | None], found: object) -> Value | None:
    return coercion(found) if found is not None and found != "" else None


def _nothing(_: object) -> None:
    return None


def _as_it_came(found: Value | None) -> Value | None:
    return found


def _status_of(resource: ResourceType, spoken: object) -> Status:
    return _status(resource, _read(_text, spoken))


def _status_value(resource: ResourceType, spoken: object) -> str | None:
    status = _status_of(resource, spoken)
    return None if status is Status.UNKNOWN else status.value


_LAYOUTS: dict[tuple[int, frozenset[str]], _Layout] = {}


def _layout(resource: ResourceType, fields: frozenset[str]) -> _Layout:
    """Made once for each resource type and what a run asks about it."""
    known = _LAYOUTS.get((id(resource), fields))
    if known is None or known.resource is not resource:
        known = _LAYOUTS[id(resource), fields] = _Layout(resource, fields)
    return known


class _Columns:
    """Rows in structs, by their columns. A `reconciler.tasks.sink.View`."""

    def __init__(self, records: Records, layout: _Layout, structs: list[msgspec.Struct]) -> None:
        self.ids = records.ids
        self._rows = records.rows
        self._layout = layout
        self._structs = structs
        self.task = records.task
        self.statuses: Column = (self._found("provider_status"), layout.status)

    def _found(self, field: str) -> list[Any]:
        if field in self._layout.keyed:
            return list(map(self._layout.keyed[field], self._rows))
        at = self._layout.attributes[field]
        try:
            return list(map(at, self._structs))
        except AttributeError:
            return [_reached(at, struct) for struct in self._structs]

    def column(self, field: str) -> Column:
        return (self.ids, str) if field == "id" else (self._found(field), self._layout.reads[field])

    def hashes(self) -> Iterable[int]:
        keyed = map(self._found, self._layout.keyed)
        return map(hash, zip(self._structs, *keyed, strict=True) if self._layout.keyed else self._structs)

    def values(self, place: int, fields: Iterable[str]) -> dict[str, Value]:
        found: dict[str, Value] = {}
        for field in fields:
            value = self.ids[place] if field == "id" else self._value(place, field)
            if value is not None:
                found[field] = value
        return found

    def _value(self, place: int, field: str) -> Value | None:
        found = self._layout.keyed.get(field)
        came = found(self._rows[place]) if found else _reached(self._layout.attributes[field], self._structs[place])
        return self._layout.reads[field](came)


def _reached(attribute: Callable[[Any], Any], struct: msgspec.Struct) -> Any:  # noqa: ANN401 - as it came
    try:
        return attribute(struct)
    except AttributeError:  # null instead of the object that has it
        return None
