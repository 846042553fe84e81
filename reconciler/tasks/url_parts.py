"""Parts of URLs that conditions may look at. Fields of tasks are hostile input: what is read two ways has no parts."""

from __future__ import annotations

import re
from enum import StrEnum

_URL = re.compile(
    r"[A-Za-z][A-Za-z0-9+.-]*://"
    r"(?:[^\s\\/?#@\[\]]*@)?"
    r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^\s\\/?#@:\[\]%\x00-\x20]+)(?::(?P<port>[0-9]{0,5}))?"
    r"(?P<path>/[^?#]*)?(?:[?#]|\Z)"
)
"""RFC 3986, without what programs take in different ways: a backslash, a second `@`, an encoded host."""
_PLAIN_PORTS = ("", "80", "443")


class UrlPart(StrEnum):
    """What a condition may look at of a field that holds a URL. Never its query."""

    HOST = "host"
    """In lower case, and without a port of 80 or 443."""
    PATH = "path"
    """As it is written; `/` where there is none."""


MEANINGS = {
    UrlPart.HOST: ("Host of that URL: in lower case, without a port of 80 or 443", "media.example.com"),
    UrlPart.PATH: ("Path of that URL, as it is written, without its query", "/drafts/a.mp4"),
}
"""What each is, in words, and an example."""


def part_of(url: str, part: UrlPart) -> str | None:
    """A part of a URL; None where it is none, or one that is read in different ways. Takes time linear in the text."""
    found = _URL.match(url)
    if found is None:
        return None
    if part is UrlPart.PATH:
        return found["path"] or "/"
    port = found["port"] or ""
    return found["host"].lower() + ("" if port in _PLAIN_PORTS else f":{port}")
