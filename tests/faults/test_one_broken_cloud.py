"""One configuration with every cloud and kind of service, of which one is broken, each in its turn: the others go on,
the run ends with 1, the message names the innermost cause, and no secret is anywhere."""

import re
from collections.abc import Callable

import pytest

from tests.faults.kinds import applied
from tests.terminal import Terminal

HEAD = """
version: 1
targets:
  huawei:
    provider: huaweicloud
    region: cn-north-4
    project_id: 0123456789abcdef0123456789abcdef
    endpoints: {mpc: "${URL_HUAWEI}", vod: "${URL_HUAWEI}", iam: "${URL_HUAWEI}"}
  aliyun:
    provider: aliyun
    regions: [cn-shanghai, ap-southeast-1]
    endpoints: {vod: "${URL_ALIYUN}", mps: "${URL_ALIYUN}"}
    inventory: {job_ids: [a1]}
  aws:
    provider: aws
    regions: [eu-west-1, us-east-1]
    endpoints: {mediaconvert: "${URL_AWS}"}
defaults:
  huaweicloud: {rate_limits: {mpc: 10000/s, vod: 10000/s}}
  aliyun: {rate_limits: {vod: 10000/s, mps: 10000/s}}
  aws: {rate_limits: {mediaconvert: 10000/s}}
settings: {limits: {max_actions: 100, max_percent: 100}}
policies:
"""
MPS = "0123456789abcdef0123456789abcdef"
KINDS = {
    "huaweicloud.mpc.snapshot": ("huawei", "101"),
    "huaweicloud.vod.editing": ("huawei", "e1"),
    "aliyun.vod.url_upload": ("aliyun-cn-shanghai", "a1"),
    "aliyun.mps.transcoding": ("aliyun-ap-southeast-1", MPS),
    "aws.mediaconvert.job": ("aws-eu-west-1", "j-1"),
}
POLICIES = "".join(
    f"  p{number}: {{resource: {kind}, targets: [{target}], match: {{status: pending}}, ensure: absent}}\n"
    for number, (kind, (target, _)) in enumerate(KINDS.items())
)
IDLE = "  idle: {resource: aws.*, targets: [aws-us-east-1], match: {status: pending, id: none}, ensure: absent}\n"
TARGETS = {
    "huaweicloud": {"huawei"},
    "aliyun": {"aliyun-cn-shanghai", "aliyun-ap-southeast-1"},
    "aws": {"aws-eu-west-1", "aws-us-east-1"},
}
URLS = {"huaweicloud": "URL_HUAWEI", "aliyun": "URL_ALIYUN", "aws": "URL_AWS"}
SECRETS = {
    "huaweicloud": "HUAWEICLOUD_SDK_SK",
    "aliyun": "ALIBABA_CLOUD_ACCESS_KEY_SECRET",
    "aws": "AWS_SECRET_ACCESS_KEY",
}
WRONG = "wrong-s3cret-that-nobody-may-see"

Break = Callable[[Terminal, pytest.MonkeyPatch, str], object]


def at(url: str) -> Break:
    return lambda terminal, patch, cloud: patch.setenv(
        URLS[cloud], url.format(terminal.simulator.url.partition("//")[2])
    )


def answers(kind: str, **rule: object) -> Break:
    return lambda terminal, _, cloud: terminal.simulator.faults.add(kind, vendor=cloud, times=0, **rule)


BROKEN: dict[str, tuple[Break, str]] = {
    "refuses connections": (at("http://127.0.0.1:9"), "no connection"),
    "speaks no TLS": (at("https://{}"), r"no connection: \[SSL:"),
    "is always down": (answers("status", status=500), "HTTP 500"),
    "shows a page": (answers("html"), "text/html instead of JSON"),
    "leads elsewhere": (answers("redirect", location="https://login.example.com/?token=s3cret"), "redirect"),
    "says nothing": (answers("empty"), "empty"),
    "says something else": (answers("status", status=200, body={}), "keys"),
    "says half of it": (answers("broken_json"), "JSON"),
    "never answers": (answers("hang"), "no answer in time"),
    "hangs up": (answers("reset"), "connection"),
    "knows another secret": (lambda _, patch, cloud: patch.setenv(SECRETS[cloud], WRONG), "secret|authentication"),
}


@pytest.fixture(autouse=True)
def clouds(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reconciler.providers.transport.wire.TOTAL_SECONDS", 0.5)
    for name in URLS.values():
        monkeypatch.setenv(name, terminal.simulator.url)
    for kind, (_, task_id) in KINDS.items():
        fields = {"UploadURL": "https://h/v.mp4"} if kind == "aliyun.vod.url_upload" else {}
        terminal.simulator.store(kind).add(kind, id=task_id, created="1d", **fields)
    terminal.write(f"{HEAD}{POLICIES}{IDLE}")


def test_all_of_them_work(terminal: Terminal) -> None:
    run = applied(terminal)
    assert (run.code, run.outcomes) == (0, dict.fromkeys((task_id for _, task_id in KINDS.values()), "done"))


@pytest.mark.parametrize("cloud", TARGETS)
@pytest.mark.parametrize("how", BROKEN)
def test_the_others_go_on(terminal: Terminal, monkeypatch: pytest.MonkeyPatch, cloud: str, how: str) -> None:
    broken, said = BROKEN[how]
    broken(terminal, monkeypatch, cloud)
    run = applied(terminal, "-vv", "--trace", "trace.jsonl")
    healthy = {task_id for kind, (_, task_id) in KINDS.items() if not kind.startswith(f"{cloud}.")}
    assert (run.code, run.outcomes) == (1, dict.fromkeys(healthy, "done"))
    assert not [record for record in terminal.simulator.destructive_requests if record.vendor == cloud]
    told = [note for note in run.finished.json["diagnostics"] if note["severity"] == "error"]
    assert {note["target"] for note in told} == TARGETS[cloud]
    for note in told:
        assert re.search(said, note["message"])
        assert "bug in reconciler" not in note["message"]
    written = "".join(path.read_text(errors="replace") for path in terminal.directory.glob("*.json*"))
    accounts = terminal.simulator.accounts
    keys = [
        account.secret_access_key
        for group in (accounts.huaweicloud, accounts.aliyun, accounts.aws)
        for account in group
    ]
    for secret in (WRONG, "token=s3cret", *keys):
        assert secret not in run.text + written
