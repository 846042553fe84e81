"""One task in a plan for a terminal: what happens to it, its fields in aligned lines, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.reports.ages import age_of
from reconciler.reports.cells import clipped, padded, width
from reconciler.reports.wording import SYMBOLS, status_text, steps_words, value_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.planning.change import Change, Observed, Skipped
    from reconciler.reports.cells import Palette

_VALUE_CELLS = 120
_REASON_CELLS = 400
_NAME_CELLS = 40
_ID_CELLS = 256
_FIRST = ("created_at", "started_at", "finished_at")
_ELSEWHERE = frozenset({"id", "status", "provider_status", *_FIRST})


def fields(observed: Observed, now: int) -> Iterator[tuple[str, str]]:
    """The fields a reviewer reads, in their order: status, times with their age, then the others by name."""
    yield "status", status_text(observed)
    for name in (*(name for name in _FIRST if name in observed), *sorted(observed.keys() - _ELSEWHERE)):
        yield name, dated(name, observed[name], now)


def dated(name: str, value: str | int | tuple[str, ...], now: int) -> str:
    """A field's value on one line, with its age where it is a time."""
    passed = age_of(value, now) if name.endswith("_at") else None
    return value_text(value) + (f" ({passed})" if passed else "")


@dataclass(frozen=True, slots=True)
class TaskBlocks:
    """Writes the blocks of one plan."""

    paint: Palette
    now: int

    def change(self, change: Change) -> list[str]:
        heading = f"{SYMBOLS[change.steps]} {steps_words(change.steps)} {self.paint.fitted(change.task_id, _ID_CELLS)}"
        return self._block(self.paint.red(heading), change, [])

    def skipped(self, symbol: str, skipped: Skipped) -> list[str]:
        protections = [("protections", ", ".join(skipped.protections))] if skipped.protections else []
        return self._block(f"{symbol} {self.paint.fitted(skipped.task_id, _ID_CELLS)}", skipped, protections)

    def _block(self, heading: str, item: Change | Skipped, protections: list[tuple[str, str]]) -> list[str]:
        rows = [
            *(
                (clipped(name, _NAME_CELLS), self.paint.fitted(value, _VALUE_CELLS))
                for name, value in fields(item.observed, self.now)
            ),
            ("policies", ", ".join(item.policies)),
            *protections,
            ("reason", self.paint.fitted(item.reason, _REASON_CELLS)),
        ]
        longest = max(width(name) for name, _ in rows)
        return [
            f"  {heading}",
            *(f"      {self.paint.faint(padded(name, longest))}  {value}" for name, value in rows if value),
        ]
