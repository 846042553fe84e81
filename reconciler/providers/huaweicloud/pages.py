"""One page of a list, checked: rows with the envelope and the total that the vendor documents; and the tasks that the
rows of pages show."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from reconciler.provider import (
    Fault,
    HttpClient,
    Meaning,
    Readings,
    ResourceType,
    Status,
    Task,
    TaskKey,
    by_id,
    malformed,
    task_from,
    tasks_in,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    import httpx

MOST_ROWS = 10_000
"""Rows of one answer at most. Pages of 100 are asked for; a server that ignores it may send more, not anything."""

LONGEST_MARKER = 1024
"""Characters of a marker, which goes into the next request."""


@dataclass(frozen=True, slots=True)
class Page:
    """One task for each row. `total` counts all rows that match, not those of the page; `marker` asks for the next.

    `truncated` says that more rows match than there are up to this page.
    """

    tasks: Sequence[Task]
    total: int | None
    marker: str = ""
    truncated: bool = False


def page_in(response: httpx.Response, client: HttpClient[Any], resource: ResourceType) -> Page | Fault:
    """The page in an answer, or a fault that says what came instead. A missing envelope is never "no tasks"."""
    body = client.body(response)
    if isinstance(body, Fault):
        return body
    rows = body.get(resource.listing.envelope)
    if not isinstance(rows, list):
        keys = ", ".join(sorted(map(str, body))) or "none"
        return malformed(f"no list {resource.listing.envelope!r}; keys: {client.redactor(keys, 120)}", response)
    if len(rows) > MOST_ROWS:
        return malformed(f"{len(rows)} rows in one page", response)
    tasks = tasks_in(resource, rows, partial(task_from, client.target.name, resource))
    if isinstance(tasks, str):
        return malformed(client.redactor(tasks), response)
    marker = _marker(body.get("next_marker"))
    if marker is None:
        return malformed("a next_marker that is no text, or too long", response)
    return Page(tasks, _total(body.get(resource.listing.total)), marker, _is_set(body.get("is_truncated")))


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


def united(resource: ResourceType, rows: Sequence[Task]) -> tuple[dict[str, Task], frozenset[str]]:
    """The tasks by id that `rows` show, one of them each, and the ids whose rows contradict each other."""
    if not resource.listing.rows_merge:
        return by_id(rows)
    return {task.id: task for task in merged(resource, rows)}, frozenset()


def merged(resource: ResourceType, rows: Sequence[Task]) -> list[Task]:
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
    are held back: then an id that is missing may yet exist. So may work of an id that several rows make up.
    """
    shown, contradicted = united(resource, found.tasks)
    foreign = len(shown.keys() - set(ids))
    held_back = bool(found.marker) or found.truncated or found.total != len(found.tasks)

    def doubt(task_id: str) -> str:
        if task_id in contradicted:
            return "rows of this task that contradict each other"
        if foreign and task_id not in shown:
            return f"{foreign} tasks that were not asked for, and not this one"
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
