"""Pieces of a comment on a pull request: tables, folded groups, callouts. Cells come escaped."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reconciler.reports.cells import clipped
from reconciler.reports.wording import note_place

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.planning.policy_plan import Note

__all__ = ["callout", "code", "comment", "folded", "listed", "note_item", "table"]


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


def comment(marker: str, left_out: int, parts: Sequence[str]) -> str:
    """The parts as one comment, which says so if something was left out of it."""
    entries = f"{left_out} {'entry' if left_out == 1 else 'entries'}"
    digest = "The digest covers them too; <code>reconciler show FILE</code> lists all of the saved file."
    cut = [callout("NOTE", [f"Shortened to fit a comment: {entries} left out. {digest}"])] if left_out else []
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
