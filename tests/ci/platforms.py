"""GitHub and GitLab on loopback, with what the workflows ask of them besides comments."""

import re
from dataclasses import dataclass, field, replace
from typing import Any

from tests.review.forge import TOKEN, Account, Call, Forge, GitHubServer, GitLabServer, Reply

HEAD_COMMIT = "ab" * 20
"""The last commit of the branch that was merged."""


@dataclass
class GitHubActions(GitHubServer):
    """`runs` are those of reconciler.yml, `artifacts` those of all runs, with the fields that lists are filtered by."""

    accounts: dict[str, Account] = field(default_factory=lambda: {TOKEN: Account("github-actions[bot]", "Bot")})
    runs: list[dict[str, Any]] = field(default_factory=list)
    artifacts: list[dict[str, Any]] = field(default_factory=list)

    def handle(self, call: Call) -> Reply:
        here = f"{self.root}/repos/{self.repository}"
        if call.path == f"{here}/actions/workflows/reconciler.yml/runs":
            wanted = {"event": "event", "head_sha": "head_sha", "status": "conclusion"}
            found = [run for run in self.runs if all(run[key] == call.query(name, "") for name, key in wanted.items())]
            return Reply(200, {"total_count": len(found), "workflow_runs": found})
        if number := re.fullmatch(rf"{here}/actions/runs/(\d+)/artifacts", call.path):
            name = call.query("name", "")
            kept = [each for each in self.artifacts if each["run"] == int(number[1]) and name in {"", each["name"]}]
            return Reply(200, {"total_count": len(kept), "artifacts": kept})
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
    """`store` has the plan that the jobs of merge request 7 kept; None: they kept none.

    `pipelines` are those of the merge request, `other_pipelines` those of every other, `jobs` those of pipeline 500 by
    name, `parents` those of commits.
    """

    accounts: dict[str, Account] = field(default_factory=lambda: {TOKEN: Account("project_42_bot")})
    store: Store | None = None
    pipelines: list[dict[str, Any]] = field(default_factory=list)
    other_pipelines: list[dict[str, Any]] = field(default_factory=list)
    jobs: list[dict[str, Any]] = field(default_factory=list)
    parents: dict[str, list[str]] = field(default_factory=dict)

    def handle(self, call: Call) -> Reply:
        bearer = call.headers.get("authorization", "").removeprefix("Bearer ")
        if bearer:  # either will do
            call = replace(call, headers={**call.headers, "private-token": bearer})
        here = f"{self.root}/projects/42"
        if bearer in self.accounts:
            if call.path == f"{here}/jobs/9000/artifacts/.reconciler-out/plan.json" and self.store:
                return Reply(302, headers={"Location": f"{self.store.url}/plan.json?signature=x"})
            if found := re.fullmatch(rf"{here}/merge_requests/(\d+)(/pipelines)?", call.path):
                if found[2]:
                    return Reply(200, self.pipelines if found[1] == "7" else self.other_pipelines)
                return Reply(200, next(each for each in self.requests_of_commit if each["iid"] == int(found[1])))
            if call.path == f"{here}/pipelines/500/jobs":
                return Reply(200, self.jobs)
            commit = call.path.removeprefix(f"{here}/repository/commits/")
            if commit in self.parents:
                return Reply(200, {"id": commit, "parent_ids": self.parents[commit]})
        return super().handle(call)
