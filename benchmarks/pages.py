"""A cloud of as many tasks as one likes, in a process of its own: `python -m benchmarks.pages TASKS`.

Answers `GET /v1/{project_id}/remux` of Huawei Cloud MPC as the vendor's pages look, each page made when it is asked
for, so that a million tasks need no memory. Checks nothing and knows no other call: its time is not what is measured.
Prints its URL when it listens.

The tasks: half succeeded, a quarter failed, a quarter waiting, over 100 buckets in turn, one a minute. Four in a
hundred have objects below `stale/`.
"""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from urllib.parse import parse_qs, urlsplit

NEWEST = datetime(2026, 11, 1, tzinfo=UTC)
BUCKETS = 100
STATUSES = ("SUCCEED", "WAITING", "SUCCEED", "FAILED")
ROW = (
    '{"task_id":"%d","status":"%s","create_time":"%s","start_time":"%s","end_time":"%s","error_code":"","description":"ok",'
    '"user_data":"order-%d","input":{"bucket":"bucket-%02d","location":"cn-north-4","object":"%s/%d.mp4"},'
    '"output":{"bucket":"packages","location":"cn-north-4","object":"out/%d"},"complete_ratio":100,'
    '"output_param":{"format":"HLS","segment_duration":5,"remove_meta":false}}'
)


MINUTES = [f"{minute // 60:02}{minute % 60:02}00" for minute in range(24 * 60)]


@cache
def _day(number: int) -> str:
    """Counted from the newest. A page must not take longer to make than to read: who waits for it pays for waking."""
    return (NEWEST + timedelta(days=number)).strftime("%Y%m%d")


def row(number: int) -> str:
    """One task. All figures of the benchmarks follow from these few lines."""
    status = STATUSES[number % 4]
    day, minute = divmod(-number, len(MINUTES))
    created = _day(day) + MINUTES[minute]
    ended = "" if status == "WAITING" else created
    folder = "stale" if number // BUCKETS % 25 == 0 else "talks"
    return ROW % (
        1_000_000 + number, status, created, ended, ended, number, number % BUCKETS, folder, number, number,
    )  # fmt: skip


@lru_cache(maxsize=2_000)
def page(first: int, last: int, total: int) -> bytes:
    rows = ",".join(map(row, range(first, last)))
    return f'{{"tasks":[{rows}],"total":{total}}}'.encode()


class Answers(asyncio.Protocol):
    """HTTP/1.1 with keep-alive, as little of it as two clients of this folder need."""

    def __init__(self, tasks: int) -> None:
        self._tasks = tasks
        self._rest = b""
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._rest += data
        while b"\r\n\r\n" in self._rest:
            head, self._rest = self._rest.split(b"\r\n\r\n", 1)
            self._answer(head.split(b" ", 2)[1].decode("ascii"))

    def _answer(self, path: str) -> None:
        query = parse_qs(urlsplit(path).query)
        size, number = int(query.get("size", ["10"])[0]), int(query.get("page", ["0"])[0])
        first = min(number * size, self._tasks)
        body = page(first, min(first + size, self._tasks), self._tasks)
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        assert self._transport is not None
        self._transport.write(head.encode("ascii") + body)


async def serve(tasks: int) -> None:
    server = await asyncio.get_running_loop().create_server(lambda: Answers(tasks), "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
