"""Spans of runs, scopes and calls, as a collector of OpenTelemetry on loopback gets them."""

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from reconciler.provider.loopback import Reply
from tests.cli.test_imports import PROBE
from tests.notifications.conftest import KIND, SECRET, Hook, notify
from tests.terminal import HEAD, Terminal

trace_service = pytest.importorskip("opentelemetry.proto.collector.trace.v1.trace_service_pb2")
pytest.importorskip("opentelemetry.exporter.otlp.proto.http.trace_exporter")

POLICY = f"""
policies:
  none-waits: {{resource: {KIND}, match: {{status: pending}}, ensure: absent, limits: {{max_percent: 100}}}}
"""


class Span:
    """One that was exported."""

    def __init__(self, span: Any) -> None:  # noqa: ANN401 - of protobuf
        self.name = span.name
        self.id, self.parent_id, self.trace_id = span.span_id, span.parent_span_id, span.trace_id
        self.failed = span.status.code == 2
        self.attributes = {
            one.key: one.value.int_value if one.value.HasField("int_value") else one.value.string_value
            for one in span.attributes
        }
        self.took = span.end_time_unix_nano - span.start_time_unix_nano


class Collector(Hook):
    def __init__(self) -> None:
        super().__init__()
        self.services: set[str] = set()

    @property
    def spans(self) -> list[Span]:
        found = []
        for request in self.requests:
            assert request.path == "/v1/traces"
            message = trace_service.ExportTraceServiceRequest.FromString(request.body)
            for of_resource in message.resource_spans:
                named = {one.key: one.value.string_value for one in of_resource.resource.attributes}
                self.services.add(named["service.name"])
                found += [Span(span) for scope in of_resource.scope_spans for span in scope.spans]
        return found


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    with Collector() as made:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", made.url.removesuffix("/hooks/reconciler"))
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "none")
        yield made


@pytest.fixture
def tidy(terminal: Terminal) -> Terminal:
    terminal.write(HEAD + POLICY)
    terminal.simulator.huaweicloud.add(KIND, id=7, created="1d", input={"bucket": "b", "object": "o"})
    return terminal


def test_a_run_its_scopes_and_its_calls(tidy: Terminal, collector: Collector) -> None:
    assert tidy.run("apply", "--auto-approve").code == 0
    spans = collector.spans
    by_id = {span.id: span for span in spans}
    (root,) = (span for span in spans if not span.parent_id)
    assert root.name == "reconciler apply"
    assert {span.trace_id for span in spans} == {root.trace_id}
    assert collector.services == {"reconciler"}
    assert {span.name for span in spans} == {root.name, "changes", f"scope {KIND}", "GET", "DELETE"}
    (canceled,) = (span for span in spans if span.name == "DELETE")
    scope = by_id[canceled.parent_id]
    assert scope.attributes == {"reconciler.target": "huawei", "reconciler.resource": KIND}
    assert by_id[scope.parent_id].name == "changes"
    assert canceled.attributes == {
        "http.request.method": "DELETE",
        "url.scheme": "http",
        "url.path": "/v1/{}/remux",
        "server.address": "${URL}",  # what a variable gave
        "server.port": int(tidy.simulator.url.rpartition(":")[2]),
        "http.response.status_code": 204,
        "http.response.body.size": canceled.attributes["http.response.body.size"],
    }
    assert all(span.took >= 0 for span in spans)


def test_a_call_that_fails_is_one_that_failed(tidy: Terminal, collector: Collector) -> None:
    tidy.simulator.faults.add("status", method="GET", status=403, times=0)
    assert tidy.run("plan").code == 1
    (call,) = (span for span in collector.spans if span.name == "GET")
    assert call.failed
    assert (call.attributes["error.type"], call.attributes["http.response.status_code"]) == ("403", 403)


