"""The GitLab pipeline that `init` copies: its rules, and its jobs run the way GitLab's runner does."""

import json
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciler.simulator import Simulator
from tests.ci.conftest import CONFIGURATION, MERGED_AT, SNAPSHOT, TO_BE_REFUSED, TRANSCODING, typed
from tests.ci.platforms import HEAD_COMMIT, GitLabPipelines, Store
from tests.ci.runner import needing
from tests.ci.test_files import PIPELINE
from tests.review.forge import SHA, TOKEN, Account
from tests.terminal import wait_until

JOBS = yaml.safe_load(PIPELINE.read_text(encoding="utf-8"))
_WHO = ("-c", "user.name=somebody", "-c", "user.email=somebody@example.com")
OUT = ".reconciler-out"
NAMES = ("validate", "test", "plan", "comment", "apply", "reconcile")


TRIED = "cd" * 20
"""The commit of a merge that GitLab tried, where its pipelines run for merged results."""


def a_pipeline(**facts: object) -> dict[str, Any]:
    """One of the merge request, as the list shows it."""
    known = {"id": 500, "project_id": 42, "source": "merge_request_event", "status": "success"}
    place = {"ref": "refs/merge-requests/7/head", "sha": HEAD_COMMIT}
    return {**known, **place, "created_at": "2026-01-02T03:00:00.000Z", **facts}


