"""The workflows that `init` copies, run job by job: from the pull request to the apply of what was reviewed."""

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciler.simulator import Simulator
from tests.ci.conftest import CONFIGURATION, MERGED_AT, ROOT, SNAPSHOT, TO_BE_REFUSED, TRANSCODING, merge, typed
from tests.ci.conftest import WORKFLOW as WORKFLOW_PATH
from tests.ci.platforms import HEAD_COMMIT, GitHubActions
from tests.ci.runner import Finished, Runner
from tests.ci.test_files import GITHUB
from tests.review.forge import TOKEN, Account

RUN = "4242"
ARTIFACT = "31"
CHOSEN = {"number": "7", "run": RUN, "artifact": ARTIFACT}
NAME = f"plan-7-{hashlib.sha256(b'main').hexdigest()[:12]}"


def a_run(github: GitHubActions, **facts: object) -> dict[str, Any]:
    """The run of the pull request's last commit, as the list of runs shows it."""
    here = {"full_name": github.repository}
    place = {"head_branch": "feature", "head_repository": here, "head_sha": HEAD_COMMIT, "repository": here}
    known = {"id": int(RUN), "event": "pull_request", "status": "completed", "conclusion": "success"}
    made = {"path": ".github/workflows/reconciler.yml", "run_started_at": "2026-01-02T03:00:00Z"}
    return {**known, **made, **place, **facts}


def an_artifact(**facts: object) -> dict[str, Any]:
    """Its plan, as the list of artifacts shows it."""
    known = {"id": int(ARTIFACT), "run": int(RUN), "name": NAME, "expired": False}
    return {**known, "created_at": "2026-01-02T03:01:00Z", **facts}


def _workflow(path: Path) -> dict[Any, Any]:
    workflow = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert isinstance(workflow, dict)
    return workflow


WORKFLOW = _workflow(GITHUB / "dot-github" / "workflows" / "reconciler.yml")
SCHEDULE = _workflow(GITHUB / "dot-github" / "workflows" / "reconciler-schedule.yml")
SHARED = _workflow(ROOT / "ci" / "github" / "reusable.yml")
AFTER_RUN = _workflow(ROOT / "ci" / "github" / "comment-after-run.yml")
IN_SHARDS = _workflow(ROOT / "ci" / "github" / "shards.yml")
ALL = [WORKFLOW, SCHEDULE, SHARED, AFTER_RUN, IN_SHARDS]


@dataclass
class Repository:
    """A repository with the workflow in it. Secrets are those of its environments."""

    runner: Runner
    github: GitHubActions
    clouds: Simulator

    def job(self, name: str, needs: dict[str, Finished] | None = None, workflow: dict[Any, Any] = WORKFLOW) -> Finished:
        return self.runner.job(workflow, name, needs)

    def found(self) -> Finished:
        """The job `apply`, as far as the step that finds the plan; its outputs are those of that step."""
        job = WORKFLOW["jobs"]["apply"]
        last = [step.get("id") for step in job["steps"]].index("reviewed")
        outputs = {name: f"${{{{ steps.reviewed.outputs.{name} }}}}" for name in CHOSEN}
        some = {**job, "steps": job["steps"][: last + 1], "outputs": outputs}
        return self.job("apply", workflow={**WORKFLOW, "jobs": {"apply": some}})

    def reviewed(self) -> str:
        """A plan that was made and commented on the pull request; then the merge. Returns the digest of the plan."""
        place, environment = self.runner.workspace, self.runner.environment | self.secrets
        typed(place, environment, "plan", "--out", "plan.json")
        typed(place, environment | {"GITHUB_TOKEN": TOKEN}, "comment", "plan.json")
        self.kept.mkdir(parents=True)
        (place / "plan.json").rename(self.kept / "plan.json")
        self.signed()
        self.merged()
        digest = json.loads((self.kept / "plan.json").read_text(encoding="utf-8"))["digest"]
        assert isinstance(digest, str)
        return digest

    @property
    def kept(self) -> Path:
        """Where the artifact of the pull request's run lies."""
        return self.runner.artifacts / RUN / ARTIFACT

    def signed(self, **facts: str) -> None:
        self.runner.environment["GITHUB_RUN_ID"] = RUN
        self.runner.attest(self.kept / "plan.json", **facts)

    def merged(self) -> None:
        """The run of the pull request ended well, and the pull request was merged."""
        self.github.runs.append(a_run(self.github))
        self.github.artifacts.append(an_artifact())
        merge(self.runner, self.github)

    @property
    def secrets(self) -> dict[str, str]:
        return {
            name.removeprefix("secrets."): value
            for name, value in self.runner.names.items()
            if name.startswith("secrets.")
        }


