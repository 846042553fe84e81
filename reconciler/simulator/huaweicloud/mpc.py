"""The task calls of Media Processing Center: one set of operations for every row of the table of kinds."""

import re
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any

from reconciler.simulator.huaweicloud.call import DEFAULT_SIZE, MAXIMUM_IDS, MAXIMUM_SIZE, Call, Route, refusal
from reconciler.simulator.huaweicloud.kinds import MPC_KINDS, PACKAGING, PROGRESS, TRANSCODING, MpcKind
from reconciler.simulator.options import UnknownIds
from reconciler.simulator.store import TERMINAL, Phase, Row, Task
from reconciler.simulator.wire import Answer, json_answer

_COMPACT_TIME = re.compile(r"\d{14}", re.ASCII)
_PAGING = ("status", "start_time", "end_time", "page", "size")
_DESCRIPTIONS = {Phase.SUCCEEDED: "The task has completed.", Phase.FAILED: "System error."}
_SYSTEM_ERROR = "MPC.10050"


def compact(at: datetime) -> str:
    """`yyyyMMddHHmmss` in UTC."""
    return at.strftime("%Y%m%d%H%M%S")


def item(kind: MpcKind, task: Task, *, numeric: bool) -> dict[str, Any]:
    """A task as the lists show it. With `numeric`, ids, times and user data are numbers as in the examples."""
    phase = kind.spellings.phase(task.status)
    shown: dict[str, Any] = {
        kind.id_name: _number(task.id) if kind.integer_id or numeric else task.id,
        "status": task.status,
        "create_time": compact(task.created_at),
    }
    if kind.id_name == "job_id":
        shown["task_id"] = shown["job_id"]
    if not kind.is_array and task.started_at:
        shown["start_time"] = compact(task.started_at)
    if task.finished_at:
        shown["end_time"] = compact(task.finished_at)
    if phase is not None:
        if kind.progress:
            shown[kind.progress] = PROGRESS[phase]
        if phase in _DESCRIPTIONS:
            shown["description"] = _DESCRIPTIONS[phase]
        if phase is Phase.SUCCEEDED and kind.completed_code:
            shown["error_code"] = kind.completed_code
        if phase is Phase.FAILED and "error_code" in kind.fields:
            shown["error_code"] = _SYSTEM_ERROR
    shown.update(task.fields)
    if numeric:
        shown.update({name: _number(shown[name]) for name in _NUMERIC if name in shown})
    return shown


_NUMERIC = ("create_time", "start_time", "end_time", "user_data")


def _number(text: object) -> object:
    return int(text) if isinstance(text, str) and text.isascii() and text.isdigit() else text


def list_tasks(kind: MpcKind, call: Call) -> Answer:
    """GET: a page, or the tasks of up to ten ids, with which times and paging are ignored."""
    call.allow(kind.id_name, *_PAGING, *kind.list_parameters)
    page, size = call.integer("page", 0, 0), call.integer("size", DEFAULT_SIZE, 1, MAXIMUM_SIZE)
    since, until = (_time(call, name) for name in ("start_time", "end_time"))
    wanted = _ids(kind, call)
    if wanted:
        shown = _by_ids(kind, call, wanted)
        return json_answer(200, _envelope(kind, shown, len(shown), more=False))
    matching = _matching(kind, call, since, until)
    first = page * size
    numeric = call.options.numeric_ids
    shown = [item(kind, task, numeric=numeric) for task in matching[first : first + size]]
    return json_answer(200, _envelope(kind, shown, len(matching), more=first + size < len(matching)))


def _envelope(kind: MpcKind, shown: list[dict[str, Any]], total: int, *, more: bool) -> dict[str, Any]:
    envelope: dict[str, Any] = {"total": total, kind.envelope: shown}
    if kind.is_array:
        envelope["is_truncated"] = int(more)
    return envelope


def _matching(kind: MpcKind, call: Call, since: str | None, until: str | None) -> Sequence[Task]:
    tasks = call.tasks()
    status = _status(kind, call)
    if status is not None:
        tasks = [task for task in tasks if task.status == status]
    if since is not None:
        tasks = [task for task in tasks if compact(task.created_at) >= since]
    if until is not None:
        tasks = [task for task in tasks if compact(task.created_at) <= until]
    for name, key in (("input_bucket", "bucket"), ("input_object", "object")):
        wanted = call.one(name) if name in kind.list_parameters else None
        if wanted is not None:
            tasks = [task for task in tasks if task.fields.get("input", {}).get(key) == wanted]
    return tasks


def _status(kind: MpcKind, call: Call) -> str | None:
    status, filters = call.one("status"), kind.filters
    if status is not None and status not in filters:
        call.invalid(f"status={status}")
    return filters[status] if status is not None else None


def _time(call: Call, name: str) -> str | None:
    text = call.one(name)
    if text is not None and not _COMPACT_TIME.fullmatch(text):
        call.invalid(f"{name}={text} is not yyyyMMddHHmmss")
    return text


