"""Hostile text in Markdown: it comes out as the characters it is made of, and as nothing else."""

from __future__ import annotations

import json
import re

from reconciler.redaction import presentable
from reconciler.reports.cells import clipped

__all__ = ["code", "marker"]

_LIVE = re.compile(r"[^A-Za-z0-9 .,;=?%+'()/\-\u0080-\U0010ffff]|(?<=[wW])\.")  # `www.` alone makes a link


def code(text: str, cells: int = 80) -> str:
    """`text` in at most `cells` cells as inline code.

    Markdown is still parsed inside of HTML tags, so everything that could start markup, a link, a table cell or an
    emoji becomes a character reference. GitHub resolves those before it looks for mentions, issue references and
    commit ids, but it does not look for them inside of `<code>`: it takes both to be safe.
    """
    return f"<code>{_LIVE.sub(_reference, clipped(presentable(text), cells))}</code>" if text else ""


def _reference(character: re.Match[str]) -> str:
    return f"&#{ord(character[0])};"


def marker(kind: str, facts: dict[str, object]) -> str:
    """The hidden first line by which a comment is found again. `facts` cannot end it early."""
    text = json.dumps(facts, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    for live in "<>&":  # a comment ends with a >, and JSON has these only in strings
        text = text.replace(live, f"\\u{ord(live):04x}")
    return f"<!-- reconciler:{kind} v1 {text} -->"