@pytest.fixture
def repository(on_pull_request: Runner, github: GitHubActions, simulator: Simulator) -> Repository:
    runner = on_pull_request
    for name in ("HUAWEICLOUD_SDK_AK", "HUAWEICLOUD_SDK_SK"):
        runner.names[f"secrets.{name}"] = runner.environment.pop(name)
    return Repository(runner, github, simulator)


# -- pull request ---------------------------------------------------------------------------------------------
def test_a_pull_request_is_validated_and_tested(repository: Repository) -> None:
    assert repository.job("check").succeeded
    (repository.runner.workspace / "a.reconciler-test.yaml").write_text("version: 1\ntests: {}\n", encoding="utf-8")
    assert repository.job("check").step("Test").code == 65
    (repository.runner.workspace / "reconciler.yaml").write_text("version: 2\n", encoding="utf-8")
    check = repository.job("check")
    assert check.step("Validate").code == 65
    assert "file=reconciler.yaml,line=1," in check.log
    assert repository.clouds.requests == []


@pytest.mark.usefixtures("waiting")
def test_a_pull_request_is_planned_and_commented(repository: Repository) -> None:
    plan = repository.job("plan")
    assert plan.succeeded, plan.log
    assert (plan.outputs["outcome"], plan.outputs["changes"]) == ("changes", "3")
    assert "3 changes: 3 cancel;" in repository.runner.summary
    assert plan.outputs["artifact"] == NAME
    kept = {path.name for path in (repository.runner.artifacts / "this-run" / NAME).iterdir()}
    assert kept == {"plan.json", "plan.html"}
    comment = repository.job("comment", {"plan": plan})
    assert comment.succeeded, comment.log
    (note,) = repository.github.notes
    assert plan.outputs["digest"] in note.body
    assert repository.clouds.destructive_requests == []


@pytest.mark.usefixtures("waiting")
def test_a_refused_plan_fails_its_job_and_is_commented_all_the_same(repository: Repository) -> None:
    repository.runner.environment["RECONCILER_MAX_ACTIONS"] = "1"
    plan = repository.job("plan")
    assert (plan.step("Plan").code, plan.succeeded) == (4, False)
    assert repository.job("attest", {"plan": plan}).steps == ()
    assert repository.job("comment", {"plan": plan}).succeeded
    (note,) = repository.github.notes
    assert '"applyable":false' in note.body


def test_a_policy_that_is_refused_holds_up_no_other(repository: Repository, waiting: Simulator) -> None:
    (repository.runner.workspace / "reconciler.yaml").write_text(CONFIGURATION + TO_BE_REFUSED, encoding="utf-8")
    waiting.huaweicloud.add(TRANSCODING, id=50, created="1d")
    plan = repository.job("plan")
    assert (plan.step("Plan").code, plan.succeeded, plan.outputs["outcome"]) == (4, True, "refused")
    assert repository.job("attest", {"plan": plan}).succeeded
    assert repository.job("comment", {"plan": plan}).succeeded
    (note,) = repository.github.notes
    assert "Guards refuse 1 task" in note.body
    repository.reviewed()
    applied = repository.job("apply")
    assert (applied.step("Apply").code, len(waiting.destructive_requests)) == (4, 3), applied.log
    assert waiting.huaweicloud.status(TRANSCODING, 50) == "WAITING"
    assert repository.job("result", {"apply": applied}).succeeded
    assert note.body.startswith("<!-- reconciler:report ")


