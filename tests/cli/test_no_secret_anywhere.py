"""Whatever a cloud, a file or a variable holds: secrets and URL queries reach no output, log, file or database."""

from itertools import product

import pytest

from tests.terminal import HEAD, Terminal

TOKEN = "Zq7signature9vX"
POLICY = """
  aliyun:
    provider: aliyun
    region: cn-shanghai
    endpoints: {vod: "${URL}"}
    rate_limits: {vod: 10000/s}
    inventory: {upload_urls: {file: urls.txt}}
policies:
  snapshots: {resource: huaweicloud.mpc.snapshot, match: {status: pending}, ensure: absent}
  uploads:
    resource: aliyun.vod.url_upload
    match: {status: pending, upload_url: {glob: "https://h/*"}}
    ensure: absent
"""
KINDS = ("huaweicloud.mpc.snapshot", "aliyun.vod.url_upload")
SPOTS = {
    "query": f"https://h/v.mp4?Signature={TOKEN}&x=1",
    "fragment": f"https://h/v.mp4#{TOKEN}",
    "user": f"https://me:{TOKEN}@h/v.mp4",
    "hidden": f"https://h/v\u200b.mp4?\u202e{TOKEN}",
    "two": f"see https://h/a?{TOKEN} and https://h/b?k={TOKEN}",
}


