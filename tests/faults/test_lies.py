"""Servers that say what is not so: only what can be checked is believed, and what contradicts itself is not."""

from typing import Any

import pytest

from tests.faults.kinds import SNAPSHOT, TRANSCODING, UPLOAD, applied, calls_by_task, configured, prepare
from tests.terminal import Terminal

ABSENT = f"{{resource: {SNAPSHOT}, match: {{status: pending}}, ensure: absent}}"
LIST = {"method": "GET", "path": "/thumbnails$", "query": "page="}
BY_ID = {"method": "GET", "path": "/thumbnails$", "query": "task_id="}
CANCEL = {"method": "DELETE", "path": "/thumbnails$"}


def row(task_id: str, status: str = "WAITING") -> dict[str, Any]:
    return {"task_id": task_id, "status": status, "create_time": "20240102030405", "input": {"bucket": "b"}}


def rows(*shown: dict[str, Any], total: int | None = None) -> dict[str, Any]:
    return {"status": 200, "body": {"task_array": shown, "total": len(shown) if total is None else total}}


@pytest.fixture(autouse=True)
def world(terminal: Terminal) -> None:
    terminal.write(configured(ABSENT))
    for task_id in ("1", "2"):
        terminal.simulator.huaweicloud.add(SNAPSHOT, id=task_id, created="1d")
    terminal.simulator.huaweicloud.add(SNAPSHOT, id="3", status="running", created="1d")


def test_success_with_a_body_where_none_belongs_is_read_back(terminal: Terminal) -> None:
    terminal.simulator.faults.add("status", **CANCEL, status=200, body={"result": "deleted"}, times=0)
    run = applied(terminal)
    assert (run.code, run.kinds) == (3, {"unknown"})
    assert {result["error"]["meaning"] for result in run.results.values()} == {"malformed"}


def test_success_without_an_effect_is_unknown(terminal: Terminal) -> None:
    terminal.simulator.faults.add("status", **CANCEL, status=204, body="", times=0)
    run = applied(terminal)
    assert (run.code, run.kinds) == (3, {"unknown"})
    assert {result["now"] for result in run.results.values()} == {"pending"}
    assert all(len(calls) == 1 for calls in calls_by_task(terminal).values())


def test_success_for_all_jobs_of_a_call_of_which_some_still_wait_is_unknown_for_those(terminal: Terminal) -> None:
    policy = "{resource: aliyun.vod.url_upload, match: {status: pending}, ensure: absent}"
    terminal.write(configured(policy))
    for task_id in ("a1", "a2"):
        terminal.simulator.aliyun.add("aliyun.vod.url_upload", id=task_id, UploadURL="https://h/v.mp4", created="1d")
    body = {"RequestId": "1", "CanceledJobs": ["a1", "a2"], "NonExists": []}
    terminal.simulator.faults.add("cancel_task", path="^CancelUrlUploadJobs$", task="a1")
    terminal.simulator.faults.add("status", path="^CancelUrlUploadJobs$", status=200, body=body)
    run = applied(terminal)
    assert (run.code, run.outcomes) == (3, {"a1": "done", "a2": "unknown"})


@pytest.mark.parametrize(
    "shown",
    [rows(row("7", "CANCELED"), row("8", "CANCELED")), rows(total=2), rows(row("7", "CANCELED"), total=1)],
    ids=["rows of others", "no rows and a total", "one row of another"],
)
def test_readings_that_leave_a_task_out_for_the_wrong_reason_do_not_make_it_gone(
    terminal: Terminal, shown: dict[str, Any]
) -> None:
    terminal.simulator.faults.add("status", **BY_ID, **shown, times=0)
    run = applied(terminal)
    assert (run.code, run.kinds) == (3, {"unknown"})
    assert {result["now"] for result in run.results.values()} == {None}
    assert {result["error"]["meaning"] for result in run.results.values()} == {"malformed"}


def test_a_filter_that_is_ignored_selects_nothing_more(terminal: Terminal) -> None:
    terminal.simulator.faults.add("status", **LIST, **rows(row("1"), row("2"), row("3", "PROCESSING")))
    run = applied(terminal)
    assert (run.code, run.outcomes) == (0, {"1": "done", "2": "done"})


def test_rows_that_come_twice_are_one_task_and_the_list_is_not_trusted(terminal: Terminal) -> None:
    terminal.simulator.faults.add("status", **LIST, **rows(row("1"), row("1")), times=0)
    run = applied(terminal)
    assert (run.code, run.outcomes) == (1, {"1": "done"})
    assert calls_by_task(terminal) == {"1": [True]}


def test_a_task_that_a_list_invents_is_not_done(terminal: Terminal) -> None:
    terminal.simulator.faults.add("status", **LIST, **rows(row("1"), row("2"), row("99")))
    run = applied(terminal)
    assert (run.code, run.outcomes) == (0, {"1": "done", "2": "done", "99": "satisfied"})


def test_a_total_beyond_the_rows_is_not_taken_for_the_whole(terminal: Terminal) -> None:
    policy = f"{{resource: {SNAPSHOT}, match: {{status: pending}}, ensure: {{at_most: 0}}}}"
    terminal.write(configured(policy))
    terminal.simulator.faults.add("status", **LIST, **rows(row("1"), total=5), times=0)
    run = applied(terminal)
    assert run.code == 1
    assert terminal.destructive() == []


def test_a_status_outside_the_table_is_left_alone(terminal: Terminal) -> None:
    policy = f"{{resource: {TRANSCODING}, match: {{not: {{status: running}}}}, ensure: absent}}"
    terminal.write(configured(policy))
    terminal.simulator.huaweicloud.add(TRANSCODING, id="5", status="NEVER_SEEN", created="1d")
    run = applied(terminal)
    assert run.code == 0
    assert terminal.destructive() == []


def test_jobs_listed_and_said_not_to_exist_are_not_gone(terminal: Terminal) -> None:
    prepare(terminal, UPLOAD)
    infos = [{"JobId": task_id, "Status": "PENDING", "UploadURL": "https://h/v.mp4"} for task_id in UPLOAD.ids]
    body = {"RequestId": "1", "URLUploadInfoList": infos, "NonExists": list(UPLOAD.ids)}
    UPLOAD.fail(terminal, "read", fault="status", times=0, status=200, body=body)
    run = applied(terminal)
    assert (run.code, run.kinds) == (3, {"unknown"})
