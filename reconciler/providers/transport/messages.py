"""Requests and answers that are httpx's to who reads them, and made without what nobody may ask for.

httpx reads the URL of each request, and goes over each body in pieces, which takes as long as all else about them.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import httpx

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_PLAIN = re.compile(r"(https?://[a-z0-9._-]+(?::[0-9]+)?)(/[A-Za-z0-9/_~%=-]*(?:\?[A-Za-z0-9._~%&=-]*)?)")
"""A URL, by its server and its target, of which httpx takes every character as it stands, but for a `%` before
something else than two digits."""
_ODD = re.compile(r"%(?![0-9A-Fa-f]{2})")

_WITH_LENGTH = frozenset({"POST", "PUT", "PATCH"})
"""Methods of requests that have a length even where they have no body (RFC 9110 section 8.6)."""


class Destination(NamedTuple):
    """Where a request goes: to a server, and there to its `target`, which is path and query as they are sent."""

    scheme: str
    netloc: str
    target: str

    @property
    def server(self) -> str:
        return f"{self.scheme}://{self.netloc}"


def destination(request: httpx.Request) -> Destination:
    """Where a request goes."""
    return request.destination if isinstance(request, Request) else _read(request.url)


def _read(url: httpx.URL) -> Destination:
    return Destination(url.scheme, url.netloc.decode("ascii"), url.raw_path.decode("ascii"))


@lru_cache
def _server(url: str) -> tuple[str, str]:
    return _read(httpx.URL(url))[:2]


@lru_cache
def _completed(given: tuple[tuple[str, str], ...], netloc: str, length: str | None) -> httpx.Headers:
    """These headers, by which those of the same name before are replaced, with host and length where they lack them.
    Nearly all requests of a client have the same."""
    own = {"Host": netloc} if length is None else {"Host": netloc, "Content-Length": length}
    by_name = {name.lower(): (name, value) for name, value in (*own.items(), *given)}
    return httpx.Headers([*by_name.values()])


class Request(httpx.Request):
    """A request whose `url` is read when somebody looks at it. What stands there already is sent byte for byte."""

    def __init__(
        self, method: str, url: str, headers: Iterable[tuple[str, str]], content: bytes, facts: dict[str, object]
    ) -> None:
        """Of `headers` the last of a name counts; they are completed by host and length. `facts` are its extensions."""
        plain = _PLAIN.fullmatch(url)
        if plain and ("%" not in url or not _ODD.search(url)):
            self._url: str | httpx.URL = url
            self.destination = Destination(*_server(plain[1]), plain[2])
        else:
            self._url = httpx.URL(url)
            self.destination = _read(self._url)
        length = str(len(content)) if content or method in _WITH_LENGTH else None
        self.method = method
        self.headers = httpx.Headers(_completed(tuple(headers), self.destination.netloc, length))
        self.headers.encoding = "ascii"  # httpx would try them all at each look
        self.extensions = facts
        self.stream = httpx.ByteStream(content)
        self._whole = content

    @property
    def content(self) -> bytes:
        return self._whole

    def read(self) -> bytes:
        return self._whole

    async def aread(self) -> bytes:
        return self._whole

    @property
    def url(self) -> httpx.URL:
        if isinstance(self._url, str):
            self._url = httpx.URL(self._url)
        return self._url

    @url.setter
    def url(self, url: httpx.URL) -> None:
        self._url = url
        self.destination = _read(url)


class Response(httpx.Response):
    """An answer whose content came whole."""

    def __init__(
        self, status: int, headers: Sequence[tuple[bytes, bytes]], content: bytes, request: httpx.Request
    ) -> None:
        super().__init__(status, headers=headers, stream=httpx.ByteStream(content), request=request)
        self._whole = content

    @property
    def content(self) -> bytes:
        return self._whole
