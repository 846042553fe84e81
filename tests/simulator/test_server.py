"""The server: dispatch, the log, steering over HTTP, loopback only."""

# ruff: noqa: ANN401 - the vendors' SDKs and the decoded answers have no types

import asyncio
import json
import socket
from collections.abc import Callable
from threading import RLock
from typing import Any

import pytest

from reconciler.simulator import Simulator, check_loopback, serve
from reconciler.simulator.request_log import RequestLog, RequestRecord
from reconciler.simulator.server import ServerThread

Send = Callable[..., Any]


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("GET", "/v1/p/unheard-of"),
        ("PATCH", "/v1/p/remux"),
        ("GET", "/v1/p/remux/"),
        ("GET", "/v9/p/remux"),
        ("GET", "/v1"),
        ("DELETE", "/v1/p/asset/process"),
    ],
)
def test_unknown_paths(simulator: Simulator, send: Send, method: str, target: str) -> None:
    reply = send(simulator, method, target)
    assert (reply.status, json.loads(reply.body)["error_code"]) == (404, "APIGW.0101")
    assert reply.headers["X-Request-Id"]


def test_the_log_keeps_the_wire_and_no_secret(simulator: Simulator, send: Send, signed: Send) -> None:
    target = f"/v1/{simulator.accounts.huaweicloud[0].owners()[0]}/remux?input_bucket=my%20b%2Bc&colour=red"
    send(simulator, "GET", target, signed(simulator, "GET", target))
    (record,) = simulator.requests
    assert record.raw_query == "input_bucket=my%20b%2Bc&colour=red"
    assert record.query == (("input_bucket", "my b+c"), ("colour", "red"))
    assert record.operation == "huaweicloud.mpc.packaging.list"
    assert "authorization" not in record.headers
    assert "x-sdk-date" in record.headers
    (anomaly,) = simulator.anomalies
    assert (anomaly.request, anomaly.what) == (record.number, "unknown query parameter 'colour'")
    assert simulator.counters["huaweicloud", "huaweicloud.mpc.packaging.list"] == 1
    simulator.log.clear()
    assert (simulator.requests, simulator.anomalies, simulator.counters) == ([], [], {})


def test_the_log_is_bounded_and_the_counters_are_not() -> None:
    log = RequestLog(RLock(), kept=3)
    for number in range(10):
        record = RequestRecord(
            vendor="aws",
            operation="list",
            owner=f"o{number % 2}",
            method="GET",
            path="/",
            action="",
            raw_query="",
            query=(),
            headers={},
            status=200,
            destructive=False,
        )
        log.add(record, ["odd"])
    assert [record.number for record in log.records] == [anomaly.request for anomaly in log.anomalies] == [8, 9, 10]
    assert (log.counters(), log.counters("o1")) == ({("aws", "list"): 10}, {("aws", "list"): 5})


def test_repeated_parameters_that_take_one_value(simulator: Simulator, send: Send, signed: Send) -> None:
    target = f"/v1/{simulator.accounts.huaweicloud[0].owners()[0]}/remux?status=FAILED&status=WAITING"
    reply = send(simulator, "GET", target, signed(simulator, "GET", target))
    assert (reply.status, json.loads(reply.body)["error_code"]) == (400, "MPC.10202")


def test_steering_over_http(simulator: Simulator, send: Send) -> None:
    def steer(method: str, name: str, body: object = None) -> Any:
        reply = send(simulator, method, f"/_simulator/{name}", {}, json.dumps(body).encode() if body else b"")
        return reply.status, json.loads(reply.body)

    simulator.huaweicloud.add("huaweicloud.mpc.packaging")
    before = simulator.clock.now
    assert steer("POST", "advance", {"duration": "6h"})[0] == 200
    assert steer("POST", "advance", {"seconds": 60})[0] == 200
    assert (simulator.clock.now - before).total_seconds() == 6 * 3600 + 60
    assert steer("POST", "faults", {"kind": "throttle", "times": 2}) == (200, {"kind": "throttle", "times": 2})
    status, state = steer("GET", "state")
    assert (status, state["tasks"]) == (200, {"huaweicloud.mpc.packaging": {"WAITING": 1}})
    assert state["faults"] == [{"kind": "throttle", "times": 2}]
    send(simulator, "GET", "/v1/p/remux")
    assert [record["status"] for record in steer("GET", "requests")[1]["requests"]] == [429]
    assert steer("DELETE", "faults")[0] == steer("DELETE", "requests")[0] == 200
    assert (simulator.faults.pending, simulator.requests) == ([], [])


