"""How much detail fits into a comment on a pull request."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["BUDGET", "Detail", "fitted"]

_Item = TypeVar("_Item")

BUDGET = 60_000
"""Characters, one outside the basic plane as two. GitHub refuses a comment above 65,536; the rest is left to the job
that posts it."""

_MOST_ROWS = BUDGET // 80
"""Rows that could ever fit: none is shorter than this many characters."""

_LEVELS = (
    *((50, 50, 20), (20, 50, 20), (10, 50, 20), (5, 50, 20)),
    *((3, 20, 10), (1, 20, 10), (0, 20, 10), (1, 5, 3), (0, 5, 3)),
)
"""Rows in each group, policies, and lines of other lists, from the fullest to what fits whatever the plan is."""


class _TooMuchError(Exception):
    """Ends an attempt that cannot fit, before the rest of it is composed."""


@dataclass(slots=True)
class Detail:
    """Limits of one attempt. Lists are cut through `rows`, `policies` and `notes`, which count what was left out."""

    row_limit: int
    policy_limit: int
    note_limit: int
    left_out: int = field(default=0, init=False)
    _rows: int = field(default=0, init=False)

    def rows(self, items: Sequence[_Item]) -> Sequence[_Item]:
        shown = self._cut(items, self.row_limit)
        self._rows += len(shown)
        if self._rows > _MOST_ROWS:
            raise _TooMuchError
        return shown

    def policies(self, items: Sequence[_Item]) -> Sequence[_Item]:
        return self._cut(items, self.policy_limit)

    def notes(self, items: Sequence[_Item]) -> Sequence[_Item]:
        return self._cut(items, self.note_limit)

    def bullets(self, items: Sequence[_Item], line: Callable[[_Item], str], noun: str) -> list[str]:
        """A line for each of the first `items`, and one that says how many more there are of what `noun` names."""
        shown = self.notes(items)
        rest = len(items) - len(shown)
        return [*map(line, shown), *([f"- and {rest} more {noun if rest == 1 else f'{noun}s'}"] if rest else [])]

    def _cut(self, items: Sequence[_Item], limit: int) -> Sequence[_Item]:
        self.left_out += max(0, len(items) - limit)
        return items[:limit]


def fitted(compose: Callable[[Detail], str], budget: int = BUDGET) -> str:
    """What `compose` makes with the most detail that stays within `budget`. Nothing is ever cut in the middle."""
    text = ""
    for rows, policies, notes in _LEVELS:
        with suppress(_TooMuchError):
            text = compose(Detail(rows, policies, notes))
            if _size(text) <= budget:
                break
    return text


def _size(text: str) -> int:
    """Code units of UTF-16, which is what GitHub's own pages count; never fewer than there are characters."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2
