"""A page of records by its columns, since most of its rows become no task: what is asked about goes into structs that
take what nearly all rows have, texts and whole numbers. Anything else is made into these before.
"""

from __future__ import annotations

from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import msgspec

from reconciler.providers.records import identity, of_all_keys, of_key, status_of, task_from, unusable
from reconciler.providers.values import COERCIONS, READS, as_text, value_of
from reconciler.tasks.sink import Rows
from reconciler.tasks.task import FieldType, Status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from reconciler.providers.records import Row
    from reconciler.tasks.resource_type import ResourceType
    from reconciler.tasks.sink import Column
    from reconciler.tasks.task import Field, Task, Value


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
                return unusable(resource, number, row)
            ids.append(task_id)
    return Records(target, resource, rows, ids)


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
                self.keyed[name] = partial(of_key, field)
                self.reads[name] = _as_it_came
            elif known.prefix:
                self.keyed[name] = partial(of_all_keys, field)
            else:
                self._add(field)
        self.page = list[self._struct(self._tree, "")]  # type: ignore[misc] # its rows are of a type made here
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
        self.reads[field.name] = READS[field.type]

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
            made[key] = COERCIONS[node.type](found)
    return made


def _nothing(_: object) -> None:
    return None


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
