"""Which request it is, as the environment of each platform says."""

import json
from pathlib import Path

import pytest

from reconciler.engine.authorship import Place, recognised
from reconciler.exceptions import UsageError
from reconciler.review.draft import Origin
from reconciler.review.job import Job, job_of, origin_of, token_of

SHA, HEAD = "ab" * 20, "cd" * 20
GITHUB = {
    "GITHUB_ACTIONS": "true",
    "GITHUB_API_URL": "https://api.github.example.com",
    "GITHUB_REPOSITORY": "octo/media",
    "GITHUB_SERVER_URL": "https://github.example.com",
    "GITHUB_RUN_ID": "12",
    "GITHUB_SHA": SHA,
    "GITHUB_REF": "refs/heads/main",
}
GITLAB = {
    "GITLAB_CI": "true",
    "CI_API_V4_URL": "https://gitlab.example.com/api/v4",
    "CI_PROJECT_ID": "42",
    "CI_PROJECT_PATH": "group/sub/media",
    "CI_COMMIT_SHA": SHA,
    "CI_JOB_URL": "https://gitlab.example.com/group/sub/media/-/jobs/99",
    "CI_JOB_ID": "99",
    "CI_PIPELINE_URL": "https://gitlab.example.com/group/sub/media/-/pipelines/5",
    "CI_PIPELINE_ID": "5",
}


def github(**more: str) -> Job:
    return job_of(Place.GITHUB, {**GITHUB, **more})


def gitlab(**more: str) -> Job:
    return job_of(Place.GITLAB, {**GITLAB, **more})


def event(directory: Path, content: object) -> str:
    path = directory / "event.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return str(path)


def test_the_platform_is_recognised() -> None:
    assert recognised(GITHUB) is Place.GITHUB
    assert recognised(GITLAB) is Place.GITLAB
    assert recognised({"GITHUB_ACTIONS": "", "GITLAB_CI": "false"}) is None


def test_a_pull_request(tmp_path: Path) -> None:
    path = event(tmp_path, {"pull_request": {"number": 7, "head": {"sha": HEAD}}})
    job = github(GITHUB_EVENT_PATH=path, GITHUB_REF="refs/pull/8/merge")
    assert (job.repository, job.number, job.api) == ("octo/media", 7, "https://api.github.example.com")
    link = "https://github.example.com/octo/media/actions/runs/12"
    assert job.origin == Origin(link, "12", HEAD)
    assert job.origin.line() == f"Made by [run 12]({link}) of commit <code>cdcdcdcdcdcd</code>."


def test_a_command_in_a_comment_on_a_pull_request(tmp_path: Path) -> None:
    assert github(GITHUB_EVENT_PATH=event(tmp_path, {"issue": {"number": 9, "pull_request": {}}})).number == 9
    assert github(GITHUB_EVENT_PATH=event(tmp_path, {"issue": {"number": 9}})).number is None


@pytest.mark.parametrize(
    "content",
    ["", "[", "null", "[7]", "[" * 100_000, '{"pull_request": {"number": "7"}}', '{"pull_request": {"number": true}}',
     '{"pull_request": {"number": -7}}', '{"pull_request": [{"number": 7}]}'],
)  # fmt: skip
def test_an_event_that_says_nothing(tmp_path: Path, content: str) -> None:
    path = event(tmp_path, content)
    assert github(GITHUB_EVENT_PATH=path).number is None
    assert github(GITHUB_EVENT_PATH=path, GITHUB_REF="refs/pull/8/merge").number == 8
    assert github(GITHUB_EVENT_PATH=str(tmp_path / "none")).number is None
    assert github(GITHUB_EVENT_PATH=str(tmp_path)).commit == SHA


@pytest.mark.parametrize(
    "ref", ["refs/heads/pull/7/merge", "refs/pull/0/merge", "refs/pull/7/merge\n", "refs/pull/\u0667/merge"]
)
def test_refs_of_no_pull_request(ref: str) -> None:
    assert github(GITHUB_REF=ref).number is None


def test_a_push_is_found_by_its_commit() -> None:
    assert (github().number, github().commit) == (None, SHA)
    assert github(GITHUB_SHA="main").commit == ""


@pytest.mark.parametrize(
    ("name", "commit"),
    [("push", SHA), ("workflow_dispatch", SHA), ("schedule", ""), ("issue_comment", ""), ("workflow_run", HEAD)],
)
def test_the_commit_that_the_event_is_about(tmp_path: Path, name: str, commit: str) -> None:
    """Elsewhere GITHUB_SHA is the tip of the default branch: its request is none of the job's business."""
    path = event(tmp_path, {"issue": {"number": 9}, "workflow_run": {"head_sha": HEAD}})
    job = github(GITHUB_EVENT_NAME=name, GITHUB_EVENT_PATH=path)
    assert (job.number, job.commit) == (None, commit)
    assert github(GITHUB_EVENT_NAME="workflow_run").commit == ""


