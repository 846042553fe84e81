"""Ways to a cloud that lead nowhere, and a home that is missing: the others go on."""

import os
import subprocess
import sys

import pytest

from reconciler.providers.huaweicloud.client import HuaweicloudClient
from reconciler.tasks.observation import Observation
from reconciler.tasks.resource_type import ResourceType
from reconciler.tasks.sink import Sink
from tests.faults.kinds import SNAPSHOT, applied, configured
from tests.terminal import HEAD, Terminal

ONE = f"{{resource: {SNAPSHOT}, match: {{status: pending}}, ensure: absent}}"
TWO = (ONE, "{resource: huaweicloud.vod.editing, match: {status: pending}, ensure: absent}")


@pytest.fixture(autouse=True)
def waiting(terminal: Terminal) -> None:
    terminal.simulator.huaweicloud.add(SNAPSHOT, id="1", created="1d")


def test_an_endpoint_that_cannot_be_reached_fails_alone(terminal: Terminal) -> None:
    terminal.write(configured(*TWO, head=HEAD.replace('vod: "${URL}"', 'vod: "http://127.0.0.1:9"')))
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
    terminal.write(configured(*TWO, head=HEAD.replace('vod: "${URL}"', 'vod: "https://vod.example.invalid"')))
    run = applied(terminal)
    assert (run.code, run.outcomes) == (1, {"1": "done"})
    assert f"the environment variable {variable} " in run.text
    assert "hunter2" not in run.text


@pytest.mark.parametrize("command", ["plan", "validate", "demo --help"])
def test_a_log_of_keys_that_cannot_be_opened_is_the_error_of_who_needs_it(terminal: Terminal, command: str) -> None:
    """In a process of its own: libraries look at the variable when they are imported. The clouds here have no TLS."""
    terminal.write(configured(ONE))
    environment = {**os.environ, "SSLKEYLOGFILE": str(terminal.directory / "missing" / "keys.log")}
    words = [sys.executable, "-P", "-m", "reconciler", *command.split()]
    finished = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    assert (finished.returncode, finished.stderr) == (0, "")


def test_a_bug_in_one_listing_fails_its_scope_alone(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    real = HuaweicloudClient.observe

    async def observe(
        self: HuaweicloudClient, resource: ResourceType, statuses: frozenset[str] | None, sink: Sink
    ) -> Observation:
        if resource.name == SNAPSHOT:
            return await real(self, resource, statuses, sink)
        raise LookupError("hunter2")

    monkeypatch.setattr(HuaweicloudClient, "observe", observe)
    terminal.write(configured(*TWO))
    run = applied(terminal)
    assert (run.code, run.outcomes) == (1, {"1": "done"})
    assert "bug in reconciler: LookupError" in run.text
    assert "hunter2" not in run.text


@pytest.mark.parametrize(
    "command",
    [
        "plan",
        "validate .",
        "permissions .",
        "plan reconciler.yaml",
        f"query {SNAPSHOT}",
        "why 1",
        "apply --auto-approve",
    ],
)
def test_a_user_without_a_home_needs_none(terminal: Terminal, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    def nobody(_: int) -> None:
        raise KeyError("uid not found")

    monkeypatch.delenv("HOME")
    monkeypatch.setattr("pwd.getpwuid", nobody)
    terminal.write(configured(ONE))
    assert terminal.run(*command.split()).code == 0
    for name in ("HUAWEICLOUD_SDK_AK", "HUAWEICLOUD_SDK_SK"):
        monkeypatch.delenv(name)
    assert "/dev/null/.huaweicloud/credentials (does not exist)" in terminal.run("plan").out
