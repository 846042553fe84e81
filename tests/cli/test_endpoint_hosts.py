"""RECONCILER_ENDPOINT_HOSTS, and variables that hold secrets: a configuration that a branch proposes gets neither."""

import pytest

from reconciler.providers.secret_sources import CREDENTIAL_SOURCES
from reconciler.providers.transport.endpoint import ENDPOINT_HOSTS
from tests.terminal import HEAD, Terminal

POLICY = """
policies:
  p: {resource: huaweicloud.mpc.snapshot, match: {status: pending}, ensure: absent, limits: {max_percent: 100}}
"""


@pytest.mark.parametrize("words", [("plan",), ("apply", "--auto-approve"), ("query", "huaweicloud.mpc.snapshot")])
def test_no_request_goes_to_a_host_that_is_not_listed(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    terminal.write(HEAD + POLICY)
    monkeypatch.setenv(ENDPOINT_HOSTS, "mpc.*.myhuaweicloud.com")
    terminal.tells(64, "the host of endpoint", *words)
    assert terminal.simulator.requests == []
    monkeypatch.setenv(ENDPOINT_HOSTS, "127.0.0.1")
    assert terminal.run("plan").code == 0


@pytest.mark.parametrize("words", [("plan",), ("apply", "--auto-approve"), ("query", "huaweicloud.mpc.snapshot")])
def test_no_credentials_are_read_that_are_not_listed(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    terminal.write(HEAD.replace("cn-north-4", "cn-north-4\n    credentials: {token: {env: OTHER}}", 1) + POLICY)
    monkeypatch.setenv("OTHER", "planted-9f3a")
    monkeypatch.setenv(CREDENTIAL_SOURCES, "PROD_*")
    terminal.tells(
        64, "credentials.token: environment variable OTHER is not among RECONCILER_CREDENTIAL_SOURCES", *words
    )
    assert terminal.simulator.requests == []


@pytest.mark.parametrize("value", ["", " ,"])
@pytest.mark.parametrize("variable", [ENDPOINT_HOSTS, CREDENTIAL_SOURCES])
@pytest.mark.parametrize("words", [("plan",), ("apply", "--auto-approve"), ("query", "huaweicloud.mpc.snapshot")])
def test_an_empty_list_allows_nothing(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], variable: str, value: str
) -> None:
    """What a step of a job should have found out, and did not, is never "anything"."""
    terminal.write("".join(line for line in HEAD.splitlines(True) if "endpoints" not in line) + POLICY)
    monkeypatch.setenv(variable, value)
    terminal.tells(64, f"{variable} is empty; leave it out to go without it", *words)


@pytest.mark.parametrize(
    "name", ["HUAWEICLOUD_SDK_SK", "GITLAB_TOKEN", "ALIBABA_CLOUD_ACCESS_KEY_SECRET", "PGPASSWORD"]
)
def test_a_secret_is_no_part_of_a_target(terminal: Terminal, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """In an endpoint it would be sent in the clear, and logged."""
    monkeypatch.setenv(name, "planted-9f3a")
    terminal.write(HEAD.replace('"${URL}"', f'"${{URL}}/${{{name}}}"') + POLICY)
    finished = terminal.tells(65, "holds a secret, as its name says", "plan", "-v")
    assert "planted" not in finished.out + finished.err
    assert terminal.simulator.requests == []


def test_the_path_of_a_secret_is_no_secret(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OIDC_TOKEN_FILE", "abc")
    terminal.write(HEAD.replace("cn-north-4", "cn-north-4\n    project_id: ${OIDC_TOKEN_FILE}", 1) + POLICY)
    assert "holds a secret" not in terminal.run("validate").err


@pytest.mark.parametrize(
    ("endpoint", "value"),
    [("https://${HOST}:9", "LocalHost"), ("${HOST}", "https://LocalHost:9/"), ("https://${HOST}/a", "localhost:9")],
)
def test_a_host_that_a_variable_gave_is_not_named(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, endpoint: str, value: str
) -> None:
    """Neither in lower case, as it comes back, nor as a part of the value."""
    monkeypatch.setenv("HOST", value)
    terminal.write(HEAD.replace('mpc: "${URL}"', f'mpc: "{endpoint}"') + POLICY)
    finished = terminal.run("plan", "-v", "--report", "json=plan.json")
    assert finished.code == 1
    written = finished.out + finished.err + (terminal.directory / "plan.json").read_text()
    assert "no connection" in written
    assert "localhost" not in written.lower()
    assert "${HOST}" in written


@pytest.mark.parametrize("words", [(), ("--approved-digest", "")])
def test_an_empty_approval_is_none(terminal: Terminal, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]) -> None:
    """A step that should have found the digest out, and did not, lets nothing pass."""
    terminal.write(HEAD + POLICY)
    terminal.simulator.huaweicloud.add("huaweicloud.mpc.snapshot", id=1, created="1d")
    assert terminal.run("plan", "--out", "plan.json").code == 0
    if not words:
        monkeypatch.setenv("RECONCILER_APPROVED_DIGEST", "")
    terminal.tells(
        64, f"{words[0] if words else 'RECONCILER_APPROVED_DIGEST'} is empty", "apply", "--plan", "plan.json", *words
    )
    assert terminal.simulator.destructive_requests == []
