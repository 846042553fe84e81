"""A cloud of as many tasks as one likes, in a process of its own: `python -m benchmarks.pages TASKS [LATENCY]`.

Answers as Huawei Cloud MPC does, each page made when it is asked for, so that a million tasks need no memory. Checks
nothing and knows no other calls than these: its time is not what is measured. Prints its URL when it listens.

`GET /v1/{project_id}/remux`: half succeeded, a quarter failed, a quarter waiting, over 100 buckets in turn, one a
minute. Four in a hundred have objects below `stale/`.

`GET` and `DELETE /v1/{project_id}/thumbnails`: tasks that wait, until they are canceled. `GET /requests`: how many
requests of these there were.

Every answer leaves `LATENCY` seconds after its request came, to a fraction of a millisecond.
"""

from __future__ import annotations

import asyncio
import selectors
import sys
from datetime import UTC, datetime, timedelta
from functools import cache
from http import HTTPStatus
from urllib.parse import parse_qs, urlsplit

NEWEST = datetime(2026, 11, 1, tzinfo=UTC)
BUCKETS = 100
STATUSES = ("SUCCEED", "WAITING", "SUCCEED", "FAILED")
ROW = (
    '{"task_id":"%s","status":"%s","create_time":"%s","start_time":"%s","end_time":"%s","error_code":"","description":"ok",'
    '"user_data":"order-%s","input":{"bucket":"bucket-%02d","location":"cn-north-4","object":"%s/%s.mp4"},'
    '"output":{"bucket":"packages","location":"cn-north-4","object":"out/%s"},"complete_ratio":100,'
    '"output_param":{"format":"HLS","segment_duration":5,"remove_meta":false}}'
)

SNAPSHOT = (
    '{"task_id":"%s","status":"%s","create_time":"20261101000000","description":"","user_data":"order",'
    '"input":{"bucket":"bucket","location":"cn-north-4","object":"talks/1.mp4"},"output":{"bucket":"snapshots"}}'
)
MINUTES = [f"{minute // 60:02}{minute % 60:02}00" for minute in range(24 * 60)]


@cache
def _day(number: int) -> str:
    """Counted from the newest."""
    return (NEWEST + timedelta(days=number)).strftime("%Y%m%d")


def _created(number: int) -> str:
    day, minute = divmod(-number, len(MINUTES))
    return _day(day) + MINUTES[minute]


def row(number: int) -> str:
    """One task. All figures of the benchmarks follow from these few lines."""
    status, created = STATUSES[number % 4], _created(number)
    ended = "" if status == "WAITING" else created
    folder = "stale" if number // BUCKETS % 25 == 0 else "talks"
    return ROW % (
        1_000_000 + number, status, created, ended, ended, number, number % BUCKETS, folder, number, number,
    )  # fmt: skip


@cache
def _hundred(folder: str) -> str:
    """A hundred rows, but for what differs from page to page: times, and numbers up to their last two digits."""
    rows = []
    for place in range(100):
        number, status = f"%s{place:02}", STATUSES[place % 4]
        ended = "" if status == "WAITING" else "%s"
        rows.append(ROW % (number, status, "%s", ended, ended, number, place, folder, number, number))
    return ",".join(rows)


def rows_of(first: int, last: int) -> str:
    """The rows of a page: of a hundred in a quarter of the time, since who waits for a page pays for being woken."""
    number, place = divmod(first, 100)
    if not number or place or last - first != 100:
        return ",".join(map(row, range(first, last)))
    differs: list[object] = []
    for each in range(first, last):
        created = _created(each)
        ended = () if STATUSES[each % 4] == "WAITING" else (created, created)
        differs += (10_000 + number, created, *ended, number, number, number)
    return _hundred("talks" if number % 25 else "stale") % tuple(differs)


def page(first: int, last: int, total: int) -> bytes:
    return f'{{"tasks":[{rows_of(first, last)}],"total":{total}}}'.encode()


class Cloud:
    """All tasks, of both kinds the same number."""

    def __init__(self, tasks: int) -> None:
        self._tasks = tasks
        self._canceled: set[str] = set()
        self._requests = 0

    def answer(self, method: str, path: str) -> tuple[int, bytes]:
        """The status and the body."""
        parts = urlsplit(path)
        if parts.path == "/requests":
            return HTTPStatus.OK, str(self._requests).encode()
        self._requests += 1
        query, is_snapshots = parse_qs(parts.query), parts.path.endswith("/thumbnails")
        ids = query.get("task_id", [])
        if method == "DELETE":
            self._canceled.update(ids)
            return HTTPStatus.NO_CONTENT, b""
        size, number = int(query.get("size", ["10"])[0]), int(query.get("page", ["0"])[0])
        first = min(number * size, self._tasks)
        last = min(first + size, self._tasks)
        if is_snapshots:
            return HTTPStatus.OK, self._snapshots(
                ids or [str(1_000_000 + each) for each in range(first, last)], len(ids)
            )
        return HTTPStatus.OK, page(first, last, self._tasks)

    def _snapshots(self, ids: list[str], asked: int) -> bytes:
        statuses = ("CANCELED" if each in self._canceled else "WAITING" for each in ids)
        rows = ",".join(map(SNAPSHOT.__mod__, zip(ids, statuses, strict=True)))
        total = asked or self._tasks
        return f'{{"task_array":[{rows}],"total":{total},"is_truncated":0}}'.encode()


class Answers(asyncio.Protocol):
    """HTTP/1.1 with keep-alive, as little of it as the clients of this folder need."""

    def __init__(self, cloud: Cloud, latency: float) -> None:
        self._cloud = cloud
        self._latency = latency
        self._loop = asyncio.get_running_loop()
        self._rest = b""
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        due = self._loop.time() + self._latency
        self._rest += data
        while b"\r\n\r\n" in self._rest:
            head, self._rest = self._rest.split(b"\r\n\r\n", 1)
            method, path, _ = head.decode("ascii").split(" ", 2)
            answer = self._written(*self._cloud.answer(method, path))
            assert self._transport is not None
            if self._latency:
                self._loop.call_at(due, self._transport.write, answer)
            else:
                self._transport.write(answer)

    def _written(self, status: int, body: bytes) -> bytes:
        length = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n" if body else ""
        return f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n{length}\r\n".encode("ascii") + body


async def serve(tasks: int, latency: float) -> None:
    cloud = Cloud(tasks)
    server = await asyncio.get_running_loop().create_server(lambda: Answers(cloud, latency), "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


def main() -> None:
    tasks, latency = int(sys.argv[1]), float(sys.argv[2]) if len(sys.argv) > 2 else 0.0
    # epoll, which is quicker where there is nothing to wait for, waits for whole milliseconds.
    selector = selectors.SelectSelector if latency else selectors.DefaultSelector
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(selector())) as runner:
        runner.run(serve(tasks, latency))


if __name__ == "__main__":
    main()
