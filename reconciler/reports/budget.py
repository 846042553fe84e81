"""How much detail fits into a comment on a pull request."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["BUDGET", "Detail", "fitted"]

_Item = TypeVar("_Item")

BUDGET = 60_000
"""Characters. GitHub refuses a comment above 65,536; the rest is left to the job that posts it."""

_LEVELS = ((50, 50, 20), (10, 50, 20), (0, 50, 20), (0, 20, 10), (0, 5, 3))
"""Rows in each group, policies, and diagnostics, from the fullest to what fits whatever the plan is."""


@dataclass(slots=True)
class Detail:
    """Limits of one attempt. Lists are cut through `rows`, `policies` and `notes`, which count what was left out."""

    row_limit: int
    policy_limit: int
    note_limit: int
    left_out: int = field(default=0, init=False)

    def rows(self, items: Sequence[_Item]) -> Sequence[_Item]:
        return self._cut(items, self.row_limit)

    def policies(self, items: Sequence[_Item]) -> Sequence[_Item]:
        return self._cut(items, self.policy_limit)

    def notes(self, items: Sequence[_Item]) -> Sequence[_Item]:
        return self._cut(items, self.note_limit)

    def _cut(self, items: Sequence[_Item], limit: int) -> Sequence[_Item]:
        self.left_out += max(0, len(items) - limit)
        return items[:limit]


def fitted(compose: Callable[[Detail], str]) -> str:
    """What `compose` makes with the most detail that stays within the budget. Nothing is ever cut in the middle."""
    text = ""
    for rows, policies, notes in _LEVELS:
        text = compose(Detail(rows, policies, notes))
        if len(text) <= BUDGET:
            break
    return text
