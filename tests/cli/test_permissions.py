"""`reconciler permissions`: the documents as a user pastes them, and every call of a real run held against them."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.providers.registry import catalogue
from reconciler.simulator import RequestRecord, Simulator
from tests.goldens import golden
from tests.terminal import ALIYUN, AWS, HEAD, Terminal, credentials

GOLDENS = Path(__file__).parent / "goldens"
PROJECT = "0123456789abcdef0123456789abcdef"

CONFIGURATION = """
version: 1
targets:
  huawei-north: {provider: huaweicloud, region: cn-north-4, project_id: 0123456789abcdef0123456789abcdef}
  huawei-east: {provider: huaweicloud, region: cn-east-3, project_id: "${PROJECT_EAST}"}
  huawei-new: {provider: huaweicloud, region: cn-north-4, project_id: "${PROJECT_NEW:-}"}
  aliyun:
    provider: aliyun
    region: cn-shanghai
    credentials: {access_key_id: {env: AK}, secret_access_key: {env: SK}}
    inventory: {job_ids: [a1]}
  aliyun-profile:
    {provider: aliyun, region: cn-shanghai, credentials: {profile: media}, inventory: {job_ids: [a1]}}
policies:
  no-forgotten-transcodes:
    resource: huaweicloud.mpc.transcoding
    targets: ["huawei-*"]
    match: {status: pending}
    ensure: absent
  transcode-retention:
    resource: huaweicloud.mpc.transcoding
    targets: [huawei-new]
    match: {status: [succeeded, failed], finished_at: {older_than: 30d}}
    ensure: absent
  no-forgotten-edits:
    resource: huaweicloud.vod.editing
    targets: [huawei-north, huawei-east]
    match: {status: pending}
    ensure: {at_most: 3}
  no-forgotten-enhancements:
    resource: huaweicloud.mpc.enhancement
    targets: [huawei-new]
    match: {status: pending}
    ensure: absent
  no-stale-uploads:
    resource: aliyun.vod.url_upload
    match: {status: pending}
    ensure: absent
  drafts:
    resource: huaweicloud.mpc.packaging
    match: all
    ensure: absent
    suspend: true
"""


@pytest.mark.parametrize("role", ["plan", "apply"])
@pytest.mark.parametrize(("form", "suffix"), [("text", "txt"), ("json", "json")])
def test_golden(terminal: Terminal, role: str, form: str, suffix: str) -> None:
    terminal.write(CONFIGURATION)
    finished = terminal.run("permissions", "--role", role, "--format", form)
    assert (finished.code, finished.err) == (0, "")
    assert finished.out == golden(GOLDENS / f"permissions_{role}.{suffix}", finished.out)


def test_neither_variables_nor_network_nor_credentials_are_needed(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal.write(HEAD + POLICIES)
    for name in credentials(terminal.simulator):
        monkeypatch.delenv(name)
    finished = terminal.run("permissions")
    assert (finished.code, finished.err) == (0, "")
    assert terminal.simulator.requests == []


def test_apply_is_the_default_and_globs_narrow_it(terminal: Terminal) -> None:
    terminal.write(CONFIGURATION)
    assert terminal.run("permissions").out == terminal.run("permissions", "--role", "apply").out
    narrowed = terminal.run("permissions", "--target", "huawei-new", "--policy", "*retention", "--format", "json").json
    (grant,) = narrowed["grants"]
    assert grant["targets"] == ["huawei-new"]
    assert grant["document"]["Statement"][0]["Action"] == [
        "iam:projects:list",
        "mpc:transcodeTask:deleteRecord",
        "mpc:transcodeTask:view",
    ]


def test_a_policy_of_waiting_tasks_asks_for_cancel_only(terminal: Terminal) -> None:
    """Also where there is a call that deletes records, which no route of this policy needs."""
    terminal.write(HEAD + POLICIES.replace("match: all", "match: {status: pending}"))
    (grant,) = terminal.run("permissions", "--policy", "packaging", "--format", "json").json["grants"]
    calls = [entry["call"] for entry in (*grant["actions"], *grant["without_action"])]
    assert sorted(calls) == ["cancel", "list"]


def test_each_json_block_of_the_text_is_one_document_to_paste(terminal: Terminal) -> None:
    terminal.write(CONFIGURATION)
    text = terminal.run("permissions").out
    blocks = [json.loads(block) for block in re.findall(r"^\{$.*?^\}$", text, re.MULTILINE | re.DOTALL)]
    data = terminal.run("permissions", "--format", "json").json
    assert blocks == [grant["document"] for grant in data["grants"]]


def test_nothing_is_asked_for_where_nothing_is_listed(terminal: Terminal) -> None:
    terminal.write(HEAD)
    assert terminal.run("permissions").out == "Nothing to allow: no active policy looks at any target.\n"
    assert terminal.run("permissions", "--format", "json").json["grants"] == []


@pytest.mark.parametrize(
    ("words", "code"), [(("--role", "admin"), 64), (("--target", "nowhere"), 64), (("no-such-directory",), 65)]
)
def test_mistakes(terminal: Terminal, words: tuple[str, ...], code: int) -> None:
    terminal.write(CONFIGURATION)
    assert terminal.run("permissions", *words).code == code


# -- held against reality ------------------------------------------------------------------------------------------

POLICIES = """
policies:
  transcodes:
    {resource: huaweicloud.mpc.transcoding, match: all, ensure: absent, limits: {max_percent: 100}}
  packaging:
    {resource: huaweicloud.mpc.packaging, match: all, ensure: absent, limits: {max_percent: 100}}
  snapshots:
    {resource: huaweicloud.mpc.snapshot, match: {status: pending}, ensure: absent, limits: {max_percent: 100}}
  edits:
    {resource: huaweicloud.vod.editing, match: {status: pending}, ensure: absent, limits: {max_percent: 100}}
