"""Servers on loopback that answer what a test says and keep the bytes they were sent, and a clock that never waits."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from urllib.parse import parse_qsl

from reconciler.providers.transport.surroundings import Surroundings

FROZEN = datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)
NOWHERE = Path("/nonexistent-home")
NO_METADATA = {"ALIBABA_CLOUD_ECS_METADATA_DISABLED": "true", "HUAWEICLOUD_ECS_METADATA_DISABLED": "true"}
"""What keeps the metadata services, which are no loopback, from being asked."""


def dated(skew: int) -> str:
    """The `Date` of a server whose clock is so many seconds ahead of FROZEN."""
    return format_datetime(FROZEN + timedelta(seconds=skew), usegmt=True)


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


def around(
    environment: Mapping[str, str] | None = None,
    *,
    time: Time | None = None,
    home: Path = NOWHERE,
    now: Callable[[], datetime] | None = None,
    metadata: str | None = None,
    sts: str | None = None,
) -> Surroundings:
    """Surroundings that never sleep and have no home; jitter is always the longest.

    The machine has a metadata service where `metadata` says so.
    """
    time = time or Time()
    numbers = iter(range(1_000_000))
    return Surroundings(
        now=now or (lambda: datetime.now(UTC)),
        monotonic=time.monotonic,
        sleep=time.sleep,
        uniform=lambda _low, high: high,
        nonce=lambda: f"nonce-{next(numbers)}",
        environment={**({} if metadata else NO_METADATA), **(environment or {})},
        home=home,
        metadata_url=metadata,
        sts_url=sts,
    )


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
        return dict(self.query).get(name)

    def header(self, name: str) -> str | None:
        values = self.headers.get(name)
        if values is None:
            return None
        assert len(values) == 1, f"{name} came {len(values)} times"
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
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, json.dumps(content).encode(), {"Content-Type": "application/json", **named})


GONE_SILENT = Reply(raw=b"", hang_up=True)
"""The connection is closed without a byte of an answer."""

ODD_ANSWERS: dict[str, Reply] = {
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


class Server:
    """Answers with `answer`, a function of the request, or with the replies of a list in turn."""

    def __init__(self, answer: Callable[[Received], Reply] | list[Reply]) -> None:
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
                reply = self._answer.pop(0) if isinstance(self._answer, list) else self._answer(request)
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
async def serving(answer: Callable[[Received], Reply] | list[Reply]) -> AsyncIterator[Server]:
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
