"""Tasks as a table and as JSON."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from reconciler.documents.document import Format
from reconciler.documents.pieces import document_of
from reconciler.planning.change import Count, Observed, ResourceName
from reconciler.planning.reasons import observed, shown_fields
from reconciler.redaction import Shown, presentable
from reconciler.reports.ages import age_of
from reconciler.reports.cells import clipped, table
from reconciler.reports.wording import value_text
from reconciler.tasks.task import Status, Task

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.engine.queries import QueryResult
    from reconciler.tasks.resource_type import ResourceType
    from reconciler.tasks.task import Field, Value

_WIDEST = 60
_ID_CELLS = 120


@dataclass(frozen=True, slots=True)
class Unlisted(Shown):
    """A target that could not be listed whole, and why."""

    target: str
    message: str


@dataclass(frozen=True, slots=True)
class ValueCount(Shown):
    """How many tasks have one value."""

    value: str | int | tuple[str, ...] | None
    """null: those that do not have the field."""
    tasks: Count


@dataclass(frozen=True, slots=True)
class TaskList(Shown):
    """Tasks of one resource type, or counts of them."""

    resource: ResourceName
    complete: bool
    """Whether every target could be listed whole."""
    errors: tuple[Unlisted, ...]
    """The targets that could not."""
    total: Count
    """How many tasks match; `--limit` may show fewer."""
    tasks: tuple[Observed, ...]
    """Each task: `target`, `id`, `status` and all other fields that it has, or those that were asked for."""
    counted_by: str | None = None
    """The field by whose values tasks are counted. There are no `tasks` then."""
    counts: tuple[ValueCount, ...] = ()
    """The most first."""
    object_fields: tuple[str, ...] = ()
    """The fields that say together what a task works on."""


TASK_LIST = Format("reconciler.tasks", "2.0", TaskList, "Tasks that `reconciler query` found")


def task_list(
    found: QueryResult, row: ResourceType, counted_by: str | None = None, columns: Sequence[str] = ()
) -> TaskList:
    """What was found, as a document; of each task the `columns` (none: all that it has)."""
    fields = shown_fields(row, (*row.fields, *columns))
    return TaskList(
        row.name,
        not found.incomplete,
        tuple(Unlisted(seen.scope.target, str(seen.fault or "")) for seen in found.incomplete),
        found.total,
        tuple(_record(task, fields, columns) for task in found.tasks),
        counted_by,
        tuple(ValueCount(_value(counted_by or "", value, row), count) for value, count in found.counts or ()),
        row.object_fields,
    )


def _record(task: Task, fields: Sequence[Field], columns: Sequence[str]) -> Observed:
    whole: Observed = {"target": task.target, "id": task.id, **observed(task, fields)}
    return {name: whole[name] for name in columns if name in whole} if columns else whole


def _value(name: str, value: Value | None, row: ResourceType) -> str | int | tuple[str, ...] | None:
    field = row.field_named(name)
    if value is None or field is None or field.part:
        return value
    shown = observed(Task("", row.name, "", Status.UNKNOWN, {name: value}), [field]).get(name)
    return str(value) if shown is None or name == "status" else shown


def render_tasks(found: TaskList, now: int, columns: Sequence[str] = ()) -> str:
    """One line a task, or a count; `now` in seconds since the epoch, for ages. Without `columns`, the usual ones that
    any of them has."""
    if found.counted_by:
        rows = [["TASKS", found.counted_by.upper()]]
        rows += [[str(one.tasks), _cell(one.value)] for one in found.counts]
    else:
        rows = list(_rows(found, now, columns)) if found.tasks else []
    listed = "\n".join(line.rstrip() for line in table(rows)) + "\n" if len(rows) > 1 else ""
    shown = sum(one.tasks for one in found.counts) if found.counted_by else len(found.tasks)
    of = f" of {found.total}" if shown < found.total else ""
    return f"{listed}{shown}{of} {'task' if found.total == 1 else 'tasks'}.\n"


def _rows(found: TaskList, now: int, columns: Sequence[str]) -> Iterator[list[str]]:
    if columns:
        yield [name.upper() for name in columns]
        yield from ([_cell(task.get(presentable(name)), name) for name in columns] for task in found.tasks)
        return
    names = ("provider_status", *found.object_fields, "user_data")
    usual = [name for name in names if any(name in task for task in found.tasks)]
    yield ["TARGET", "ID", "STATUS", "AGE", *(name.upper() for name in usual)]
    for task in found.tasks:
        age = age_of(task.get("created_at"), now) or "-"
        first = (_cell(task["target"]), _cell(task["id"], "id"), _cell(task["status"]), age)
        yield [*first, *(_cell(task.get(name)) for name in usual)]


def _cell(value: str | int | tuple[str, ...] | None, name: str = "") -> str:
    return clipped("-" if value is None else value_text(value), _ID_CELLS if name == "id" else _WIDEST)


def render_csv(found: TaskList, _: int, columns: Sequence[str] = ()) -> str:
    """Comma-separated values (RFC 4180), with a line of names first. No cell is taken for a formula."""
    out = io.StringIO()
    rows = csv.writer(out, lineterminator="\n")
    if found.counted_by:
        rows.writerow((found.counted_by, "tasks"))
        rows.writerows((harmless(one.value), one.tasks) for one in found.counts)
        return out.getvalue()
    names = columns or tuple(dict.fromkeys(("target", "id", *(name for task in found.tasks for name in task))))
    rows.writerow(names)
    rows.writerows([harmless(task.get(presentable(name))) for name in names] for task in found.tasks)
    return out.getvalue()


def harmless(value: str | int | tuple[str, ...] | None) -> str | int:
    """A value for a cell of a spreadsheet, which takes a text that begins so for a formula: behind an apostrophe."""
    if isinstance(value, int):
        return value
    text = "" if value is None else value_text(value)
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def render_lines(found: TaskList, _: int, __: Sequence[str] = ()) -> str:
    """JSON, an object a line: each task, or each count."""
    items = found.counts if found.counted_by else found.tasks
    return "".join(f"{json.dumps(document_of(item), ensure_ascii=False)}\n" for item in items)


Renderer = Callable[[TaskList, int, Sequence[str]], str]
RENDERERS: Mapping[str, Renderer] = MappingProxyType(
    {
        "table": render_tasks,
        "text": render_tasks,  # what other commands call it
        "json": lambda found, _, __: TASK_LIST.text(found),
        "jsonl": render_lines,
        "csv": render_csv,
    }
)
"""The formats of `query`."""