@dataclass
class Pipeline:
    """One pipeline after the other, in one checkout."""

    workspace: Path
    environment: dict[str, str]
    gitlab: GitLabPipelines
    clouds: Simulator
    store: Store
    meanwhile: Callable[[subprocess.Popen[str]], None] = field(default=lambda _process: None)

    def job(self, name: str) -> subprocess.CompletedProcess[str]:
        """Variables, then before_script and script as one script, in bash, ended by its first failure."""
        before = JOBS[name].get("before_script", JOBS["default"]["before_script"])
        script = needing("\n".join([*before, *JOBS[name]["script"]]))
        variables = {**JOBS["variables"], **JOBS[name].get("variables", {}), **self._outputs(name)}
        process = subprocess.Popen(
            ["/bin/bash", "-eo", "pipefail", "-c", script],
            cwd=self.workspace,
            env=variables | self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.meanwhile(process)
        out, _ = process.communicate(timeout=120)
        if after := JOBS[name].get("after_script"):
            subprocess.run(
                ["/bin/bash", "-eo", "pipefail", "-c", needing("\n".join(after))],
                cwd=self.workspace,
                env=variables | self.environment,
                stdin=subprocess.DEVNULL,
                check=True,
                timeout=120,
            )
        return subprocess.CompletedProcess([name], process.returncode, out)

    def _outputs(self, name: str) -> dict[str, str]:
        """What the jobs that this one needs have said in their dotenv reports."""
        needed = [JOBS[need["job"]]["artifacts"]["reports"]["dotenv"] for need in JOBS[name].get("needs", ())]
        texts = [file.read_text(encoding="utf-8") for file in map(self.workspace.joinpath, needed) if file.exists()]
        return dict(line.split("=", 1) for text in texts for line in text.splitlines())

    def reviewed(self) -> None:
        """A plan that was made and shown on the merge request; then the merge, and so a new checkout."""
        typed(self.workspace, self.environment, "plan", "--out", "plan.json")
        typed(self.workspace, self.environment, "comment", "plan.json")
        plan = self.workspace / "plan.json"
        self.store.content = plan.read_bytes()
        plan.unlink()
        self.gitlab.store = self.store
        facts = {"target_project_id": 42, "target_branch": "main", "merged_at": MERGED_AT, "sha": HEAD_COMMIT}
        made = {"merge_commit_sha": None, "squash_commit_sha": SHA}
        self.gitlab.requests_of_commit = [{"iid": 7, "state": "merged", **made, **facts}]
        self.gitlab.pipelines = [a_pipeline()]
        self.gitlab.jobs = [{"id": 8999, "name": "test"}, {"id": 9000, "name": "plan"}]
        for job in self.gitlab.jobs:
            job |= {"status": "success", "allow_failure": False, "finished_at": "2026-01-02T03:03:05.123+00:00"}
        self.gitlab.parents = {HEAD_COMMIT: ["0" * 40], TRIED: ["0" * 40, HEAD_COMMIT]}
        self.pushed()
        del self.environment["CI_MERGE_REQUEST_IID"], self.environment["CI_MERGE_REQUEST_PROJECT_ID"]
        self.environment["CI_PIPELINE_SOURCE"] = "push"

    def pushed(self) -> None:
        """The default branch has what the workspace has; the job has a checkout of it, as old as may be."""
        for words in (
            ("init", "--quiet", "--initial-branch", "main"),
            ("add", "--", "*.yaml"),
            (*_WHO, "commit", "--quiet", "--allow-empty", "--message", "as merged"),
        ):
            self._git(*words)
        upstream = self.workspace.parent / "upstream.git"
        self._git("clone", "--quiet", "--bare", str(self.workspace), str(upstream))
        self.environment |= {"CI_REPOSITORY_URL": upstream.as_uri(), "CI_COMMIT_BRANCH": "main"}

    def moved_on(self) -> None:
        """Meanwhile the default branch says something else; the workspace stays at the commit of the pipeline."""
        file = self.workspace / "reconciler.yaml"
        file.write_text(file.read_text(encoding="utf-8").replace("pending", "running"), encoding="utf-8")
        self.committed(file.name)

    def committed(self, name: str) -> None:
        """The default branch has a file more, or another one."""
        for words in (
            ("add", "--", name),
            (*_WHO, "commit", "--quiet", "--message", "meanwhile"),
            ("push", "--quiet", self.environment["CI_REPOSITORY_URL"], "HEAD:refs/heads/main"),
            ("checkout", "--quiet", "--detach", "HEAD~1"),
        ):
            self._git(*words)

    def _git(self, *words: str) -> None:
        git = shutil.which("git", path=self.environment["PATH"])
        assert git, "GitLab's images have it, and so must a machine that tests"
        subprocess.run([git, *words], cwd=self.workspace, env=self.environment, check=True)


@pytest.fixture
def pipeline(
    workspace: Path, environment: dict[str, str], gitlab: GitLabPipelines, simulator: Simulator
) -> Iterator[Pipeline]:
    """The pipeline of merge request 7."""
    environment |= {
        "CI": "true",
        "GITLAB_CI": "true",
        "CI_API_V4_URL": gitlab.url,
        "CI_COMMIT_SHA": SHA,
        "CI_MERGE_REQUEST_IID": "7",
        "CI_MERGE_REQUEST_PROJECT_ID": "42",
        "CI_PIPELINE_SOURCE": "merge_request_event",
        "CI_PROJECT_ID": "42",
        "GITLAB_TOKEN": TOKEN,
        "RECONCILER_ENDPOINT_HOSTS": "127.0.0.1",
    }
    store = Store()
    with store.running():
        yield Pipeline(workspace, environment, gitlab, simulator, store)


# -- merge request --------------------------------------------------------------------------------------------
def test_a_merge_request_is_validated_and_tested(pipeline: Pipeline) -> None:
    assert pipeline.job("validate").returncode == 0
    assert pipeline.job("test").returncode == 0
    assert (pipeline.workspace / OUT / "test.xml").read_text(encoding="utf-8").startswith("<?xml ")
    assert pipeline.clouds.requests == []


@pytest.mark.usefixtures("waiting")
def test_a_merge_request_is_planned_and_its_note_says_so(pipeline: Pipeline) -> None:
    assert pipeline.job("plan").returncode == 0
    artifacts = JOBS["plan"]["artifacts"]
    for name in (*artifacts["paths"], *artifacts["reports"].values()):
        assert (pipeline.workspace / name).is_file(), name
    widget = json.loads((pipeline.workspace / OUT / "plan-gitlab.json").read_text(encoding="utf-8"))
    assert widget == {"create": 0, "update": 3, "delete": 0}
    variables = dict(
        line.split("=", 1) for line in (pipeline.workspace / OUT / "plan.env").read_text(encoding="utf-8").splitlines()
    )
    assert (variables["outcome"], variables["changes"]) == ("changes", "3")
    assert pipeline.job("comment").returncode == 0
    (note,) = pipeline.gitlab.notes
    assert variables["digest"] in note.body


def test_endpoints_lead_nowhere_unless_the_project_says_so(pipeline: Pipeline) -> None:
    del pipeline.environment["RECONCILER_ENDPOINT_HOSTS"]
    assert pipeline.job("plan").returncode == 64
    assert pipeline.clouds.requests == []


@pytest.mark.usefixtures("waiting")
@pytest.mark.parametrize("linked", [False, True])
def test_no_plan_no_note(pipeline: Pipeline, linked: bool) -> None:
    """What the merge request brings along under the names of our files is not kept, and not shown as our own."""
    theirs = pipeline.workspace / ("theirs" if linked else OUT)
    theirs.mkdir()
    typed(pipeline.workspace, pipeline.environment, "plan", "--out", f"{theirs.name}/plan.json")
    (theirs / "plan.env").write_text("PACKAGE=evil\n", encoding="utf-8")
    if linked:
        (pipeline.workspace / OUT).symlink_to(theirs)
    (pipeline.workspace / "reconciler.yaml").write_text("version: 2\n", encoding="utf-8")
    assert pipeline.job("plan").returncode == 65
    assert not any((pipeline.workspace / OUT).iterdir())
    comment = pipeline.job("comment")
    assert (comment.returncode, comment.stdout) == (0, "No plan was made.\n")


@pytest.mark.usefixtures("waiting")
def test_what_another_pipeline_left_in_the_directory_is_not_shown(pipeline: Pipeline) -> None:
    """Without a checkout, a runner may keep the files of the job before."""
    assert pipeline.job("plan").returncode == 0
    (pipeline.workspace / OUT / "plan.env").unlink()
    assert pipeline.job("comment").stdout == "No plan was made.\n"
    (pipeline.workspace / OUT / "plan.env").write_text(f"digest=sha256:{'0' * 64}\n", encoding="utf-8")
    assert pipeline.job("comment").stdout == "No plan was made.\n"
    assert pipeline.gitlab.notes == []


# -- default branch -------------------------------------------------------------------------------------------
def test_the_reviewed_plan_is_applied(pipeline: Pipeline, waiting: Simulator) -> None:
    pipeline.reviewed()
    waiting.huaweicloud.add(SNAPSHOT, id=9, created="1d")  # nobody has seen this one
    applied = pipeline.job("apply")
    assert applied.returncode == 0, applied.stdout
    assert len(waiting.destructive_requests) == 3
    (fetched,) = pipeline.store.calls
    assert TOKEN not in str(fetched.headers), "the store is another host"
    artifacts = JOBS["apply"]["artifacts"]
    for name in (*artifacts["paths"], *artifacts["reports"].values()):
        assert (pipeline.workspace / name).is_file(), name
    (note,) = pipeline.gitlab.notes
    assert note.body.startswith("<!-- reconciler:report ")


def test_a_policy_that_is_refused_holds_up_no_other(pipeline: Pipeline, waiting: Simulator) -> None:
    (pipeline.workspace / "reconciler.yaml").write_text(CONFIGURATION + TO_BE_REFUSED, encoding="utf-8")
    waiting.huaweicloud.add(TRANSCODING, id=50, created="1d")
    assert pipeline.job("plan").returncode in JOBS["plan"]["allow_failure"]["exit_codes"]
    assert pipeline.job("comment").returncode == 0
    (note,) = pipeline.gitlab.notes
    assert "Guards refuse 1 task" in note.body
    shutil.rmtree(pipeline.workspace / OUT)
    pipeline.reviewed()
    pipeline.gitlab.jobs[1] |= {"status": "failed", "allow_failure": True}
    applied = pipeline.job("apply")
    assert (applied.returncode, len(waiting.destructive_requests)) == (4, 3), applied.stdout
    assert waiting.huaweicloud.status(TRANSCODING, 50) == "WAITING"


def test_a_plan_without_changes_is_nothing_to_apply(pipeline: Pipeline) -> None:
    pipeline.reviewed()
    applied = pipeline.job("apply")
    assert applied.returncode == 0
    assert "there is nothing to apply" in applied.stdout
    assert pipeline.gitlab.notes == []


@pytest.mark.usefixtures("waiting")
@pytest.mark.parametrize(
    ("missing", "code"),
    [
        *(("merge request", 1), ("this branch", 1), ("this project", 1), ("this commit", 1)),
        *(("artifact", 22), ("note", 4), ("our note", 4), ("token", 22)),
    ],
)
def test_what_was_not_reviewed_is_not_applied(pipeline: Pipeline, missing: str, code: int) -> None:
    pipeline.reviewed()
    match missing:
        case "merge request":
            pipeline.gitlab.requests_of_commit[0]["state"] = "opened"
        case "this branch":
            pipeline.gitlab.requests_of_commit[0]["target_branch"] = "release"
        case "this project":
            pipeline.gitlab.requests_of_commit[0]["target_project_id"] = 99
        case "this commit":
            pipeline.gitlab.requests_of_commit[0]["squash_commit_sha"] = "0" * 40
        case "artifact":
            pipeline.gitlab.store = None
        case "note":
            pipeline.gitlab.notes.clear()
        case "our note":
            pipeline.gitlab.notes[0].author = Account("mallory")
        case _:
            pipeline.gitlab.accounts.clear()
    applied = pipeline.job("apply")
    assert applied.returncode == code, applied.stdout
    assert pipeline.clouds.destructive_requests == []


ELSEWHERE: list[dict[str, Any]] = [
    {"status": "failed"},
    {"source": "web"},
    {"project_id": 99},
    {"ref": "refs/merge-requests/8/head"},
    {"ref": "feature"},
    {"created_at": MERGED_AT},
    {"sha": "0" * 40},
    {"sha": TRIED, "ref": "refs/merge-requests/7/merge", "id": 501},
]


@pytest.mark.usefixtures("waiting")
@pytest.mark.parametrize("facts", ELSEWHERE, ids=str)
def test_a_plan_of_elsewhere_is_not_applied(pipeline: Pipeline, facts: dict[str, Any]) -> None:
    pipeline.reviewed()
    pipeline.gitlab.pipelines[0] |= facts
    pipeline.gitlab.parents["0" * 40] = []
    assert pipeline.job("apply").returncode in {1, 22}
    assert pipeline.clouds.destructive_requests == []


@pytest.mark.parametrize("facts", [{"finished_at": MERGED_AT}, {"finished_at": None}, {"status": "failed"}], ids=str)
def test_a_plan_that_was_made_after_the_merge_is_not_applied(pipeline: Pipeline, facts: dict[str, Any]) -> None:
    """Whatever it says of its time itself: a job can be started again."""
    pipeline.reviewed()
    pipeline.gitlab.jobs[1] |= facts
    applied = pipeline.job("apply")
    assert (applied.returncode, "was made after the merge" in applied.stdout) == (1, True)


def test_pipelines_for_merged_results_are_those_of_their_second_parent(pipeline: Pipeline, waiting: Simulator) -> None:
    pipeline.reviewed()
    pipeline.gitlab.pipelines = [
        a_pipeline(id=499),
        a_pipeline(sha=TRIED, ref="refs/merge-requests/7/merge"),
        a_pipeline(id=501, status="failed"),
    ]
    applied = pipeline.job("apply")
    assert applied.returncode == 0, applied.stdout
    assert len(waiting.destructive_requests) == 3


@pytest.mark.usefixtures("waiting")
@pytest.mark.parametrize("planned", [False, True])
def test_a_merge_request_of_the_same_commits_is_merged_along_and_chooses_nothing(
    pipeline: Pipeline, planned: bool
) -> None:
    """Anybody can open one, from a fork too. Where both have a plan it cannot be told which one was reviewed."""
    pipeline.reviewed()
    pipeline.gitlab.requests_of_commit.insert(0, {**pipeline.gitlab.requests_of_commit[0], "iid": 8})
    if planned:
        pipeline.gitlab.other_pipelines = [a_pipeline(ref="refs/merge-requests/8/head")]
    applied = pipeline.job("apply")
    assert applied.returncode == (1 if planned else 0), applied.stdout
    assert ("Several merge requests were merged by this commit" in applied.stdout) == planned
    assert len(pipeline.clouds.destructive_requests) == (0 if planned else 3)


def test_a_report_in_the_branch_as_it_is_now_is_not_kept_as_that_of_an_apply(pipeline: Pipeline) -> None:
    """Neither what the commit of the pipeline brings along, nor what came to the branch since."""
    pipeline.reviewed()
    report = pipeline.workspace / ".reconciler-out" / "report.json"
    report.parent.mkdir()
    report.write_text("{}", encoding="utf-8")
    pipeline.committed(".reconciler-out")
    pipeline.gitlab.notes.clear()
    pipeline.gitlab.store = None
    assert pipeline.job("apply").returncode == 22
    assert list(report.parent.iterdir()) == []


@pytest.mark.usefixtures("waiting")
def test_what_the_branch_no_longer_says_is_not_applied(pipeline: Pipeline) -> None:
    """The job is started by hand, perhaps after the merge was reverted."""
    pipeline.reviewed()
    pipeline.moved_on()
    applied = pipeline.job("apply")
    assert applied.returncode == 5, applied.stdout
    assert pipeline.clouds.destructive_requests == []


def test_the_schedule_applies_what_the_branch_says(pipeline: Pipeline, waiting: Simulator) -> None:
    assert pipeline.job("reconcile").returncode == 0
    assert len(waiting.destructive_requests) == 3


@pytest.mark.usefixtures("real_program")
def test_a_canceled_job_finishes_what_is_in_flight(pipeline: Pipeline) -> None:
    """GitLab's runner sends SIGTERM to the processes of the job, of which shells take no notice."""
    for number in range(60):
        pipeline.clouds.huaweicloud.add(SNAPSHOT, id=number + 1, created="1d")
    pipeline.clouds.faults.add("latency", method="DELETE", times=0, seconds=0.05)

    def cancel(process: subprocess.Popen[str]) -> None:
        wait_until(lambda: len(pipeline.clouds.destructive_requests) > 1, process)
        process.send_signal(signal.SIGTERM)

    pipeline.meanwhile = cancel
    assert pipeline.job("reconcile").returncode == 143
    report = json.loads((pipeline.workspace / OUT / "report.json").read_text(encoding="utf-8"))
    assert report["outcome"] == "interrupted"
    assert report["summary"]["done"] + report["summary"]["not_attempted"] == 60


# -- rules ----------------------------------------------------------------------------------------------------

BRANCH = {"CI_COMMIT_BRANCH": "main", "CI_DEFAULT_BRANCH": "main"}
REQUEST = {"CI_PIPELINE_SOURCE": "merge_request_event", "CI_MERGE_REQUEST_PROJECT_ID": "42"}


def _holds(rule: str, variables: dict[str, str]) -> bool:
    """GitLab's expressions, as far as ours go: `==`, `&&`, variables and texts."""
    parts = [part.split(" == ") for part in rule.split(" && ")]
    assert all(len(part) == 2 for part in parts), rule
    return all(_value(left, variables) == _value(right, variables) for left, right in parts)


def _value(text: str, variables: dict[str, str]) -> str | None:
    return variables.get(text[1:]) if text.startswith("$") else text.strip('"')


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        (REQUEST | {"CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "42"}, ["validate", "test", "plan", "comment"]),
        (REQUEST | {"CI_MERGE_REQUEST_SOURCE_PROJECT_ID": "99"}, ["validate", "test"]),
        (BRANCH | {"CI_PIPELINE_SOURCE": "push"}, ["apply"]),
        (BRANCH | {"CI_PIPELINE_SOURCE": "schedule"}, ["reconcile"]),
        (BRANCH | {"CI_PIPELINE_SOURCE": "push", "CI_COMMIT_BRANCH": "feature"}, []),
    ],
    ids=["merge request", "merge request from a fork", "merge", "schedule", "another branch"],
)
def test_each_pipeline_has_the_jobs_that_it_should(variables: dict[str, str], expected: list[str]) -> None:
    workflow = any(_holds(rule["if"], variables) for rule in JOBS["workflow"]["rules"])
    found = [name for name in NAMES if any(_holds(rule["if"], variables) for rule in JOBS[name]["rules"])]
    assert (found if workflow else []) == expected


def test_credentials_come_from_where_the_vendors_look_and_go_to_the_vendors() -> None:
    names = ("RECONCILER_ENDPOINT_HOSTS", "RECONCILER_CREDENTIAL_SOURCES")
    assert {JOBS["variables"][name] for name in names} == {"none"}


def test_apply_waits_for_somebody_and_two_never_run_at_once() -> None:
    assert [rule["when"] for rule in JOBS["apply"]["rules"]] == ["manual"]
    assert JOBS["apply"]["resource_group"] == JOBS["reconcile"]["resource_group"]
    assert (JOBS["default"]["interruptible"], JOBS["default"]["retry"]) == (False, 0)


def test_each_job_ends_in_the_program() -> None:
    for name in NAMES:
        assert JOBS[name]["script"][-1].startswith("exec reconciler "), name


def test_plans_are_for_developers_and_credentials_for_environments() -> None:
    jobs: dict[str, dict[str, Any]] = {name: JOBS[name] for name in NAMES}
    kept = {name for name, job in jobs.items() if job.get("artifacts", {}).get("paths")}
    assert kept == {"plan", "apply", "reconcile"}
    assert {jobs[name]["artifacts"]["access"] for name in kept} == {"developer"}
    assert {name: job["environment"]["name"] for name, job in jobs.items() if "environment" in job} == {
        "plan": "plan",
        "apply": "production",
        "reconcile": "production",
    }
