"""Hostile text in Markdown: it comes out as the characters it is made of, and as nothing else."""

from __future__ import annotations

import re

from reconciler.redaction import presentable
from reconciler.reports.cells import clipped

__all__ = ["code"]

_LIVE = re.compile(r"[^A-Za-z0-9 .,;=?%+'()/\-\u0080-\U0010ffff]|(?<=[wW])\.")  # `www.` alone makes a link


def code(text: str, cells: int = 80) -> str:
    """`text` in at most `cells` cells as inline code.

    Markdown is still parsed inside of HTML tags, so everything that could start markup, a link, a table cell or an
    emoji becomes a character reference. GitHub resolves those before it looks for mentions, issue references and
    commit ids, but it does not look for them inside of `<code>`: it takes both to be safe. A mail address becomes a
    link even so, since that is looked for in whole texts; `<wbr>` ends the text before the @.
    """
    return f"<code>{_LIVE.sub(_reference, clipped(presentable(text), cells))}</code>" if text else ""


def _reference(character: re.Match[str]) -> str:
    return f"{'<wbr>' if character[0] == '@' else ''}&#{ord(character[0])};"
