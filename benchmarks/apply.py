"""Applying: 10,000 and 100,000 cancels at 50 ms latency with 64 in flight, against the bound that the latency sets, and
beside bare aiohttp."""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path
from urllib.request import urlopen

import aiohttp

from benchmarks.clouds import ACCESS, configuration
from benchmarks.table import RECONCILER, Table, run, server

CHANGES = (10_000, 100_000)
LATENCY = 0.05
IN_FLIGHT = 64
SMALL = {"changes": (100, 200)}
SNAPSHOTS = "huaweicloud.mpc.snapshot"
POLICY = f"  p: {{resource: {SNAPSHOTS}, match: {{status: pending}}, ensure: absent}}"


def waiting(tasks: int) -> dict[str, object]:
    """A seed of as many snapshot tasks that wait."""
    return {"tasks": {SNAPSHOTS: [{"count": tasks, "status": "pending", "created": "1d"}]}}


def requests(url: str) -> int:
    """How many the server had so far."""
    with urlopen(f"{url}/requests") as answer:  # noqa: S310 - loopback
        return int(answer.read())


async def bare(url: str, sent: int) -> float:
    """Seconds in which bare aiohttp sends so many requests, unsigned, and reads their answers."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        left = iter(range(sent))

        async def worker() -> None:
            for number in left:
                async with session.get(f"{url}/v1/p/thumbnails?task_id={number}") as answer:
                    await answer.read()

        began = time.perf_counter()
        await asyncio.gather(*(worker() for _ in range(IN_FLIGHT)))
        return time.perf_counter() - began


def row(changes: int) -> tuple[str, ...]:
    with server("benchmarks.pages", str(changes), str(LATENCY)) as url, tempfile.TemporaryDirectory() as name:
        Path(name, "reconciler.yaml").write_text(configuration(url, POLICY, concurrency=IN_FLIGHT), encoding="utf-8")
        # Twice the same listing, of which the first is taken off the apply: what is left is cancels and read-backs.
        plan = run([RECONCILER, "plan"], Path(name), ACCESS)
        listed = requests(url)
        applied = run([RECONCILER, "apply", "--auto-approve"], Path(name), ACCESS)
        sent = requests(url) - 2 * listed
        least = asyncio.run(bare(url, sent))
    assert f"{changes} done" in applied.output, applied.output[-400:]
    bound = sent * LATENCY / IN_FLIGHT
    spent = applied.wall - plan.wall
    return (
        f"{changes:,}",
        f"{sent:,}",
        f"{spent:.1f}",
        f"{bound:.1f}",
        f"{bound / spent:.1%}",
        f"{bound / least:.1%}",
        f"{(applied.cpu - plan.cpu) / sent * 1000:.2f}",
        f"{applied.memory:.0f} ({applied.memory - plan.memory:+.0f})",
    )


def tables(rounds: int, changes: tuple[int, ...] = CHANGES) -> list[Table]:
    del rounds  # one takes long enough that a second would say the same
    return [
        Table(
            "Apply",
            f"Snapshot tasks canceled, each intent and result on disk, all read back. Every answer takes "
            f"{LATENCY * 1000:.0f} ms with {IN_FLIGHT} requests in flight: no client is done before the bound. Bare "
            "aiohttp sends as many requests, unsigned, and writes nothing down. The time of `plan` alone is taken off, "
            "which includes start and listing; memory in brackets is what comes on top of the plan's.",
            (
                "changes",
                "requests",
                "seconds",
                "bound, s",
                "of the bound",
                "bare aiohttp",
                "CPU, ms per request",
                "MiB",
            ),
            tuple(map(row, changes)),
        )
    ]
