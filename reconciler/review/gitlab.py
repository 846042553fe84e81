"""Merge requests on GitLab: REST API v4."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from reconciler.review.api import Api
from reconciler.review.failures import ReviewError
from reconciler.review.platform import LAST_PAGE, Comment, objects, positive, unexpected

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.review.api import Response
    from reconciler.review.failures import Patience

_PAGE = 50
"""A note may have a million characters, so that a page of 100 could be too large to read."""

_HINTS = {
    401: "the token in GITLAB_TOKEN is not valid, or has expired",
    403: "the token in GITLAB_TOKEN needs the scope `api`, and a role that may comment",
    404: "check --repository and --number; the token must be allowed to see the project",
}


def gitlab_api(base: str, token: str, patience: Patience) -> Api:
    """Raises UsageError for a base URL that cannot be used."""
    headers = {"Accept": "application/json", "PRIVATE-TOKEN": token}
    return Api(base, headers=headers, token=token, hints=_HINTS, patience=patience)


class GitLab:
    """The merge requests of one project: its id, or its path with all groups."""

    def __init__(self, api: Api, project: str) -> None:
        self._api = api
        self._project = project
        self._root = f"/projects/{quote(project, safe='')}"

    def place(self, number: int) -> str:
        return f"merge request {'of project ' if self._project.isdecimal() else ''}{self._project}!{number}"

    def myself(self) -> str:
        return _username(self._api.read("/user").content)

    def request_of(self, commit: str) -> Sequence[int]:
        """The merged request that brought the commit; else the open ones that have it."""
        response = self._api.read(f"{self._root}/repository/commits/{commit}/merge_requests", per_page=_PAGE)
        found = objects(response.content, "merge requests")
        merged = [request for request in found if request.get("state") == "merged"]
        made = ("merge_commit_sha", "squash_commit_sha")
        exact = [request for request in merged if commit in {request.get(name) for name in made}]
        still_open = [request for request in found if request.get("state") == "opened"]
        return [positive(request.get("iid"), "number of a merge request") for request in exact or merged or still_open]

    def comments(self, number: int) -> list[Comment]:
        found: list[Comment] = []
        page = "1"
        for _ in range(LAST_PAGE):
            response = self._api.read(self._notes(number), sort="asc", order_by="created_at", per_page=_PAGE, page=page)
            notes = objects(response.content, "notes")
            found += [_comment(note) for note in notes if note.get("system") is not True]
            page = response.headers.get("x-next-page", "").strip()
            if not page:
                return found
            if not (page.isascii() and page.isdecimal()):
                raise ReviewError("unexpected answer: x-next-page is no number")
        raise ReviewError(f"{self.place(number)} has more than {LAST_PAGE} pages of notes")

    def create(self, number: int, body: str) -> Comment:
        return _written(self._api.write("POST", self._notes(number), {"body": body}))

    def update(self, number: int, comment: Comment, body: str) -> Comment:
        return _written(self._api.write("PUT", f"{self._notes(number)}/{comment.id}", {"body": body}))

    def delete(self, number: int, comment: Comment) -> None:
        try:
            self._api.write("DELETE", f"{self._notes(number)}/{comment.id}")
        except ReviewError as refusal:
            if refusal.status != 404:
                raise

    def _notes(self, number: int) -> str:
        return f"{self._root}/merge_requests/{number}/notes"


def _written(response: Response) -> Comment:
    return _comment(objects([response.content], "notes")[0])


def _comment(note: dict[str, object]) -> Comment:
    author, body = note.get("author"), note.get("body")
    return Comment(
        positive(note.get("id"), "id of a note"),
        _username(author) if isinstance(author, dict) else "",
        body if isinstance(body, str) else "",
    )


def _username(user: object) -> str:
    name = user.get("username") if isinstance(user, dict) else None
    if not isinstance(name, str) or not name:
        raise unexpected("an account without a username")
    return name
