"""The page around the content: one file, whose policy lets nothing in and nothing out."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files

from reconciler.reports.html.elements import LINE, Markup, element, joined, void

__all__ = ["document"]


def document(title: str, main: Markup) -> str:
    """A whole page with `main` as its content. The same input gives the same bytes."""
    style, script = _packaged("style.css"), _packaged("script.js")
    head = [
        void("meta", charset="utf-8"),
        void("meta", http_equiv="Content-Security-Policy", content=_policy(style, script)),
        void("meta", name="referrer", content="no-referrer"),
        void("meta", name="viewport", content="width=device-width, initial-scale=1"),
        void("meta", name="color-scheme", content="light dark"),
        element("title", title),
        element("style", style),
    ]
    body = joined([main, element("script", script)], LINE)
    page = element("html", element("head", LINE, joined(head, LINE)), LINE, element("body", LINE, body), lang="en")
    return f"<!DOCTYPE html>\n{page}\n"


def _policy(style: str, script: str) -> str:
    """https://www.w3.org/TR/CSP3/: a meta element can say all of this, but not who may frame the page."""
    return "; ".join(
        (
            "default-src 'none'",
            f"style-src '{_hash(style)}'",
            f"script-src '{_hash(script)}'",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


@cache
def _packaged(name: str) -> Markup:
    """A file of this package: constant text of ours, which has no end tag in it."""
    return Markup(files(__package__).joinpath(name).read_text(encoding="utf-8"))
