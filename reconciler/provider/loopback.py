"""Servers on loopback that answer what a test says and keep the bytes they were sent, and a clock that never waits."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from inspect import isawaitable
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

    Answering = Callable[["Received"], "Reply | Awaitable[Reply]"] | list["Reply"]
    """A function of the request, or the replies in turn."""

__all__ = ["GONE_SILENT", "ODD_ANSWERS", "Received", "Reply", "Server", "Time", "as_json", "passed_on", "serving"]


class Time:
    """A monotonic clock that moves only when somebody sleeps, and then at once."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)


@dataclass(frozen=True, slots=True)
class Received:
    """A request as its bytes came in. Header names in lower case, all values of a repeated one."""

    method: str
    target: str
    headers: Mapping[str, list[str]]
    body: bytes
    connection: int

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def raw_query(self) -> str:
        return self.target.partition("?")[2]

    @property
    def query(self) -> list[tuple[str, str]]:
        return parse_qsl(self.raw_query, keep_blank_values=True)

    def value(self, name: str) -> str | None:
        """That of a parameter; the last where it comes several times."""
        return dict(self.query).get(name)

    def header(self, name: str) -> str | None:
        """That of a header, which must not come twice."""
        values = self.headers.get(name)
        if values is None:
            return None
        if len(values) != 1:
            raise AssertionError(f"{name} came {len(values)} times")
        return values[0]


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer. `raw` replaces it byte for byte; `hang_up` closes the connection after (or instead of) it."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    hang_up: bool = False
    silent: bool = False

    def encoded(self) -> bytes:
        if self.raw is not None:
            return self.raw
        headers = {"Content-Length": str(len(self.body)), **self.headers}
        if self.status == 204:
            headers.pop("Content-Length")
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return f"HTTP/1.1 {self.status} X\r\n{lines}\r\n".encode() + self.body


def as_json(content: object, status: int = 200, **headers: str) -> Reply:
    """An answer of JSON; `_` in the name of a header stands for `-`."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, json.dumps(content).encode(), {"Content-Type": "application/json", **named})


GONE_SILENT = Reply(raw=b"", hang_up=True)
"""The connection is closed without a byte of an answer."""

ODD_ANSWERS: Mapping[str, Reply] = {
    "a redirect": Reply(302, b"", {"Location": "https://login.example.com/?next=secret"}),
    "HTML": Reply(200, b"<html><body>Please sign in</body></html>", {"Content-Type": "text/html"}),
    "JSON called HTML": Reply(200, b'{"total": 0, "tasks": []}', {"Content-Type": "text/html; charset=utf-8"}),
    "an empty body": Reply(200),
    "blanks": Reply(200, b" \r\n "),
    "no content": Reply(204),
    "half a document": Reply(200, b'{"total": 1, "tasks": [{"task', {"Content-Type": "application/json"}),
    "no UTF-8": Reply(200, b'{"total": "\xff\xfe"}', {"Content-Type": "application/json"}),
    "a list": as_json([]),
    "a string": as_json("ok"),
    "null": as_json(None),
    "an object without anything": as_json({}),
    "another envelope": as_json({"status": "ok", "data": {"items": []}}),
    "nesting without end": Reply(200, b"[" * 200_000, {"Content-Type": "application/json"}),
    "a number without end": Reply(200, b'{"total":' + b"9" * 10_000 + b"}", {"Content-Type": "application/json"}),
    "an encoding nobody asked for": Reply(200, b"\x1f\x8b\x08", {"Content-Encoding": "gzip"}),
}
"""What comes instead of what a service documents: from a proxy, a login page, a gateway in trouble. Never "nothing"."""


class Server:
    """Answers, and keeps the requests. `url` is its address."""

    def __init__(self, answer: Answering) -> None:
        self.requests: list[Received] = []
        self._answer = answer
        self._connections = 0
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections += 1
        connection = self._connections
        try:
            while (request := await _read(reader, connection)) is not None:
                self.requests.append(request)
                answer = self._answer.pop(0) if isinstance(self._answer, list) else self._answer(request)
                reply = await answer if isawaitable(answer) else answer
                if reply.silent:
                    await reader.read()
                    return
                writer.write(reply.encoded())
                await writer.drain()
                if reply.hang_up:
                    return
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()


async def _read(reader: asyncio.StreamReader, connection: int) -> Received | None:
    line = await reader.readline()
    if not line:
        return None
    method, target, _ = line.decode("latin-1").split(" ")
    headers: dict[str, list[str]] = {}
    while (line := await reader.readline()) not in {b"\r\n", b""}:
        name, _, value = line.decode("latin-1").partition(":")
        headers.setdefault(name.lower(), []).append(value.strip())
    length = int(headers.get("content-length", ["0"])[0])
    return Received(method, target, headers, await reader.readexactly(length), connection)


@asynccontextmanager
async def serving(answer: Answering) -> AsyncIterator[Server]:
    """A server on a free port of loopback for the duration of the block."""
    server = Server(answer)
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0, limit=1 << 20)
    server.url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    try:
        yield server
    finally:
        listener.close()
        # A connection handler ends when its client hangs up, or here with the loop.
        await asyncio.sleep(0)


async def passed_on(request: Received, url: str) -> Reply:
    """What the server at `url` answers to `request`, which it gets as it came; its connection is closed after it."""
    place = urlsplit(url)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    headers = {**request.headers, "connection": ["close"]}
    lines = "".join(f"{name}: {value}\r\n" for name, values in headers.items() for value in values)
    writer.write(f"{request.method} {request.target} HTTP/1.1\r\n{lines}\r\n".encode("latin-1") + request.body)
    raw = await reader.read()
    writer.close()
    # The client must not use the connection again, which is closed now.
    return Reply(raw=raw.replace(b"\r\n", b"\r\nConnection: close\r\n", 1), hang_up=True)
