"""Text for a terminal: measured, cut and aligned in cells, and in color."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

_STYLED = re.compile(r"\x1b\[[0-9;]*m")
_HANGING = re.compile(r" *(?:[^ ]+ {2,})?(?:[-!=x*]+ )?")
_COMMAND = ("    reconciler ", "        --")


def width(text: str) -> int:
    """Cells that `text` takes."""
    return len(text) if text.isascii() else sum(map(_cells, text))


def _cells(character: str) -> int:
    if unicodedata.category(character) in {"Mn", "Me"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def clipped(text: str, limit: int) -> str:
    """`text` in at most `limit` cells, with an ellipsis where something was left out."""
    if len(text) * 2 <= limit or width(text) <= limit:
        return text
    taken = 0
    for index, character in enumerate(text):
        taken += _cells(character)
        if taken > limit - 1:
            return text[:index] + "…"
    return text


def counted(count: int, noun: str) -> str:
    """`1 task`, `2 tasks`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def wrapped(text: str, columns: int | None) -> str:
    """`text` with its lines broken at blanks where they are longer than `columns`; None: where they are.

    What follows is indented below where its line began, or below the value of a named one. A word that is longer stays
    in one piece, and so does a command, which is there to be copied.
    """
    if columns is None:
        return text
    return "\n".join(
        line
        if len(line) * 2 <= columns or line.startswith(_COMMAND) or width(_STYLED.sub("", line)) <= columns
        else "\n".join(_broken(line, columns))
        for line in text.split("\n")
    )


def _broken(line: str, columns: int) -> Iterator[str]:
    start = _HANGING.match(_STYLED.sub("", line))
    hanging = " " * min(width(start[0]) if start else 0, columns // 2)
    taken, line_so_far = 0, ""
    for word in re.findall(r" *[^ ]+", line):
        cells = width(_STYLED.sub("", word))
        if line_so_far.strip() and taken + cells > columns:
            yield line_so_far
            word = hanging + word.lstrip(" ")  # noqa: PLW2901 - the blank became the break
            taken, line_so_far, cells = 0, "", width(_STYLED.sub("", word))
        taken, line_so_far = taken + cells, line_so_far + word
    yield line_so_far


def shrunk(
    rows: Sequence[Sequence[str]],
    cells: int,
    cuts: Mapping[int, Callable[[str, int], str]],
    least: int = 16,
) -> list[list[str]]:
    """The rows of a table that takes `cells`, if cutting its columns can bring that about.

    `cuts`: the columns that may be cut, and how; the first of them gives first, none to under `least` cells.
    """
    widths = [max(map(width, column)) for column in zip(*rows, strict=True)]
    shorter = [list(row) for row in rows]
    for column, cut in cuts.items():
        excess = sum(widths) + 2 * (len(widths) - 1) - cells
        if excess > 0:
            widths[column] = max(widths[column] - excess, min(widths[column], least))
            for row in shorter:
                row[column] = cut(row[column], widths[column])
    return shorter


def tail(text: str, limit: int) -> str:
    """As `clipped`, but it is the end that stays: paths differ there."""
    return clipped(text[::-1], limit)[::-1]


def padded(text: str, cells: int) -> str:
    """`text` filled with blanks on the right."""
    return text + " " * (cells - width(text))


def table(rows: Sequence[Sequence[str]], *, numbers_from: int | None = None) -> list[str]:
    """Lines with aligned columns, two blanks apart; columns from `numbers_from` on are aligned to the right."""
    widths = [max(map(width, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(_aligned(row, widths, numbers_from)).rstrip() for row in rows]


def _aligned(row: Sequence[str], widths: Sequence[int], numbers_from: int | None) -> list[str]:
    return [
        " " * (cells - width(cell)) + cell
        if numbers_from is not None and column >= numbers_from
        else padded(cell, cells)
        for column, (cell, cells) in enumerate(zip(row, widths, strict=True))
    ]


@dataclass(frozen=True, slots=True)
class Palette:
    """Paints text with ANSI sequences if `enabled`. Whether a terminal wants them is the caller's knowledge.

    `verbose`: no text is cut, however long.
    """

    enabled: bool = False
    verbose: bool = False

    def fitted(self, text: str, limit: int) -> str:
        """`text` in at most `limit` cells, unless all of it is asked for."""
        return text if self.verbose else clipped(text, limit)

    def bold(self, text: str) -> str:
        return self._painted(text, "1")

    def faint(self, text: str) -> str:
        return self._painted(text, "2")

    def red(self, text: str) -> str:
        return self._painted(text, "31")

    def green(self, text: str) -> str:
        return self._painted(text, "32")

    def yellow(self, text: str) -> str:
        return self._painted(text, "33")

    def _painted(self, text: str, code: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.enabled and text else text
