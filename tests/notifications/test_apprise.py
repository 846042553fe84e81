"""Chats and mail through Apprise, on loopback by its own scheme for JSON."""

import warnings

import pytest

from reconciler.provider.loopback import Reply
from tests.notifications.conftest import POLICY, Hook
from tests.terminal import HEAD, Terminal

apprise = pytest.importorskip("apprise")
with warnings.catch_warnings():  # its plugins are loaded with the first object; what they say while they are is theirs
    warnings.simplefilter("ignore")
    apprise.Apprise("json://127.0.0.1")
SETTINGS = "settings:\n  notify:\n    chat: {apprise: {env: OPS_APPRISE}}\n"


@pytest.fixture
def chatting(terminal: Terminal, hook: Hook, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    terminal.write(HEAD + SETTINGS + POLICY)
    terminal.simulator.faults.add("status", method="GET", status=403, times=0)
    monkeypatch.setenv("OPS_APPRISE", hook.url.replace("http://", "json://me:t0psecr3t@"))
    return terminal


def test_a_message_arrives_in_words(chatting: Terminal, hook: Hook) -> None:
    for _ in range(2):
        assert chatting.run("apply", "--auto-approve").code == 1
    chatting.simulator.faults.clear()
    assert chatting.run("apply", "--auto-approve").code == 0
    first, last = hook.got
    assert first["title"] == "reconciler apply: failed"
    assert first["message"].splitlines()[0] == "reconciler apply: failed (1 target: huawei)"
    assert first["message"].splitlines()[1].startswith("failed: huawei huaweicloud.mpc.packaging: could not be")
    assert last["title"] == "reconciler apply: recovered"


def test_a_part_of_the_services_is_enough_to_be_told(
    chatting: Terminal, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the others would be told by each run."""
    good = hook.url.replace("http://", "json://")
    monkeypatch.setenv("OPS_APPRISE", f"{good},json://127.0.0.1:9/")
    assert "Apprise delivered it to 1 of 2 services" in chatting.run("apply", "--auto-approve").err
    assert chatting.run("apply", "--auto-approve").code == 1
    assert len(hook.requests) == 1


@pytest.mark.parametrize(
    ("urls", "why"),
    [
        ("nonsense://t0psecr3t", "some of its URLs are none that Apprise knows"),
        ("json://t0psecr3t@127.0.0.1:9/", "Apprise delivered it to 0 of 1 services"),
        ("", "environment variable OPS_APPRISE is not set or empty"),
    ],
)
def test_what_cannot_be_sent_is_a_warning_without_the_urls(
    chatting: Terminal, monkeypatch: pytest.MonkeyPatch, urls: str, why: str
) -> None:
    monkeypatch.setenv("OPS_APPRISE", urls)
    finished = chatting.run("apply", "--auto-approve", "-vv", "--report", "json=r.json")
    assert finished.code == 1
    assert f"Warning: notification chat: not sent: {why}\n" in finished.err
    report = (chatting.directory / "r.json").read_text()
    assert why in report
    for text in (finished.err, finished.out, report):
        assert "t0psecr3t" not in text


def test_a_redirect_is_not_followed(chatting: Terminal, hook: Hook) -> None:
    hook.replies = [Reply(307, headers={"Location": hook.url})]
    assert "0 of 1 services" in chatting.run("apply", "--auto-approve").err
    assert len(hook.requests) == 1


def test_what_apprise_logs_goes_nowhere(chatting: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPS_APPRISE", "json://t0psecr3t@127.0.0.1:9/")
    started = chatting.start("-m", "reconciler", "apply", "--auto-approve")
    _, err = started.communicate()
    assert "Connection error" not in err
    assert "t0psecr3t" not in err
