"""One answer of rows, checked: a page of a list with the envelope and the total that the vendor documents, or what a
call that reads ids shows; and the tasks that rows make up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reconciler.providers.base import Readings
from reconciler.providers.columns import records_in
from reconciler.providers.shapes import Shapes
from reconciler.providers.transport.answers import malformed
from reconciler.tasks.observation import Fault, Meaning
from reconciler.tasks.sink import by_id
from reconciler.tasks.task import Status, Task, TaskKey

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    import httpx

    from reconciler.providers.client import HttpClient
    from reconciler.tasks.resource_type import ResourceType

MOST_ROWS = 10_000
"""Rows of one answer at most. Pages of 100 are asked for; a server that ignores it may send more, not anything."""

LONGEST_MARKER = 4096
"""Characters of a marker or a token, which goes into the next request."""


@dataclass(frozen=True, slots=True)
class Page:
    """One task for each row. `total` counts all rows that match, not those of the page; `marker` asks for the next.

    `truncated` says that more rows match than there are up to this page. `missing` are the ids that a read call of its
    own names as not there; None in what a list call shows, which names none.
    """

    tasks: Collection[Task]
    total: int | None
    marker: str = ""
    truncated: bool = False
    missing: frozenset[str] | None = None


def page_in(response: httpx.Response, client: HttpClient[Any], resource: ResourceType) -> Page | Fault:
    """The page in an answer, or a fault that says what came instead. A missing envelope is never "no tasks"."""
    listing = resource.listing
    body = client.body(response, read=_reader(client, resource))
    if isinstance(body, Fault):
        return body
    tasks = _tasks(at(body, listing.envelope), listing.envelope, body, response, client, resource)
    if isinstance(tasks, Fault):
        return tasks
    marker = _marker(at(body, listing.next_page))
    if marker is None:
        return malformed(f"a {listing.next_page} that is no text, or too long", response)
    return Page(tasks, _total(at(body, listing.total)), marker, _is_set(at(body, listing.truncated)))


def _reader(client: HttpClient[Any], resource: ResourceType) -> Callable[[bytes], Any] | None:
    """What reads the pages of a list by what the pages before were like; none where all rows have to be dicts."""
    envelope = resource.listing.envelope
    if resource.prepared is not None or resource.listing.rows_merge:
        return None
    shapes = client.shapes.get((resource.name, envelope))
    if shapes is None:
        shapes = client.shapes[resource.name, envelope] = Shapes(envelope)
    return shapes.read


def read_in(response: httpx.Response, client: HttpClient[Any], resource: ResourceType) -> Page | Fault:
    """What a call that reads ids shows, in the form of a page."""
    reading = resource.listing.reading
    if reading is None:
        return page_in(response, client, resource)
    body = client.body(response, reading.envelope if reading.single else "")
    if isinstance(body, Fault):
        return body
    found = at(body, reading.envelope)
    if reading.single:
        found = [found] if isinstance(found, dict) else None
    tasks = _tasks(found, reading.envelope, body, response, client, resource)
    if isinstance(tasks, Fault):
        return tasks
    missing = at(body, reading.missing) or []
    if not isinstance(missing, list) or not all(isinstance(name, str) for name in missing):
        return malformed(f"{reading.missing} is no list of ids", response)
    return Page(tasks, len(tasks), missing=frozenset(missing))


def _tasks(
    rows: object,
    envelope: str,
    body: dict[str, Any],
    response: httpx.Response,
    client: HttpClient[Any],
    resource: ResourceType,
) -> Collection[Task] | Fault:
    """The tasks that the rows at `envelope` show; a fault where it holds no list, or rows of another kind."""
    if not isinstance(rows, list):
        keys = ", ".join(sorted(map(str, body))) or "none"
        return malformed(f"no list {envelope!r}; keys: {client.redactor(keys, 120)}", response)
    if len(rows) > MOST_ROWS:
        return malformed(f"{len(rows)} rows in one page", response)
    if resource.prepared is not None:
        rows = [resource.prepared(row) if isinstance(row, dict) else row for row in rows]
    tasks = records_in(client.target.name, resource, rows)
    return malformed(client.redactor(tasks), response) if isinstance(tasks, str) else tasks


def at(body: dict[str, Any], path: str) -> object:
    """What stands in an answer where keys, joined by dots, lead; None where they lead nowhere."""
    found: object = body if path else None
    for key in path.split("."):
        found = found.get(key) if isinstance(found, dict) else None
    return found


def _total(found: object) -> int | None:
    """A count of rows; None for what is none."""
    match found:
        case bool():
            return None
        case int() if 0 <= found < 10**18:
            return found
        case str() if found.isascii() and found.isdigit() and len(found) < 19:
            return int(found)
        case _:
            return None


def _marker(found: object) -> str | None:
    """Empty on the last page; None for what could not be sent back."""
    match found:
        case None:
            return ""
        case str() if len(found) <= LONGEST_MARKER and found.isprintable():
            return found
        case _:
            return None


def _is_set(found: object) -> bool:
    """Whether a flag is set, which comes as a number, as text or as what it is."""
    return found in (1, True) or (isinstance(found, str) and found.lower() in {"1", "true"})


def united(resource: ResourceType, rows: Iterable[Task]) -> tuple[dict[str, Task], dict[str, list[Task]]]:
    """The tasks by id that `rows` show, and apart from them the rows that contradict each other."""
    return by_id(merged(resource, rows) if resource.listing.rows_merge else rows)


def merged(resource: ResourceType, rows: Iterable[Task]) -> list[Task]:
    """The tasks that rows make up of which several may be about one."""
    groups: dict[str, list[Task]] = {}
    for row in rows:
        groups.setdefault(row.id, []).append(row)
    order = {name: rank for rank, name in enumerate(resource.statuses)}
    return [_one(group, order) for group in groups.values()]


def _one(group: Sequence[Task], order: dict[str, int]) -> Task:
    """The task that a group of rows is.

    The first status in precedence speaks; a status that no table has makes the whole unknown, since it may be one
    that waits. A field in which the rows that speak differ is left out: to select by one row's age would cancel
    another's work.
    """
    there = [task for task in group if task.status is not Status.GONE] or group
    unknown = [task for task in there if task.status is Status.UNKNOWN]
    ranked = unknown or sorted(there, key=lambda task: order.get(str(task.values.get("provider_status")), len(order)))
    spoken = ranked[0].values.get("provider_status")
    speakers = [task for task in ranked if task.values.get("provider_status") == spoken]
    first = speakers[0]
    values = {
        name: value for name, value in first.values.items() if all(task.values.get(name) == value for task in speakers)
    }
    return Task(first.target, first.resource, first.id, first.status, values)


def sorted_out(target: str, resource: ResourceType, ids: Sequence[str], found: Page) -> Readings:
    """What a page that was asked for these ids says of each: whether it is there, gone, or not answered.

    Rows that were not asked for show that the filter was ignored, and a total or a marker beyond the rows that some
    are held back: then an id that is missing may yet exist. So may work of an id that several rows make up. A call that
    names those which are not there says nothing of one that it does not name.
    """
    shown, contradicted = united(resource, found.tasks)
    foreign = len((shown.keys() | contradicted.keys()) - set(ids))
    uncounted = bool(resource.listing.total) and found.total != len(found.tasks)
    held_back = bool(found.marker) or found.truncated or uncounted

    def doubt(task_id: str) -> str:
        if task_id in contradicted:
            return "rows of this task that contradict each other"
        if foreign and task_id not in shown:
            return f"{foreign} tasks that were not asked for, and not this one"
        if found.missing is not None and (task_id in shown) is (task_id in found.missing):
            return f"the task is {'shown, and' if task_id in shown else 'neither shown nor'} said to be missing"
        if held_back and (resource.listing.rows_merge or task_id not in shown):
            return f"{len(found.tasks)} rows where it announces {found.total}"
        return ""

    tasks: dict[str, Task] = {}
    faults: dict[str, Fault] = {}
    for task_id in ids:
        if reason := doubt(task_id):
            faults[task_id] = Fault(Meaning.MALFORMED, f"unexpected answer: {reason}")
        else:
            tasks[task_id] = shown.get(task_id) or Task.gone(TaskKey(target, resource.name, task_id))
    return Readings(tasks, faults)
