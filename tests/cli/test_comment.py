"""`reconciler comment`, from a plan of the local clouds to the comment on a local GitHub or GitLab, and back."""

import json
import os
import signal
import threading
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from tests.review.forge import SHA, TOKEN, Account, Call, Fault, Forge, GitHubServer, GitLabServer, Reply
from tests.review.world import Clock
from tests.terminal import HEAD, Finished, Terminal, wait_until

TRANSCODING = "huaweicloud.mpc.transcoding"
POLICY = """
policies:
  tidy:
    resource: huaweicloud.mpc.transcoding
    match: {status: pending, input.bucket: legacy}
    ensure: absent
    limits: {max_actions: 3, max_percent: 100}
"""


@pytest.fixture(autouse=True)
def world(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Two tasks too many, no CI around, and no waiting."""
    clock = Clock(today=lambda: datetime.now(UTC))
    monkeypatch.setattr("reconciler.cli.comment.Patience", clock.patience)
    for name in [name for name in os.environ if name.startswith(("GITHUB_", "GH_", "GITLAB_", "CI_"))]:
        monkeypatch.delenv(name)
    terminal.write(HEAD + POLICY)
    for number in (1, 2):
        terminal.simulator.huaweicloud.add(TRANSCODING, id=number, created="1d", input={"bucket": "legacy"})
    return clock


@pytest.fixture
def github(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> Iterator[GitHubServer]:
    """The job of a pull request on GitHub Actions."""
    server = GitHubServer(accounts={TOKEN: Account("github-actions[bot]", "Bot")})
    event = terminal.directory / "event.json"
    event.write_text(json.dumps({"pull_request": {"number": 7, "head": {"sha": SHA}}}))
    with server.running():
        for name, value in {
            "GITHUB_ACTIONS": "true",
            "GITHUB_API_URL": server.url,
            "GITHUB_REPOSITORY": "octo/media",
            "GITHUB_SERVER_URL": "https://github.example.com",
            "GITHUB_RUN_ID": "12",
            "GITHUB_EVENT_NAME": "pull_request",
            "GITHUB_EVENT_PATH": str(event),
            "GITHUB_REF": "refs/pull/7/merge",
            "GITHUB_SHA": "0" * 40,
            "GITHUB_TOKEN": TOKEN,
        }.items():
            monkeypatch.setenv(name, value)
        yield server


@pytest.fixture
def gitlab(monkeypatch: pytest.MonkeyPatch) -> Iterator[GitLabServer]:
    """The job of a merge request on GitLab CI."""
    server = GitLabServer()
    with server.running():
        for name, value in {
            "GITLAB_CI": "true",
            "CI_API_V4_URL": server.url,
            "CI_PROJECT_ID": "42",
            "CI_PROJECT_PATH": server.project,
            "CI_MERGE_REQUEST_IID": "7",
            "CI_MERGE_REQUEST_PROJECT_ID": "42",
            "CI_COMMIT_SHA": SHA,
            "CI_JOB_URL": "https://gitlab.example.com/group/sub/media/-/jobs/99",
            "CI_JOB_ID": "99",
            "GITLAB_TOKEN": TOKEN,
        }.items():
            monkeypatch.setenv(name, value)
        yield server


@pytest.fixture(params=["github", "gitlab"])
def forge(request: pytest.FixtureRequest) -> Forge:
    found: Forge = request.getfixturevalue(request.param)
    return found


def saved_plan(terminal: Terminal, *words: str, name: str = "plan.json") -> dict[str, str]:
    finished = terminal.run("plan", "--out", name, *words)
    assert finished.code in {0, 4}, finished.err
    document: dict[str, str] = json.loads((terminal.directory / name).read_text())
    return document


def comment(terminal: Terminal, *words: str) -> Finished:
    finished = terminal.run("comment", *words)
    assert TOKEN not in finished.out + finished.err
    return finished


def test_from_plan_to_report(terminal: Terminal, forge: Forge) -> None:
    """One comment follows the request: planned, planned anew, nothing to do, applied."""
    first = saved_plan(terminal, "--now", "2026-01-01T00:00:00Z")
    created = comment(terminal, "plan.json")
    assert (created.code, created.err) == (0, "")
    assert created.out.startswith("Created the comment on ")
    assert "2 cancel" in forge.notes[0].body
    assert f"commit <code>{SHA[:12]}</code>." in forge.notes[0].body
    assert comment(terminal, "plan.json").out.startswith("The comment on ")

    terminal.simulator.huaweicloud.add(TRANSCODING, id=3, created="1d", input={"bucket": "legacy"})
    second = saved_plan(terminal, "--now", "2026-01-02T00:00:00Z", "--expires", "1000w", name="second.json")
    assert first["digest"] != second["digest"]
    assert comment(terminal, "second.json").out.startswith("Updated the comment on ")
    assert "3 cancel" in forge.notes[0].body
    assert "reconciler apply --plan second.json --approved-digest" in forge.notes[0].body

    late = comment(terminal, "plan.json")
    assert late.out.endswith("alone: a later run wrote it (2026-01-02T00:00:00Z).\n")
    assert "3 cancel" in forge.notes[0].body

    digest = comment(terminal, "plan.json", "--print-digest")
    assert (digest.code, digest.out) == (0, f"{second['digest']} {second['expires_at']}\n")
    approved, until = digest.out.split()
    saved_plan(terminal)
    applied = terminal.run(
        *("apply", "--plan", "plan.json", "--approved-digest", approved, "--approved-until", until),
        *("--report", "json=report.json"),
    )
    assert applied.code == 0, applied.err
    assert comment(terminal, "report.json").out.startswith("Updated the comment on ")
    assert "3 done" in forge.notes[0].body

    refused = comment(terminal, "plan.json", "--print-digest")
    assert (refused.code, refused.out) == (4, "")
    assert "shows the report of an apply" in refused.err

    saved_plan(terminal)
    assert comment(terminal, "plan.json").out.startswith("Updated the comment on ")
    assert "No changes: every policy holds" in forge.notes[0].body
    assert len(forge.notes) == 1


def test_a_plan_of_a_time_that_has_not_come_is_not_published(terminal: Terminal, forge: Forge) -> None:
    """It would keep the plans of later runs away, and be taken for the one that was reviewed."""
    saved_plan(terminal, "--now", "2099-01-01T00:00:00Z")
    for words in ([], ["--print-digest"]):
        refused = comment(terminal, "plan.json", *words)
        assert (refused.code, refused.out) == (65, "")
        assert "is of 2099-01-01T00:00:00Z, a time that has not come" in refused.err
    assert forge.calls == []


def test_a_report_of_some_targets_takes_the_comment_of_their_plan(terminal: Terminal, github: GitHubServer) -> None:
    """A plan may be made for fewer targets than the run that applies it would look at."""
    terminal.write(
        HEAD + "  other:\n    provider: huaweicloud\n    region: cn-north-4\n"
        '    project_id: 0123456789abcdef0123456789abcdef\n    endpoints: {mpc: "${URL}", iam: "${URL}"}\n' + POLICY
    )
    saved_plan(terminal, "--target", "huawei")
    assert comment(terminal, "plan.json").out.startswith("Created")
    applied = terminal.run("apply", "--auto-approve", "--plan", "plan.json", "--report", "json=report.json")
    assert applied.code == 0, applied.err
    assert json.loads((terminal.directory / "report.json").read_text())["targets"] == ["huawei"]
    assert comment(terminal, "report.json").out.startswith("Updated")
    assert len(github.notes) == 1


def test_no_changes_create_no_comment(terminal: Terminal, forge: Forge) -> None:
    terminal.write(HEAD + POLICY.replace("legacy", "nothing"))
    saved_plan(terminal)
    finished = comment(terminal, "plan.json")
    assert finished.code == 0
    assert finished.out.startswith("No changes, and no comment on ")
    assert forge.notes == []
    refused = comment(terminal, "plan.json", "--print-digest")
    assert refused.code == 4
    assert "no comment of ours" in refused.err


def test_a_plan_that_a_guard_refuses_is_shown_and_not_approved(terminal: Terminal, forge: Forge) -> None:
    terminal.write(HEAD + POLICY.replace("max_actions: 3", "max_actions: 1"))
    saved_plan(terminal)
    assert comment(terminal, "plan.json").code == 0
    assert "Guards refuse 2 tasks, which will not be changed" in forge.notes[0].body
    refused = comment(terminal, "plan.json", "--print-digest", "--format", "json")
    assert (refused.code, refused.json["outcome"]) == (4, "refused")


def test_on_a_merge_the_merged_request_is_found(
    terminal: Terminal, github: GitHubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved_plan(terminal)
    comment(terminal, "plan.json")
    monkeypatch.setenv("GITHUB_EVENT_NAME", "push")
    monkeypatch.setenv("GITHUB_EVENT_PATH", "")
    monkeypatch.setenv("GITHUB_REF", "refs/heads/main")
    monkeypatch.setenv("GITHUB_SHA", SHA)
    base = {"repo": {"full_name": "octo/media"}}
    github.requests_of_commit = [
        {"number": 7, "merged_at": "2026-01-01T00:00:00Z", "merge_commit_sha": SHA, "base": base}
    ]
    assert comment(terminal, "plan.json", "--print-digest").out.startswith("sha256:")
    github.requests_of_commit = []
    lost = comment(terminal, "plan.json", "--print-digest")
    assert lost.code == 64
    assert "pass --number" in lost.err


def test_as_json(terminal: Terminal, forge: Forge) -> None:
    plan = saved_plan(terminal)
    document = comment(terminal, "plan.json", "--format", "json").json
    on_github = isinstance(forge, GitHubServer)
    url = f"https://github.example.com/octo/media/pull/7#issuecomment-{forge.notes[0].id}"
    assert document["url"] == (url if on_github else None)
    assert document["format"] == "reconciler.comment"
    assert (document["action"], document["dry_run"], document["number"]) == ("created", False, 7)
    assert (document["digest"], document["comment_id"]) == (plan["digest"], forge.notes[0].id)
    assert document["body"] is None
    assert comment(terminal, "plan.json", "--format", "json").json["action"] == "unchanged"
    assert comment(terminal, "plan.json", "--print-digest", "--format", "json").json["digest"] == plan["digest"]


def test_a_dry_run(terminal: Terminal, forge: Forge) -> None:
    saved_plan(terminal)
    would = comment(terminal, "plan.json", "--dry-run")
    assert would.code == 0
    assert would.err.startswith("Would create the comment on ")
    assert would.out.startswith("<!-- reconciler:plan v1 ")
    assert forge.writes == []
    comment(terminal, "plan.json")
    assert forge.notes[0].body == would.out
    document = comment(terminal, "plan.json", "--dry-run", "--format", "json").json
    assert (document["action"], document["body"]) == ("unchanged", would.out)


def test_a_dry_run_without_a_token_asks_nobody(terminal: Terminal) -> None:
    saved_plan(terminal)
    would = comment(terminal, "plan.json", "--dry-run")
    assert (would.code, would.err) == (0, "Nothing was read: there is no token to ask with.\n")
    assert would.out.startswith("<!-- reconciler:plan v1 ")
    document = comment(terminal, "plan.json", "--dry-run", "--format", "json").json
    assert (document["action"], document["platform"], document["body"]) == (None, None, would.out)


def test_what_a_user_should_see_to_is_on_stderr(terminal: Terminal, github: GitHubServer) -> None:
    saved_plan(terminal)
    github.accounts = {TOKEN: Account("media-bot[bot]", "Bot")}
    stranger = comment(terminal, "plan.json")
    assert "pass --author 'media-bot[bot]'" in stranger.err
    github.add(github.notes[0].body, "media-bot[bot]", "Bot")
    several = comment(terminal, "plan.json", "--author", "media-bot[bot]", "--format", "json")
    assert "older comments of ours on the same targets" in several.err
    assert several.json["other_comment_ids"] == [github.notes[0].id]


class TestUsage:
    def test_no_platform(self, terminal: Terminal) -> None:
        saved_plan(terminal)
        finished = comment(terminal, "plan.json")
        assert finished.code == 64
        assert "--platform" in finished.err

    @pytest.mark.parametrize(
        ("platform", "words"), [("github", "GITHUB_TOKEN or GH_TOKEN"), ("gitlab", "CI_JOB_TOKEN")]
    )
    def test_no_token(self, terminal: Terminal, platform: str, words: str) -> None:
        saved_plan(terminal)
        finished = comment(terminal, "plan.json", "--platform", platform, "--number", "7")
        assert finished.code == 64
        assert words in finished.err

    def test_no_such_file(self, terminal: Terminal) -> None:
        assert comment(terminal, "none.json").code == 64

    def test_a_file_of_another_kind(self, terminal: Terminal) -> None:
        terminal.write("{}", "plan.json")
        finished = comment(terminal, "plan.json", "--format", "json")
        assert (finished.code, finished.json["outcome"]) == (65, "invalid")

    def test_an_address_without_https(self, terminal: Terminal, github: GitHubServer) -> None:
        saved_plan(terminal)
        finished = comment(terminal, "plan.json", "--api", "http://api.example.com")
        assert finished.code == 64
        assert "plain http is accepted for loopback hosts only" in finished.err
        assert github.calls == []

    def test_flags_of_the_environment(
        self, terminal: Terminal, gitlab: GitLabServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        saved_plan(terminal)
        monkeypatch.setenv("CI_MERGE_REQUEST_IID", "")
        monkeypatch.setenv("RECONCILER_NUMBER", "7")
        monkeypatch.setenv("RECONCILER_REPOSITORY", gitlab.project)
        assert comment(terminal, "plan.json").code == 0
        assert len(gitlab.notes) == 1


class TestFailures:
    def test_a_fork(self, terminal: Terminal, github: GitHubServer) -> None:
        saved_plan(terminal)
        github.accounts = {TOKEN: Account("reader[bot]", "Bot")}
        finished = comment(terminal, "plan.json")
        assert finished.code == 1
        assert "Resource not accessible by integration" in finished.err
        assert "workflow_run" in finished.err

    def test_a_platform_that_is_out_of_order(self, terminal: Terminal, forge: Forge, world: Clock) -> None:
        saved_plan(terminal)
        forge.faults = [Fault("GET", Reply(503, raw=b"<html>"), times=99)]
        finished = comment(terminal, "plan.json", "--format", "json")
        assert (finished.code, finished.json["outcome"]) == (1, "error")
        assert world.slept

    @pytest.mark.parametrize(
        "words", [(), ("-v",), ("-v", "--log-format", "json"), ("--dry-run",), ("--format", "json")]
    )
    def test_the_token_is_in_nothing(self, terminal: Terminal, forge: Forge, words: tuple[str, ...]) -> None:
        """Whatever a platform echoes: `comment` looks for it in all that was printed."""
        saved_plan(terminal)
        said = Reply(400, {"message": f"token {TOKEN} at https://h/?t={TOKEN}"}, {"Location": f"https://h/{TOKEN}"})
        for fault in (Fault("GET", said), Fault("POST", said), Fault("GET", Reply(302, headers=said.headers))):
            forge.faults = [fault]
            comment(terminal, "plan.json", *words)
        forge.accounts = {TOKEN: Account(f"{TOKEN}[bot]", "Bot")}
        assert comment(terminal, "plan.json", *words).code in {0, 1}
        for file in terminal.directory.rglob("*"):
            assert not file.is_file() or TOKEN.encode() not in file.read_bytes()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 143)])
@pytest.mark.parametrize(("method", "written"), [("GET", 0), ("POST", 0), ("GET", 1)])
def test_a_signal_while_the_platform_answers_ends_it_in_order(
    terminal: Terminal, github: GitHubServer, method: str, written: int, number: signal.Signals, code: int
) -> None:
    """One document says so, and the next run finds what was written, and finishes it."""
    saved_plan(terminal)
    asked, go_on = threading.Event(), threading.Event()

    def before(call: Call) -> None:
        if call.method == method and len(github.notes) == written and not asked.is_set():
            asked.set()
            assert go_on.wait(60)

    github.before = before
    process = terminal.start("-m", "reconciler", "comment", "plan.json", "--format", "json")
    assert asked.wait(60)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (code, "Error: interrupted\n")
    assert (json.loads(out)["outcome"], json.loads(out)["exit_code"]) == ("interrupted", code)
    assert comment(terminal, "plan.json").out.startswith("The comment on " if written else "Created the comment on ")
    assert len(github.notes) == 1
    go_on.set()


def test_a_signal_while_it_waits_for_the_platform_ends_it(terminal: Terminal, github: GitHubServer) -> None:
    """A quota that comes back in a minute is waited for; no longer, once somebody wants the machine back."""
    saved_plan(terminal)
    github.faults = [Fault("GET", Reply(429, {"message": "slow down"}, {"Retry-After": "60"}))]
    process = terminal.start("-m", "reconciler", "comment", "plan.json", "--print-digest")
    wait_until(lambda: not github.faults[0].times, process)
    process.terminate()
    assert process.communicate(timeout=30) == ("", "Error: interrupted\n")
    assert process.returncode == 143
