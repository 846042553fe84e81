"""The examples work as they stand: valid without a warning, and on local clouds they do what they say and no more."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from reconciler.simulator import Simulator
from tests.command_lines import check, command_lines
from tests.terminal import Terminal, credentials

EXAMPLES = Path(__file__).parents[2] / "examples"
GITOPS = EXAMPLES / "gitops"
SCAFFOLD = EXAMPLES.parent / "reconciler" / "scaffold" / "templates" / "github"
PROJECT = "0123456789abcdef0123456789abcdef"

QUEUE = "arn:aws:mediaconvert:eu-west-1:111122223333:queues/previews"
SEED = """
tasks:
  huaweicloud.vod.editing:
    - {id: edit-old, status: pending, created: 30h}
    - {id: edit-new, status: pending, created: 5m}
    - {id: edit-running, status: running, created: 30h}
    - {count: 10, id: "edit-done-{n}", status: succeeded, created: 9d, finished: 9d}
  huaweicloud.mpc.transcoding:
    - {id: 100211, status: pending, created: 3h, input: {bucket: uploads, object: talk.mp4}}
    - {id: 100212, status: pending, created: 2h, input: {bucket: uploads, object: talk.mp4}}
    - {id: 100213, status: pending, created: 1h, input: {bucket: uploads, object: other.mp4}}
    - {id: 100214, status: pending, created: 3h, input: {bucket: legal-hold, object: talk.mp4}}
    - {id: 100215, status: pending, created: 2h, input: {bucket: legal-hold, object: talk.mp4}}
    - {id: 100216, status: running, created: 2h, input: {bucket: uploads, object: talk.mp4}}
  huaweicloud.mpc.packaging:
    - {id: 300001, status: succeeded, created: 60d, finished: 59d, input: {bucket: archive, object: a.mp4}}
    - {id: 300002, status: failed, created: 2d, finished: 2d, input: {bucket: archive, object: b.mp4}}
    - {id: 300003, status: canceled, created: 90d, finished: 89d, input: {bucket: legal-hold, object: c.mp4}}
    - {id: 300004, status: pending, created: 60d, input: {bucket: archive, object: d.mp4}}
  huaweicloud.mpc.snapshot:
    - {id: 500001, status: pending, created: 1d, input: {bucket: previews-eu, object: a.mp4}}
    - {id: 500002, status: pending, created: 1h, input: {bucket: previews-eu, object: b.mp4}}
    - {id: 500003, status: pending, created: 1d, input: {bucket: masters, object: c.mp4}}
  aliyun.vod.url_upload:
    - {id: a1, status: pending, created: 8h, upload_url: "https://legacy.example.com/launch/trailer.mp4"}
    - {id: a2, status: pending, created: 1h, upload_url: "https://legacy.example.com/launch/teaser.mp4"}
    - {id: a3, status: running, created: 8h, upload_url: "https://legacy.example.com/launch/outro.mp4"}
    - {id: a4, status: pending, created: 8h, upload_url: "https://cdn.example.com/new/intro.mp4"}
    - {id: a5, status: pending, created: 8h, upload_url: "https://legacy.example.com/not/in/the/inventory.mp4"}
  aliyun.mps.transcoding:
    - {id: m1, status: pending, created: 13h, Input: {Bucket: drafts, Location: oss-cn-shanghai, Object: a.mp4}}
    - {id: m2, status: pending, created: 1h, Input: {Bucket: drafts, Location: oss-cn-shanghai, Object: b.mp4}}
    - {id: m3, status: pending, created: 13h, Input: {Bucket: masters, Location: oss-cn-shanghai, Object: c.mp4}}
  aws.mediaconvert.job:
    - {id: 1671477617078-previ1, status: pending, created: 3h, queue: "{QUEUE}"}
    - {id: 1671477617078-previ2, status: pending, created: 2h, queue: "{QUEUE}"}
    - {id: 1671477617078-previ3, status: pending, created: 1h, queue: "{QUEUE}"}
    - {id: 1671477617078-other1, status: pending, created: 9h}