@pytest.mark.parametrize(("workflow", "job"), [(WORKFLOW, "plan"), (WORKFLOW, "apply"), (SCHEDULE, "reconcile")])
def test_endpoints_lead_nowhere_unless_the_repository_says_so(
    repository: Repository, workflow: dict[Any, Any], job: str
) -> None:
    """A pull request can name its own host in the configuration; what the credentials sign does not go there."""
    repository.clouds.huaweicloud.add(SNAPSHOT, id=1, created="1d")
    repository.reviewed()
    repository.runner.names |= {"vars.RECONCILER_ENDPOINT_HOSTS": "", "vars.RECONCILE_ON_SCHEDULE": "true"}
    repository.runner.names["github.event_name"] = {"plan": "pull_request", "apply": "push"}.get(job, "schedule")
    before = len(repository.clouds.requests)
    done = repository.job(job, workflow=workflow)
    assert "not among RECONCILER_ENDPOINT_HOSTS" in done.log
    assert len(repository.clouds.requests) == before


def test_no_plan_no_comment(repository: Repository) -> None:
    """A plan that the pull request brings along is not taken for the one that could not be made."""
    place = repository.runner.workspace
    typed(place, repository.runner.environment | repository.secrets, "plan", "--out", "plan.json")
    (place / "plan.html").write_text("mine", encoding="utf-8")
    (place / "reconciler.yaml").write_text("version: 2\n", encoding="utf-8")
    plan = repository.job("plan")
    assert plan.step("Plan").code == 65
    assert plan.step("Show the plan").code == 0
    assert repository.runner.summary == ""
    assert not repository.runner.artifacts.exists()
    assert repository.job("comment", {"plan": plan}).steps == ()


def test_a_pull_request_from_a_fork_is_not_planned(repository: Repository) -> None:
    repository.runner.names["github.event.pull_request.head.repo.full_name"] = "somebody/media"
    plan = repository.job("plan")
    assert plan.steps == ()
    assert repository.job("comment", {"plan": plan}).steps == ()


# -- merge ----------------------------------------------------------------------------------------------------
@pytest.mark.usefixtures("waiting")
def test_the_merge_applies_the_reviewed_plan_and_the_comment_says_so(repository: Repository) -> None:
    digest = repository.reviewed()
    repository.clouds.huaweicloud.add(SNAPSHOT, id=9, created="1d")  # nobody has seen this one
    applied = repository.job("apply")
    assert applied.succeeded, applied.log
    assert len(repository.clouds.destructive_requests) == 3
    assert repository.clouds.huaweicloud.status(SNAPSHOT, 9) == "WAITING"
    kept = repository.runner.artifacts / "this-run" / "report" / "report.json"
    report = json.loads(kept.read_text(encoding="utf-8"))
    assert (report["plan_digest"], report["summary"]["done"]) == (digest, 3)
    assert repository.job("result", {"apply": applied}).succeeded
    (note,) = repository.github.notes
    assert note.body.startswith("<!-- reconciler:report ")


def test_a_merge_without_changes_applies_nothing_and_is_content(repository: Repository) -> None:
    repository.reviewed()
    applied = repository.job("apply")
    assert applied.succeeded, applied.log
    assert applied.step("Apply").outcome == "skipped"
    assert "there is nothing to apply" in applied.log
    assert repository.job("result", {"apply": applied}).succeeded
    assert repository.github.notes == []


NOT_REVIEWED: dict[str, tuple[Callable[[GitHubActions], object], str]] = {
    "no pull request": (lambda github: github.requests_of_commit.clear(), "::error::This commit came with no pull"),
    "no plan": (lambda github: github.runs[0].update(conclusion="failure"), "no successful plan"),
    "another base": (lambda github: _base(github).update(ref="release"), "came with no pull request"),
    "of another": (
        lambda github: _base(github).update(repo={"full_name": "mallory/media"}),
        "came with no pull request",
    ),
}


def _base(github: GitHubActions) -> dict[str, Any]:
    base: dict[str, Any] = github.requests_of_commit[0]["base"]
    return base


@pytest.mark.parametrize("case", NOT_REVIEWED)
def test_what_was_not_reviewed_is_not_applied(repository: Repository, case: str) -> None:
    repository.merged()
    harm, said = NOT_REVIEWED[case]
    harm(repository.github)
    applied = repository.job("apply")
    assert applied.step("Find the plan that was reviewed").code == 1
    assert said in applied.log
    assert applied.step("Apply").outcome == "skipped"


AT_MERGE = {"run_started_at": MERGED_AT}
LATER = "2026-01-02T03:02:00Z"
ELSEWHERE: list[dict[str, Any]] = [
    AT_MERGE,
    {"head_repository": {"full_name": "mallory/media"}},
    {"head_repository": None},
    {"repository": {"full_name": "mallory/media"}},
    {"head_branch": "another-pull-request"},
    {"path": ".github/workflows/another.yml"},
]


