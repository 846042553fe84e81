"""Each of the five documented calls: the exact request. What can happen to it: tests/faults/test_one_fault.py."""

from dataclasses import dataclass

import pytest

from tests.terminal import ALIYUN, HEAD, Terminal

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


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.resource)
def test_the_documented_request_and_done_and_a_second_plan_has_nothing_to_do(terminal: Terminal, call: Call) -> None:
    terminal.write(
        f"{HEAD}{ALIYUN}\npolicies:\n  p: {{resource: {call.resource}, match: {call.match}, ensure: absent}}\n"
    )
    fields = {"UploadURL": "https://h/v.mp4"} if call.resource.startswith("aliyun") else {}
    terminal.simulator.store(call.resource).add(call.resource, id=call.task, status=call.before, created="2d", **fields)
    applied = terminal.run("apply", "--auto-approve", "--format", "json")
    (result,) = applied.json["results"]
    assert (applied.code, result["outcome"], result["before"], result["now"]) == (0, "done", call.before, call.after)
    assert terminal.destructive() == [(call.method, call.path, call.query)]
    assert terminal.simulator.anomalies == []
    again = terminal.run("plan", "--detailed-exitcode")
    assert (again.code, "No changes" in again.out) == (0, True)
