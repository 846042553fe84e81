"""Pieces of a Markdown page."""

from __future__ import annotations

import re
import textwrap
from typing import TYPE_CHECKING

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_NOTICE = "<!-- Written from the code by `make reference`. Do not edit: it will be written again. -->"
_SPAN = re.compile(r"(`[^`]+`)")


def page(title: str, *parts: str) -> str:
    """A whole page: a notice, the title, and its parts with an empty line between them."""
    return "\n\n".join([_NOTICE, f"# {title}", *(part for part in parts if part)]) + "\n"


def paragraph(text: str) -> str:
    """Text of our own, which may hold Markdown, in lines of 120 columns."""
    return textwrap.fill(" ".join(text.split()), 120, break_long_words=False, break_on_hyphens=False)


def code(text: str) -> str:
    """A code span, also within a table."""
    return f"`{text}`".replace("|", "\\|")


def prose(text: str) -> str:
    """Plain text, in which nothing but what stands between backticks means anything to Markdown."""
    pieces = _SPAN.split(text)
    pieces[::2] = [re.sub(r"([*<|\\])", r"\\\1", piece) for piece in pieces[::2]]
    return "".join(piece.replace("|", "\\|") if number % 2 else piece for number, piece in enumerate(pieces))


def fence(text: str, language: str = "text") -> str:
    return f"```{language}\n{text.rstrip()}\n```"


def in_one_line(value: object) -> str:
    """YAML in one line."""
    text = yaml.safe_dump(value, default_flow_style=True, width=10_000, sort_keys=False, allow_unicode=True)
    return text.removesuffix("\n...\n").strip()


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of cells that are Markdown already. Columns that are empty throughout are left out."""
    cells = [list(row) for row in rows]
    kept = [index for index in range(len(head)) if any(row[index] for row in cells)]
    lines = [[head[index] for index in kept], ["---"] * len(kept), *([row[index] for index in kept] for row in cells)]
    return "\n".join(_line(line) for line in lines)


def _line(cells: Sequence[str]) -> str:
    return "".join(f"| {cell} " if cell else "| " for cell in cells) + "|"
