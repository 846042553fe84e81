"""What may leave the process: no URL query strings, no control characters.

Signed source URLs carry credentials in their query. A short hash of the query stays in its place, so that two URLs
that differ only there stay two for the reader.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata

__all__ = ["presentable", "strip_queries"]

_URL_TAIL = re.compile(r"(?P<base>\b[A-Za-z][A-Za-z0-9+.-]*://[^\s?#\"'<>|]*)[?#](?P<tail>[^\s\"'<>|]*)")
_USERINFO = re.compile(r"(?P<scheme>\b[A-Za-z][A-Za-z0-9+.-]*://)[^\s/?#@\"'<>]*@")


def strip_queries(text: str) -> str:
    """`text` with the query, fragment and user part of each URL in it replaced; idempotent.

    >>> strip_queries("see https://h/v.mp4?token=s3cret now")
    'see https://h/v.mp4?~d9b5fb3d now'
    """
    return _URL_TAIL.sub(_shortened, _USERINFO.sub(r"\g<scheme>", text))


def _shortened(match: re.Match[str]) -> str:
    tail = match["tail"]
    if re.fullmatch(r"~[0-9a-f]{8}", tail):
        return match[0]
    digest = hashlib.sha256(tail.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{match['base']}?~{digest}"


def presentable(text: str) -> str:
    r"""`text` fit for a terminal, a log or a file: URL queries stripped, control and format characters escaped.

    Bidirectional overrides and zero-width characters count as control characters: they make a reviewer read
    something else than what is there.
    """
    return "".join(_visible(character) for character in strip_queries(text))


def _visible(character: str) -> str:
    if unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}:
        point = ord(character)
        return f"\\x{point:02x}" if point < 0x100 else f"\\u{point:04x}" if point < 0x10000 else f"\\U{point:08x}"
    return character