""".replace("{QUEUE}", QUEUE)

CALLS = [
    ("DELETE", "/2017-08-29/jobs/1671477617078-previ1", ""),
    ("DELETE", f"/v1/{PROJECT}/asset/editing/tasks", "task_id=edit-old"),
    ("DELETE", f"/v1/{PROJECT}/remux/task", "task_id=300001"),
    ("DELETE", f"/v1/{PROJECT}/thumbnails", "task_id=500001"),
    ("DELETE", f"/v1/{PROJECT}/transcodings", "task_id=100212"),
    ("POST", "CancelJob", "JobId=m1"),
    ("POST", "CancelUrlUploadJobs", "JobIds=a1"),
]


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator(seed=SEED).running() as running:
        yield running


@pytest.fixture
def repository(
    tmp_path: Path, simulator: Simulator, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Terminal:
    """A copy of the GitOps example, with the variables that it reads set to the local clouds."""
    place = tmp_path / "media-gitops"
    shutil.copytree(GITOPS, place)
    monkeypatch.chdir(place)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("HUAWEICLOUD_SDK_PROJECT_ID", PROJECT)
    for name in (
        "MPC_ENDPOINT",
        "VOD_ENDPOINT",
        "IAM_ENDPOINT",
        "ALIYUN_VOD_ENDPOINT",
        "ALIYUN_MPS_ENDPOINT",
        "MEDIACONVERT_ENDPOINT",
    ):
        monkeypatch.setenv(name, simulator.url)
    for name, value in credentials(simulator).items():
        monkeypatch.setenv(name, value)
    return Terminal(place, simulator, capsys)


# -- configuration --------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "example", sorted(path.name for path in EXAMPLES.iterdir() if any(path.rglob("*reconciler.yaml")))
)
def test_an_example_is_valid_without_a_warning(
    example: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    found = Terminal(tmp_path, Simulator(), capsys).run("validate", str(EXAMPLES / example), "--format", "json").json
    assert (found["valid"], found["diagnostics"]) == (True, [])


def _configurations() -> list[Path]:
    return sorted([*EXAMPLES.rglob("*reconciler.yaml"), *EXAMPLES.rglob("*reconciler-test.yaml")])


@pytest.mark.parametrize("file", _configurations(), ids=lambda path: path.relative_to(EXAMPLES).as_posix())
def test_the_first_line_leads_editors_to_the_schema(file: Path) -> None:
    first = file.read_text(encoding="utf-8").splitlines()[0]
    prefix = "# yaml-language-server: $schema="
    assert first.startswith(prefix)
    schema = "reconciler-test" if file.name.endswith("-test.yaml") else "reconciler"
    assert (file.parent / first.removeprefix(prefix)).resolve() == EXAMPLES.parent / f"schemas/{schema}.schema.json"


def test_the_policies_have_tests_that_pass_and_leave_out_none(repository: Terminal) -> None:
    assert repository.run("test", "--require-coverage").code == 0
    assert repository.simulator.requests == []


def test_without_the_variables_the_vendors_own_hosts_are_meant(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """An empty optional key counts as absent: no variable is needed but the credentials."""
    from reconciler.config.loader import load_configuration  # noqa: PLC0415 - in this test only
    from reconciler.providers.registry import catalogue  # noqa: PLC0415 - likewise

    monkeypatch.chdir(tmp_path)
    configuration = load_configuration([GITOPS], catalogue(), environment={}, strict=True)
    assert [dict(target.endpoints) for target in configuration.targets.values()] == [{}, {}, {}]
    assert "project_id" not in configuration.targets["huawei-prod"].options


# -- what it does ---------------------------------------------------------------------------------------------
def test_the_plan_asks_for_one_task_of_each_kind(repository: Terminal) -> None:
    plan = repository.run("plan", "--format", "json").json
    assert plan["outcome"] == "changes"
    assert [(change["task_id"], change["steps"], change["policies"]) for change in plan["changes"]] == [
        ("m1", ["cancel"], ["no-forgotten-drafts"]),
        ("a1", ["cancel"], ["no-stale-legacy-uploads"]),
        ("1671477617078-previ1", ["cancel"], ["preview-queue-holds-two-jobs"]),
        ("300001", ["delete"], ["packaging-record-retention"]),
        ("500001", ["cancel"], ["no-forgotten-snapshots"]),
        ("100212", ["cancel"], ["one-transcode-per-object"]),
        ("edit-old", ["cancel"], ["no-forgotten-edits"]),
    ]
    assert [skipped["task_id"] for skipped in plan["protected"]] == ["300003", "100215"]
    assert repository.destructive() == []


def test_the_way_of_the_workflow_makes_exactly_the_documented_calls(repository: Terminal) -> None:
    """Plan, review, merge, apply by digest: the commands of the workflow, one after the other."""
    planned = repository.run("plan", "--out", "plan.json", "--report", "markdown=plan.md")
    assert planned.code == 0
    marker = (repository.directory / "plan.md").read_text(encoding="utf-8").splitlines()[0]
    (digest,) = re.findall(r'"digest":"(sha256:[0-9a-f]{64})"', marker)
    applied = repository.run(
        "apply", "--plan", "plan.json", "--approved-digest", digest, "--report", "markdown=report.md"
    )
    assert applied.code == 0
    assert "Apply: 7 done, 0 satisfied, 0 missed, 0 failed, 0 unknown, 0 not attempted." in applied.out
    assert sorted(repository.destructive()) == CALLS
    assert repository.simulator.anomalies == []
    assert (repository.directory / "report.md").read_text(encoding="utf-8").startswith("<!-- reconciler:report ")


def test_the_way_of_the_cron_job_makes_the_same_calls_once(repository: Terminal) -> None:
    assert repository.run("apply", "--auto-approve").code == 0
    assert repository.run("apply", "--auto-approve").code == 0
    assert repository.run("plan", "--detailed-exitcode").code == 0
    assert sorted(repository.destructive()) == CALLS


def test_another_digest_than_the_reviewed_one_is_refused(repository: Terminal) -> None:
    repository.run("plan", "--out", "plan.json")
    assert repository.run("apply", "--plan", "plan.json", "--approved-digest", f"sha256:{'0' * 64}").code == 4
    assert repository.destructive() == []


def test_the_ignored_files_are_those_that_the_commands_write(repository: Terminal) -> None:
    before = {path for path in repository.directory.rglob("*") if path.is_file()}
    repository.run("plan", "--out", "plan.json", "--report", "markdown=plan.md", "--report", "html=plan.html")
    repository.run("apply", "--auto-approve", "--report", "json=report.json")
    written = {path for path in repository.directory.rglob("*") if path.is_file()} - before
    ignored = (repository.directory / ".gitignore").read_text(encoding="utf-8").split()
    names = {path.relative_to(repository.directory).parts[0] for path in written}
    assert names <= {name.rstrip("/") for name in ignored}


# -- automation -----------------------------------------------------------------------------------------------


AUTOMATION = sorted(path for path in (GITOPS / ".github").rglob("*") if path.is_file())


@pytest.mark.parametrize("file", AUTOMATION, ids=lambda path: path.name)
def test_the_automation_is_that_of_a_new_repository(file: Path) -> None:
    """What `init` writes, word by word; tests/ci runs it."""
    template = SCAFFOLD / file.relative_to(GITOPS).as_posix().replace(".github/", "dot-github/", 1)
    assert file.read_text(encoding="utf-8") == template.read_text(encoding="utf-8")


def test_the_automation_is_all_that_a_new_repository_has() -> None:
    templates = [path for path in SCAFFOLD.rglob("*") if path.is_file()]
    assert {path.name for path in AUTOMATION} == {path.name for path in templates}


def test_the_workflows_use_commands_and_flags_that_there_are() -> None:
    commands = []
    for file in AUTOMATION:
        jobs = yaml.safe_load(file.read_text(encoding="utf-8")).get("jobs", {})
        steps = [step for job in jobs.values() for step in job["steps"]]
        commands += [words for step in steps for words in command_lines(step.get("run", ""))]
    assert {"validate", "test", "plan", "show", "comment", "apply"} == {words[0] for words in commands}
    for words in commands:
        check(words)


def test_the_lines_of_the_crontab_are_commands_that_there_are() -> None:
    lines = [line for line in (GITOPS / "crontab").read_text(encoding="utf-8").splitlines() if line[:1].isdigit()]
    commands = []
    for line in lines:
        *times, command = line.split(maxsplit=5)
        assert len(times) == 5
        assert all(re.fullmatch(r"[0-9*/,-]+", time) for time in times)
        assert "%" not in command, "cron takes it for the end of the line"
        commands += list(command_lines(command))
    assert [words[0] for words in commands] == ["apply", "plan"]
    for words in commands:
        check(words)
    assert "flock --nonblock" in lines[0]
