"""What may leave the process: no URL query strings, no user parts of URLs, no control characters.

Signed source URLs carry credentials in their query. A short hash of the query stays in its place, so that two URLs
that differ only there stay two for the reader.

Plans, reports and all other documents are `Shown`: text becomes presentable where it enters them. So what renders a
document never meets any other text, and escapes nothing but what has a meaning in its own format.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections import defaultdict
from collections.abc import Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from enum import Enum
from functools import lru_cache
from html import escape
from operator import is_
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Iterator

_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_MARKS = frozenset({"Mn", "Me"})
# Whatever stands before `://` is taken for a scheme, and a URL ends at what RFC 3986 allows in none: other marks are
# rather hidden too much than too little. Each match takes a whole run, so that no text is looked at twice.
_SLASHES = r":\\?/\\?/"  # as some write them in JSON, too: `:\/\/`
_URL = re.compile(rf"(?P<base>{_SLASHES}[^\s?#\"<>]*+)(?:(?P<mark>[?#])(?P<tail>[^\s\"<>]*+))?+")
_USER_PART = re.compile(rf"(?P<slashes>{_SLASHES})(?:[^\s/?#\"<>@]*+@)++")
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")
_EVERYWHERE = 3
"""Characters of what is too short to be masked: it would be found in every word."""
_STACKED = 4
"""Combining marks that one character keeps: as many as scripts in use put there. More would cover the lines around."""
_MARK = re.compile(r"~[0-9a-f]{8}[.,:;!')\]}]*")  # with the marks of a sentence that goes on after it


def holds_url(text: str) -> bool:
    """Whether some URL may be in `text`, with a query or a user part to hide."""
    return "://" in text or ":\\/" in text or ":/\\/" in text


def strip_queries(text: str, *, user_mark: str = "", whole: bool = False) -> str:
    """`text` with the query and fragment of each URL in it replaced by a hash, and the user part by `user_mark`.

    Idempotent, unless the text is known to be `whole`: then a query that reads like a hash is one like any other.
    Meant for text without control characters: see `presentable`.

    >>> strip_queries("see https://me:pw@h/v.mp4?token=s3cret now")
    'see https://h/v.mp4?~a67312e0 now'
    """
    return _URL.sub(_hashed if whole else _shortened, _USER_PART.sub(rf"\g<slashes>{user_mark}", text))


def _shortened(match: re.Match[str]) -> str:
    is_hash = match["mark"] == "?" and _MARK.fullmatch(match["tail"] or "")
    return match[0] if is_hash else _hashed(match)


def _hashed(match: re.Match[str]) -> str:
    tail = match["tail"]
    if tail is None:
        return match[0]
    # No tail holds a blank, so that a fragment has no hash that a query has, too.
    whole = tail if match["mark"] == "?" else f" #{tail}"
    digest = hashlib.sha256(whole.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{match['base']}?~{digest}"


def presentable(text: str) -> str:
    r"""`text` fit for a terminal, a log or a file: URL queries stripped, control and format characters escaped.

    Bidirectional overrides and zero-width characters count as control characters: they make a reviewer read
    something else than what is there, and so do combining marks that pile up. They are escaped first, so that none
    of them hides where a URL goes on.
    """
    if text.isascii() and text.isprintable() and not (":" in text and holds_url(text)):
        return text
    return strip_queries("".join(_visible(text)))


def is_presentable_json(text: bytes) -> bool:
    """Whether each text in `text`, which is JSON without blanks between its tokens, is presentable as it stands.

    Said of all at one glance, which takes a tenth of the time. False also where that is not certain: where a backslash
    stands, a text may be another than the one that is seen.
    """
    if b"\\" in text or b"\x7f" in text:
        return False
    if not text.isascii():
        whole = text.decode()
        others = set(_NOT_ASCII.findall(whole))
        if not all(map(str.isprintable, others)) or any(unicodedata.category(one) in _MARKS for one in others):
            return False
    elif b"://" not in text:
        return True
    else:
        whole = text.decode()
    return strip_queries(whole) == whole  # no URL goes on behind a quotation mark


def _visible(text: str) -> Iterator[str]:
    stacked = 0
    for character in text:
        category = unicodedata.category(character)
        stacked = stacked + 1 if category in _MARKS else 0
        yield _escaped(ord(character)) if category in _UNSEEN or stacked > _STACKED else character


def _escaped(point: int) -> str:
    return f"\\x{point:02x}" if point < 0x100 else f"\\u{point:04x}" if point < 0x10000 else f"\\U{point:08x}"


def masked(text: str, values: Mapping[str, str]) -> str:
    """`text` with `values` replaced by what is shown in their place, but for the shortest of them.

    In either case, since the name of a host comes back in lower case, and also as Python, JSON, HTML and URLs quote
    them.
    """
    for value, shown in sorted(values.items(), key=lambda one: (-len(one[0]), one)):
        if len(value) > _EVERYWHERE:
            text = _spellings(value).sub(shown.replace("\\", r"\\"), text)
    return text


@lru_cache(maxsize=256)
def _spellings(value: str) -> re.Pattern[str]:
    """The longest first, where one begins with another."""
    quoted = json.dumps(value)[1:-1]
    forms = {value, repr(value)[1:-1], quoted, quoted.replace("/", "\\/"), presentable(value)}
    forms |= {*(quote(value, safe, errors="surrogatepass") for safe in ("", "/")), escape(value)}
    return re.compile("|".join(map(re.escape, sorted(forms, key=lambda form: (-len(form), form)))), re.IGNORECASE)


def bounded(text: str, longest: int) -> str:
    """`text`, made presentable, in at most `longest` characters: the rest is cut, with an ellipsis.

    The mark that stands for a query is left out rather than cut in two.
    """
    shown = presentable(text)
    if len(shown) <= longest:
        return shown
    kept = shown[: longest - 1]
    return re.sub(r"\?~[0-9a-f]{0,8}$|\?$", "", kept) + "…"


_MOST_ALIKE = 4096


class _Alike(dict[Any, Any]):
    """Values that come again and again, each as the one object that came first; no more than are worth their place."""

    def __missing__(self, value: object) -> object:
        if len(self) < _MOST_ALIKE:
            self[value] = value
        return value


_SEEN: ContextVar[defaultdict[str, _Alike] | None] = ContextVar("seen", default=None)
"""Of a document that is read: values that stand in it many times, by field, since an enum is equal to its text."""


@contextmanager
def seen_as_a_whole() -> Iterator[None]:
    """Within this, `Shown` takes text as it is, for who sees that it is presentable in another way, or lets it go."""
    token = _SEEN.set(defaultdict(_Alike))
    try:
        yield
    finally:
        _SEEN.reset(token)


class Shown:
    """Base of the frozen dataclasses that documents are made of: they hold what is presentable of any text given.

    However they are made: by hand, by `replace`, or from a file. Enums stay, and so do the records within them, which
    are `Shown` themselves. `SHARED` are fields, or mappings, whose values stand many times in a large document.
    """

    __slots__ = ()
    SHARED: ClassVar[tuple[str, ...]] = ()
    __dataclass_fields__: ClassVar[dict[str, object]]

    def __post_init__(self) -> None:
        seen = _SEEN.get()
        if seen is not None:
            for name in self.SHARED:
                value, alike = getattr(self, name), seen[name]
                if type(value) is dict:
                    for key, one in value.items():
                        value[key] = alike[one]
                elif type(value) is str or type(value) is tuple:
                    object.__setattr__(self, name, alike[value])
            return
        for name in self.__dataclass_fields__:
            value = getattr(self, name)
            shown = _shown(value)
            if shown is not value:
                object.__setattr__(self, name, shown)


_WITHOUT_TEXT = frozenset({int, float, bool, type(None)})


def _shown(value: object) -> object:
    """`value` with all text in it made presentable; itself where there is nothing to change, which is nearly always."""
    if type(value) is str:
        return presentable(value)
    if type(value) in _WITHOUT_TEXT or isinstance(value, Enum):
        return value
    if isinstance(value, tuple | list):
        items = [_shown(item) for item in value]
        if all(map(is_, items, value)):
            return value
        return value._make(items) if hasattr(value, "_make") else type(value)(items)
    if isinstance(value, Mapping):
        pairs = {_shown(key): _shown(item) for key, item in value.items()}
        return value if pairs == value else pairs
    return presentable(value) if isinstance(value, str) else value
