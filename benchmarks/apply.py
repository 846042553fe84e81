"""A whole plan and apply against a bare loop: `python benchmarks/apply.py [snapshots]`.

Cancels so many snapshots on local clouds: listed, planned, guarded, written to the journal, called, read back,
reported. Then the very same requests, method and URL, once more by a bare aiohttp loop with as many in flight. The
simulator in another process serves both and its time is part of both. It refuses the second lot, which is unsigned
and cheaper to answer, so that the ratio is an upper bound of what we cost.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.request import urlopen

import aiohttp
from yarl import URL

from reconciler.engine.approval import Approval
from reconciler.engine.session import Session

CONCURRENCY = 16
PROJECT = "0123456789abcdef0123456789abcdef"
CONFIGURATION = """
version: 1
settings:
  concurrency: {concurrency}
  backend: "sqlite:///{directory}/history.db"
  limits: {{max_actions: 1000000, max_percent: 100}}
targets:
  prod:
    provider: huaweicloud
    region: cn-north-4
    project_id: {project}
    endpoints: {{mpc: "{url}", vod: "{url}", iam: "{url}"}}
    rate_limits: {{mpc: 100000/s}}
policies:
  p: {{resource: huaweicloud.mpc.snapshot, match: {{status: pending}}, ensure: absent}}
"""
SERVER = """
import asyncio, sys
from reconciler.simulator import Simulator, serve
seed = {"tasks": {"huaweicloud.mpc.snapshot": [{"count": int(sys.argv[1]), "status": "pending", "created": "1d"}]}}
asyncio.run(serve(Simulator(seed), on_ready=lambda url: print(url, flush=True)))
"""


async def plan_and_apply(directory: Path) -> int:
    """Run both, and return how many changes were done."""
    async with Session.open(directory) as session:
        report = await session.apply(None, Approval.automatic())
    return report.summary["done"]


async def bare(requests: list[tuple[str, str]]) -> None:
    """Send them, so many in flight, and read the answers."""
    left = iter(requests)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:

        async def worker() -> None:
            for method, url in left:
                async with session.request(method, URL(url, encoded=True)) as answer:
                    await answer.read()

        await asyncio.gather(*(worker() for _ in range(CONCURRENCY)))


def requests_of(url: str) -> list[tuple[str, str]]:
    with urlopen(f"{url}/_simulator/requests") as answer:  # noqa: S310 - loopback
        records = json.load(answer)["requests"]
    return [(record["method"], f"{url}{record['path']}?{record['raw_query']}") for record in records]


def main() -> None:
    snapshots = int(sys.argv[1]) if len(sys.argv) > 1 else 2_000
    os.environ |= {
        "HUAWEICLOUD_SDK_AK": "SIMULATORHUAWEICLOUD",
        "HUAWEICLOUD_SDK_SK": "simulator-secret-of-huaweicloud",
    }
    command = [sys.executable, "-c", SERVER, str(snapshots)]
    with (
        tempfile.TemporaryDirectory() as name,
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server,  # noqa: S603 - a literal above
    ):
        try:
            assert server.stdout is not None
            url = server.stdout.readline().strip()
            directory = Path(name)
            text = CONFIGURATION.format(url=url, directory=directory, project=PROJECT, concurrency=CONCURRENCY)
            (directory / "reconciler.yaml").write_text(text, encoding="utf-8")
            began, cpu = time.perf_counter(), time.process_time()
            assert asyncio.run(plan_and_apply(directory)) == snapshots
            ours, cpu = time.perf_counter() - began, time.process_time() - cpu
            requests = requests_of(url)
            began = time.perf_counter()
            asyncio.run(bare(requests))
            theirs = time.perf_counter() - began
        finally:
            server.kill()
    count = len(requests)
    print(
        f"{snapshots:,} changes, {count:,} requests: plan and apply {count / ours:,.0f} requests/s "
        f"({cpu / count * 1e6:,.0f} us CPU each), bare aiohttp {count / theirs:,.0f} requests/s: "
        f"{ours / theirs:.1f} times as long"
    )


if __name__ == "__main__":
    main()
