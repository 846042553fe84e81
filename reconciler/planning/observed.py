"""The fields of a task that a reviewer needs, in the form in which they may be written down."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.redaction import bounded
from reconciler.tasks.field import FieldType
from reconciler.tasks.timestamps import format_timestamp

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.planning.plan import Observed
    from reconciler.tasks.resource_type import ResourceType
    from reconciler.tasks.task import Task

__all__ = ["LONGEST", "observed"]

LONGEST = 300
"""Characters of one value that a plan keeps; the rest is cut, with an ellipsis."""

_ALWAYS = (
    "status",
    "provider_status",
    "created_at",
    "started_at",
    "finished_at",
    "input.bucket",
    "input.object",
    "upload_url",
    "asset_id",
    "media_id",
    "error_code",
)


def observed(task: Task, resource: ResourceType, named: Iterable[str]) -> Observed:
    """The usual fields, then those `named` by the selectors that want the task, where the task has them.

    A status outside the table appears as `unknown`.
    """
    fields: dict[str, str | int | tuple[str, ...]] = {"status": task.status.value}
    for name in dict.fromkeys((*_ALWAYS, *named)):
        value = task.values.get(name)
        if value is None or name in {"id", "status"}:
            continue
        if isinstance(value, int) and resource.fields[name].type is FieldType.TIMESTAMP:
            fields[name] = format_timestamp(value)
        elif isinstance(value, str):
            fields[name] = bounded(value, LONGEST)
        elif isinstance(value, tuple):
            fields[name] = tuple(bounded(item, LONGEST) for item in value)
        else:
            fields[name] = value
    return fields
