"""What a platform has to offer, whichever it is, and a comment as it holds one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from reconciler.reports.markdown.marker import parse
from reconciler.review.failures import ReviewError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.reports.markdown.marker import Marker

LAST_PAGE = 200
"""More pages than this (20,000 comments) are taken for a broken answer."""


class Platform(Protocol):
    """Requests to one repository. Every method raises ReviewError; those that write, Unsettled too."""

    def place(self, number: int) -> str:
        """The request of that number in words."""

    def myself(self) -> str:
        """Login of the account that the token belongs to."""

    def request_of(self, commit: str) -> Sequence[int]:
        """The numbers of the requests that brought the commit here: one, or none, or several in doubt."""

    def comments(self, number: int) -> list[Comment]:
        """All comments of people and programs on a request."""

    def create(self, number: int, body: str) -> Comment:
        """Write a new comment, and return it as the platform holds it now."""

    def update(self, number: int, comment: Comment, body: str) -> Comment:
        """Replace the text of a comment, and return it as the platform holds it now."""

    def delete(self, number: int, comment: Comment) -> None:
        """Take a comment away. One that is gone already is none to complain of."""


def unexpected(what: str) -> ReviewError:
    """That an answer is not of the documented form."""
    return ReviewError(f"unexpected answer: {what}", "is --api the address of the API?")


def objects(content: object, what: str) -> list[dict[str, object]]:
    """The objects of a list. Raises ReviewError for anything else, since no list is not an empty one."""
    if not isinstance(content, list) or not all(isinstance(entry, dict) for entry in content):
        raise unexpected(f"no list of {what}")
    return content


def positive(value: object, what: str) -> int:
    """A number above zero. Raises ReviewError."""
    if type(value) is not int or value <= 0:
        raise unexpected(f"no {what}")
    return value


@dataclass(frozen=True, slots=True)
class Comment:
    """`id` grows with the time of creation. `author` is a login, and empty where it is not known for certain.

    `url` is where a browser finds it, of a form that can be printed as it is, or empty.
    """

    id: int
    author: str
    body: str
    url: str = ""

    @property
    def marker(self) -> Marker | None:
        """What its first line says. Anybody may have written that: look at the author first."""
        return parse(_settled(self.body).split("\n", 1)[0])

    def shows(self, body: str) -> bool:
        """Whether it holds this text. Platforms may change the ends of lines, and blanks around the whole."""
        return _settled(self.body) == _settled(body)


def _settled(text: str) -> str:
    return text.replace("\r\n", "\n").strip()
