"""Elements of HTML and SVG. Plain text is escaped wherever it is put; only `Markup` passes as it is."""

from __future__ import annotations

import html
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_Value = str | int | None


class Markup(str):
    """Text that is HTML already, made by this module."""

    __slots__ = ()


LINE = Markup("\n")
"""Between elements, for whoever reads the source."""

_NOTHING = Markup()


def escaped(text: str) -> Markup:
    """`text` as HTML, in an element or between quotes."""
    return text if isinstance(text, Markup) else Markup(html.escape(text))


def joined(parts: Iterable[str], separator: Markup = _NOTHING) -> Markup:
    """The parts in one, those that are plain text escaped."""
    return Markup(separator.join(map(escaped, parts)))


def element(name: str, /, *children: str, **attributes: _Value) -> Markup:
    """An element with its children. Of attributes, `data_sort` means `data-sort`, `class_` means `class`.

    An attribute that is None is left out; the empty string is written as the name alone.
    """
    return Markup(f"<{name}{_written(attributes)}>{joined(children)}</{name}>")


def void(name: str, /, **attributes: _Value) -> Markup:
    """An element that has neither children nor an end tag."""
    return Markup(f"<{name}{_written(attributes)}>")


def _written(attributes: dict[str, _Value]) -> str:
    return "".join(
        f' {_spelled(name)}="{escaped(str(value))}"' if value != "" else f" {_spelled(name)}"
        for name, value in attributes.items()
        if value is not None
    )


@cache
def _spelled(name: str) -> str:
    return name.rstrip("_").replace("_", "-")