@pytest.mark.parametrize("facts", ELSEWHERE, ids=str)
def test_another_run_of_the_same_commit_is_passed_over(repository: Repository, facts: dict[str, Any]) -> None:
    """Whoever opens a pull request with the same commit, or starts the run again later, does not choose the plan."""
    repository.merged()
    repository.github.runs.insert(0, a_run(repository.github, **{"id": 666, "run_started_at": LATER} | facts))
    repository.github.artifacts.insert(0, an_artifact(run=666, id=667))
    assert repository.found().outputs == CHOSEN
    repository.github.runs.pop()
    applied = repository.job("apply")
    assert applied.step("Find the plan that was reviewed").code == 1
    assert "no successful plan from before its merge" in applied.log


@pytest.mark.parametrize(
    "facts",
    [{"name": NAME.replace("7", "8", 1)}, {"name": f"plan-7-{'0' * 12}"}, {"created_at": MERGED_AT}, {"expired": True}],
    ids=["another pull request", "another base", "after the merge", "expired"],
)
def test_of_two_runs_of_one_branch_and_commit_the_pull_request_and_its_base_choose(
    repository: Repository, facts: dict[str, Any]
) -> None:
    """Two pull requests may have the same branch: GitHub shows their runs alike."""
    repository.merged()
    repository.github.runs.insert(0, a_run(repository.github, id=666, run_started_at=LATER))
    repository.github.artifacts.insert(0, an_artifact(run=666, id=667) | facts)
    assert repository.found().outputs == CHOSEN
    repository.github.artifacts.pop()
    assert "no successful plan from before its merge" in repository.job("apply").log


@pytest.mark.usefixtures("waiting")
@pytest.mark.parametrize("planned", [False, True])
def test_a_pull_request_of_the_same_commits_is_merged_along_and_chooses_nothing(
    repository: Repository, planned: bool
) -> None:
    """Anybody can open one, from a fork too. Where both have a plan it cannot be told which one was reviewed."""
    repository.reviewed()
    github = repository.github
    (mine,) = github.requests_of_commit
    github.requests_of_commit.insert(0, {**mine, "number": 8, "head": {**mine["head"], "ref": "theirs"}})
    if planned:
        github.runs.insert(0, a_run(github, id=666, head_branch="theirs", run_started_at=LATER))
        github.artifacts.insert(0, an_artifact(run=666, id=667, name=NAME.replace("7", "8", 1)))
    applied = repository.job("apply")
    assert applied.succeeded == (not planned), applied.log
    assert ("Several pull requests were merged by this commit" in applied.log) == planned
    assert len(repository.clouds.destructive_requests) == (0 if planned else 3)
    assert repository.job("result", {"apply": applied}).succeeded


def _linked(repository: Repository) -> None:
    repository.kept.joinpath("plan.json").rename(repository.runner.workspace / "elsewhere.json")
    repository.kept.joinpath("plan.json").symlink_to(repository.runner.workspace / "elsewhere.json")


POLICY_OF_AN_ARTIFACT = (
    "version: 1\npolicies: {mine: {resource: huaweicloud.mpc.snapshot, match: {}, ensure: absent}}\n"
)


@pytest.mark.usefixtures("waiting")
def test_of_an_artifact_nothing_is_read_but_the_plan(repository: Repository) -> None:
    """A policy in it would delete with the credentials of `production`; a plan in the checkout is not ours."""
    repository.reviewed()
    place = repository.runner.workspace
    for name in ("evil.reconciler.yaml", "reconciler.yaml", "policies/evil.reconciler.yaml"):
        repository.kept.joinpath(name).parent.mkdir(exist_ok=True)
        repository.kept.joinpath(name).write_text(POLICY_OF_AN_ARTIFACT, encoding="utf-8")
    before = {*place.iterdir(), place / ".reconciler"}  # the journal
    applied = repository.job("apply")
    assert applied.succeeded, applied.log
    assert len(repository.clouds.destructive_requests) == 3
    assert set(place.iterdir()) == before


@pytest.mark.usefixtures("waiting")
def test_a_link_in_an_artifact_is_no_plan(repository: Repository) -> None:
    repository.reviewed()
    _linked(repository)
    applied = repository.job("apply")
    assert applied.step("Take the plan, and nothing else").code == 1
    assert repository.clouds.destructive_requests == []