@pytest.mark.parametrize(
    ("method", "name", "body", "status"),
    [
        ("GET", "nothing", b"", 404),
        ("POST", "advance", b"", 400),
        ("POST", "advance", b'{"duration": "soon"}', 400),
        ("POST", "advance", b"[]", 400),
        ("POST", "faults", b'{"kind": "meteor"}', 400),
        ("POST", "faults", b'{"kind": "throttle", "colour": 1}', 400),
    ],
)
def test_bad_steering(simulator: Simulator, send: Send, method: str, name: str, body: bytes, status: int) -> None:
    assert send(simulator, method, f"/_simulator/{name}", {}, body).status == status


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.7", "example.com", ""])  # noqa: S104 - refused
def test_other_machines_cannot_reach_it(host: str) -> None:
    with pytest.raises(ValueError, match="loopback"):
        check_loopback(host)
    with pytest.raises(ValueError, match="loopback"), Simulator().running(host=host):
        pass


def test_the_state_outlives_the_server(send: Send) -> None:
    simulator = Simulator()
    with simulator.running():
        send(simulator, "GET", "/v1/p/remux")
        with pytest.raises(RuntimeError), simulator.running():
            pass
    assert len(simulator.requests) == 1
    with pytest.raises(RuntimeError):
        _ = simulator.url
    with simulator.running():
        send(simulator, "GET", "/v1/p/remux")
    assert len(simulator.requests) == 2


def test_a_taken_port_is_an_error() -> None:
    with Simulator().running() as first:
        port = int(first.url.rpartition(":")[2])
        with pytest.raises(OSError, match="in use"), Simulator().running(port=port):
            pass


def test_a_server_that_ends_by_itself_is_stopped_without_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its loop may close between the look at the thread and the word to it; the real error would be hidden."""
    server = ServerThread(Simulator(), "127.0.0.1", 0)
    server.start()
    server.stop()
    monkeypatch.setattr(server._thread, "is_alive", lambda: True)
    server.stop()


def test_a_mistake_of_its_own_is_raised_when_it_stops(send: Send, monkeypatch: pytest.MonkeyPatch) -> None:
    """The client sees HTTP 500, which it may take for the cloud's."""
    simulator = Simulator()

    def broken(_: object) -> None:
        raise LookupError("a mistake of the simulator")

    monkeypatch.setattr(simulator, "arrive", broken)
    with pytest.raises(LookupError, match="a mistake of the simulator"), simulator.running():
        assert send(simulator, "GET", "/v1/p/remux").status == 500
    with pytest.raises(RuntimeError, match="not running"):
        assert simulator.url


def test_a_server_that_cannot_start_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise LookupError("whatever it is")

    monkeypatch.setattr("reconciler.simulator.server.check_loopback", broken)
    with pytest.raises(LookupError, match="whatever it is"), Simulator().running():
        pass


async def test_serve_runs_until_cancelled(send: Send) -> None:
    simulator = Simulator()
    urls: list[str] = []
    ready = asyncio.Event()

    def note(url: str) -> None:
        urls.append(url)
        ready.set()

    task = asyncio.create_task(serve(simulator, on_ready=note))
    await ready.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert urls[0].startswith("http://127.0.0.1:")


def test_a_hanging_request_does_not_keep_the_server() -> None:
    simulator = Simulator()
    simulator.faults.add("hang")
    with simulator.running():
        host, _, port = simulator.url.removeprefix("http://").rpartition(":")
        client = socket.create_connection((host, int(port)))
        client.sendall(b"GET /v1/p/remux HTTP/1.1\r\nHost: x\r\n\r\n")
        while not simulator.requests:
            pass
    client.close()  # for as long as the request would have hung, the test would, too
