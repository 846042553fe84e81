"""Pieces of a comment on a pull request: tables, folded groups, callouts; and how many fit. Cells are escaped."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from reconciler.reports.cells import clipped
from reconciler.reports.wording import note_place

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from reconciler.planning.policy_plan import Note


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def folded(summary: str, body: str) -> str:
    """A group that opens on a click. The blank lines make its body Markdown again."""
    return f"<details><summary>{summary}</summary>\n\n{body}\n\n</details>"


def callout(kind: str, lines: Sequence[str]) -> str:
    """`kind`: NOTE, WARNING or CAUTION."""
    return "\n".join(f"> {line}".rstrip() for line in (f"[!{kind}]", *lines))


def listed(names: Sequence[str], total: int) -> str:
    """The names, each as code, and how many more there are of them."""
    rest = total - len(names)
    return ", ".join(map(code, names)) + (f" and {rest} more" if rest else "")


def note_item(note: Note) -> str:
    place = note_place(note)
    return f"- {note.severity}: {f'{code(place, 120)} ' if place else ''}{code(note.message, 160)}"


def comment(marker: str, left_out: int, parts: Sequence[str], run: str = "") -> str:
    """The parts as one comment, which says so if something was left out of it. `run`: a link to where all of it is."""
    entries = f"{left_out} {'entry' if left_out == 1 else 'entries'}"
    whole = f"{run} has all of it" if run else "<code>reconciler show FILE</code> lists all of the saved file"
    said = f"Shortened to fit a comment: {entries} left out. The digest covers them too; {whole}."
    cut = [callout("NOTE", [said])] if left_out else []
    return "\n\n".join(part for part in (f"{marker}\n{parts[0]}", *cut, *parts[1:]) if part) + "\n"


_LIVE = re.compile(r"[^A-Za-z0-9 .,;=?%+'()/\-\u0080-\U0010ffff]|(?<=[wW])\.")  # `www.` alone makes a link


def code(text: str, cells: int = 80) -> str:
    """`text` in at most `cells` cells as inline code.

    Markdown is still parsed inside of HTML tags, so everything that could start markup, a link, a table cell or an
    emoji becomes a character reference. GitHub resolves those before it looks for mentions, issue references and
    commit ids, but it does not look for them inside of `<code>`: it takes both to be safe. A mail address becomes a
    link even so, since that is looked for in whole texts; `<wbr>` ends the text before the @.
    """
    return f"<code>{_LIVE.sub(_reference, clipped(text, cells))}</code>" if text else ""


def _reference(character: re.Match[str]) -> str:
    return f"{'<wbr>' if character[0] == '@' else ''}&#{ord(character[0])};"


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