def _ids(kind: MpcKind, call: Call) -> list[str]:
    wanted = call.many(kind.id_name)
    if len(wanted) > MAXIMUM_IDS:
        call.invalid(f"{len(wanted)} ids, at most {MAXIMUM_IDS}")
    for text in wanted:
        if not text or (kind.integer_id and not (text.isascii() and text.isdigit())):
            call.invalid(f"{kind.id_name}={text}")
    return wanted


def _by_ids(kind: MpcKind, call: Call, wanted: Sequence[str]) -> list[dict[str, Any]]:
    status = _status(kind, call)
    shown = []
    for identifier in dict.fromkeys(wanted):
        task = call.task(identifier)
        if task is not None and status in {None, task.status}:
            shown.append(item(kind, task, numeric=call.options.numeric_ids))
        elif task is None and status is None and kind.is_array and call.options.unknown_ids is UnknownIds.NO_TASK:
            number = kind.integer_id or call.options.numeric_ids
            shown.append({kind.id_name: _number(identifier) if number else identifier, "status": "NO_TASK"})
    return shown


def show_details(kind: MpcKind, call: Call) -> Answer:
    """GET transcodings/detail: up to ten ids, mandatory here."""
    call.allow(kind.id_name)
    wanted = _ids(kind, call)
    if not wanted:
        call.invalid(f"{kind.id_name} is mandatory")
    return json_answer(200, {kind.envelope: _by_ids(kind, call, wanted)})


def _named(kind: MpcKind, call: Call) -> Task:
    """The task that a DELETE names: one id to a call."""
    call.allow(kind.id_name)
    if call.request.body:
        call.oddities.append("a DELETE with a body")
    identifier = call.required(kind.id_name)
    if kind.integer_id and not (identifier.isascii() and identifier.isdigit()):
        call.invalid(f"{kind.id_name}={identifier}")
    task = call.task(identifier)
    if task is None:
        raise refusal("MPC.10211")
    return task


def cancel(kind: MpcKind, call: Call) -> Answer:
    """DELETE: only a task that waits in the queue; its record stays."""
    task = _named(kind, call)
    cancellable = {"WAITING", "INIT"} if call.options.init_cancellable else {"WAITING"}
    if task.status not in cancellable:
        raise refusal(kind.cancel_refusal)
    call.move(task, Phase.CANCELED)
    return Answer(204)


def delete_record(kind: MpcKind, call: Call) -> Answer:
    """DELETE …/task: only a task in a final state."""
    task = _named(kind, call)
    if call.store.phase(task) not in TERMINAL:
        raise refusal("MPC.10213")
    call.remove(task)
    return Answer(204)


def create(kind: MpcKind, call: Call) -> Answer:
    """POST: a new task in the queue."""
    call.allow()
    body = call.body()
    for name in kind.required:
        if name not in body:
            call.invalid(f"{name} is mandatory")
    fields = {name: content for name, content in body.items() if name in kind.fields}
    if kind.id_name == "job_id":
        fields["edit_task_req"] = body
    task = call.store.insert(Row(kind=kind.name, owner=call.project, fields=fields))
    call.changed.append(task.id)
    shown = item(kind, task, numeric=call.options.numeric_ids)
    if kind.answers_item:
        named = (kind.id_name, "status", "create_time", "output", "output_file_name", "description")
        return json_answer(200, {name: shown[name] for name in named if name in shown})
    return json_answer(200, {kind.id_name: shown[kind.id_name]})


def retry(kind: MpcKind, call: Call) -> Answer:
    """PUT remux: a failed task goes back into the queue."""
    call.allow()
    identifier = call.body().get(kind.id_name)
    task = call.task(str(identifier)) if identifier else None
    if task is None:
        raise refusal("MPC.10211")
    if call.store.phase(task) is not Phase.FAILED:
        raise refusal("MPC.10212", status=403)
    call.move(task, Phase.PENDING)
    return Answer(200)


def _routes(kind: MpcKind) -> list[Route]:
    path = f"/v1/*/{kind.path}"
    routes = [
        Route("GET", path, kind.name, "list", partial(list_tasks, kind), kind.id_name),
        Route("POST", path, kind.name, "create", partial(create, kind), kind.id_name),
        Route("DELETE", path, kind.name, "cancel", partial(cancel, kind), kind.id_name),
    ]
    if kind.record_path:
        record = partial(delete_record, kind)
        routes.append(Route("DELETE", f"/v1/*/{kind.record_path}", kind.name, "delete", record, kind.id_name))
    return routes


ROUTES = (
    *(route for kind in MPC_KINDS for route in _routes(kind)),
    Route(
        "GET",
        f"/v1/*/{TRANSCODING.path}/detail",
        TRANSCODING.name,
        "detail",
        partial(show_details, TRANSCODING),
        TRANSCODING.id_name,
    ),
    Route("PUT", f"/v1/*/{PACKAGING.path}", PACKAGING.name, "retry", partial(retry, PACKAGING), PACKAGING.id_name),
)
