"""What the platforms and the way to them may answer: said in words, within bounds, and never with the token in it."""

import logging
import traceback

import pytest

from reconciler.exceptions import ExitCode, ReconcilerError, UsageError
from reconciler.review import api as api_module
from reconciler.review.failures import ReviewError, Unsettled
from reconciler.review.publishing import publish
from reconciler.review.request import Request, found_request
from tests.reports.examples import NOW
from tests.review.forge import SHA, TOKEN, Account, Fault, Forge, GitHubServer, GitLabServer, Reply
from tests.review.world import Clock, job_for, plan_draft

DRAFT = plan_draft()
HTML = b"<html><body>Please sign in</body></html>"


def failure(pull: Request, clock: Clock) -> ReviewError:
    with pytest.raises(ReviewError) as caught:
        publish(pull.platform, pull.number, DRAFT, pull.platform.myself(), clock.patience())
    told = f"{caught.value.message} {caught.value.hint} {''.join(traceback.format_exception(caught.value))}"
    assert TOKEN not in told
    assert caught.value.exit_code is ExitCode.ERROR
    return caught.value


ODD = {
    "HTML": (Reply(200, raw=HTML, headers={"Content-Type": "text/html"}), "no JSON"),
    "nothing": (Reply(200, raw=b""), "no JSON"),
    "half": (Reply(200, raw=b'[{"id": 1'), "no JSON"),
    "no UTF-8": (Reply(200, raw=b'["\xff\xfe"]'), "no JSON"),
    "depth": (Reply(200, raw=b"[" * 200_000), "no JSON"),
    "a number without end": (Reply(200, raw=b"[" + b"9" * 10_000 + b"]"), "no JSON"),
    "no content": (Reply(204), "no list"),
    "an object": (Reply(200, {"items": []}), "no list"),
    "null": (Reply(200, raw=b"null"), "no list"),
    "strings": (Reply(200, ["a"]), "no list"),
    "no id": (Reply(200, [{"body": "b"}]), "no id"),
    "a flag for an id": (Reply(200, [{"id": True, "body": "b"}]), "no id"),
    "an encoding": (Reply(200, raw=b"no gzip", headers={"Content-Encoding": "gzip"}), "not asked for"),
}


@pytest.mark.parametrize(("reply", "words"), ODD.values(), ids=ODD)
def test_an_odd_list_is_never_an_empty_one(forge: Forge, pull: Request, clock: Clock, reply: Reply, words: str) -> None:
    forge.faults = [Fault("GET", reply, times=99, path="/7/")]
    assert words in failure(pull, clock).message
    assert forge.writes == []


def test_a_redirect_is_not_followed(forge: Forge, pull: Request, clock: Clock) -> None:
    elsewhere = GitHubServer()
    with elsewhere.running():
        moved = Reply(301, headers={"Location": f"{elsewhere.url}/repositories/1?token=s3cret"})
        forge.faults = [Fault("GET", moved, times=9, path="/7/")]
        error = failure(pull, clock)
        assert elsewhere.calls == []
    assert "redirect" in error.message
    assert "s3cret" not in error.message
    assert "--repository" in error.hint


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example.com/next",
        "http://127.0.0.1:9/api/v3/next",
        "//evil.example.com/x",
        "http://[",
        "{url}/../x",
    ],
)
def test_a_next_page_elsewhere_is_not_asked_for(github: GitHubServer, clock: Clock, link: str) -> None:
    url = link.replace("{url}", github.url.removesuffix("/api/v3"))
    github.faults = [Fault("GET", Reply(200, [], {"Link": f'<{url}>; rel="next"'}), times=9, path="/7/")]
    with found_request(job_for(github), TOKEN, clock.patience()) as pull:
        assert "elsewhere" in failure(pull, clock).message


def test_pages_in_a_circle_end(forge: Forge, pull: Request, clock: Clock) -> None:
    link = {"Link": f'<{forge.url}/repos/octo/media/issues/7/comments?page=1>; rel="next"', "x-next-page": "1"}
    forge.faults = [Fault("GET", Reply(200, [], link), times=10**6, path="/7/")]
    assert "pages" in failure(pull, clock).message


def test_an_answer_without_end(forge: Forge, pull: Request, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_module, "BODY_LIMIT", 2**20)
    forge.faults = [Fault("GET", Reply(200, raw=b" " * (2**20 + 1)), times=9, path="/7/")]
    assert "larger than 1 MiB" in failure(pull, clock).message


