"""The workflow and the pipeline in shards: parts of a plan that one job joins, and shares that act by themselves."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from reconciler.simulator import Simulator
from tests.ci.conftest import ROOT, SNAPSHOT
from tests.ci.platforms import GitHubActions, GitLabPipelines
from tests.ci.runner import Finished, Runner
from tests.postgresql_server import new_database, running_server
from tests.review.forge import TOKEN

GITHUB = yaml.safe_load((ROOT / "ci" / "github" / "shards.yml").read_text(encoding="utf-8"))
GITLAB = yaml.safe_load((ROOT / "ci" / "gitlab" / "shards.yml").read_text(encoding="utf-8"))
TOTAL = len(GITHUB["jobs"]["plan"]["strategy"]["matrix"]["shard"])
PROJECTS = [f"{number:032x}" for number in range(1, 7)]
HEAD = 'version: 1\nsettings: {backend: "${RECONCILER_DATABASE:-sqlite:///history.db}"}\ntargets:\n'
TARGET = '  t{0}: {{provider: huaweicloud, region: cn-north-4, project_id: "{1}", endpoints: {{mpc: "${{URL}}"}}}}\n'
POLICY = f"policies:\n  p: {{resource: {SNAPSHOT}, match: {{status: pending}}, ensure: absent}}\n"


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """A key that leads to six projects, in each of which two snapshots wait."""
    key = {"access_key_id": "AK", "secret_access_key": "SK"}
    projects = {f"region-{number}": project for number, project in enumerate(PROJECTS)}
    accounts = {"huaweicloud": [{**key, "projects": projects}], "aliyun": [key], "aws": [key]}
    with Simulator({"accounts": accounts, "tasks": {SNAPSHOT: [{"count": 2, "owner": "each"}]}}).running() as running:
        yield running


@pytest.fixture
def database() -> Iterator[str]:
    with running_server() as server:
        yield new_database(server)


@pytest.fixture(autouse=True)
def configured(workspace: Path) -> None:
    targets = "".join(TARGET.format(number, project) for number, project in enumerate(PROJECTS))
    (workspace / "reconciler.yaml").write_text(HEAD + targets + POLICY, encoding="utf-8")


def statuses(simulator: Simulator) -> set[str]:
    return {task.status for project in PROJECTS for task in simulator.huaweicloud.tasks(SNAPSHOT, project)}


# -- GitHub ---------------------------------------------------------------------------------------------------
def in_shards(runner: Runner, name: str) -> list[Finished]:
    """The jobs of a matrix, one after the other."""
    for secret in ("HUAWEICLOUD_SDK_AK", "HUAWEICLOUD_SDK_SK"):
        runner.names[f"secrets.{secret}"] = runner.environment.get(secret, "")
    done = []
    for index in range(TOTAL):
        runner.names |= {"strategy.job-index": str(index), "strategy.job-total": str(TOTAL)}
        done.append(runner.job(GITHUB, name))
    return done


def test_four_jobs_plan_and_one_comments_on_the_whole(on_pull_request: Runner, github: GitHubActions) -> None:
    assert all(job.succeeded for job in in_shards(on_pull_request, "plan"))
    done = on_pull_request.job(GITHUB, "comment", {"plan": Finished((), {})})
    assert done.succeeded, done.log
    [comment] = github.notes
    assert "12" in comment.body


def test_a_shard_whose_plan_failed_leaves_no_comment_on_a_part(on_pull_request: Runner, github: GitHubActions) -> None:
    in_shards(on_pull_request, "plan")
    [part] = (on_pull_request.artifacts / "this-run" / "part-2").iterdir()
    part.unlink()
    done = on_pull_request.job(GITHUB, "comment", {"plan": Finished((), {})})
    assert "a part is missing: 2/4" in done.log
    assert not done.succeeded
    assert github.notes == []


def test_four_jobs_apply_and_one_reports(runner: Runner, simulator: Simulator, database: str) -> None:
    runner.names |= {"github.event_name": "schedule", "secrets.RECONCILER_DATABASE": database}
    assert all(job.succeeded for job in in_shards(runner, "apply"))
    assert statuses(simulator) == {"CANCELED"}
    assert len(simulator.destructive_requests) == 12
    done = runner.job(GITHUB, "report", {"apply": Finished((), {})})
    assert done.succeeded, done.log
    assert "12 done" in runner.summary


# -- GitLab ---------------------------------------------------------------------------------------------------
def gitlab_job(name: str, workspace: Path, environment: dict[str, str], **own: str) -> str:
    """What a job of the pipeline printed, which succeeded."""
    job = GITLAB[name]
    before = job.get("before_script", GITLAB["default"]["before_script"])
    finished = subprocess.run(
        ["/bin/bash", "-eo", "pipefail", "-c", "\n".join([*before, *job["script"]])],
        cwd=workspace,
        env={**GITLAB["variables"], **environment, **own, "CI_PIPELINE_ID": "500", "GITLAB_TOKEN": TOKEN},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout


def in_parallel(name: str, workspace: Path, environment: dict[str, str]) -> None:
    """The jobs of `parallel`, each in the same checkout; what they keep is there for the next one."""
    kept = workspace / ".reconciler-out" / "500"
    files: dict[str, bytes] = {}
    for number in range(1, GITLAB[name]["parallel"] + 1):
        gitlab_job(name, workspace, environment, CI_NODE_INDEX=str(number), CI_NODE_TOTAL=str(GITLAB[name]["parallel"]))
        files |= {file.name: file.read_bytes() for file in kept.iterdir()}
    assert len(files) == GITLAB[name]["parallel"]
    for file, content in files.items():
        (kept / file).write_bytes(content)


def test_the_note_of_a_merge_request_is_on_the_whole(
    workspace: Path, environment: dict[str, str], gitlab: GitLabPipelines
) -> None:
    environment |= {
        "CI": "true",
        "GITLAB_CI": "true",
        "CI_API_V4_URL": gitlab.url,
        "CI_MERGE_REQUEST_IID": "7",
        "CI_MERGE_REQUEST_PROJECT_ID": "42",
        "CI_PROJECT_ID": "42",
        "RECONCILER_ENDPOINT_HOSTS": "127.0.0.1",
    }
    in_parallel("plan", workspace, environment)
    gitlab_job("comment", workspace, environment, CI_NODE_TOTAL="1")
    [note] = gitlab.notes
    assert "12" in note.body


def test_a_schedule_applies_in_shards(
    workspace: Path, environment: dict[str, str], simulator: Simulator, database: str
) -> None:
    environment |= {"RECONCILER_DATABASE": database, "RECONCILER_ENDPOINT_HOSTS": "127.0.0.1"}
    in_parallel("reconcile", workspace, environment)
    assert statuses(simulator) == {"CANCELED"}
    assert len(simulator.destructive_requests) == 12
    assert "12 done" in gitlab_job("report", workspace, environment, CI_NODE_TOTAL="1")