SIGNED_ELSEWHERE = {
    "unsigned": None,
    "another pull request": {"sourceRepositoryRef": "refs/pull/8/merge"},
    "another run": {"runInvocationURI": f"https://github.example.com/octo/media/actions/runs/{RUN}0/attempts/1"},
    "another repository": {"sourceRepositoryURI": "https://github.example.com/mallory/media"},
    "another event": {"buildTrigger": "workflow_dispatch"},
    "another workflow": {"buildSignerURI": f"https://github.example.com/{WORKFLOW_PATH}.yml@refs/pull/7/merge"},
    "another ref": {"buildSignerURI": f"https://github.example.com/{WORKFLOW_PATH}@refs/heads/evil"},
}


@pytest.mark.usefixtures("waiting")
@pytest.mark.parametrize("facts", SIGNED_ELSEWHERE.values(), ids=SIGNED_ELSEWHERE)
def test_what_github_did_not_sign_for_this_pull_request_is_not_applied(
    repository: Repository, facts: dict[str, str] | None
) -> None:
    repository.reviewed()
    (repository.runner.workspace / repository.runner.environment["SIGNED_BY_GITHUB"]).write_text("[]", encoding="utf-8")
    merged = dict(repository.runner.environment)
    repository.runner.environment |= {
        "GITHUB_EVENT_NAME": "pull_request",
        "GITHUB_REF": "refs/pull/7/merge",
        "GITHUB_WORKFLOW_REF": f"{WORKFLOW_PATH}@refs/pull/7/merge",
    }
    if facts is not None:
        repository.signed(**facts)
    repository.runner.environment = merged
    applied = repository.job("apply")
    assert applied.step("Take the plan, and nothing else").code == 1
    assert repository.clouds.destructive_requests == []


def test_the_run_has_its_plan_signed_unless_that_is_switched_off(repository: Repository) -> None:
    plan = repository.job("plan")
    attest = repository.job("attest", {"plan": plan})
    assert attest.succeeded
    (certificate,) = json.loads(
        (repository.runner.workspace / repository.runner.environment["SIGNED_BY_GITHUB"]).read_text(encoding="utf-8")
    )
    kept = repository.runner.artifacts / "this-run" / NAME / "plan.json"
    assert certificate["digest"] == hashlib.sha256(kept.read_bytes()).hexdigest()
    repository.runner.names["vars.RECONCILER_ATTESTATIONS"] = "off"
    assert repository.job("attest", {"plan": plan}).steps == ()


@pytest.mark.usefixtures("waiting")
def test_what_main_no_longer_says_is_not_applied(repository: Repository) -> None:
    """As where the merge was reverted while its run waited for an approval, or an old run is started again."""
    repository.reviewed()
    configuration = repository.runner.workspace / "reconciler.yaml"
    configuration.write_text(configuration.read_text(encoding="utf-8").replace("pending", "running"), encoding="utf-8")
    assert repository.job("apply").step("Apply").code == 5
    assert repository.clouds.destructive_requests == []


def test_apply_works_on_the_branch_as_it_is_now() -> None:
    for workflow in (WORKFLOW, SHARED):
        checkout = workflow["jobs"]["apply"]["steps"][0]
        assert checkout["uses"].startswith("actions/checkout@")
        assert checkout["with"]["ref"] == "${{ github.ref }}"


def test_a_service_that_does_not_answer_stops_the_apply(repository: Repository) -> None:
    repository.merged()
    repository.github.accounts.clear()
    applied = repository.job("apply")
    assert applied.step("Find the plan that was reviewed").code == 22
    assert repository.clouds.destructive_requests == []


@pytest.mark.usefixtures("waiting")
@pytest.mark.parametrize("trick", ["a stranger's comment", "an edited marker", "no comment"])
def test_only_what_our_comment_shows_is_approved(repository: Repository, trick: str) -> None:
    repository.reviewed()
    (note,) = repository.github.notes
    match trick:
        case "a stranger's comment":
            note.author = Account("mallory")
        case "an edited marker":
            note.body = re.sub("sha256:[0-9a-f]{64}", f"sha256:{'0' * 64}", note.body, count=1)
        case _:
            repository.github.notes.clear()
    applied = repository.job("apply")
    assert applied.step("Read the digest that was reviewed").code == 4
    assert applied.step("Apply").outcome == "skipped"
    assert repository.clouds.destructive_requests == []


