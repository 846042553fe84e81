"""The task calls of Huawei Cloud VOD: editing tasks and the transcoding of assets.

Sources: api-vod/ListAssetEditTask, CreateAssetEditTask, DeleteAssetEditTask, ListAssetTaskInfo, and the page of
`DELETE /v1.0/{project_id}/asset/process`.
"""

import hashlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from reconciler.simulator.clock import moment
from reconciler.simulator.huaweicloud.call import DEFAULT_SIZE, MAXIMUM_SIZE, Call, Route, refusal
from reconciler.simulator.huaweicloud.kinds import PROGRESS, VOD_EDITING, VOD_TRANSCODING
from reconciler.simulator.store import Phase, Row, Task
from reconciler.simulator.wire import Answer, json_answer

_ASSET_TASK_STATUSES = frozenset({"WAITING", "PROCESSING", "SUCCEED", "FAILED"})
_ASSET_TASK_TYPES = frozenset({"TRANSCODE", "THUMBNAIL"})
_MAXIMUM_INPUTS = 20


def format_timestamp(at: datetime) -> str:
    """`2020-09-01T18:50:20Z`, unlike the compact form of MPC."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


# -- editing tasks ------------------------------------------------------------------------------------------


def _editing_item(call: Call, task: Task) -> dict[str, Any]:
    phase = call.store.phase(task)
    shown: dict[str, Any] = {
        "task_id": task.id,
        "asset_id": hashlib.md5(task.id.encode(), usedforsecurity=False).hexdigest(),
        "status": task.status,
        "create_time": format_timestamp(task.created_at),
    }
    if phase is not None:
        shown["progress"] = PROGRESS[phase]
    if task.finished_at:
        shown["end_time"] = format_timestamp(task.finished_at)
    return shown | dict(task.fields)


def list_editing(call: Call) -> Answer:
    """GET asset/editing/tasks: rows from an offset; one id at most, no filter by status or time."""
    call.allow("task_id", "offset", "limit")
    offset, limit = call.integer("offset", 0, 0), call.integer("limit", DEFAULT_SIZE, 1, MAXIMUM_SIZE)
    identifier = call.one("task_id")
    tasks = call.tasks() if identifier is None else [task for task in [call.task(identifier)] if task]
    page = [_editing_item(call, task) for task in tasks[offset : offset + limit]]
    return json_answer(200, {"total": len(tasks), "tasks": page})


def create_editing(call: Call) -> Answer:
    """POST asset/editing/tasks: 1 to 20 inputs; the answer names the task and the asset that it will make."""
    call.allow()
    inputs = call.body().get("inputs")
    if not isinstance(inputs, list) or not 1 <= len(inputs) <= _MAXIMUM_INPUTS:
        call.invalid("inputs")
    task = call.store.insert(Row(kind=VOD_EDITING, owner=call.project))
    call.changed.append(task.id)
    shown = _editing_item(call, task)
    return json_answer(200, {"task_id": shown["task_id"], "asset_id": shown["asset_id"]})


def cancel_editing(call: Call) -> Answer:
    """DELETE asset/editing/tasks: only a waiting task; 400 otherwise."""
    call.allow("task_id")
    task = call.task(call.required("task_id"))
    if task is None:
        raise refusal("VOD.10062")
    if call.store.phase(task) is not Phase.PENDING:
        raise refusal("VOD.10083")
    call.move(task, Phase.CANCELED)
    return Answer(204)


# -- transcoding of assets ----------------------------------------------------------------------------------


def asset_of(task: Task) -> str:
    """The asset of a row. Several rows of one asset have ids such as `ASSET#2`."""
    return str(task.fields.get("asset_id", task.id.partition("#")[0]))


def _asset_item(task: Task) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "type": "TRANSCODE",
        "asset_id": asset_of(task),
        "status": task.status,
        "create_time": format_timestamp(task.created_at),
    }
    if task.finished_at:
        shown["end_time"] = format_timestamp(task.finished_at)
    return shown | dict(task.fields)


def list_asset_tasks(call: Call) -> Answer:
    """GET asset/tasks: pages by a marker; the status may be given several times."""
    times = ("create_time_after", "create_time_before", "end_time_after", "end_time_before")
    call.allow("type", "asset_id", "task_id", "status", "marker", "limit", *times)
    kind = call.one("type") or "TRANSCODE"
    statuses = call.many("status")
    if kind not in _ASSET_TASK_TYPES or not _ASSET_TASK_STATUSES.issuperset(statuses):
        call.invalid(f"type={kind}, status={statuses}")
    limit = call.integer("limit", DEFAULT_SIZE, 1, MAXIMUM_SIZE)
    asset = call.one("asset_id")
    tasks = [task for task in call.tasks() if task.fields.get("type", "TRANSCODE") == kind]
    tasks = [task for task in tasks if not statuses or task.status in statuses]
    tasks = [task for task in tasks if asset is None or asset_of(task) == asset]
    tasks = _within(call, tasks)
    rest = _after(call, tasks)
    page = rest[:limit]
    answer: dict[str, Any] = {"results": [_asset_item(task) for task in page], "count": len(tasks)}
    if len(rest) > limit:
        answer["next_marker"] = _marker(page[-1])
    return json_answer(200, answer)


def _within(call: Call, tasks: list[Task]) -> list[Task]:
    """Apply the time filters: `after` includes its moment, `before` does not."""
    for name, attribute in (("create_time", "created_at"), ("end_time", "finished_at")):
        after, before = _moment(call, f"{name}_after"), _moment(call, f"{name}_before")
        if after is not None:
            tasks = [task for task in tasks if (at := getattr(task, attribute)) is not None and at >= after]
        if before is not None:
            tasks = [task for task in tasks if (at := getattr(task, attribute)) is not None and at < before]
    return tasks


def _moment(call: Call, name: str) -> datetime | None:
    text = call.one(name)
    if text is None:
        return None
    try:
        return moment(text)
    except ValueError:
        call.invalid(f"{name}={text}")


def _marker(task: Task) -> str:
    return urlsafe_b64encode(f"{task.created_at.timestamp():.0f} {task.order}".encode()).decode()


def _after(call: Call, tasks: Sequence[Task]) -> list[Task]:
    """The rows behind the marker, whatever has become of the row that it was made from."""
    marker = call.one("marker")
    if marker is None:
        return list(tasks)
    try:
        created, order = (int(part) for part in urlsafe_b64decode(marker).split())
    except ValueError:
        call.invalid("marker")
    return [task for task in tasks if (task.created_at.timestamp(), task.order) < (created, order)]


def cancel_transcoding(call: Call) -> Answer:
    """DELETE /v1.0/{project_id}/asset/process: every waiting transcode of one asset.

    The list has no status for a cancelled row, so the rows leave it.
    """
    call.allow("asset_id")
    asset = call.required("asset_id")
    rows = call.store.sharing(VOD_TRANSCODING, asset, call.project)
    if not rows:
        raise refusal("VOD.10062")
    waiting = [task for task in rows if call.store.phase(task) is Phase.PENDING]
    if not waiting:
        raise refusal("VOD.10083")
    for task in waiting:
        call.remove(task)
    return Answer(204)


_EDITING_PATH = "/v1/*/asset/editing/tasks"
ROUTES = (
    Route("GET", _EDITING_PATH, VOD_EDITING, "list", list_editing, "task_id"),
    Route("POST", _EDITING_PATH, VOD_EDITING, "create", create_editing, "task_id"),
    Route("DELETE", _EDITING_PATH, VOD_EDITING, "cancel", cancel_editing, "task_id"),
    Route("GET", "/v1/*/asset/tasks", VOD_TRANSCODING, "list", list_asset_tasks, "asset_id"),
    Route("DELETE", "/v1.0/*/asset/process", VOD_TRANSCODING, "cancel", cancel_transcoding, "asset_id"),
)