def test_a_failure_that_is_told_belongs_to_its_run(
    tidy: Terminal, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ends without a report, and its trace goes on until the receivers were told."""
    with Hook() as hook:
        monkeypatch.setenv("OPS_HOOK", hook.url)
        monkeypatch.setenv("OPS_HOOK_SECRET", SECRET)
        tidy.write(HEAD + notify() + POLICY)
        words = ("apply", "--approved-digest", f"sha256:{'0' * 64}")
        assert tidy.run(*words, "--trace", "t.jsonl").code == 4
        assert [message["outcome"] for message in hook.got] == ["refused"]
        assert [span.name for span in collector.spans if not span.parent_id] == ["reconciler apply"]
        lines = (tidy.directory / "t.jsonl").read_text().splitlines()
        assert {json.loads(line).get("method") for line in lines} >= {"GET", "POST"}
        tidy.write(HEAD + notify() + POLICY.replace("absent", "none"))
        assert tidy.run(*words).code == 65
        assert len(hook.got) == 2


def test_each_cycle_has_a_span(tidy: Terminal, collector: Collector) -> None:
    assert tidy.run("run", "--once").code == 0
    assert [span.name for span in collector.spans if not span.parent_id] == ["reconciler run"]


def test_neither_keys_nor_queries_nor_ids_are_exported(tidy: Terminal, collector: Collector) -> None:
    assert tidy.run("apply", "--auto-approve").code == 0
    exported = b"".join(request.body for request in collector.requests)
    account = tidy.simulator.accounts.huaweicloud[0]
    for text in (account.access_key_id, account.secret_access_key, "0123456789abcdef0123456789abcdef", "task_id"):
        assert text.encode() not in exported


@pytest.mark.parametrize(
    ("variables", "warning"),
    [
        ({"OTEL_SDK_DISABLED": "true"}, ""),
        ({"OTEL_TRACES_EXPORTER": "none"}, ""),
        ({"OTEL_TRACES_EXPORTER": "zipkin"}, "spans are sent by otlp or none, not by zipkin"),
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "spans are sent by http/protobuf"),
        ({"OTEL_BSP_MAX_QUEUE_SIZE": "-1"}, "asks for traces, but its variables cannot be used: ValueError"),
    ],
)
def test_what_asks_for_none_or_for_what_there_is_not(
    tidy: Terminal, collector: Collector, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], warning: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    finished = tidy.run("plan")
    assert (finished.code, warning in finished.err, bool(warning)) == (0, True, "Warning" in finished.err)
    assert collector.requests == []


def test_a_collector_that_does_not_answer_holds_nothing_up(tidy: Terminal, collector: Collector) -> None:
    collector.replies = [Reply(silent=True)] * 9
    finished = tidy.run("plan")
    assert (finished.code, "traces: not all were sent in time" in finished.err) == (0, True)
    assert len(collector.requests) == 1


def test_a_collector_that_refuses_is_told_once(tidy: Terminal, collector: Collector) -> None:
    collector.replies = [Reply(400)] * 9
    finished = tidy.run("plan")
    assert finished.code == 0
    assert finished.err.count("traces: ") == 1


def test_what_is_asked_for_and_not_installed_is_said_once(tidy: Terminal, collector: Collector) -> None:
    program = "import sys\nsys.modules['opentelemetry'] = None\nfrom reconciler.cli.main import main\nmain()"
    started = tidy.start("-c", program, "plan")
    _, err = started.communicate()
    assert err.count("pip install 'media-reconciler[otel]'") == 1
    assert started.returncode == 0
    assert collector.requests == []


def test_nothing_of_it_is_loaded_where_nobody_asks(tidy: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    command = [sys.executable, "-c", PROBE, "plan"]
    finished = subprocess.run(command, cwd=tidy.directory, capture_output=True, text=True, check=True)
    assert not {"opentelemetry", "requests", "google", "apprise"} & {
        line.partition(".")[0] for line in finished.stderr.splitlines()
    }