class TestPatience:
    @pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
    def test_reads_are_repeated(self, forge: Forge, pull: Request, clock: Clock, status: int) -> None:
        forge.faults = [Fault("GET", Reply(status, raw=HTML, headers={"Retry-After": "3"}), times=2, path="/7/")]
        publish(pull.platform, 7, DRAFT, "reviewer", clock.patience())
        assert clock.slept == [3.0, 3.0]

    def test_a_dropped_connection(self, forge: Forge, pull: Request, clock: Clock) -> None:
        forge.faults = [Fault("GET", times=2, path="/7/")]
        publish(pull.platform, 7, DRAFT, "reviewer", clock.patience())
        assert clock.slept == [1.0, 2.0]

    def test_the_limit_of_an_hour(self, github: GitHubServer, clock: Clock) -> None:
        """GitHub says 403 with the second at which it ends; what is too far off is for the next run."""
        soon = int(Clock().patience().now().timestamp()) + 40
        refused = Reply(403, {"message": "API rate limit exceeded"}, {"x-ratelimit-remaining": "0"})
        refused.headers["x-ratelimit-reset"] = str(soon)
        github.faults = [Fault("GET", refused, times=1, path="/7/")]
        with found_request(job_for(github), TOKEN, clock.patience()) as pull:
            publish(pull.platform, 7, DRAFT, "reviewer", clock.patience())
            assert clock.slept == [40.0]
            refused.headers["x-ratelimit-reset"] = str(soon + 3600)
            github.faults = [Fault("GET", refused, times=1, path="/7/")]
            assert "API rate limit exceeded" in failure(pull, clock).message
        assert clock.slept == [40.0]

    def test_a_secondary_limit_without_a_time(self, github: GitHubServer, clock: Clock) -> None:
        refused = Reply(403, {"message": "You have exceeded a secondary rate limit."})
        github.faults = [Fault("POST", refused)]
        with found_request(job_for(github), TOKEN, clock.patience()) as pull:
            publish(pull.platform, 7, DRAFT, "reviewer", clock.patience())
        assert clock.slept == [60.0]

    def test_it_ends(self, forge: Forge, pull: Request, clock: Clock) -> None:
        forge.faults = [Fault("GET", Reply(503, raw=HTML), times=99, path="/7/")]
        assert "HTTP 503" in failure(pull, clock).message
        assert sum(clock.slept) <= 120

    def test_nobody_listens(self, forge: Forge, clock: Clock) -> None:
        job = job_for(forge, api="http://127.0.0.1:9")
        with found_request(job, TOKEN, clock.patience()) as pull:
            assert "cannot be reached" in failure(pull, clock).message
        assert sum(clock.slept) <= 20


class TestRefusals:
    def test_no_such_token(self, forge: Forge, clock: Clock) -> None:
        forge.accounts = {}
        with found_request(job_for(forge), TOKEN, clock.patience()) as pull:
            error = failure(pull, clock)
        assert "HTTP 401" in error.message
        assert "not valid, or has expired" in error.hint

    def test_a_token_that_may_only_read(self, forge: Forge, clock: Clock) -> None:
        forge.accounts = {TOKEN: Account("reader", "Reader")}
        with found_request(job_for(forge), TOKEN, clock.patience()) as pull:
            error = failure(pull, clock)
        assert "HTTP 403" in error.message
        assert forge.notes == []

    def test_a_pull_request_from_a_fork(self, github: GitHubServer, clock: Clock) -> None:
        github.accounts = {TOKEN: Account("reader[bot]", "Bot")}
        with found_request(job_for(github), TOKEN, clock.patience()) as pull:
            error = failure(pull, clock)
        assert "Resource not accessible by integration" in error.message
        assert "fork" in error.hint
        assert "workflow_run" in error.hint

    def test_a_scope_that_is_missing(self, gitlab: GitLabServer, clock: Clock) -> None:
        gitlab.accounts = {TOKEN: Account("reader", "Reader")}
        with found_request(job_for(gitlab), TOKEN, clock.patience()) as pull:
            error = failure(pull, clock)
        assert "insufficient_scope; The request requires higher privileges" in error.message
        assert "scope `api`" in error.hint

    @pytest.mark.parametrize("facts", [{"number": 8}, {"repository": "octo/other"}])
    def test_no_such_request(self, forge: Forge, clock: Clock, facts: dict[str, object]) -> None:
        with found_request(job_for(forge, **facts), TOKEN, clock.patience()) as pull:
            error = failure(pull, clock)
        assert "HTTP 404" in error.message
        assert "--repository" in error.hint

    def test_a_body_that_is_too_long(self, forge: Forge, pull: Request, clock: Clock) -> None:
        forge.longest = 100
        assert "too long (maximum is 100 characters)" in failure(pull, clock).message
        assert len(forge.writes) == 1

    def test_what_is_quoted_holds_no_token_and_no_control_characters(
        self, forge: Forge, pull: Request, clock: Clock
    ) -> None:
        said = f"bad token {TOKEN} \x1b[31m https://h/x?sig=s3cret " + "x" * 9000
        forge.faults = [Fault("POST", Reply(400, {"message": said, "errors": [{"message": [said]}]}))]
        message = failure(pull, clock).message
        assert "***" in message
        assert "\x1b" not in message
        assert "s3cret" not in message
        assert len(message) < 400


