"""What goes wrong on request, seen through the vendors' SDKs and through plain HTTP."""

# ruff: noqa: ANN401 - the vendors' SDKs and the decoded answers have no types

import http.client
import json
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from reconciler.simulator import FaultKind, Simulator

pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")  # the SDK's signer

PACKAGING = "huaweicloud.mpc.packaging"
UPLOAD = "aliyun.vod.url_upload"
Send = Callable[..., Any]


@pytest.fixture
def target(simulator: Simulator) -> str:
    return f"/v1/{simulator.accounts.huaweicloud[0].owners()[0]}/remux"


@pytest.fixture
def ask(simulator: Simulator, send: Send, signed: Send, target: str) -> Send:
    """Send a signed request for packaging tasks."""

    def call(method: str = "GET", query: str = "") -> Any:
        whole = f"{target}?{query}" if query else target
        return send(simulator, method, whole, signed(simulator, method, whole))

    return call


def test_throttling_in_the_vendors_forms(
    simulator: Simulator, ask: Send, aliyun_client: Send, sdk: SimpleNamespace
) -> None:
    simulator.faults.add("throttle", vendor="huaweicloud", retry_after=3)
    simulator.faults.add("throttle", vendor="huaweicloud", code="VOD.10127")
    simulator.faults.add("throttle", vendor="aliyun", retry_after=0.25)
    gateway, service = ask(), ask()
    assert (gateway.status, json.loads(gateway.body)["error_code"]) == (429, "APIGW.0308")
    assert gateway.headers["Retry-After"] == "3"
    assert (service.status, json.loads(service.body)["error_code"]) == (403, "VOD.10127")
    assert ask().status == 200
    request = sdk.aliyun.GetURLUploadInfosRequest(job_ids="1")
    with pytest.raises(sdk.AliyunError) as refused:
        aliyun_client(simulator).get_urlupload_infos(request)
    assert (refused.value.code, refused.value.retry_after) == ("Throttling.User", 250)
    aliyun_client(simulator).get_urlupload_infos(request)


def test_rules_choose_by_method_path_query_and_turn(simulator: Simulator, ask: Send) -> None:
    simulator.faults.add("status", status=500, method="DELETE")
    simulator.faults.add("status", status=501, path="/thumbnails$")
    simulator.faults.add("status", status=502, query="page=1")
    simulator.faults.add("status", status=503, nth=3, times=2)
    assert [ask(query=f"page={page}").status for page in (0, 1, 0, 0, 0, 0)] == [200, 502, 200, 503, 503, 200]
    assert [fault.status for fault in simulator.faults.pending] == [500, 501]
    simulator.faults.clear()
    assert simulator.faults.pending == []


def test_a_rule_can_last(simulator: Simulator, ask: Send) -> None:
    simulator.faults.add("status", status=500, times=0, body={"error_code": "X"}, headers={"X-Seen": "1"})
    replies = [ask() for _ in range(3)]
    assert [(reply.status, reply.headers["X-Seen"]) for reply in replies] == [(500, "1")] * 3
    assert json.loads(replies[0].body) == {"error_code": "X"}


@pytest.mark.parametrize(
    ("kind", "status", "content_type", "opening"),
    [
        ("redirect", 302, None, b""),
        ("html", 200, "text/html", b"<!DOCTYPE html>"),
        ("empty", 200, None, b""),
        ("broken_json", 200, "application/json", b'{"total"'),
        ("wrong_envelope", 200, "application/json", b'{"result"'),
    ],
)
def test_answers_that_are_not_the_clouds(
    simulator: Simulator, ask: Send, kind: str, status: int, content_type: str | None, opening: bytes
) -> None:
    task = simulator.huaweicloud.add(PACKAGING)
    simulator.faults.add(kind)
    reply = ask("DELETE", f"task_id={task.id}")
    assert (reply.status, reply.body.startswith(opening)) == (status, True)
    if content_type:
        assert reply.headers["Content-Type"].startswith(content_type)
    if kind == "redirect":
        assert reply.headers["Location"] == "https://login.example.com/"
    assert simulator.huaweicloud.status(PACKAGING, task.id) == "WAITING", "nothing was carried out"
    (record,) = simulator.requests
    assert (record.status, record.faults, record.changed, record.destructive) == (status, (kind,), (), True)


@pytest.mark.parametrize(("kind", "left"), [("reset", "WAITING"), ("lost_answer", "CANCELED")])
def test_closed_connections(simulator: Simulator, ask: Send, kind: str, left: str) -> None:
    task = simulator.huaweicloud.add(PACKAGING)
    simulator.faults.add(kind)
    with pytest.raises(ConnectionError):
        ask("DELETE", f"task_id={task.id}")
    assert simulator.huaweicloud.status(PACKAGING, task.id) == left
    assert simulator.requests[0].status == 0


