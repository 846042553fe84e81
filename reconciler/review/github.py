"""Pull requests on GitHub, and on GitHub Enterprise Server: REST API, version 2022-11-28."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reconciler.review.api import Api
from reconciler.review.failures import ReviewError, Unsettled
from reconciler.review.platform import LAST_PAGE, Comment, objects, positive, unexpected

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.review.api import Response
    from reconciler.review.failures import Patience

ACTIONS_BOT = "github-actions[bot]"
"""Author of what GITHUB_TOKEN writes in a workflow. No account of a person can have brackets in its name."""

_PAGE = 100
_LINK = re.compile(r"https?://[A-Za-z0-9.-]+(?::[0-9]{1,5})?(?:/[A-Za-z0-9._~-]+)+#issuecomment-[0-9]+", re.ASCII)
_HINTS = {
    401: "the token in GITHUB_TOKEN or GH_TOKEN is not valid, or has expired",
    403: "the job needs `permissions: pull-requests: write`. A pull request from a fork has a read-only token whatever "
    "it says: save the plan as an artifact there, and comment from a workflow that runs on `workflow_run`",
    404: "check --repository and --number; the token must be allowed to see the repository",
}


def github_api(base: str, token: str, patience: Patience) -> Api:
    """Raises UsageError for a base URL that cannot be used."""
    headers = {
        "Accept": "application/vnd.github+json",
        "X-GitHub-Api-Version": "2022-11-28",
        "Authorization": f"Bearer {token}",
    }
    return Api(base, headers=headers, token=token, hints=_HINTS, patience=patience)


class GitHub:
    """The pull requests of one repository, `OWNER/NAME`."""

    def __init__(self, api: Api, repository: str) -> None:
        self._api = api
        self._repository = repository
        self._root = f"/repos/{repository}"

    def place(self, number: int) -> str:
        return f"pull request {self._repository}#{number}"

    def myself(self) -> str:
        """A token of an installation (GITHUB_TOKEN is one) may not ask who it is: then it is taken for Actions'."""
        try:
            found = self._api.read("/user").content
        except Unsettled:
            raise  # 403 is said of limits, too, and that tells nothing about whose token it is
        except ReviewError as refusal:
            if refusal.status == 403:
                return ACTIONS_BOT
            raise
        login = found.get("login") if isinstance(found, dict) else None
        if not isinstance(login, str) or not login:
            raise unexpected("GET /user names no login")
        return login

    def request_of(self, commit: str) -> Sequence[int]:
        """The merged pull request that brought the commit; else the open ones that have it."""
        response = self._api.read(f"{self._root}/commits/{commit}/pulls", per_page=_PAGE)
        found = [pull for pull in objects(response.content, "pull requests") if self._is_here(pull)]
        merged = [pull for pull in found if pull.get("merged_at")]
        exact = [pull for pull in merged if pull.get("merge_commit_sha") == commit]
        still_open = [pull for pull in found if pull.get("state") == "open"]
        return [positive(pull.get("number"), "number of a pull request") for pull in exact or merged or still_open]

    def _is_here(self, pull: dict[str, object]) -> bool:
        """Whether it asks for a merge into this repository: one of a fork's own has the same commit, too."""
        base = pull.get("base")
        repository = base.get("repo") if isinstance(base, dict) else None
        name = repository.get("full_name") if isinstance(repository, dict) else None
        return isinstance(name, str) and name.casefold() == self._repository.casefold()

    def comments(self, number: int) -> list[Comment]:
        found: list[Comment] = []
        response = self._api.read(f"{self._root}/issues/{number}/comments", per_page=_PAGE)
        for _ in range(LAST_PAGE):
            found += [_comment(entry) for entry in objects(response.content, "comments")]
            if not response.next:
                return found
            response = self._api.follow(response.next)
        raise ReviewError(f"{self.place(number)} has more than {LAST_PAGE} pages of comments")

    def create(self, number: int, body: str) -> Comment:
        return _written(self._api.write("POST", f"{self._root}/issues/{number}/comments", {"body": body}))

    def update(self, number: int, comment: Comment, body: str) -> Comment:  # noqa: ARG002 - GitLab needs the number
        return _written(self._api.write("PATCH", f"{self._root}/issues/comments/{comment.id}", {"body": body}))

    def delete(self, number: int, comment: Comment) -> None:  # noqa: ARG002 - as above
        try:
            self._api.write("DELETE", f"{self._root}/issues/comments/{comment.id}")
        except ReviewError as refusal:
            if refusal.status != 404:
                raise


def _written(response: Response) -> Comment:
    return _comment(objects([response.content], "comments")[0])


def _comment(entry: dict[str, object]) -> Comment:
    body, url = entry.get("body"), entry.get("html_url")
    return Comment(
        positive(entry.get("id"), "id of a comment"),
        _author(entry.get("user")),
        body if isinstance(body, str) else "",
        url if isinstance(url, str) and len(url) < 400 and _LINK.fullmatch(url) else "",
    )


def _author(user: object) -> str:
    """Empty for a deleted account, and for one that calls itself a bot and is none."""
    login = user.get("login") if isinstance(user, dict) else None
    if not isinstance(login, str) or not isinstance(user, dict):
        return ""
    return login if not login.endswith("[bot]") or user.get("type") == "Bot" else ""
