"""The wire to a webhook: what is tried again, what is not followed, and how long it takes."""

import re
import signal
import socket
import time
import urllib.error
import urllib.request
from contextlib import closing
from pathlib import Path

import pytest

from reconciler.config.model import Event, Receiver, Secret
from reconciler.exceptions import BackendError, ProviderError
from reconciler.notifications.judging import Run, found, news
from reconciler.notifications.message import NOTIFICATION, Notification
from reconciler.notifications.webhook import SECONDS, post
from reconciler.notifications.wording import notification
from reconciler.provider.loopback import GONE_SILENT, Reply, Server, Time, serving
from tests.examples.walkthrough import free_port
from tests.notifications.conftest import POLICY, SECRET, Hook, notify
from tests.providers.loopback import around
from tests.terminal import HEAD, Terminal, wait_until

ROOT = Path(__file__).parents[2]
ENVIRONMENT = {"HOOK_SECRET": SECRET}


def message() -> Notification:
    run = Run("apply", error=BackendError("the database is down"))
    what = found(run, {})
    told = news(run, what, {}, frozenset(Event), 0)
    return notification(run, what, told, "ops", "", message_id="1" * 32, time=1_700_000_000)


def receiver(url: str) -> Receiver:
    return Receiver("ops", frozenset(Event), url, Secret(env="HOOK_SECRET"), masked={url: "${HOOK}"})


async def posted(server: Server, **environment: str) -> str:
    around_it = around(ENVIRONMENT | environment, time=Time())
    return str(await post(message(), receiver(f"{server.url}/hook"), around_it) or "")


@pytest.mark.parametrize(
    ("replies", "tries", "why"),
    [
        ([Reply(200)], 1, ""),
        ([Reply(500), Reply(204)], 2, ""),
        ([Reply(429, headers={"Retry-After": "1"}), Reply(204)], 2, ""),
        ([GONE_SILENT, Reply(204)], 2, ""),
        ([Reply(503)] * 9, 3, "HTTP 503: it is out of order"),
        ([Reply(429, headers={"Retry-After": "60"})] * 9, 1, "HTTP 429: it takes no more for now"),
        (
            [Reply(302, headers={"Location": "http://127.0.0.1:9/"})],
            1,
            "HTTP 302: it leads elsewhere, where nothing is sent",
        ),
        ([Reply(401, SECRET.encode())], 1, "HTTP 401: it refused the message"),
    ],
)
async def test_what_is_tried_again(replies: list[Reply], tries: int, why: str) -> None:
    async with serving(list(replies)) as server:
        assert await posted(server) == why
        assert len(server.requests) == tries
        assert len({request.body for request in server.requests}) == 1
        assert len({request.header("x-reconciler-signature") for request in server.requests}) == 1


@pytest.mark.parametrize(
    ("environment", "why"),
    [
        ({"HOOK_SECRET": ""}, "environment variable HOOK_SECRET is not set or empty"),
        ({"RECONCILER_ENDPOINT_HOSTS": "hooks.example.com"}, "its host is not among RECONCILER_ENDPOINT_HOSTS"),
        ({"RECONCILER_CREDENTIAL_SOURCES": "PROD_*"}, "HOOK_SECRET is not among RECONCILER_CREDENTIAL_SOURCES"),
    ],
)
async def test_what_the_environment_does_not_permit_is_not_sent(environment: dict[str, str], why: str) -> None:
    async with serving([]) as server:
        with pytest.raises(ProviderError, match=why):
            await posted(server, **environment)
        assert server.requests == []


@pytest.mark.parametrize("variable", ["RECONCILER_ENDPOINT_HOSTS", "RECONCILER_CREDENTIAL_SOURCES"])
def test_a_receiver_that_is_not_permitted_ends_every_run_before_it_begins(
    told: Terminal, hook: Hook, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "none")
    finished = told.tells(64, "settings.notify.ops", "plan")
    assert f"is not among {variable}" in finished.err


def test_a_slow_receiver_keeps_no_signal_waiting(told: Terminal, hook: Hook) -> None:
    told.simulator.faults.add("status", method="GET", status=403, times=0)
    hook.replies = [Reply(silent=True)] * 9
    started = told.start("-m", "reconciler", "apply", "--auto-approve", "--format", "json")
    wait_until(lambda: hook.requests, started)
    began = time.monotonic()
    started.send_signal(signal.SIGTERM)
    out, err = started.communicate()
    assert time.monotonic() - began < SECONDS  # which one attempt may take
    assert "notification ops: not sent: there was no time for it" in err
    assert '"outcome"' in out
    assert started.returncode in {1, 143}


def test_neither_secret_nor_address_is_said_anywhere(
    told: Terminal, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPS_HOOK", "http://127.0.0.1:9/hooks/t0psecr3t")
    told.simulator.faults.add("status", method="GET", status=403, times=0)
    finished = told.run("apply", "--auto-approve", "-vv", "--trace", "trace.jsonl", "--report", "html=r.html")
    written = [path.read_text("utf-8", "replace") for path in told.directory.rglob("*") if path.is_file()]
    for text in (finished.out, finished.err, *written):
        assert SECRET not in text
        assert "t0psecr3t" not in text


def test_the_receiver_of_the_page_believes_what_is_signed_and_nothing_else(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = (ROOT / "docs" / "how-to" / "notifications.md").read_text(encoding="utf-8")
    (program,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    port = str(free_port())
    for name, value in {"PORT": port, "OPS_HOOK_SECRET": SECRET, "OPS_HOOK": f"http://127.0.0.1:{port}/"}.items():
        monkeypatch.setenv(name, value)
    terminal.write(HEAD + notify() + POLICY)
    terminal.simulator.faults.add("status", method="GET", status=403, times=0)
    receiver = terminal.start("-c", program)
    try:
        wait_until(lambda: _listens(int(port)), receiver)
        forged = NOTIFICATION.text(message()).encode()
        with pytest.raises(urllib.error.HTTPError, match="401"):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/", forged)
        assert terminal.run("apply", "--auto-approve").err == ""
        assert receiver.stdout is not None
        assert receiver.stdout.readline() == "reconciler apply: failed (1 target: huawei)\n"
    finally:
        receiver.terminate()
        receiver.communicate()


def _listens(port: int) -> bool:
    with closing(socket.socket()) as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
