"""How old tasks are: counted by policy, kind and age. The chart draws these numbers, and its table says them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["AGES", "Aged", "Histogram", "histograms"]

_HOUR, _DAY = 3_600, 86_400
_BOUNDS = (_HOUR, 6 * _HOUR, _DAY, 7 * _DAY, 30 * _DAY, 90 * _DAY)
AGES = ("<1h", "<6h", "<1d", "<7d", "<30d", "<90d", "older", "unknown")
"""Each below its bound, and not below the one before. What lies ahead counts as just created."""

_SHOWN = 6
"""Policies with a histogram of their own; where there are more, the others share one."""


@dataclass(frozen=True, slots=True)
class Aged:
    """One task. `kind` is what the columns are split by; `age` is in seconds, None where it is not known."""

    policies: tuple[str, ...]
    kind: str
    age: int | None


@dataclass(frozen=True, slots=True)
class Histogram:
    """The tasks of one policy, or of the others together (None): how many of each kind there are in each of `AGES`.

    `counts` has the kinds that occur, in the order in which they are shown.
    """

    policy: str | None
    counts: Mapping[str, tuple[int, ...]]

    @property
    def columns(self) -> tuple[int, ...]:
        """How many of any kind there are in each of `AGES`."""
        return tuple(map(sum, zip(*self.counts.values(), strict=True)))

    @property
    def total(self) -> int:
        return sum(self.columns)


def histograms(tasks: Sequence[Aged], kinds: Iterable[str]) -> tuple[Histogram, ...]:
    """Histograms of the policies with most tasks. A task counts for each of its policies, among the others once.

    `kinds` are all that there are, in the order in which they are shown.
    """
    totals = Counter(policy for task in tasks for policy in task.policies)
    ranked = sorted(totals, key=lambda policy: (-totals[policy], policy))
    named = ranked if len(ranked) <= _SHOWN + 1 else ranked[:_SHOWN]
    own = frozenset(named)
    found: Counter[tuple[str | None, str, int]] = Counter()
    for task in tasks:
        found.update((policy, task.kind, _column(task.age)) for policy in _shown_under(task, own))
    order = [*named, *([None] if len(named) < len(ranked) else [])]
    return tuple(Histogram(policy, _counts(found, policy, kinds)) for policy in order)


def _shown_under(task: Aged, own: frozenset[str]) -> set[str | None]:
    return {policy if policy in own else None for policy in task.policies}


def _counts(
    found: Counter[tuple[str | None, str, int]], policy: str | None, kinds: Iterable[str]
) -> dict[str, tuple[int, ...]]:
    rows = {kind: tuple(found[policy, kind, column] for column in range(len(AGES))) for kind in kinds}
    return {kind: row for kind, row in rows.items() if any(row)}


def _column(age: int | None) -> int:
    if age is None:
        return AGES.index("unknown")
    return next((column for column, bound in enumerate(_BOUNDS) if age < bound), len(_BOUNDS))
