"""GitHub and GitLab on loopback, with what the workflows ask of them besides comments."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from tests.review.forge import TOKEN, Account, Call, Forge, GitHubServer, GitLabServer, Reply

HEAD_COMMIT = "ab" * 20
"""The last commit of the branch that was merged."""


@dataclass
class GitHubActions(GitHubServer):
    """`runs` are those of reconciler.yml, each with the fields that the list is filtered by."""

    accounts: dict[str, Account] = field(default_factory=lambda: {TOKEN: Account("github-actions[bot]", "Bot")})
    runs: list[dict[str, Any]] = field(default_factory=list)

    def handle(self, call: Call) -> Reply:
        here = f"{self.root}/repos/{self.repository}"
        if call.path == f"{here}/actions/workflows/reconciler.yml/runs":
            wanted = ("event", "head_sha", "status")
            found = [run for run in self.runs if all(run[name] == call.query(name, "") for name in wanted)]
            return Reply(200, {"total_count": len(found), "workflow_runs": found})
        if call.path == f"{here}/pulls":
            label = call.query("head", "")
            return Reply(200, [pull for pull in self.requests_of_commit if pull["head"]["label"] == label])
        return super().handle(call)


@dataclass
class Store(Forge):
    """Where GitLab keeps artifacts: another host, which no token is meant for."""

    content: bytes = b""

    def handle(self, call: Call) -> Reply:  # noqa: ARG002 - it has one answer
        return Reply(200, headers={"Content-Type": "application/octet-stream"}, raw=self.content)


@dataclass
class GitLabPipelines(GitLabServer):
    """`store` has the plan of the last successful pipeline of merge request 7; None: there is no such pipeline."""

    accounts: dict[str, Account] = field(default_factory=lambda: {TOKEN: Account("project_42_bot")})
    store: Store | None = None

    def handle(self, call: Call) -> Reply:
        bearer = call.headers.get("authorization", "").removeprefix("Bearer ")
        if bearer:  # either will do
            call = replace(call, headers={**call.headers, "private-token": bearer})
        plan = f"{self.root}/projects/42/jobs/artifacts/refs%2Fmerge-requests%2F7%2Fhead/raw/plan.json"
        if call.path == plan and self.store and bearer in self.accounts:
            assert call.query("job", "") == "plan"
            return Reply(302, headers={"Location": f"{self.store.url}/plan.json?signature=x"})
        return super().handle(call)
