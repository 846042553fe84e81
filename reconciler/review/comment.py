"""A comment as the platform holds it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.reports.markdown.marker import parse

if TYPE_CHECKING:
    from reconciler.reports.markdown.marker import Marker

__all__ = ["Comment"]


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
