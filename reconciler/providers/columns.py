"""A page of records by its columns, since most of its rows become no task: only what is asked about is looked at."""

from __future__ import annotations

import re
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from reconciler.providers.records import identity, of_all_keys, of_key, status_of, task_from, unusable
from reconciler.providers.shapes import PLAIN, Shaped, as_it_came
from reconciler.providers.values import READS, as_text, digits, value_of
from reconciler.tasks.sink import Rows, spelt
from reconciler.tasks.task import FieldType, Status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from reconciler.providers.records import Row
    from reconciler.providers.shapes import Shape
    from reconciler.tasks.resource_type import ResourceType
    from reconciler.tasks.sink import Column
    from reconciler.tasks.task import Field, Task, Value


def records_in(target: str, resource: ResourceType, rows: Sequence[Any]) -> Records | str:
    """The same for rows from which `task_from` makes the tasks, once somebody asks for them."""
    fits = resource.id_form.fullmatch
    ids = _Places(rows).at(resource.fields["id"].source)
    try:
        usable = _all_fit(resource.id_form, ids) or all(map(fits, ids))
    except TypeError:  # one that is no text
        ids = [digits(found) if isinstance(found, int) else found for found in ids]
        usable = all(isinstance(found, str) and fits(found) for found in ids)
    if usable:
        return Records(target, resource, rows, ids)
    numbered = enumerate(map(as_it_came, rows), 1)
    return next(unusable(resource, number, row) for number, row in numbered if not _has_id(resource, row))


def _all_fit(form: re.Pattern[str], ids: Sequence[str]) -> bool:
    """Whether all have this form, seen at once. Raises TypeError for what is no text."""
    lines = "\n".join(ids)
    return lines.count("\n") + 1 == len(ids) and _lines(form)(f"{lines}\n") is not None


_BEYOND_A_LINE = re.compile(r"\[\^|\\(?![dw.+*?|/(){}\[\]^$\\-])|\(\?[a-zA-Z-]|\s")
"""What a form may have that takes line breaks, too, or flags of its own. Few have."""


@lru_cache
def _lines(form: re.Pattern[str]) -> Callable[[str], object]:
    """What matches lines that all have a form; never where the form might take two of them for one."""
    if form.flags & re.DOTALL or _BEYOND_A_LINE.search(form.pattern):
        return lambda _: None
    return re.compile(rf"(?:(?:{form.pattern})\n)*", form.flags).fullmatch


def _has_id(resource: ResourceType, row: object) -> bool:
    return isinstance(row, dict) and identity(resource, row) is not None


class _Places:
    """What all rows have in a place, by its keys; None where they have none. All are dicts, or all of one shape."""

    def __init__(self, rows: Sequence[Any]) -> None:
        self.shape: Shape | None = rows[0].shape if rows and isinstance(rows[0], Shaped) else None
        self._found: dict[tuple[str, ...], Sequence[Any]] = {(): rows}

    def at(self, source: tuple[str, ...]) -> Sequence[Any]:
        if source not in self._found:
            self._found[source] = self._under(source, self.at(source[:-1]))
        return self._found[source]

    def _under(self, source: tuple[str, ...], objects: Sequence[Any]) -> list[Any]:
        key = source[-1]
        if self.shape is None or source not in self.shape.places:
            return [each.get(key) if isinstance(each, dict) else None for each in objects]
        place = self.shape.places[source]
        try:
            found = place.column(objects)
        except AttributeError:  # something else than an object
            found = [getattr(each, place.name, None) for each in objects]
        return [None if each is msgspec.UNSET else each for each in found] if place.lacks else found

    def of(self, field: Field, read: Callable[[Any], Value | None]) -> Sequence[Any]:
        """Texts and whole numbers as they came, anything else as the value that is read of it."""
        found, texts = self.at(field.source), field.type is FieldType.STRINGS
        place = self.shape.places.get(field.source) if self.shape else None
        if not texts and ((place and place.is_plain) or PLAIN.issuperset(map(type, found))):
            return found
        value = (lambda each: _Time(read(each))) if field.type is FieldType.TIMESTAMP else read
        return [each if type(each) in PLAIN and not texts else value(as_it_came(each)) for each in found]

    def spelt(self, field: Field, column: Sequence[Any]) -> Sequence[Any]:
        """What is hashed of a column of a field."""
        place = self.shape.places.get(field.source) if self.shape else None
        return column if place and place.is_text else list(map(spelt, column))