"""

UPLOADS = """
  uploads:
    {resource: aliyun.vod.url_upload, match: {status: pending}, ensure: absent, limits: {max_percent: 100}}
"""

SEED = """
tasks:
  huaweicloud.mpc.transcoding:
    - {id: 1, status: pending, created: 3h}
    - {id: 2, status: succeeded, created: 3h, finished: 2h}
  huaweicloud.mpc.packaging:
    - {id: 3, status: pending, created: 3h}
    - {id: 4, status: failed, created: 3h, finished: 2h}
  huaweicloud.mpc.snapshot:
    - {id: 5, status: pending, created: 3h}
  huaweicloud.vod.editing:
    - {id: e6, status: pending, created: 3h}
  aliyun.vod.url_upload:
    - {id: a1, status: pending, created: 3h, upload_url: "https://legacy.example.com/1.mp4"}
"""


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator(seed=SEED).running() as running:
        yield running


def _requests(role: str, terminal: Terminal) -> set[str]:
    """The calls that the documents are about, as the simulator writes them down."""
    grants = terminal.run("permissions", "--role", role, "--format", "json").json["grants"]
    entries: list[dict[str, Any]] = [
        entry for grant in grants for entry in (*grant["actions"], *grant["without_action"])
    ]
    return {entry["request"].replace("{project_id}", PROJECT) for entry in entries}


def _made(record: RequestRecord) -> str:
    if record.vendor == "aws":  # whose paths hold the id
        return f"{record.method} {re.sub('(?<=/jobs/).+', '{id}', record.path)}"
    return record.action or f"{record.method} {record.path}"


@pytest.mark.parametrize("project", ["", f"    project_id: {PROJECT}\n"])
def test_the_calls_of_a_run_are_those_that_are_allowed(terminal: Terminal, project: str) -> None:
    """Every call that plan and apply make is in the document for that role, and nothing is in it that is not made."""
    head = HEAD.replace(f"    project_id: {PROJECT}\n", project) + ALIYUN
    assert (PROJECT in head) == bool(project)
    terminal.write(head + POLICIES + UPLOADS)
    expected = {role: _requests(role, terminal) for role in ("plan", "apply")}

    assert terminal.run("plan", "--out", "plan.json").code == 0
    assert {_made(record) for record in terminal.simulator.requests} == expected["plan"]
    assert terminal.run("apply", "--auto-approve", "--plan", "plan.json").code == 0
    assert {_made(record) for record in terminal.simulator.requests} == expected["apply"]
    assert ("GET /v3/projects" in expected["plan"]) is (not project)


class TestEveryKind:
    ROWS = tuple(enumerate(catalogue().resource_types.values(), start=1))

    @pytest.fixture
    def simulator(self) -> Iterator[Simulator]:
        """A waiting task of each kind, and one that failed where records can be deleted."""
        tasks: dict[str, list[dict[str, str]]] = {}
        for number, row in self.ROWS:
            name = f"e{number}" if row.service == "vod" else str(number)
            url = {"upload_url": "https://h/v"} if "upload_url" in row.fields else {}
            tasks[row.name] = [{"id": name, "status": "pending", "created": "3h", **url}]
            if len(row.operations) > 1:
                tasks[row.name].append({"id": f"{number}00", "status": "failed", "created": "3h", "finished": "2h"})
        with Simulator(seed=json.dumps({"tasks": tasks})).running() as running:
            yield running

    def test_the_calls_of_a_run_are_those_that_are_allowed(self, terminal: Terminal) -> None:
        policies = [
            f"  p{number}: {{resource: {row.name}, match: {match}, ensure: absent, limits: {{max_percent: 100}}}}"
            for number, row in self.ROWS
            for match in ("{status: pending}" if len(row.operations) == 1 else "all",)
        ]
        (upload,) = (f"e{number}" for number, row in self.ROWS if "upload_url" in row.fields)
        text = "\n".join([HEAD + ALIYUN.replace("a1", upload) + AWS, "policies:", *policies])
        terminal.write(text + "\n")
        expected = _requests("apply", terminal)
        assert terminal.run("apply", "--auto-approve").code == 0
        assert {_made(record) for record in terminal.simulator.requests} == expected


def test_every_call_of_every_kind_has_its_action_or_a_way_out(terminal: Terminal) -> None:
    """For all kinds: what the catalogue names is in the document, and what it does not is a warning."""
    rows = catalogue().resource_types.values()
    policies = [
        f"  p{number}: {{resource: {row.name}, match: {{status: pending}}, ensure: absent}}"
        for number, row in enumerate(rows)
    ]
    terminal.write(HEAD + ALIYUN + AWS + "\npolicies:\n" + "\n".join(policies) + "\n")
    grants = terminal.run("permissions", "--format", "json").json["grants"]
    allowed = {action for grant in grants for action in grant["document"]["Statement"][0]["Action"]}
    named = (name for row in rows for name in (row.permissions.list, row.permissions.read, row.permissions.cancel))
    assert allowed == {*named} - {None}
    warned = [(entry["resource"], entry["call"]) for grant in grants for entry in grant["without_action"]]
    assert warned == [
        (row.name, call)
        for row in sorted(rows, key=lambda row: row.name)
        for call, name in (("list", row.permissions.list), ("cancel", row.permissions.cancel))
        if name is None
    ]
    assert all(entry["instead"] for grant in grants for entry in grant["without_action"])
