"""Who makes a run, and from which commit, for the history: what the system, the CI job and the repository say."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING, assert_never

from reconciler.redaction import bounded

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from reconciler.backends.entries import Author
    from reconciler.config.model import Configuration

_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?", re.ASCII)
_PAGE = re.compile(r"https?://[A-Za-z0-9.-]+(?::[0-9]{1,5})?(?:/[A-Za-z0-9._~-]+)+", re.ASCII)
_LONGEST = 200
"""Characters kept of a name."""
_LARGEST = 4 * 2**20
"""Bytes read of a file in `.git`: of `packed-refs`, a hundred thousand lines."""


class Place(StrEnum):
    GITHUB = "github"
    GITLAB = "gitlab"


def recognised(environment: Mapping[str, str]) -> Place | None:
    """The platform whose job this is, if it is one."""
    if environment.get("GITHUB_ACTIONS") == "true":
        return Place.GITHUB
    return Place.GITLAB if environment.get("GITLAB_CI") == "true" else None


def page_of(place: Place, environment: Mapping[str, str]) -> tuple[str, str]:
    """The page of the job, and its number, as far as the environment tells."""
    match place:
        case Place.GITHUB:
            run = environment.get("GITHUB_RUN_ID", "")
            server, repository = (environment.get(f"GITHUB_{name}", "") for name in ("SERVER_URL", "REPOSITORY"))
            return f"{server}/{repository}/actions/runs/{run}", run
        case Place.GITLAB:
            by_job = environment.get("CI_JOB_URL")
            page = by_job or environment.get("CI_PIPELINE_URL", "")
            return page, environment.get("CI_JOB_ID" if by_job else "CI_PIPELINE_ID", "")
        case _:
            assert_never(place)


_ACTORS = {
    Place.GITHUB: ("GITHUB_TRIGGERING_ACTOR", "GITHUB_ACTOR"),  # who ran it again, before who ran it first
    Place.GITLAB: ("GITLAB_USER_LOGIN",),
}
_COMMITS = {Place.GITHUB: "GITHUB_SHA", Place.GITLAB: "CI_COMMIT_SHA"}


def author_of(environment: Mapping[str, str] = os.environ) -> Author:
    """Who makes a run. Variables are believed only where they have the form that they should have."""
    from reconciler.backends.entries import Author  # noqa: PLC0415 - a plan writes no history

    place = recognised(environment)
    if place is None:
        return Author.here()
    page, _ = page_of(place, environment)
    named = next(filter(None, (environment.get(name) for name in _ACTORS[place])), "")
    return replace(
        Author.here(),
        actor=bounded(named, _LONGEST) or None,
        job=page if len(page) <= 2 * _LONGEST and _PAGE.fullmatch(page) else None,
    )


def commit_of(configuration: Configuration, environment: Mapping[str, str] = os.environ) -> str | None:
    """The commit that a configuration which was just read is of, where that is known.

    The repository in which it lies is asked first: a CI job may check out another than its own.
    """
    commit = _commit(configuration.files[0].parent) if configuration.files else None
    place = recognised(environment)
    stated = environment.get(_COMMITS[place], "") if place is not None else ""
    return commit or (stated if _COMMIT.fullmatch(stated) else None)


def _commit(directory: Path) -> str | None:
    """The commit that is checked out around `directory`, read from the files of git. None where there is none.

    https://git-scm.com/docs/gitrepository-layout
    """
    try:
        directory = directory.absolute()
    except FileNotFoundError:  # it is gone since the configuration was read
        return None
    marks = (place / ".git" for place in (directory, *directory.parents))
    found = next(filter(os.path.exists, marks), None)
    if found is None:
        return None
    if found.is_file():  # of a further work tree, or of a submodule: the place where the rest is
        found = found.parent / _content(found).removeprefix("gitdir: ").strip()
    head = _content(found / "HEAD").strip()
    if not head.startswith("ref: "):
        return head if _COMMIT.fullmatch(head) else None
    name = head.removeprefix("ref: ")
    if not name.startswith("refs/") or ".." in name:
        return None
    common = _content(found / "commondir").strip()
    shared = found / common if common else found
    for home in (found, shared):
        commit = _content(home / name).strip()
        if _COMMIT.fullmatch(commit):
            return commit
    packed = (line.split(" ", 1) for line in _content(shared / "packed-refs").splitlines())
    return next((line[0] for line in packed if line[1:] == [name] and _COMMIT.fullmatch(line[0])), None)


def _content(path: Path) -> str:
    """What stands in a file; empty where it cannot be read, or is none."""
    try:
        if not path.is_file():
            return ""
        with path.open("rb") as file:
            return file.read(_LARGEST).decode("utf-8", "replace")
    except (OSError, ValueError):
        return ""