def test_half_an_answer(simulator: Simulator, ask: Send) -> None:
    task = simulator.huaweicloud.add(PACKAGING)
    simulator.faults.add("truncated", times=2)
    with pytest.raises((ConnectionError, http.client.IncompleteRead)):
        ask()
    with pytest.raises(ConnectionError):  # an answer of 204 is all head, and is not told whole
        ask("DELETE", f"task_id={task.id}")
    assert [record.status for record in simulator.requests] == [200, 0]
    assert simulator.huaweicloud.status(PACKAGING, task.id) == "CANCELED"


def test_latency_and_hanging_take_real_time(simulator: Simulator, ask: Send) -> None:
    simulator.faults.add("latency", seconds=0.05)
    began = time.monotonic()
    assert ask().status == 200
    assert time.monotonic() - began >= 0.05
    simulator.faults.add("hang", seconds=0.05)
    with pytest.raises(ConnectionError):
        ask()


@pytest.mark.parametrize(
    ("kind", "rule", "status", "code"),
    [
        ("start_task", {}, "PROCESSING", "MPC.10202"),
        ("finish_task", {"final": "failed"}, "FAILED", "MPC.10202"),
        ("cancel_task", {}, "CANCELED", "MPC.10202"),
        ("disappear", {}, None, "MPC.10211"),
    ],
)
def test_races(simulator: Simulator, ask: Send, kind: str, rule: dict[str, Any], status: str | None, code: str) -> None:
    """The task moves on after it was listed and before the cancellation arrives."""
    task = simulator.huaweicloud.add(PACKAGING)
    other = simulator.huaweicloud.add(PACKAGING)
    simulator.faults.add(kind, method="DELETE", **rule)
    ask()
    reply = ask("DELETE", f"task_id={task.id}")
    assert json.loads(reply.body)["error_code"] == code
    assert simulator.huaweicloud.status(PACKAGING, task.id) == status
    assert simulator.huaweicloud.status(PACKAGING, other.id) == "WAITING"


def test_a_race_at_aliyun(simulator: Simulator, aliyun_client: Send, sdk: SimpleNamespace) -> None:
    first, second = (simulator.aliyun.add(UPLOAD).id for _ in range(2))
    simulator.faults.add("start_task", path="CancelUrlUploadJobs", task=first)
    request = sdk.aliyun.CancelUrlUploadJobsRequest(job_ids=f"{first},{second}")
    answer = aliyun_client(simulator).cancel_url_upload_jobs(request)
    assert answer.body.canceled_jobs == [second]
    assert simulator.aliyun.status(UPLOAD, first) == "PROCESSING"


@pytest.mark.parametrize(("rule", "shown", "distinct"), [({"drop": 1}, 19, 19), ({"drop": 0, "insert": 1}, 20, 19)])
def test_a_page_that_shifts(simulator: Simulator, ask: Send, rule: dict[str, int], shown: int, distinct: int) -> None:
    """Offset paging skips a row that moved up, or shows one twice that moved down."""
    for age in range(20):
        simulator.huaweicloud.add(PACKAGING, created=age + 1)
    simulator.faults.add("shift_page", query="page=1", **rule)
    ids: list[str] = []
    for page in (0, 1):
        ids += [task["task_id"] for task in json.loads(ask(query=f"page={page}&size=10").body)["tasks"]]
    assert (len(ids), len(set(ids))) == (shown, distinct)


def test_faults_add_up(simulator: Simulator, ask: Send) -> None:
    """A race and a delay go together with a bad answer; of two bad answers each has its turn."""
    task = simulator.huaweicloud.add(PACKAGING)
    simulator.faults.add("start_task")
    simulator.faults.add("latency", seconds=0.001)
    simulator.faults.add("status", status=500)
    simulator.faults.add("status", status=502)
    assert [ask("DELETE", f"task_id={task.id}").status for _ in range(3)] == [500, 502, 400]
    assert simulator.requests[0].faults == ("start_task", "latency", "status")


def test_bad_rules(simulator: Simulator) -> None:
    with pytest.raises(ValueError, match="nonsense"):
        simulator.faults.add("nonsense")
    with pytest.raises(ValueError, match="regular expression"):
        simulator.faults.add("throttle", path="(")
    with pytest.raises(TypeError):
        simulator.faults.add(FaultKind.THROTTLE, minutes=3)


def test_quotas_are_off_until_switched_on(simulator: Simulator, ask: Send) -> None:
    assert {ask().status for _ in range(101)} == {200}
    simulator.configure(quotas="documented")
    assert [ask().status for _ in range(101)].count(429) == 1
    simulator.clock.advance("1m")
    assert ask().status == 200


def test_quotas_of_aliyun(start: Callable[..., Simulator], aliyun_client: Send, sdk: SimpleNamespace) -> None:
    simulator = start({"options": {"quotas": {"CancelUrlUploadJobs": "1/1h"}}})
    client = aliyun_client(simulator)
    request = sdk.aliyun.CancelUrlUploadJobsRequest(job_ids="1")
    client.cancel_url_upload_jobs(request)
    with pytest.raises(sdk.AliyunError) as refused:
        client.cancel_url_upload_jobs(request)
    assert refused.value.code == "Throttling.User"
    assert 3_000_000 < refused.value.retry_after <= 3_600_000
