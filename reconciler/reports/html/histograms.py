"""How old tasks are, counted by policy, kind and age, and drawn as SVG.

Columns are split by kind, each with a fill that can be told from the others without colour.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from reconciler.reports.html.elements import LINE, Markup, element, joined

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

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


_STEP, _BAR = 44, 30
_WIDTH, _TOP, _HEIGHT = _STEP * len(AGES), 18, 96
_FLOOR = _TOP + _HEIGHT
_LEAST = 3
"""Height of the smallest number there is: what is there can be seen."""


class Fill(StrEnum):
    """The fills that there are. The style sheet gives each its colour."""

    PLAIN = "plain"
    STRIPES = "stripes"
    DOTS = "dots"
    CHECKS = "checks"
    LINES = "lines"
    BARS = "bars"


_BLANKS: Mapping[Fill, tuple[int, str]] = {
    Fill.PLAIN: (8, ""),
    Fill.STRIPES: (8, "M-2 2L2-2M-2 10L10-2M6 10L10 6"),
    Fill.DOTS: (6, "M3 2v2"),
    Fill.CHECKS: (8, "M0 0h4v4h4v4h-4v-4h-4z"),
    Fill.LINES: (6, "M0 3h6"),
    Fill.BARS: (6, "M3 0v6"),
}
"""The size of each pattern, and what is left blank in it."""


def fills() -> Markup:
    """The patterns that every drawing of the page uses."""
    patterns = (_pattern(fill, size, blank) for fill, (size, blank) in _BLANKS.items())
    return element("svg", element("defs", *patterns), class_="fills", width=0, height=0, aria_hidden="true")


def _pattern(fill: Fill, size: int, blank: str) -> Markup:
    """A square of the fill's colour, with `blank` drawn on it in the colour of the page."""
    ground = element("rect", width=size, height=size, class_=f"fill {fill}")
    parts = [ground, element("path", d=blank, class_=f"blank {fill}")] if blank else [ground]
    return element("pattern", *parts, id=f"fill-{fill}", width=size, height=size, patternUnits="userSpaceOnUse")


def swatch(fill: Fill) -> Markup:
    """A piece of a fill for the legend."""
    square = _bar(0, 0, 16, 16, fill)
    return element("svg", square, class_="swatch", viewBox="0 0 16 16", width=16, height=16, aria_hidden="true")


def drawing(histogram: Histogram, title: str, description: str, fill_of: Mapping[str, Fill]) -> Markup:
    """One histogram; `title` and `description` say what it shows in words."""
    parts = [
        element("title", title),
        element("desc", description),
        *_columns(histogram, fill_of),
        element("path", d=f"M0 {_FLOOR}h{_WIDTH}", class_="axis"),
        *(_text(column, _FLOOR + 15, age, "age") for column, age in enumerate(AGES)),
    ]
    return element("svg", joined(parts, LINE), viewBox=f"-4 0 {_WIDTH + 8} {_FLOOR + 22}", role="img")


def _columns(histogram: Histogram, fill_of: Mapping[str, Fill]) -> Iterator[Markup]:
    highest = max(histogram.columns)
    for column, total in enumerate(histogram.columns):
        bottom = _FLOOR
        for kind, row in histogram.counts.items():
            if row[column]:
                height = max(_LEAST, row[column] * (_HEIGHT - _LEAST * len(histogram.counts)) // highest)
                bottom -= height
                yield _bar(_left(column), bottom, _BAR, height, fill_of[kind])
        if total:
            yield _text(column, bottom - 5, str(total), "count")


def _bar(x: int, y: int, width: int, height: int, fill: Fill) -> Markup:
    return element("rect", x=x, y=y, width=width, height=height, fill=f"url(#fill-{fill})", class_=f"edge {fill}")


def _left(column: int) -> int:
    return column * _STEP + (_STEP - _BAR) // 2


def _text(column: int, y: int, text: str, kind: str) -> Markup:
    return element("text", text, x=column * _STEP + _STEP // 2, y=y, text_anchor="middle", class_=kind)