def test_a_schedule_is_about_no_commit() -> None:
    assert gitlab(CI_PIPELINE_SOURCE="schedule").commit == ""
    assert gitlab(CI_PIPELINE_SOURCE="push").commit == SHA


def test_a_merge_request() -> None:
    """From a fork, the pipeline runs in the fork's project, and the request is in another one."""
    job = gitlab(CI_MERGE_REQUEST_IID="7", CI_MERGE_REQUEST_PROJECT_ID="41", CI_MERGE_REQUEST_SOURCE_BRANCH_SHA=HEAD)
    assert (job.repository, job.number, job.api) == ("41", 7, "https://gitlab.example.com/api/v4")
    assert "[run 99](https://gitlab.example.com/group/sub/media/-/jobs/99)" in job.origin.line()
    assert "cdcdcdcdcdcd" in job.origin.line()


def test_a_pipeline_of_a_branch() -> None:
    job = gitlab(CI_JOB_URL="", CI_MERGE_REQUEST_IID="")
    assert (job.repository, job.number, job.commit) == ("42", None, SHA)
    assert "[run 5](https://gitlab.example.com/group/sub/media/-/pipelines/5)" in job.origin.line()


def test_what_is_given_wins() -> None:
    job = job_of(Place.GITHUB, GITHUB, api="https://other", repository="Octo/Media", number=3)
    assert (job.api, job.repository, job.number, job.commit) == ("https://other", "Octo/Media", 3, SHA)


def test_the_environment_says_nothing_of_another_repository(tmp_path: Path) -> None:
    path = event(tmp_path, {"pull_request": {"number": 7}})
    job = job_of(Place.GITHUB, {**GITHUB, "GITHUB_EVENT_PATH": path}, repository="octo/other")
    assert (job.number, job.commit) == (None, "")
    known = {**GITLAB, "CI_MERGE_REQUEST_IID": "7", "CI_MERGE_REQUEST_PROJECT_ID": "41"}
    assert job_of(Place.GITLAB, known, repository="42").number is None
    assert job_of(Place.GITLAB, known, repository="41").number == 7
    assert job_of(Place.GITLAB, GITLAB, repository="group/sub/media").commit == SHA


def test_outside_of_a_job() -> None:
    assert job_of(Place.GITHUB, {}, repository="octo/media", number=7).api == "https://api.github.com"
    assert job_of(Place.GITLAB, {}, repository="g/p", number=7).api == "https://gitlab.com/api/v4"
    with pytest.raises(UsageError, match="names no repository") as caught:
        job_of(Place.GITHUB, {})
    assert "--repository OWNER/NAME" in caught.value.hint
    assert origin_of(Place.GITHUB, {}).line() == origin_of(Place.GITLAB, {}).line() == ""


@pytest.mark.parametrize(
    ("place", "name"),
    [
        *(
            (Place.GITHUB, name)
            for name in ("octo", "octo/..", "octo/.", "../x", "octo/a/b", "octo/a?x", "o c/m", "42")
        ),
        *(
            (Place.GITLAB, name)
            for name in ("group", "g/..", "../p", "g//p", "g/p?x", "g/p#", "-1", "g/p\n", "\u0664\u0662")
        ),
    ],
)
def test_names_of_no_repository(place: Place, name: str) -> None:
    with pytest.raises(UsageError, match="is no repository"):
        job_of(place, {}, repository=name)


class TestTokens:
    def test_where_they_are(self) -> None:
        assert token_of(Place.GITHUB, {"GITHUB_TOKEN": " a\n", "GH_TOKEN": "b"}) == "a"
        assert token_of(Place.GITHUB, {"GITHUB_TOKEN": "", "GH_TOKEN": "b"}) == "b"
        assert token_of(Place.GITLAB, {"GITLAB_TOKEN": "c"}) == "c"
        assert token_of(Place.GITLAB, {"CI_JOB_TOKEN": "d", "GITHUB_TOKEN": "a"}) is None

    @pytest.mark.parametrize("token", ["a b", "a\nb", "a\x00b", "geheim\u00e4"])
    def test_one_that_no_header_can_hold_is_not_shown(self, token: str) -> None:
        with pytest.raises(UsageError) as caught:
            token_of(Place.GITHUB, {"GH_TOKEN": token})
        assert caught.value.message == "GH_TOKEN holds characters that no token has"


@pytest.mark.parametrize(
    "link",
    [
        "javascript:alert(1)",
        "https://me:pw@h/r",
        "https://h/r)x",
        "https://h/r x",
        "https://h/r?token=s3cret",
        "https://h/<script>",
        "https://h/" + "r" * 500,
        "https://h",
        "//h/r",
    ],
)
def test_links_that_are_left_out(link: str) -> None:
    assert Origin(link, "12", SHA).line() == "Made by commit <code>abababababab</code>."
    assert Origin("https://h/r", "12](x", SHA[:-1]).line() == ""
