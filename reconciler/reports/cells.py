"""Text for a terminal: measured, cut and aligned in cells, and in color."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

FOLD = 1_000
"""Tasks of one scope, or changes of one outcome, that are written out, unless all are asked for."""


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


def folded(rest: str) -> str:
    """A line in the place of what is not written out: `12 more tasks here`."""
    return f"  ... and {rest}. All of them: --format json, or -v"


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