@pytest.fixture(params=list(SPOTS.values()), ids=list(SPOTS))
def planted(request: pytest.FixtureRequest, terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Secrets in fields, messages and echoes of the clouds; returns what must not be seen again."""
    text = request.param
    huawei = terminal.simulator.accounts.huaweicloud[0]
    monkeypatch.setenv("RECONCILER_COLOR", "always")
    (terminal.directory / "urls.txt").write_text(f"https://h/v.mp4?Signature={TOKEN}\n")
    terminal.write(HEAD + POLICY)
    clouds = terminal.simulator
    clouds.huaweicloud.add("huaweicloud.mpc.snapshot", id=1, created="1d", input={"bucket": "b", "object": text})
    clouds.huaweicloud.add("huaweicloud.mpc.snapshot", id=2, created="1d", user_data=text, description=text)
    clouds.aliyun.add("aliyun.vod.url_upload", id="a1", UploadURL=f"https://h/v.mp4?Signature={TOKEN}", created="1d")
    echo = {"error_code": "MPC.10202", "error_msg": f"bad key {huawei.secret_access_key} for {text}"}
    clouds.faults.add("status", method="DELETE", query="task_id=2", times=0, status=403, body=echo)
    return [TOKEN, huawei.secret_access_key, clouds.accounts.aliyun[0].secret_access_key]


@pytest.mark.usefixtures("impatient")
def test_it_is_in_nothing_that_is_printed_or_written(terminal: Terminal, planted: list[str]) -> None:
    commands: list[tuple[str, ...]] = [
        *(("plan", "-vv", "--out", "plan.json", "--format", form) for form in ("text", "json", "markdown")),
        (
            "plan",
            "--trace",
            "t.jsonl",
            "--report",
            "json=a.json",
            "--report",
            "markdown=a.md",
            "--report",
            "text=a.txt",
        ),
        (
            "apply",
            "-vv",
            "--trace",
            "u.jsonl",
            "--plan",
            "plan.json",
            "--report",
            "json=r.json",
            "--report",
            "markdown=r.md",
        ),
        ("apply", "--auto-approve", "--log-format", "json", "-vv"),
        ("history", "-v"),
        *(("show", *words) for words in product(("plan.json", "r.json"), ("--format",), ("text", "markdown"))),
        *(("query", "-v", *words) for words in product(KINDS, ("--format",), ("text", "json"))),
    ]
    seen = ""
    for words in commands:
        finished = terminal.run(*words)
        seen += finished.out + finished.err
    for file in terminal.directory.rglob("*"):
        if file.is_file() and file.name != "urls.txt":
            seen += file.read_bytes().decode("utf-8", "replace")
    assert "history.db" in {file.name for file in terminal.directory.rglob("*")}
    assert "huaweicloud.mpc.snapshot" in seen
    assert '"status": 403' in (terminal.directory / "u.jsonl").read_text()
    for secret in planted:
        assert secret not in seen


PROJECT = "0123456789abcdef0123456789abcdef"
SETTINGS = "settings: {%s}\n"
VARIABLES = {
    "in settings.plan_ttl": ("targets:", SETTINGS % 'plan_ttl: "${PLANTED}"' + "targets:"),
    "in settings.backend": ("targets:", SETTINGS % 'backend: "${PLANTED}"' + "targets:"),
    "in the host of settings.backend": (
        "targets:",
        SETTINGS % 'backend: "postgresql://u:${PLANTED}@h:x/d"' + "targets:",
    ),
    "as the host of settings.backend": (
        "targets:",
        SETTINGS % 'backend: "postgresql://u@${PLANTED}.invalid:1/d"' + "targets:",
    ),
    "as the database of settings.backend": (
        "targets:",
        SETTINGS % 'backend: "postgresql://u@127.0.0.1:1/${PLANTED}"' + "targets:",
    ),
    "as the directory of settings.backend": (
        "targets:",
        SETTINGS % 'backend: "sqlite:////dev/null/${PLANTED}/history.db"' + "targets:",
    ),
    "in settings.concurrency": ("targets:", SETTINGS % 'concurrency: "${PLANTED}"' + "targets:"),
    "as a region": ("region: cn-north-4", "region: ${PLANTED}"),
    "as a region that is none": ("region: cn-north-4", "region: ${PLANTED}/"),
    "as a project": (PROJECT, "${PLANTED}"),
    "as a project to look up": (
        "region: cn-north-4\n    project_id: 0123456789abcdef0123456789abcdef",
        "region: ${PLANTED}",
    ),
    "as a rate limit": ("10000/s", "${PLANTED}"),
    "in an endpoint": ('{mpc: "${URL}"', '{mpc: "${URL}/${PLANTED}"'),
    "as an endpoint": ('{mpc: "${URL}"', '{mpc: "${PLANTED}"'),
    "as the name of a variable": ("cn-north-4\n", 'cn-north-4\n    credentials: {token: {env: "${PLANTED}"}}\n'),
    "as the name of a file": ("cn-north-4\n", 'cn-north-4\n    credentials: {token: {file: "no/${PLANTED}"}}\n'),
    "as a profile": ("cn-north-4\n", 'cn-north-4\n    credentials: {profile: "${PLANTED}"}\n'),
    "in a policy": ("status: pending", "id: '${PLANTED}'"),
}


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("place", VARIABLES)
@pytest.mark.parametrize("secret", ["zq7planted-9vx", "Zq7planted9vX", "zq7'planted\"9vx"])
def test_what_a_variable_holds_is_in_nothing(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, place: str, secret: str
) -> None:
    """Whatever its name and place: the file that names it is proposed by somebody who may not read it."""
    monkeypatch.setenv("PLANTED", secret)
    old, new = VARIABLES[place]
    text = (
        HEAD
        + POLICY.partition("\n  aliyun:")[0]
        + "policies:"
        + POLICY.partition("policies:")[2].partition("  uploads:")[0]
    )
    assert old in text
    terminal.write(text.replace(old, new, 1))
    terminal.simulator.huaweicloud.add("huaweicloud.mpc.snapshot", id=1, created="1d")
    commands: list[tuple[str, ...]] = [
        *(("validate", "--format", form) for form in ("text", "json", "github", "sarif")),
        *(("plan", "-vv", "--out", f"{form}.plan", "--format", form) for form in ("text", "json", "markdown", "html")),
        ("apply", "-vv", "--trace", "t.jsonl", "--auto-approve", "--format", "json", "--log-format", "json"),
        ("query", "-v", "huaweicloud.mpc.snapshot"),
        ("permissions",),
        ("history", "-v"),
    ]
    seen = ""
    for words in commands:
        finished = terminal.run(*words)
        seen += finished.out + finished.err
    for file in terminal.directory.rglob("*"):
        # The lock in the journal is that of the project, by its id.
        if file.is_file() and not (place == "as a project" and file.name.startswith("history.db")):
            seen += file.read_bytes().decode("utf-8", "replace")
    assert "PLANTED" in seen
    assert secret not in seen
    assert "planted" not in seen, "in another form"


@pytest.mark.usefixtures("impatient")
def test_what_a_variable_gives_to_an_inventory_is_in_nothing(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of entries that the cloud does not know; those that it knows are tasks, whose ids are shown."""
    monkeypatch.setenv("PLANTED", "zq7planted-9vx")
    inventory = 'inventory: {job_ids: ["${PLANTED}"], upload_urls: ["https://h/${PLANTED}"]}'
    terminal.write(HEAD + POLICY.replace("inventory: {upload_urls: {file: urls.txt}}", inventory))
    seen = ""
    for words in (
        ("validate",),
        ("plan", "-vv", "--trace", "t.jsonl", "--out", "p.json", "--save-snapshot", "s.json"),
        ("plan", "--format", "json"),
    ):
        finished = terminal.run(*words)
        seen += finished.out + finished.err
    seen += "".join((terminal.directory / name).read_text() for name in ("p.json", "s.json", "t.jsonl"))
    assert "found nowhere: https://h/${PLANTED}, ${PLANTED}" in seen
    assert "planted" not in seen
