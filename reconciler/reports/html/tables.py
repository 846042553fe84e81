"""Tables that can be read as they are, and that the script sorts and filters; with times, which may be any text."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from reconciler.reports.html.elements import LINE, Markup, element, joined
from reconciler.tasks.timestamps import format_timestamp, parse_timestamp

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from reconciler.planning.change import Observed

_LONG = 300
"""Rows of tasks above which the style sheet has only those laid out that are in sight."""


class Sort(StrEnum):
    """What the rows are ordered by. The script knows these names."""

    TEXT = "text"
    NUMBER = "number"
    AGE = "age"


@dataclass(frozen=True, slots=True)
class Column:
    """`choice`: the name under which the filter offers the values of this column."""

    title: str
    sort: Sort = Sort.TEXT
    choice: str | None = None


def table(
    key: str,
    caption: str,
    columns: Sequence[Column],
    rows: Iterable[Sequence[str]],
    *,
    header: int = 0,
    tasks: bool = False,
    kind: str = "",
) -> Markup:
    """A table within a box of its own, in which it scrolls.

    `key` is unique on the page. `header` is the column that says what a row is about. `tasks`: it may be long, and the
    filter applies to it. `kind` is a name for the style sheet.
    """
    name = f"{key}-caption"
    lines = [element("tr", *_cells(columns, row, header)) for row in rows]
    names = ("tasks" if tasks else "summary", "long" if tasks and len(lines) > _LONG else "", kind)
    content = element(
        "table",
        element("caption", caption, id=name),
        element("thead", element("tr", *map(_heading, columns))),
        element("tbody", LINE, joined(lines, LINE), LINE),
        class_=" ".join(filter(None, names)),
    )
    return element("div", content, class_="box", role="region", aria_labelledby=name, tabindex=0)


def _heading(column: Column) -> Markup:
    return element("th", column.title, scope="col", data_sort=column.sort, data_choice=column.choice)


def _cells(columns: Sequence[Column], row: Sequence[str], header: int) -> Iterable[Markup]:
    for index, (column, content) in enumerate(zip(columns, row, strict=True)):
        if index == header:
            yield element("th", content, scope="row")
        elif column.sort is Sort.NUMBER:
            yield element("td", content, class_="n")
        else:
            yield element("td", content)


def codes(texts: Iterable[str]) -> Markup:
    """Names of things, one after the other. The filter offers each by itself."""
    return joined((element("code", text) for text in texts), Markup(", "))


def section(key: str, title: str, *content: str) -> Markup:
    """A part of the page that can be linked to."""
    heading = element("h2", title, id=f"{key}-title")
    parts = [part for part in (heading, *content) if part]
    return element("section", joined(parts, LINE), id=key, aria_labelledby=f"{key}-title")


def created(observed: Observed) -> int | None:
    """When the task was created, in seconds since the epoch; None where that is not known."""
    value = observed.get("created_at")
    if not isinstance(value, str):
        return None
    try:
        found = parse_timestamp(value)
        format_timestamp(found)
    except (ValueError, OverflowError):
        return None
    return found


def moment(seconds: int | None) -> Markup:
    """A time. How long ago it was is for the script to say, since that is another with each minute that goes by."""
    return Markup("unknown") if seconds is None else element("time", format_timestamp(seconds))
