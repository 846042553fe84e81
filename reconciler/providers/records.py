"""From a provider's record to a task: fields found by their path and coerced to their type.

What cannot be read as its type, or is larger than a field may be, is left out, which makes it unknown to selectors:
unknown is never a match.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.providers.values import COERCIONS, as_text, digits, is_unicode, value_of
from reconciler.redaction import bounded
from reconciler.tasks.observation import Fault, Meaning
from reconciler.tasks.task import LONGEST_TEXT, MOST_TEXTS, Status, Task, composed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from reconciler.tasks.resource_type import ResourceType
    from reconciler.tasks.task import Field, Value

Row = dict[str, Any]


def tasks_in(resource: ResourceType, rows: Sequence[object], read: Callable[[Row], Task | None]) -> list[Task] | str:
    """The tasks that `rows` show, in their order; or which row cannot be one, as text of the server's.

    The vendor makes the ids, so a row without a usable one is no row of this API, and nor is the answer around it.
    """
    tasks: list[Task] = []
    for number, row in enumerate(rows, 1):
        task = read(row) if isinstance(row, dict) else None
        if task is None:
            return unusable(resource, number, row)
        tasks.append(task)
    return tasks


def unusable(resource: ResourceType, number: int, row: object) -> str:
    """Why a row can be none of a task, as text of the server's."""
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
            if read is as_text and type(found) is str and len(found) <= LONGEST_TEXT and found.isascii():
                values[name] = found  # what `as_text` says of nearly all there are
            elif (value := read(found)) is not None:
                values[name] = value
    for field in resource.fields.values():
        if field.prefix:
            values |= of_all_keys(field, row)
    values["id"] = task_id
    status = status_of(resource, values.get("provider_status"))
    if status is Status.GONE:
        return Task(target, resource.name, task_id, status, {"id": task_id})
    if status is not Status.UNKNOWN:
        values["status"] = status.value
    return Task(target, resource.name, task_id, status, values)


def status_of(resource: ResourceType, spoken: Value | None) -> Status:
    """What a vendor's word for a status means."""
    if not isinstance(spoken, str):
        return Status.UNKNOWN
    return Status.GONE if spoken in resource.gone else resource.statuses.get(spoken, Status.UNKNOWN)


def identity(resource: ResourceType, row: Row) -> str | None:
    """The id in a row as text; None for a row without one. Not coerced further: it goes into requests."""
    found = _at(row, resource.fields["id"].source)
    text = digits(found) if isinstance(found, int) else found
    return text if isinstance(text, str) and resource.has_id(text) else None


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
                reads = COERCIONS[field.type]
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
    forms = {composed(key): value for key, value in found.items() if is_unicode(key)}
    return forms | {key: value for key, value in found.items() if key in forms}


def of_key(field: Field, row: Row) -> Value | None:
    """What a row has under the key that a field is about."""
    *path, key = field.source
    return value_of(COERCIONS[field.type], _by_key(row, tuple(path)).get(key))


def of_all_keys(field: Field, row: Row) -> frozenset[tuple[str, Value]]:
    """The fields that one stands for, as far as a row has them."""
    entries = ((field.of_key(f"{field.prefix}{key}"), it) for key, it in _by_key(row, field.source).items())
    found = ((entry.name, value_of(COERCIONS[field.type], it)) for entry, it in entries if entry is not None)
    return frozenset((name, value) for name, value in found if value is not None)
