"""What the page of a plan and the page of a report have in common: their parts, and the document around them, one file,
whose policy lets nothing in and nothing out.
"""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from reconciler.reports.html.elements import LINE, Markup, element, escaped, joined, void
from reconciler.reports.wording import note_place

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from reconciler.planning.policy_plan import Note


def page(parts: Iterable[str]) -> Markup:
    """The content of a page: its parts in order, without those that are empty."""
    return element("main", LINE, joined(filter(None, parts), LINE), LINE)


def masthead(kind: str, outcome: str, counts: str, lead: str = "") -> Markup:
    """What this is, how it stands, and the counts as `wording` writes them."""
    badge = element("strong", outcome, class_=f"badge {outcome}")
    parts = [
        element("p", kind, " ", badge, class_="kind"),
        element("h1", *map(_count, re.split("([,:;] )", counts))),
        element("p", lead, class_="lead") if lead else "",
    ]
    return element("header", joined(filter(None, parts), LINE))


def _count(text: str) -> Markup:
    """`5 cancel`, the number set off, or what stands between two of them. Quiet where there is nothing of the kind."""
    if not text[0].isdigit():
        return escaped(text)
    number, _, what = text.partition(" ")
    weight = "zero" if number == "0" else what.rpartition(" ")[2]
    return element("span", element("b", number), f" {what}", class_=f"count {weight}")


def callout(tone: str, title: str, items: Sequence[str]) -> Markup:
    """What a reader must not overlook. `tone`: `danger`, `warning` or `calm`."""
    entries = joined((element("li", item) for item in items), LINE)
    return element("section", element("h2", title), LINE, element("ul", entries), class_=f"callout {tone}")


def note_item(note: Note) -> Markup:
    place = note_place(note)
    return joined([element("b", f"{place}: ") if place else "", note.message])


def facts(pairs: Iterable[tuple[str, str]]) -> Markup:
    """Names and values; pairs without a value are left out."""
    rows = (element("div", element("dt", name), element("dd", value)) for name, value in pairs if value)
    return element("dl", joined(rows, LINE), class_="facts")


def command(line: str) -> Markup:
    return element("pre", element("code", line))


def filtered(choices: Sequence[str], groups: Iterable[Markup]) -> Markup:
    """Groups of rows under one filter; empty where there are none.

    The controls need the script, which shows them and fills in what there is to choose.
    """
    found = joined(groups, LINE)
    return element("div", _controls(choices), LINE, found, class_="filtered") if found else Markup()


def _controls(choices: Sequence[str]) -> Markup:
    field = void(
        "input", type="search", placeholder="words that must all occur", autocomplete="off", spellcheck="false"
    )
    labels = [_labelled("filter", field)]
    for name in choices:
        select = element("select", element("option", "all", value=""), data_choice=name)
        labels.append(_labelled(name, select))
    shown = [
        element("output"),
        element("button", "Clear", type="button"),
        element("button", "Download CSV", type="button"),
    ]
    return element("div", joined([*labels, *shown], LINE), class_="controls", role="search", hidden="")


def _labelled(name: str, control: Markup) -> Markup:
    return element("label", element("span", name), control)


def footer(tool_version: str) -> Markup:
    return element("footer", element("p", f"All times are UTC. Made by reconciler {tool_version}."))


def job_link(job: tuple[str, str] | None) -> str:
    """A link to the job that made the page, of its address and name."""
    return element("a", job[1], href=job[0], rel="noopener noreferrer") if job else ""


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
