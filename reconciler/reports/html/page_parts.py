"""Parts that the page of a plan and the page of a report have in common."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reconciler.reports.html.elements import LINE, Markup, element, escaped, joined, void
from reconciler.reports.wording import note_place
from reconciler.tasks.timestamps import format_timestamp

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from reconciler.planning.policy_plan import Note

__all__ = ["callout", "command", "facts", "filtered", "footer", "masthead", "note_item", "page"]


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
    shown = [element("output"), element("button", "Clear", type="button")]
    return element("div", joined([*labels, *shown], LINE), class_="controls", role="search", hidden="")


def _labelled(name: str, control: Markup) -> Markup:
    return element("label", element("span", name), control)


def footer(tool_version: str, now: int) -> Markup:
    said = f"Ages as of {format_timestamp(now)}; all times are UTC. Made by reconciler {tool_version}."
    return element("footer", element("p", said))
