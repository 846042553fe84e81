"""Parts of URLs that conditions may look at. Fields of tasks are hostile input: what is read two ways has no parts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reconciler.selectors.syntax import UrlPart
from reconciler.tasks.task import Field, FieldType

if TYPE_CHECKING:
    from reconciler.tasks.resource_type import ResourceType

_URL = re.compile(
    r"[A-Za-z][A-Za-z0-9+.-]*://"
    r"(?:[^\s\\/?#@\[\]]*@)?"
    r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^\s\\/?#@:\[\]%\x00-\x20]+)(?::(?P<port>[0-9]{0,5}))?"
    r"(?P<path>/[^?#]*)?(?:[?#]|\Z)"
)
"""RFC 3986, without what programs take in different ways: a backslash, a second `@`, an encoded host."""
_PLAIN_PORTS = ("", "80", "443")
_MEANINGS = {
    UrlPart.HOST: ("Host of that URL: in lower case, without a port of 80 or 443", "media.example.com"),
    UrlPart.PATH: ("Path of that URL, as it is written, without its query", "/drafts/a.mp4"),
}


def part_of(url: str, part: UrlPart) -> str | None:
    """A part of a URL; None where it is none, or one that is read in different ways. Takes time linear in the text."""
    found = _URL.match(url)
    if found is None:
        return None
    if part is UrlPart.PATH:
        return found["path"] or "/"
    port = found["port"] or ""
    return found["host"].lower() + ("" if port in _PLAIN_PORTS else f":{port}")


def selectable(row: ResourceType) -> dict[str, Field]:
    """All that a selector may name: the fields of a resource type, and the parts of those that hold URLs."""
    fields: dict[str, Field] = {}
    for name, field in row.fields.items():
        fields[name] = field
        if field.url:
            for part, (summary, example) in _MEANINGS.items():
                fields[f"{name}.{part}"] = Field(f"{name}.{part}", FieldType.STRING, summary, example=example)
    return fields


def taken_apart(name: str, row: ResourceType) -> tuple[str, UrlPart | None]:
    """The field that a name means, and the part of it."""
    base, _, part = name.rpartition(".")
    if name not in row.fields and base in row.fields and row.fields[base].url and part in set(UrlPart):
        return base, UrlPart(part)
    return name, None
