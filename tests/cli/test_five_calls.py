"""Each of the five documented calls: the exact request, and the right outcome of everything that can happen to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.terminal import ALIYUN, HEAD

if TYPE_CHECKING:
    from tests.terminal import Terminal

PROJECT = "0123456789abcdef0123456789abcdef"


@dataclass(frozen=True)
class Call:
    """One documented call: what there is before, the policy, the request, and the state it leads to."""

    resource: str
    before: str
    match: str
    method: str
    path: str
    query: str
    after: str
    task: str = "100211"


CALLS = [
    Call(
        "huaweicloud.vod.editing", "pending", "{status: pending}", "DELETE",
        f"/v1/{PROJECT}/asset/editing/tasks", "task_id=100211", "canceled",
    ),
    Call(
        "huaweicloud.mpc.transcoding", "pending", "{status: pending}", "DELETE",
        f"/v1/{PROJECT}/transcodings", "task_id=100211", "canceled",
    ),
    Call(
        "huaweicloud.mpc.packaging", "succeeded", "{status: succeeded}", "DELETE",
        f"/v1/{PROJECT}/remux/task", "task_id=100211", "gone",
    ),
    Call(
        "huaweicloud.mpc.snapshot", "pending", "{status: pending}", "DELETE",
        f"/v1/{PROJECT}/thumbnails", "task_id=100211", "canceled",
    ),
    Call(
        "aliyun.vod.url_upload", "pending", "{status: pending}", "POST",
        "CancelUrlUploadJobs", "JobIds=a1", "gone", task="a1",
    ),
]  # fmt: skip
CANCELS = [call for call in CALLS if call.before == "pending"]


def configured(terminal: Terminal, call: Call) -> None:
    terminal.write(
        f"{HEAD}{ALIYUN}\npolicies:\n  p: {{resource: {call.resource}, match: {call.match}, ensure: absent}}\n"
    )
    fields = {"UploadURL": "https://h/v.mp4"} if call.resource.startswith("aliyun") else {}
    terminal.simulator.store(call.resource).add(call.resource, id=call.task, status=call.before, created="2d", **fields)


def applied(terminal: Terminal) -> tuple[int, dict[str, object]]:
    """Apply, and return the exit code with the one result."""
    finished = terminal.run("apply", "--auto-approve", "--format", "json")
    (result,) = finished.json["results"]
    return finished.code, result


def names(call: Call) -> str:
    return call.resource


@pytest.fixture(params=CALLS, ids=names)
def call(request: pytest.FixtureRequest, terminal: Terminal) -> Call:
    configured(terminal, request.param)
    return request.param  # type: ignore[no-any-return] # pytest types it Any


@pytest.fixture(params=CANCELS, ids=names)
def cancel(request: pytest.FixtureRequest, terminal: Terminal) -> Call:
    configured(terminal, request.param)
    return request.param  # type: ignore[no-any-return] # as above


def test_success_is_the_documented_request_and_done(terminal: Terminal, call: Call) -> None:
    code, result = applied(terminal)
    assert (code, result["outcome"], result["before"], result["now"]) == (0, "done", call.before, call.after)
    assert terminal.destructive() == [(call.method, call.path, call.query)]
    assert terminal.simulator.anomalies == []


def test_a_second_plan_has_nothing_to_do(terminal: Terminal, call: Call) -> None:
    applied(terminal)
    finished = terminal.run("plan", "--detailed-exitcode")
    assert finished.code == 0
    assert "No changes" in finished.out
    assert len(terminal.destructive()) == 1


def test_already_gone_is_satisfied(terminal: Terminal, call: Call) -> None:
    terminal.simulator.faults.add("disappear", method=call.method, path=f"{call.path}$")
    code, result = applied(terminal)
    assert (code, result["outcome"], result["now"]) == (0, "satisfied", "gone")
    assert len(terminal.destructive()) == 1


def test_canceled_by_somebody_else_is_satisfied(terminal: Terminal, cancel: Call) -> None:
    terminal.simulator.faults.add("cancel_task", method=cancel.method, path=f"{cancel.path}$")
    code, result = applied(terminal)
    assert (code, result["outcome"]) == (0, "satisfied")


def test_started_meanwhile_is_missed(terminal: Terminal, cancel: Call) -> None:
    terminal.simulator.faults.add("start_task", method=cancel.method, path=f"{cancel.path}$")
    code, result = applied(terminal)
    assert (code, result["outcome"], result["before"], result["now"]) == (0, "missed", "pending", "running")
    assert len(terminal.destructive()) == 1


def test_missed_fails_the_run_where_the_user_says_so(terminal: Terminal, cancel: Call) -> None:
    terminal.simulator.faults.add("start_task", method=cancel.method, path=f"{cancel.path}$")
    assert terminal.run("apply", "--auto-approve", "--fail-on", "missed").code == 3


def test_ended_meanwhile_is_missed(terminal: Terminal, cancel: Call) -> None:
    terminal.simulator.faults.add("finish_task", method=cancel.method, path=f"{cancel.path}$", final="succeeded")
    code, result = applied(terminal)
    assert (code, result["outcome"], result["now"]) == (0, "missed", "succeeded")


def test_a_lost_answer_whose_effect_is_seen_is_done_and_not_sent_again(terminal: Terminal, call: Call) -> None:
    terminal.simulator.faults.add("lost_answer", method=call.method, path=f"{call.path}$")
    code, result = applied(terminal)
    assert (code, result["outcome"], result["now"]) == (0, "done", call.after)
    assert len(terminal.destructive()) == 1


def test_a_lost_request_is_sent_again_once_the_task_was_read(terminal: Terminal, call: Call) -> None:
    terminal.simulator.faults.add("reset", method=call.method, path=f"{call.path}$")
    code, result = applied(terminal)
    assert (code, result["outcome"], result["calls"]) == (0, "done", 2)
    requests = [record.destructive for record in terminal.simulator.requests]
    first = requests.index(True)
    assert requests[first + 1] is False, "the task is read before the call is made again"


@pytest.mark.usefixtures("impatient")
def test_answers_that_keep_getting_lost_are_unknown(terminal: Terminal, call: Call) -> None:
    terminal.simulator.faults.add("reset", method=call.method, path=f"{call.path}$", times=0)
    code, result = applied(terminal)
    assert (code, result["outcome"]) == (3, "unknown")


def test_a_refusal_for_want_of_rights_is_failed(terminal: Terminal, call: Call) -> None:
    refusals = {
        "huaweicloud": {"status": 403, "body": {"error_code": "APIGW.0302", "error_msg": "not allowed"}},
        "aliyun": {"status": 403, "body": {"RequestId": "1", "Code": "Forbidden.RAM", "Message": "not allowed"}},
    }
    fault = refusals[call.resource.split(".", maxsplit=1)[0]]
    terminal.simulator.faults.add("status", method=call.method, path=f"{call.path}$", times=0, **fault)
    code, result = applied(terminal)
    assert (code, result["outcome"]) == (3, "failed")
    assert result["error"]["meaning"] == "permission"  # type: ignore[index] # a JSON object
    assert len(terminal.destructive()) == 1


def test_throttling_is_waited_out(terminal: Terminal, call: Call) -> None:
    terminal.simulator.faults.add("throttle", method=call.method, path=f"{call.path}$", retry_after=0)
    code, result = applied(terminal)
    assert (code, result["outcome"]) == (0, "done")


def test_a_server_error_after_which_the_effect_is_not_seen_is_tried_again(terminal: Terminal, call: Call) -> None:
    body = {"error_code": "x", "error_msg": "x", "Code": "InternalError", "Message": "x", "RequestId": "1"}
    terminal.simulator.faults.add("status", method=call.method, path=f"{call.path}$", status=500, body=body)
    code, result = applied(terminal)
    assert (code, result["outcome"], result["calls"]) == (0, "done", 2)