@pytest.mark.usefixtures("waiting")
def test_another_plan_in_the_artifact_is_refused(repository: Repository) -> None:
    repository.reviewed()
    repository.clouds.huaweicloud.add(SNAPSHOT, id=80, created="1d")
    environment = repository.runner.environment | repository.secrets
    typed(repository.runner.workspace, environment, "plan", "--out", "plan.json")
    (repository.runner.workspace / "plan.json").rename(repository.kept / "plan.json")
    repository.runner.names["vars.RECONCILER_ATTESTATIONS"] = "off"
    applied = repository.job("apply")
    assert applied.step("Apply").code == 4
    assert "the approved digest is" in applied.log
    assert repository.clouds.destructive_requests == []


# -- schedule -------------------------------------------------------------------------------------------------
@pytest.mark.usefixtures("waiting")
@pytest.mark.parametrize(
    ("event", "variable", "calls"), [("schedule", "", 0), ("schedule", "true", 3), ("workflow_dispatch", "", 3)]
)
def test_the_schedule_acts_once_it_is_switched_on(
    repository: Repository, event: str, variable: str, calls: int
) -> None:
    repository.runner.names |= {"github.event_name": event, "vars.RECONCILE_ON_SCHEDULE": variable}
    done = repository.job("reconcile", workflow=SCHEDULE)
    assert done.succeeded, done.log
    assert len(repository.clouds.destructive_requests) == calls


# -- the shared workflow, and the comment after the run -------------------------------------------------------
@pytest.mark.usefixtures("waiting")
def test_the_shared_workflow_goes_the_same_way(repository: Repository) -> None:
    runner = repository.runner
    runner.names |= {"inputs.working-directory": ".", "inputs.tool": "acme/reconciler"}
    runner.signer = runner.names["inputs.signer"] = f"acme/platform/.github/workflows/reconciler.yml@{'0' * 40}"
    runner.environment["GITHUB_RUN_ID"] = RUN
    (runner.workspace / ".tool").symlink_to(ROOT)
    plan = repository.job("plan", workflow=SHARED)
    assert plan.succeeded, plan.log
    assert plan.outputs["changes"] == "3"
    (note,) = repository.github.notes
    assert plan.outputs["digest"] in note.body
    assert repository.job("attest", {"plan": plan}, workflow=SHARED).succeeded
    repository.kept.parent.mkdir()
    (runner.artifacts / "this-run" / NAME).rename(repository.kept)
    repository.merged()
    applied = repository.job("apply", workflow=SHARED)
    assert applied.succeeded, applied.log
    assert len(repository.clouds.destructive_requests) == 3
    assert note.body.startswith("<!-- reconciler:report ")


@pytest.mark.usefixtures("waiting")
@pytest.mark.parametrize("commit", [HEAD_COMMIT, "cd" * 20])
def test_the_plan_of_a_fork_is_commented_after_its_run(repository: Repository, commit: str) -> None:
    """By a workflow of the main branch, and only while the pull request still has the commit that was planned."""
    repository.reviewed()
    repository.github.notes.clear()
    head = {"sha": commit, "label": "fork:a&b #1$(id)", "repo": {"full_name": "fork/media"}}
    base = {"ref": "main", "repo": {"full_name": repository.github.repository}}
    other = {"number": 6, "head": head, "base": {**base, "ref": "$(id)"}}
    repository.github.requests_of_commit = [other, {"number": 7, "head": head, "base": base}]
    event = "github.event.workflow_run"
    repository.runner.environment |= {"GITHUB_EVENT_NAME": "workflow_run", "GITHUB_REF": "refs/heads/main"}
    repository.runner.names |= {
        f"{event}.id": RUN,
        f"{event}.event": "pull_request",
        f"{event}.head_repository.owner.login": "fork",
        f"{event}.head_repository.full_name": "fork/media",
        f"{event}.head_branch": "a&b #1$(id)",
        f"{event}.head_sha": HEAD_COMMIT,
    }
    done = repository.job("comment", workflow=AFTER_RUN)
    assert done.succeeded, done.log
    assert len(repository.github.notes) == (1 if commit == HEAD_COMMIT else 0)


