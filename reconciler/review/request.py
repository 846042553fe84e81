"""The pull or merge request to comment on: its platform, ready to be asked, and its number."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, assert_never

from reconciler.engine.authorship import Place
from reconciler.exceptions import UsageError
from reconciler.review.github import GitHub, github_api
from reconciler.review.gitlab import GitLab, gitlab_api

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.review.failures import Patience
    from reconciler.review.job import Job
    from reconciler.review.platform import Platform


@dataclass(frozen=True, slots=True)
class Request:
    platform: Platform
    number: int

    @property
    def name(self) -> str:
        return self.platform.place(self.number)


@contextmanager
def found_request(job: Job, token: str, patience: Patience) -> Iterator[Request]:
    """The request of a job, for the duration of the block. Raises UsageError where there is none, ReviewError."""
    match job.place:
        case Place.GITHUB:
            api = github_api(job.api, token, patience)
            platform: Platform = GitHub(api, job.repository)
        case Place.GITLAB:
            api = gitlab_api(job.api, token, patience)
            platform = GitLab(api, job.repository)
        case _:
            assert_never(job.place)
    with api:
        yield Request(platform, job.number or _number(platform, job.commit))


def _number(platform: Platform, commit: str) -> int:
    found = list(platform.request_of(commit)) if commit else []
    if len(found) == 1:
        return found[0]
    if not commit:
        raise UsageError("the environment names no pull or merge request", "pass --number N")
    if not found:
        raise UsageError(f"commit {commit[:12]} belongs to no pull or merge request", "pass --number N")
    numbers = ", ".join(map(str, found[:20]))
    raise UsageError(f"commit {commit[:12]} belongs to several requests: {numbers}", "pass --number N with one of them")
