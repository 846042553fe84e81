"""Tasks as a table and as JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.documents.document import Format
from reconciler.planning.change import Observed, ResourceName
from reconciler.planning.reasons import observed
from reconciler.redaction import Shown
from reconciler.reports.ages import age_of
from reconciler.reports.cells import clipped, counted, table
from reconciler.reports.wording import value_text

if TYPE_CHECKING:
    from reconciler.engine.queries import QueryResult
    from reconciler.tasks.resource_type import ResourceType

_COLUMNS = ("provider_status", "input.bucket", "input.object", "upload_url", "asset_id", "media_id", "user_data")
_WIDEST = 60
_ID_CELLS = 120


@dataclass(frozen=True, slots=True)
class Unlisted(Shown):
    """A target that could not be listed whole, and why."""

    target: str
    message: str


@dataclass(frozen=True, slots=True)
class TaskList(Shown):
    """Tasks of one resource type."""

    resource: ResourceName
    complete: bool
    """Whether every target could be listed whole."""
    errors: tuple[Unlisted, ...]
    """The targets that could not."""
    tasks: tuple[Observed, ...]
    """Each task: `target`, `id`, `status` and all other fields that it has."""


TASK_LIST = Format("reconciler.tasks", "2.0", TaskList, "Tasks that `reconciler query` found")


def task_list(found: QueryResult, row: ResourceType) -> TaskList:
    """What was found, as a document."""
    return TaskList(
        row.name,
        not found.incomplete,
        tuple(Unlisted(seen.scope.target, str(seen.fault or "")) for seen in found.incomplete),
        tuple({"target": task.target, "id": task.id, **observed(task, row, row.fields)} for task in found.tasks),
    )


def render_tasks(found: TaskList, now: int) -> str:
    """One line a task, with the columns that any of them has; `now` in seconds since the epoch, for ages."""
    columns = [name for name in _COLUMNS if any(name in task for task in found.tasks)]
    head = ("TARGET", "ID", "STATUS", "AGE", *(name.upper() for name in columns))
    lines = [
        (
            value_text(task["target"]),
            clipped(value_text(task["id"]), _ID_CELLS),
            value_text(task["status"]),
            age_of(task.get("created_at"), now) or "-",
            *(clipped(value_text(task.get(name, "-")), _WIDEST) for name in columns),
        )
        for task in found.tasks
    ]
    listed = "\n".join(line.rstrip() for line in table([head, *lines])) + "\n" if lines else ""
    return f"{listed}{counted(len(lines), 'task')}.\n"
