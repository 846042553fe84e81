"""Both platforms on loopback, and the request that tests comment on."""

from collections.abc import Iterator

import pytest

from reconciler.review.request import Request, found_request
from tests.review.forge import TOKEN, Forge, GitHubServer, GitLabServer
from tests.review.world import Clock, job_for


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def github() -> Iterator[GitHubServer]:
    server = GitHubServer()
    with server.running():
        yield server


@pytest.fixture
def gitlab() -> Iterator[GitLabServer]:
    server = GitLabServer()
    with server.running():
        yield server


@pytest.fixture(params=[GitHubServer, GitLabServer], ids=["github", "gitlab"])
def forge(request: pytest.FixtureRequest) -> Iterator[Forge]:
    server: Forge = request.param()
    with server.running():
        yield server


@pytest.fixture
def pull(forge: Forge, clock: Clock) -> Iterator[Request]:
    """Request number 7, asked with the token of `reviewer`."""
    with found_request(job_for(forge), TOKEN, clock.patience()) as request:
        yield request
