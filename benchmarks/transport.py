"""What one request costs, by way of sending it.

CPU time of this process per request on loopback, at 1, 16, 64 and 256 in flight, of three clients in one run: ours,
which signs, paces and judges each request; httpx, which does nothing of that; and aiohttp bare. The server is another
process, whose time is not counted.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import statistics
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import aiohttp
import httpx
from aiohttp import web

from benchmarks.planning import CREDENTIALS
from benchmarks.table import Table, times
from reconciler.config.model import Rate, Target
from reconciler.provider import Fault, Surroundings, Tally
from reconciler.providers.huaweicloud.client import HuaweicloudClient
from reconciler.providers.huaweicloud.mpc import SNAPSHOT

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from contextlib import AbstractAsyncContextManager
    from multiprocessing.connection import Connection

    Send = Callable[[], Awaitable[int]]
    Client = Callable[[str], AbstractAsyncContextManager[Send]]

IN_FLIGHT = (1, 16, 64, 256)
SMALL = {"requests": 256}
BODY = b'{"total": 0, "task_array": []}'


def serve(ready: Connection) -> None:
    """Answer every request with an empty list, until killed."""

    async def answer(_: web.BaseRequest) -> web.Response:
        return web.Response(body=BODY, content_type="application/json")

    async def run() -> None:
        runner = web.ServerRunner(web.Server(answer, access_log=None))
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        ready.send(f"http://127.0.0.1:{runner.addresses[0][1]}/v1/project/thumbnails?page=0&size=100")
        await asyncio.Event().wait()

    asyncio.run(run())


@asynccontextmanager
async def ours(url: str) -> AsyncIterator[Send]:
    address = urlsplit(url)
    endpoint = f"{address.scheme}://{address.netloc}"
    target = Target(
        "here",
        "huaweicloud",
        "cn-north-4",
        {"project_id": "0" * 32},
        dict.fromkeys(("mpc", "vod", "iam"), endpoint),
        {"mpc": Rate(100_000, 1)},
    )
    around = Surroundings(environment=CREDENTIALS)
    async with HuaweicloudClient(target, concurrency=max(IN_FLIGHT), surroundings=around) as client:

        async def send() -> int:
            page = await client.page(SNAPSHOT, Tally(), [("page", "0"), ("size", "100")])
            assert not isinstance(page, Fault), page
            return len(page.tasks)

        yield send


@asynccontextmanager
async def httpx_alone(url: str) -> AsyncIterator[Send]:
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    async with httpx.AsyncClient(limits=limits, timeout=None, trust_env=False) as client:  # noqa: S113 - on loopback

        async def send() -> int:
            return len((await client.get(url)).json()["task_array"])

        yield send


@asynccontextmanager
async def bare_aiohttp(url: str) -> AsyncIterator[Send]:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def send() -> int:
            async with session.get(url) as answer:
                return len(json.loads(await answer.read())["task_array"])

        yield send


CLIENTS: dict[str, Client] = {
    "reconciler": ours,
    "httpx": httpx_alone,
    "aiohttp": bare_aiohttp,
}


async def cpu_seconds(client: Client, url: str, requests: int, in_flight: int) -> float:
    """CPU seconds of this process for so many requests, the first connections left out."""
    async with client(url) as send:

        async def worker(count: int) -> None:
            for _ in range(count):
                await send()

        await asyncio.gather(*(worker(1) for _ in range(in_flight)))
        began = time.process_time()
        await asyncio.gather(*(worker(requests // in_flight) for _ in range(in_flight)))
        return time.process_time() - began


def tables(rounds: int, requests: int = 512) -> list[Table]:
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(theirs,), daemon=True)
    server.start()
    theirs.close()  # so that a server which does not start is no wait for ever
    rows = []
    try:
        url: str = ours.recv()
        for in_flight in IN_FLIGHT:
            turns: dict[str, list[float]] = {name: [] for name in CLIENTS}
            for _ in range(rounds):
                for name, client in CLIENTS.items():
                    turns[name].append(asyncio.run(cpu_seconds(client, url, requests, in_flight)))
            cost = {name: statistics.median(seconds) / requests * 1e6 for name, seconds in turns.items()}
            bare = cost["aiohttp"]
            rows.append((str(in_flight), *(f"{each:,.0f} ({times(each, bare)})" for each in cost.values())))
    finally:
        server.kill()
        server.join()
    return [
        Table(
            "Transport",
            "CPU time of one small page of a list on loopback, in microseconds, the server's not counted; in brackets "
            "against bare aiohttp. Ours is signed, waits for its turn, is held against its documented form and read "
            "into tasks; the others send and parse. The pool of httpx looks at all of its connections each time.",
            ("in flight", *CLIENTS),
            tuple(rows),
        )
    ]
