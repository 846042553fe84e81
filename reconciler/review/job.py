"""The CI job that a command runs in: which request it is about, as the variables of the platform say."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, assert_never

from reconciler.engine.authorship import Place, page_of
from reconciler.exceptions import UsageError
from reconciler.review.draft import Origin

if TYPE_CHECKING:
    from collections.abc import Mapping

_EVENT_LIMIT = 32 * 2**20
"""Bytes; a webhook's payload has 25 MB at most."""

_MERGE_REF = re.compile(r"refs/pull/([1-9][0-9]{0,17})/(?:merge|head)", re.ASCII)
_REPOSITORY = re.compile(r"[A-Za-z0-9-]+/(?!\.\.?$)[A-Za-z0-9._-]+", re.ASCII)
_PROJECT = re.compile(r"[1-9][0-9]*|[A-Za-z0-9_][A-Za-z0-9_.-]*(?:/[A-Za-z0-9_][A-Za-z0-9_.-]*)+", re.ASCII)
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?", re.ASCII)


_REPOSITORIES = {Place.GITHUB: (_REPOSITORY, "OWNER/NAME"), Place.GITLAB: (_PROJECT, "GROUP/PROJECT, or its number")}


@dataclass(frozen=True, slots=True)
class Job:
    """What is known beforehand. `number` None: the request is to be found by `commit`, where there is one."""

    place: Place
    api: str
    repository: str
    number: int | None = None
    commit: str = ""
    origin: Origin = Origin()  # noqa: RUF009 - frozen, without state


def token_of(place: Place, environment: Mapping[str, str]) -> str | None:
    """The token, or None where there is none.

    Raises UsageError for one that no header can hold; it is not shown.
    """
    names = ("GITHUB_TOKEN", "GH_TOKEN") if place is Place.GITHUB else ("GITLAB_TOKEN",)
    for name in names:
        token = environment.get(name, "").strip()
        if token and not (token.isascii() and token.isprintable() and " " not in token):
            raise UsageError(f"{name} holds characters that no token has", "was it copied whole, and nothing else?")
        if token:
            return token
    return None


def job_of(
    place: Place,
    environment: Mapping[str, str],
    *,
    api: str | None = None,
    repository: str | None = None,
    number: int | None = None,
) -> Job:
    """What the environment says, and in preference to it what was given.

    What the environment says of a request is about its own repository, and passed over for another one.
    Raises UsageError for a repository that is none.
    """
    job = _described(place, environment)
    form, example = _REPOSITORIES[place]
    elsewhere = repository is not None and repository.casefold() not in _names(place, environment)
    name = job.repository if repository is None else repository
    if not form.fullmatch(name):
        raise UsageError(
            f"{name!r} is no repository" if name else "the environment names no repository",
            f"pass --repository {example}",
        )
    return Job(
        place,
        api or job.api,
        name,
        number or (None if elsewhere else job.number),
        "" if elsewhere else job.commit,
        job.origin,
    )


def origin_of(place: Place, environment: Mapping[str, str]) -> Origin:
    """Run and commit, as far as the environment tells."""
    return _described(place, environment).origin


def _described(place: Place, environment: Mapping[str, str]) -> Job:
    match place:
        case Place.GITHUB:
            return _github(environment)
        case Place.GITLAB:
            return _gitlab(environment)
        case _:
            assert_never(place)


def _names(place: Place, environment: Mapping[str, str]) -> set[str]:
    known = {
        Place.GITHUB: ("GITHUB_REPOSITORY",),
        Place.GITLAB: (
            *("CI_MERGE_REQUEST_PROJECT_ID", "CI_MERGE_REQUEST_PROJECT_PATH"),
            *(() if environment.get("CI_MERGE_REQUEST_PROJECT_ID") else ("CI_PROJECT_ID", "CI_PROJECT_PATH")),
        ),
    }
    return {environment.get(name, "").casefold() for name in known[place]} - {""}


def _github(environment: Mapping[str, str]) -> Job:
    event = _event(environment.get("GITHUB_EVENT_PATH", ""))
    repository = environment.get("GITHUB_REPOSITORY", "")
    commit = _github_commit(event, environment)
    head = _at(event, "pull_request", "head", "sha")
    return Job(
        Place.GITHUB,
        environment.get("GITHUB_API_URL") or "https://api.github.com",
        repository,
        _github_number(event, environment.get("GITHUB_REF", "")),
        commit,
        Origin(
            *page_of(Place.GITHUB, environment),
            head if isinstance(head, str) else commit or environment.get("GITHUB_SHA", ""),
        ),
    )


def _github_commit(event: object, environment: Mapping[str, str]) -> str:
    """The commit that the job is about. For other events GITHUB_SHA is but the tip of the default branch, and the
    request that brought that has nothing to do with the job."""
    name = environment.get("GITHUB_EVENT_NAME", "push")
    known = {
        "push": environment.get("GITHUB_SHA"),
        "workflow_dispatch": environment.get("GITHUB_SHA"),
        "workflow_run": _at(event, "workflow_run", "head_sha"),
    }
    commit = known.get(name)
    return commit if isinstance(commit, str) and _COMMIT.fullmatch(commit) else ""


def _github_number(event: object, ref: str) -> int | None:
    numbers = [_at(event, "pull_request", "number")]
    if _at(event, "issue", "pull_request") is not None:  # a comment such as `/plan` on a pull request
        numbers.append(_at(event, "issue", "number"))
    named = _MERGE_REF.fullmatch(ref)
    numbers.append(int(named[1]) if named else None)
    return next((number for number in numbers if type(number) is int and number > 0), None)


def _event(path: str) -> object:
    """The payload of the event that started the workflow; None where there is none to read."""
    if not path:
        return None
    try:
        with Path(path).open("rb") as file:
            return json.loads(file.read(_EVENT_LIMIT))
    except (OSError, ValueError, RecursionError):
        return None


def _at(document: object, *path: str) -> object:
    for name in path:
        document = document.get(name) if isinstance(document, dict) else None
    return document


def _gitlab(environment: Mapping[str, str]) -> Job:
    """In a pipeline of a merge request from a fork, CI_PROJECT_ID is the fork; the request is elsewhere."""
    request = environment.get("CI_MERGE_REQUEST_IID", "")
    commit = environment.get("CI_COMMIT_SHA", "")
    scheduled = environment.get("CI_PIPELINE_SOURCE") == "schedule"  # about no commit in particular
    return Job(
        Place.GITLAB,
        environment.get("CI_API_V4_URL") or "https://gitlab.com/api/v4",
        environment.get("CI_MERGE_REQUEST_PROJECT_ID") or environment.get("CI_PROJECT_ID", ""),
        int(request) if re.fullmatch(r"[1-9][0-9]{0,17}", request, re.ASCII) else None,
        commit if _COMMIT.fullmatch(commit) and not scheduled else "",
        Origin(
            *page_of(Place.GITLAB, environment),
            environment.get("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA") or commit,
        ),
    )