class _Time(NamedTuple):
    """A time that was read. Read again, some seconds would be none; all other values come out as they are."""

    seconds: Value | None


def _time(found: object) -> Value | None:
    return found.seconds if type(found) is _Time else READS[FieldType.TIMESTAMP](found)


class Records(Rows):
    """The rows of one page of a list, all dicts or all of one shape, whose ids are usable."""

    def __init__(self, target: str, resource: ResourceType, rows: Sequence[Any], ids: Sequence[str]) -> None:
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
        made = task_from(self.target, self.resource, as_it_came(self.rows[place]))
        assert made is not None  # noqa: S101 - told to mypy: its id is usable
        return made

    def joined(self, more: Sequence[Rows]) -> Records | None:
        pages = [self, *(page for page in more if isinstance(page, Records))]
        # All dicts, or all of one shape.
        if len(pages) <= len(more) or len({(each.target, id(each.resource), type(each.rows[0])) for each in pages}) > 1:
            return None
        rows = [row for page in pages for row in page.rows]
        return type(self)(self.target, self.resource, rows, [task_id for page in pages for task_id in page.ids])

    def view(self, fields: frozenset[str]) -> _Columns:
        return _Columns(self, _layout(self.resource, fields))


class _Layout:
    """What is asked about the rows of a resource type: `fields` that stand in a place, and what makes a value of each;
    `keyed` has what makes the values of fields of a key."""

    def __init__(self, resource: ResourceType, asked: frozenset[str]) -> None:
        self.resource = resource
        self.fields: dict[str, Field] = {}
        self.reads: dict[str, Callable[[Any], Value | None]] = {"status": partial(_status_value, resource)}
        self.keyed: dict[str, Callable[[Row], Any]] = {}
        self.lacked: list[str] = []
        self.status = partial(_status_of, resource)
        for name in sorted({*asked, "provider_status"} - {"id"}):
            known = resource.fields.get(name)
            field = known or resource.field_named(name)
            if field is None:  # a protection asks about it, and this resource type does not have it
                self.lacked.append(name)
                self.reads[name] = _as_it_came
            elif not field.source:
                continue
            elif known is None:
                self.keyed[name] = partial(of_key, field)
                self.reads[name] = _as_it_came
            elif known.prefix:
                self.keyed[name] = partial(of_all_keys, field)
            else:
                self.fields[name] = field
                self.reads[name] = _time if field.type is FieldType.TIMESTAMP else READS[field.type]


def _as_it_came(found: Value | None) -> Value | None:
    return found


def _status_of(resource: ResourceType, spoken: object) -> Status:
    return status_of(resource, value_of(as_text, spoken))


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
    """Rows by their columns. A `reconciler.tasks.sink.View`."""

    def __init__(self, records: Records, layout: _Layout) -> None:
        self.ids = records.ids
        self.task = records.task
        self._reads = layout.reads
        places = _Places(records.rows)
        self._found = {name: places.of(field, layout.reads[name]) for name, field in layout.fields.items()}
        if layout.keyed:
            rows = list(map(as_it_came, records.rows))
            self._found |= {name: list(map(of, rows)) for name, of in layout.keyed.items()}
        self._says = [places.spelt(field, self._found[name]) for name, field in layout.fields.items()]
        self._says += [list(map(spelt, self._found[name])) for name in layout.keyed]
        self._found |= {name: [None] * len(self.ids) for name in layout.lacked}
        self._found["status"] = self._found["provider_status"]
        self.statuses: Column = (self._found["status"], layout.status)

    def column(self, field: str) -> Column:
        return (self.ids, str) if field == "id" else (self._found[field], self._reads[field])

    def hashes(self) -> Iterable[int]:
        return map(hash, zip(*self._says, strict=True))