class TestWhichRequest:
    @pytest.fixture
    def pulls(self) -> list[dict[str, object]]:
        base = {"repo": {"full_name": "Octo/media"}}
        fork = {"repo": {"full_name": "mallory/media"}}
        return [
            {"number": 3, "state": "closed", "merged_at": None, "base": base},
            {"number": 5, "state": "open", "merged_at": None, "base": base},
            {"number": 6, "state": "closed", "merged_at": "2026-01-01", "merge_commit_sha": "x", "base": base},
            {"number": 7, "state": "closed", "merged_at": "2026-01-01", "merge_commit_sha": SHA, "base": base},
            {"number": 9, "state": "closed", "merged_at": "2026-01-01", "merge_commit_sha": SHA, "base": fork},
        ]

    def test_of_a_merge_commit_on_github(
        self, github: GitHubServer, clock: Clock, pulls: list[dict[str, object]]
    ) -> None:
        github.requests_of_commit = pulls
        with found_request(job_for(github, number=None, commit=SHA), TOKEN, clock.patience()) as pull:
            assert pull.name == "pull request octo/media#7"
        github.requests_of_commit = pulls[:2]
        with found_request(job_for(github, number=None, commit=SHA), TOKEN, clock.patience()) as pull:
            assert pull.number == 5

    def test_of_a_merge_commit_on_gitlab(self, gitlab: GitLabServer, clock: Clock) -> None:
        gitlab.requests_of_commit = [
            {"iid": 5, "state": "opened"},
            {"iid": 6, "state": "merged", "merge_commit_sha": "x", "squash_commit_sha": None},
            {"iid": 7, "state": "merged", "merge_commit_sha": None, "squash_commit_sha": SHA},
        ]
        with found_request(job_for(gitlab, number=None, commit=SHA), TOKEN, clock.patience()) as pull:
            assert pull.name == "merge request group/sub/media!7"

    def test_none_and_several(self, forge: Forge, clock: Clock) -> None:
        """No guess: somebody else's request would get the comment."""
        base = {"repo": {"full_name": "octo/media"}}
        known = {"state": "merged", "merged_at": "2026-01-01", "base": base}
        for found, words in (
            ([], "belongs to no pull"),
            ([known | {"number": n, "iid": n} for n in (1, 2)], "several"),
        ):
            forge.requests_of_commit = found
            with (
                pytest.raises(UsageError, match=words) as caught,
                found_request(job_for(forge, number=None, commit=SHA), TOKEN, clock.patience()),
            ):
                pass
            assert "--number" in caught.value.hint
        with (
            pytest.raises(UsageError, match="the environment names no"),
            found_request(job_for(forge, number=None), TOKEN, clock.patience()),
        ):
            pass


@pytest.mark.parametrize(
    "base", ["http://api.example.com", "ftp://h", "https://me:pw@h", "h", "", "https://h?x=1", "https://a b"]
)
def test_addresses_that_get_no_token(forge: Forge, clock: Clock, base: str) -> None:
    with pytest.raises(UsageError, match="--api"), found_request(job_for(forge, api=base), TOKEN, clock.patience()):
        pass


def test_no_proxy_stands_before_this_machine(forge: Forge, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    with found_request(job_for(forge), TOKEN, clock.patience()) as pull:
        assert pull.platform.comments(7) == []


def test_a_proxy_that_cannot_be_used(forge: Forge, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "socks9://h:1")
    with (
        pytest.raises(ReconcilerError, match="proxy"),
        found_request(job_for(forge, api="https://h"), TOKEN, clock.patience()),
    ):
        pass


def test_the_log_names_requests_and_no_token(
    forge: Forge, pull: Request, clock: Clock, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger("reconciler"), "propagate", True)
    with caplog.at_level(logging.DEBUG), caplog.at_level(logging.DEBUG, "reconciler"):
        forge.add(plan_draft(NOW - 1).body)
        publish(pull.platform, 7, DRAFT, pull.platform.myself(), clock.patience())
    ours = [record.getMessage() for record in caplog.records if record.name == "reconciler.review"]
    assert any("HTTP 200" in line and "/user" in line for line in ours)
    assert TOKEN not in caplog.text


def test_failures_know_whether_they_may_pass() -> None:
    assert Unsettled("m", status=503).sent
    assert ReviewError("m", status=403).status == 403
