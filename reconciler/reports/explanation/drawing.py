"""The lifecycle of a resource type drawn: in plain ASCII for a terminal of 80 columns, and as a Mermaid diagram.

The places are fixed, as the states of all types are: a task's life runs from left to right, a cancel leads down. What
is there, and which arrows, is up to the resource type.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reconciler.reports.explanation.document import lifecycle
from reconciler.tasks.resource_type import Action
from reconciler.tasks.task import Status

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reconciler.reports.explanation.document import Lifecycle, State, Transition
    from reconciler.tasks.resource_type import ResourceType

_WIDTH = 78
"""Columns of a drawing; it is indented by two more."""
_LONGEST, _SHORTEST = 16, 12
"""Cells of a vendor's word before it is cut: as many of these as the width allows."""
_GAP = 6
"""Cells between two columns: room for an arrow."""
_GONE = "--delete--> gone"
_NO_WAY = " no way out"
_COLUMNS = ((Status.PENDING, Status.CANCELED), (Status.RUNNING,), (Status.SUCCEEDED, Status.FAILED))
"""States that stand one above the other, from left to right."""


class _Canvas:
    """Characters by row and column; what is drawn later lies on top."""

    def __init__(self) -> None:
        self._cells: dict[tuple[int, int], str] = {}

    def put(self, row: int, column: int, text: str) -> None:
        for offset, character in enumerate(text):
            self._cells[row, column + offset] = character

    def down(self, top: int, bottom: int, column: int, character: str = "|") -> None:
        for row in range(top, bottom + 1):
            self.put(row, column, character)

    def lines(self) -> list[str]:
        height = max((row for row, _ in self._cells), default=-1) + 1
        width = max((column for _, column in self._cells), default=-1) + 1
        rows = ("".join(self._cells.get((row, column), " ") for column in range(width)) for row in range(height))
        return [line.rstrip() for line in rows]


class _Box:
    """One state: its name over the vendor's words for it, in a frame."""

    def __init__(self, state: State, cells: int) -> None:
        self.state = state
        self.text = [state.status.value, *([_cut(word, cells) for word in state.provider_statuses] or ["(not listed)"])]
        self.row = 0
        self.column = 0
        self.inner = max(map(len, self.text))

    @property
    def middle(self) -> int:
        """The row of its name, at which arrows come and go."""
        return self.row + 1

    @property
    def bottom(self) -> int:
        return self.row + len(self.text) + 1

    @property
    def right(self) -> int:
        """The column after its frame."""
        return self.column + self.inner + 4

    def draw(self, canvas: _Canvas) -> None:
        edge = f"+{'-' * (self.inner + 2)}+"
        canvas.put(self.row, self.column, edge)
        for offset, line in enumerate(self.text):
            canvas.put(self.row + 1 + offset, self.column, f"| {line.ljust(self.inner)} |")
        canvas.put(self.bottom, self.column, edge)


def draw_lifecycle(row: ResourceType) -> list[str]:
    """The lines of the drawing: ASCII, at most 78 columns, and as high as the vendor has words."""
    life = lifecycle(row)
    boxes = _placed(life)
    canvas = _Canvas()
    for box in boxes.values():
        box.draw(canvas)
    for status, box in boxes.items():
        onward = [boxes[way.end] for way in life.leaving(status) if way.action is None]
        _progress(canvas, box, onward)
        for way in life.leaving(status):
            if way.action is not None:
                _operation(canvas, box, boxes.get(way.end), way.action)
        if box.state.dead_end:
            canvas.put(box.middle, box.right, _NO_WAY)
    return canvas.lines()


def _placed(life: Lifecycle) -> dict[Status, _Box]:
    """The boxes of the states that there are, in their places; words are cut no more than the width asks for."""
    columns: list[list[_Box]] = []
    for cells in range(_LONGEST, _SHORTEST - 1, -1):
        states = [[state for state in life.states if state.status in column] for column in _COLUMNS]
        columns = [[_Box(state, cells) for state in column] for column in states if column]
        if _set_columns(columns) + len(_GONE) <= _WIDTH:
            break
    for column in columns:
        _set_rows(life, column)
    if len(columns) > 1:  # what stands to the right of a canceled task must not run into the next column
        for below in (box for box in columns[0] if box.state.status is Status.CANCELED):
            below.row = max(below.row, *(box.bottom for box in columns[1]))
    return {box.state.status: box for column in columns for box in column}


def _set_columns(columns: Sequence[Sequence[_Box]]) -> int:
    """Put the boxes side by side; the column after the last one."""
    left = 0
    for column in columns:
        inner = max(box.inner for box in column)
        for box in column:
            box.column, box.inner = left, inner
        left += inner + 4 + _GAP
    return left - _GAP


def _set_rows(life: Lifecycle, column: Sequence[_Box]) -> None:
    """Put the boxes of one column one above the other, with room for an arrow where one leads down."""
    top = 0
    for box in column:
        box.row = top
        top = box.bottom + (4 if _is_way(life, box.state.status, Action.CANCEL) else 1)


def _is_way(life: Lifecycle, status: Status, action: Action) -> bool:
    return any(way.action is action for way in life.leaving(status))


def _progress(canvas: _Canvas, box: _Box, onward: Sequence[_Box]) -> None:
    """Arrows to the states that a task goes on to by itself: one line that forks where there are several."""
    for target in onward:
        fork = target.column - 3
        if target.middle == box.middle:
            canvas.put(box.middle, box.right, f"{'-' * (target.column - box.right - 1)}>")
        else:
            canvas.down(box.middle + 1, target.middle - 1, fork)
            canvas.put(box.middle, fork, "+")
            canvas.put(target.middle, fork, "+->")


def _operation(canvas: _Canvas, box: _Box, end: _Box | None, action: Action) -> None:
    """The arrow of an operation: down to another state, or to the right where the task is gone."""
    if end is None:
        canvas.put(box.middle, box.right, _GONE)
        return
    column = box.column + 3
    canvas.down(box.bottom + 1, end.row - 2, column)
    canvas.put(end.row - 1, column, "v")
    canvas.put(box.bottom + 2, column + 2, action.value)


def _cut(word: str, cells: int) -> str:
    """A vendor's word in ASCII, since it may come from a provider that is not ours."""
    text = word.encode("ascii", "backslashreplace").decode("ascii")
    return text if len(text) <= cells else f"{text[: cells - 2]}.."


def mermaid_lifecycle(row: ResourceType) -> str:
    """The same as a Mermaid state diagram, for documents that can show one."""
    life = lifecycle(row)
    return "\n".join(["stateDiagram-v2", *(f"    {line}" for line in _mermaid(life))]) + "\n"


def _mermaid(life: Lifecycle) -> Iterator[str]:
    if life.state(Status.PENDING) is not None:
        yield "[*] --> pending"
    for state in life.states:
        words = ", ".join(re.sub(r"[^A-Za-z0-9_ .-]", " ", _cut(word, 40)) for word in state.provider_statuses)
        yield f"{state.status.value}: {state.status.value}{f' ({words})' if words else ''}"
    for way in life.transitions:
        yield _mermaid_arrow(way)
    for state in life.states:
        if state.dead_end:
            yield f"note right of {state.status.value}: no way out"


def _mermaid_arrow(way: Transition) -> str:
    end = "[*]" if way.end is Status.GONE else way.end.value
    return f"{way.start.value} --> {end}{f': {way.action.value}' if way.action else ''}"
