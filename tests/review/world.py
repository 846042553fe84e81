"""Drafts, jobs, and a clock that never waits."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from reconciler.engine.authorship import Place
from reconciler.review.draft import Draft, Origin
from reconciler.review.failures import Patience
from reconciler.review.job import Job
from reconciler.tasks.timestamps import Timestamp
from tests.reports.examples import EMPTY, EVERY_OUTCOME, NOW, PLANS
from tests.review.forge import Forge, GitHubServer, GitLabServer

ORIGIN = Origin("https://ci.example.com/octo/media/actions/runs/12", "12", "ab" * 20)


def plan_draft(made_at: int = NOW, name: str = "five_kinds", origin: Origin = ORIGIN) -> Draft:
    return Draft.of(replace(PLANS[name], created_at=Timestamp(made_at)), origin)


def report_draft(ended_at: int = NOW + 95) -> Draft:
    return Draft.of(replace(EVERY_OUTCOME, finished_at=Timestamp(ended_at)), ORIGIN)


def quiet_draft(made_at: int = NOW) -> Draft:
    return Draft.of(replace(EMPTY, created_at=Timestamp(made_at)), ORIGIN)


@dataclass
class Clock:
    """Moves only when somebody sleeps, and then at once."""

    moment: float = 1000.0
    today: Callable[[], datetime] = lambda: datetime.fromtimestamp(NOW + 600, tz=UTC)
    slept: list[float] = field(default_factory=list)
    meanwhile: Callable[[], None] = lambda: None
    """What happens while somebody waits."""

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.moment += seconds
        self.meanwhile()

    def patience(self) -> Patience:
        return Patience(monotonic=lambda: self.moment, sleep=self.sleep, now=self.today)


def job_for(forge: Forge, **facts: object) -> Job:
    on_github = isinstance(forge, GitHubServer)
    place = Place.GITHUB if on_github else Place.GITLAB
    repository = GitHubServer.repository if on_github else GitLabServer.project
    known: dict[str, object] = {"api": forge.url, "repository": repository, "number": 7, **facts}
    return Job(place, **known)  # type: ignore[arg-type]  # a table has no type per key
