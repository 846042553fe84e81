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

__all__ = ["TaskBlocks", "fields"]

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
        passed = age_of(observed[name], now) if name.endswith("_at") else None
        yield name, value_text(observed[name]) + (f" ({passed})" if passed else "")


@dataclass(frozen=True, slots=True)
class TaskBlocks:
    """Writes the blocks of one plan. `verbose` shows values in full."""

    paint: Palette
    now: int
    verbose: bool = False

    def change(self, change: Change) -> list[str]:
        heading = f"{SYMBOLS[change.steps]} {steps_words(change.steps)} {self._id(change.task_id)}"
        return self._block(self.paint.red(heading), change, [])

    def skipped(self, symbol: str, skipped: Skipped) -> list[str]:
        protections = [("protections", ", ".join(skipped.protections))] if skipped.protections else []
        return self._block(f"{symbol} {self._id(skipped.task_id)}", skipped, protections)

    def _id(self, task_id: str) -> str:
        return self._fitted(task_id, _ID_CELLS)

    def _fitted(self, text: str, cells: int) -> str:
        return text if self.verbose else clipped(text, cells)

    def _block(self, heading: str, item: Change | Skipped, protections: list[tuple[str, str]]) -> list[str]:
        rows = [
            *(
                (clipped(name, _NAME_CELLS), self._fitted(value, _VALUE_CELLS))
                for name, value in fields(item.observed, self.now)
            ),
            ("policies", ", ".join(item.policies)),
            *protections,
            ("reason", self._fitted(item.reason, _REASON_CELLS)),
        ]
        longest = max(width(name) for name, _ in rows)
        return [
            f"  {heading}",
            *(f"      {self.paint.faint(padded(name, longest))}  {value}" for name, value in rows if value),
        ]
