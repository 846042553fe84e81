"""Who makes a run and from which commit, told by the system, the CI job and the files of git."""

import os
import pwd
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.backends.entries import Author
from reconciler.config.loader import load_configuration
from reconciler.config.model import Configuration
from reconciler.engine.authorship import author_of, commit_of
from reconciler.providers.registry import catalogue


def authorship(configuration: Configuration, environment: Mapping[str, str]) -> tuple[Author, str | None]:
    return author_of(environment), commit_of(configuration, environment)


GITHUB = {
    "GITHUB_ACTIONS": "true",
    "GITHUB_SERVER_URL": "https://github.com",
    "GITHUB_REPOSITORY": "octo/media",
    "GITHUB_RUN_ID": "42",
    "GITHUB_ACTOR": "octocat",
    "GITHUB_SHA": "a" * 40,
}
GITLAB = {
    "GITLAB_CI": "true",
    "GITLAB_USER_LOGIN": "tanuki",
    "CI_JOB_URL": "https://gitlab.com/octo/media/-/jobs/7",
    "CI_COMMIT_SHA": "b" * 40,
}


@pytest.fixture
def configuration(tmp_path: Path) -> Configuration:
    (tmp_path / "policies").mkdir()
    path = tmp_path / "policies" / "reconciler.yaml"
    path.write_text("version: 1\n")
    made = load_configuration([path], catalogue(), environment={}, strict=True)
    return replace(made, files=(path,))


@pytest.fixture
def git(tmp_path: Path) -> Callable[..., str]:
    """Run git in the directory above the configuration."""

    def run(*words: str) -> str:
        name = ("-c", "user.name=me", "-c", "user.email=me@example.com", "-c", "init.defaultBranch=main")
        environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "GIT_CONFIG_NOSYSTEM": "1"}
        done = subprocess.run(
            [shutil.which("git") or pytest.skip("git is not installed"), *name, *words],
            cwd=tmp_path,
            env=environment,
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()

    run("init", "-q")
    return run


@pytest.fixture
def commit(git: Callable[..., str]) -> str:
    git("add", ".")
    git("commit", "-q", "-m", "one")
    return git("rev-parse", "HEAD")


def test_without_a_job_it_is_the_user_of_the_system(configuration: Configuration) -> None:
    author, commit = authorship(configuration, {"LOGNAME": "somebody else", "USER": "somebody else"})
    assert (author.user, author.actor, author.job) == (pwd.getpwuid(os.geteuid()).pw_name, None, None)
    assert commit is None


@pytest.mark.parametrize(
    ("environment", "actor", "job", "commit"),
    [
        (GITHUB, "octocat", "https://github.com/octo/media/actions/runs/42", "a" * 40),
        (
            {**GITHUB, "GITHUB_TRIGGERING_ACTOR": "hubot"},
            "hubot",
            "https://github.com/octo/media/actions/runs/42",
            "a" * 40,
        ),
        (GITLAB, "tanuki", "https://gitlab.com/octo/media/-/jobs/7", "b" * 40),
        ({"GITLAB_CI": "true"}, None, None, None),
        ({**GITLAB, "CI_JOB_URL": "https://me:s3cret@h/x", "CI_COMMIT_SHA": "s3cret"}, "tanuki", None, None),
        ({**GITLAB, "CI_JOB_URL": "https://h/x?token=s3cret", "CI_COMMIT_SHA": "B" * 40}, "tanuki", None, None),
        ({**GITLAB, "CI_JOB_URL": "https://h/" + "x" * 5000, "CI_COMMIT_SHA": "b" * 41}, "tanuki", None, None),
    ],
)
def test_a_job_says_who_set_it_off_and_is_believed_where_it_has_the_form(
    configuration: Configuration, environment: dict[str, str], actor: str | None, job: str | None, commit: str | None
) -> None:
    author, found = authorship(configuration, environment)
    assert (author.actor, author.job, found) == (actor, job, commit)


def test_a_hostile_name_is_bounded_and_fit_to_be_shown(configuration: Configuration) -> None:
    author, _ = authorship(configuration, {**GITLAB, "GITLAB_USER_LOGIN": "\x1b[31m\u202e" + "x" * 5000})
    assert author.actor is not None
    assert len(author.actor) <= 200
    assert author.actor.isprintable()


def test_the_commit_is_that_of_the_repository_whatever_the_job_is_of(
    configuration: Configuration, git: Callable[..., str], commit: str
) -> None:
    assert authorship(configuration, {})[1] == commit
    assert authorship(configuration, GITHUB)[1] == commit
    git("pack-refs", "--all")
    assert authorship(configuration, {})[1] == commit
    git("checkout", "-q", "--detach")
    assert authorship(configuration, {})[1] == commit


def test_a_further_work_tree_has_a_commit_of_its_own(
    configuration: Configuration, git: Callable[..., str], commit: str, tmp_path: Path
) -> None:
    git("worktree", "add", "-q", "-b", "other", "elsewhere")
    there = replace(configuration, files=(tmp_path / "elsewhere" / "policies" / "reconciler.yaml",))
    assert authorship(there, {})[1] == commit
    git("commit", "-q", "--allow-empty", "-m", "two")
    assert authorship(there, {})[1] == commit
    assert authorship(configuration, {})[1] == git("rev-parse", "HEAD") != commit


def test_a_repository_without_a_commit_has_none(configuration: Configuration, git: Callable[..., str]) -> None:
    git("status")
    assert authorship(configuration, {})[1] is None


@pytest.mark.parametrize(
    "head", ["", "ref: refs/../../secret", "ref: ../secret", "ref: refs/heads/.invalid", "\0", "x" * 40, "ref: refs/\0"]
)
def test_what_is_no_commit_is_none(configuration: Configuration, tmp_path: Path, head: str) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "HEAD").write_text(head)
    (tmp_path / "secret").write_text("c" * 40)
    assert authorship(configuration, {})[1] is None


def test_nobody_waits_for_a_fifo(configuration: Configuration, tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    os.mkfifo(tmp_path / ".git" / "HEAD")
    assert authorship(configuration, {})[1] is None
