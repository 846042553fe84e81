"""Connections: those that hang, come late, break before or after the effect, or never come about."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.providers.huaweicloud.client import HuaweicloudClient
from tests.faults.kinds import SNAPSHOT, applied, calls_by_task, configured
from tests.terminal import HEAD

if TYPE_CHECKING:
    from reconciler.tasks.observation import Observation
    from reconciler.tasks.resource_type import ResourceType
    from tests.faults.kinds import Kind
    from tests.terminal import Terminal

ENOUGH = 1.0
"""Seconds that an answer is waited for in these tests: one that comes is not missed on a busy machine."""


@pytest.fixture(autouse=True)
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wire that waits for an answer no longer than ENOUGH."""
    monkeypatch.setattr("reconciler.providers.transport.wire.READ_SECONDS", ENOUGH)


@pytest.fixture
def hastier(hasty: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no reading is ever answered, and what is missed is read or asked for again."""
    monkeypatch.setattr("reconciler.providers.transport.wire.READ_SECONDS", ENOUGH / 5)


def test_a_listing_that_hangs_is_repeated(terminal: Terminal, kind: Kind) -> None:
    terminal.simulator.faults.add("hang", **kind.read)
    run = applied(terminal)
    assert (run.code, run.kinds) == (0, {"done"})


@pytest.mark.usefixtures("hastier")
def test_a_listing_that_always_hangs_fails_the_scope(terminal: Terminal, kind: Kind) -> None:
    terminal.simulator.faults.add("hang", **kind.read, times=0)
    run = applied(terminal)
    assert run.code == 1
    assert "no answer in time" in run.text
    assert terminal.destructive() == []


def test_a_call_that_hangs_is_read_back_and_made_again(terminal: Terminal, kind: Kind) -> None:
    terminal.simulator.faults.add("hang", **kind.cancel)
    run = applied(terminal)
    assert (run.code, run.kinds) == (0, {"done"})
    assert kind.canceled(terminal) == set(kind.ids)


def test_calls_that_always_hang_are_unknown(terminal: Terminal, kind: Kind) -> None:
    terminal.simulator.faults.add("hang", **kind.cancel, times=0)
    run = applied(terminal)
    assert (run.code, run.kinds) == (3, {"unknown"})
    assert {result["error"]["meaning"] for result in run.results.values()} == {"lost"}


@pytest.mark.usefixtures("hastier")
def test_readings_that_always_hang_are_unknown(terminal: Terminal, kind: Kind) -> None:
    kind.fail_reads(terminal, "hang", times=0)
    run = applied(terminal)
    assert (run.code, run.kinds) == (3, {"unknown"})
    assert all(len(calls) == 1 for calls in calls_by_task(terminal).values())


def test_slow_answers_are_waited_for(terminal: Terminal, kind: Kind) -> None:
    terminal.simulator.faults.add("latency", times=0, seconds=ENOUGH / 10)
    run = applied(terminal)
    assert (run.code, run.kinds) == (0, {"done"})


def test_an_effect_that_comes_after_the_patience_for_its_answer_happens_once(terminal: Terminal, kind: Kind) -> None:
    terminal.simulator.faults.add("latency", **kind.cancel, seconds=2 * ENOUGH)
    run = applied(terminal)
    assert (run.code, run.kinds) == (0, {"done"})
    assert all(calls.count(True) == 1 for calls in calls_by_task(terminal).values())


def test_a_connection_reset_before_the_effect_is_read_back_and_made_again(terminal: Terminal, kind: Kind) -> None:
    terminal.simulator.faults.add("reset", **kind.cancel)
    run = applied(terminal)
    assert (run.code, run.kinds) == (0, {"done"})
    assert all(calls.count(True) == 1 for calls in calls_by_task(terminal).values())


def test_a_connection_reset_after_the_effect_is_done_and_not_made_again(terminal: Terminal, kind: Kind) -> None:
    terminal.simulator.faults.add("lost_answer", **kind.cancel, times=0)
    run = applied(terminal)
    assert (run.code, run.kinds) == (0, {"done"})
    assert all(calls == [True] for calls in calls_by_task(terminal).values())


def test_readings_are_repeated_after_a_reset(terminal: Terminal, kind: Kind) -> None:
    kind.fail_reads(terminal, "reset", times=2)
    run = applied(terminal)
    assert (run.code, run.kinds) == (0, {"done"})


def test_an_endpoint_that_cannot_be_reached_fails_alone(terminal: Terminal) -> None:
    terminal.write(
        configured(
            f"{{resource: {SNAPSHOT}, match: {{status: pending}}, ensure: absent}}",
            "{resource: huaweicloud.vod.editing, match: {status: pending}, ensure: absent}",
            head=HEAD.replace('vod: "${URL}"', 'vod: "http://127.0.0.1:9"'),
        )
    )
    terminal.simulator.huaweicloud.add(SNAPSHOT, id="1", created="1d")
    run = applied(terminal)
    assert (run.code, run.outcomes) == (1, {"1": "done"})
    assert "no connection" in run.text


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("SSL_CERT_FILE", "/nonexistent/ca.pem"),
        ("SSL_CERT_FILE", "reconciler.yaml"),
        ("SSL_CERT_DIR", "/nonexistent"),
        ("HTTPS_PROXY", "socks5://user:hunter2@127.0.0.1:9"),
        ("all_proxy", "http://user:hunter2@:port"),
    ],
)
def test_an_environment_that_leads_nowhere_fails_the_targets_that_need_it(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, variable: str, text: str
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.setenv(variable, text)
    terminal.write(
        configured(
            f"{{resource: {SNAPSHOT}, match: {{status: pending}}, ensure: absent}}",
            "{resource: huaweicloud.vod.editing, match: {status: pending}, ensure: absent}",
            head=HEAD.replace('vod: "${URL}"', 'vod: "https://vod.example.invalid"'),
        )
    )
    terminal.simulator.huaweicloud.add(SNAPSHOT, id="1", created="1d")
    run = applied(terminal)
    assert (run.code, run.outcomes) == (1, {"1": "done"})
    assert f"the environment variable {variable} " in run.text
    assert "hunter2" not in run.text


def test_a_bug_in_one_listing_fails_its_scope_alone(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    real = HuaweicloudClient.observe

    async def observe(self: HuaweicloudClient, resource: ResourceType, statuses: frozenset[str] | None) -> Observation:
        if resource.name == SNAPSHOT:
            return await real(self, resource, statuses)
        raise LookupError("hunter2")

    monkeypatch.setattr(HuaweicloudClient, "observe", observe)
    terminal.write(
        configured(
            f"{{resource: {SNAPSHOT}, match: {{status: pending}}, ensure: absent}}",
            "{resource: huaweicloud.vod.editing, match: {status: pending}, ensure: absent}",
        )
    )
    terminal.simulator.huaweicloud.add(SNAPSHOT, id="1", created="1d")
    run = applied(terminal)
    assert (run.code, run.outcomes) == (1, {"1": "done"})
    assert "bug in reconciler: LookupError" in run.text
    assert "hunter2" not in run.text


@pytest.mark.parametrize("command", ["plan", f"query {SNAPSHOT}", "why 1", "apply --auto-approve"])
def test_a_user_without_a_home_needs_none(terminal: Terminal, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    def nobody(_: int) -> None:
        raise KeyError("uid not found")

    monkeypatch.delenv("HOME")
    monkeypatch.setattr("pwd.getpwuid", nobody)
    terminal.write(configured(f"{{resource: {SNAPSHOT}, match: {{status: pending}}, ensure: absent}}"))
    terminal.simulator.huaweicloud.add(SNAPSHOT, id="1", created="1d")
    assert terminal.run(*command.split()).code == 0
    for name in ("HUAWEICLOUD_SDK_AK", "HUAWEICLOUD_SDK_SK"):
        monkeypatch.delenv(name)
    assert "/dev/null/.huaweicloud/credentials (does not exist)" in terminal.run("plan").out