# -- rights ---------------------------------------------------------------------------------------------------
def test_jobs_have_only_the_rights_that_they_need() -> None:
    assert [workflow["permissions"] for workflow in ALL] == [{}] * len(ALL)
    assert {name: job["permissions"] for name, job in WORKFLOW["jobs"].items()} == {
        "check": {"contents": "read"},
        "plan": {"contents": "read"},
        "attest": {"id-token": "write", "attestations": "write"},
        "comment": {"pull-requests": "write"},
        "apply": {"contents": "read", "actions": "read", "attestations": "read", "pull-requests": "read"},
        "result": {"pull-requests": "write"},
    }
    assert SCHEDULE["jobs"]["reconcile"]["permissions"] == {"contents": "read"}
    assert AFTER_RUN["jobs"]["comment"]["permissions"] == {"actions": "read", "pull-requests": "write"}


def test_credentials_of_clouds_are_where_an_environment_guards_them() -> None:
    for workflow in ALL:
        for job in workflow["jobs"].values():
            assert ("secrets." in json.dumps(job)) == ("environment" in job)
            assert job.get("environment") in {None, "plan", "production"}


def test_every_job_with_credentials_says_where_they_may_come_from_and_go_to() -> None:
    for workflow in ALL:
        for job in workflow["jobs"].values():
            if "secrets." in json.dumps(job):
                env = {**workflow.get("env", {}), **job["env"]}
                for name in ("RECONCILER_ENDPOINT_HOSTS", "RECONCILER_CREDENTIAL_SOURCES"):
                    assert env[name] == f"${{{{ vars.{name} || 'none' }}}}"


def test_no_run_is_canceled_and_no_trigger_gives_a_fork_our_rights() -> None:
    for workflow in ALL:
        assert "pull_request_target" not in workflow[True]  # `on`, as YAML 1.1 reads it
        groups = [workflow.get("concurrency"), *(job.get("concurrency") for job in workflow["jobs"].values())]
        assert all(group["cancel-in-progress"] is False for group in groups if group)
    assert WORKFLOW["jobs"]["apply"]["concurrency"]["group"] == SCHEDULE["concurrency"]["group"]


def test_the_checkout_keeps_no_token() -> None:
    steps = [step for workflow in ALL for job in workflow["jobs"].values() for step in job["steps"]]
    checkouts = [step for step in steps if step.get("uses", "").startswith("actions/checkout")]
    assert checkouts
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


def test_the_runner_signals_the_program_and_takes_no_answer_for_a_command() -> None:
    """In each step that speaks to a cloud `exec` comes last, after stop-commands. So it is wherever the tool prints
    what others wrote; only `validate` speaks to the runner."""
    steps = [step for workflow in (WORKFLOW, SCHEDULE) for job in workflow["jobs"].values() for step in job["steps"]]
    scripts = [
        step["run"].splitlines() for step in steps if re.search(r"reconciler (plan|apply) ", step.get("run", ""))
    ]
    assert len(scripts) == 3
    assert all(script[-1].startswith("exec reconciler ") for script in scripts)
    assert all(script[-2].startswith('echo "::stop-commands::$(') for script in scripts)
    for script in (
        step["run"] for workflow in ALL for job in workflow["jobs"].values() for step in job["steps"] if "run" in step
    ):
        told = re.search(r"^(?:.*\$\(|exec |)reconciler (?!validate)", script, re.MULTILINE)
        assert told is None or 0 <= script.find('echo "::stop-commands::$(') < told.start(), script


@pytest.mark.parametrize("step", ["reviewed", "plan"])
def test_both_ways_find_and_take_the_reviewed_plan_by_the_same_script(step: str) -> None:
    first, second = (
        [each["run"] for each in workflow["jobs"]["apply"]["steps"] if each.get("id") == step]
        for workflow in (WORKFLOW, SHARED)
    )
    assert first == second != []


def test_the_token_of_github_is_given_to_few_steps() -> None:
    steps = [step for job in WORKFLOW["jobs"].values() for step in job["steps"]]
    assert {step["name"] for step in steps if "github.token" in json.dumps(step.get("env", {}))} == {
        "Write the comment, or update the one that is there",
        "Find the plan that was reviewed",
        "Take the plan, and nothing else",
        "Read the digest that was reviewed",
        "Update the comment",
    }
