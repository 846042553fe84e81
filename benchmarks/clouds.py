"""The local clouds in a process of their own: `python -m benchmarks.clouds SEED [LATENCY]`, the seed as JSON.

Every answer comes `LATENCY` seconds late. Prints its URL when it listens.
"""

from __future__ import annotations

import asyncio
import json
import sys
from urllib.request import urlopen

from reconciler.simulator import Simulator, serve

ACCESS = {
    "HUAWEICLOUD_SDK_AK": "SIMULATORHUAWEICLOUD",
    "HUAWEICLOUD_SDK_SK": "simulator-secret-of-huaweicloud",
    "ALIBABA_CLOUD_ACCESS_KEY_ID": "SIMULATORALIYUN",
    "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "simulator-secret-of-aliyun",
}
CONFIGURATION = """
version: 1
settings:
  concurrency: {concurrency}
  limits: {{max_actions: 1000000, max_percent: 100}}
  run_limits: {{max_actions: 1000000, max_percent: 100}}
targets:
  huawei:
    provider: huaweicloud
    region: cn-north-4
    project_id: 0123456789abcdef0123456789abcdef
    endpoints: {{mpc: "{url}", vod: "{url}", iam: "{url}"}}
    rate_limits: {{mpc: {rate}/s, vod: {rate}/s}}
  aliyun:
    provider: aliyun
    region: cn-shanghai
    endpoints: {{vod: "{url}"}}
    inventory: {inventory}
policies:
{policies}
"""


def configuration(
    url: str, policies: str, *, concurrency: int = 16, rate: int = 100_000, inventory: str = "{job_ids: []}"
) -> str:
    return CONFIGURATION.format(url=url, policies=policies, concurrency=concurrency, rate=rate, inventory=inventory)


def requests(url: str) -> list[dict[str, object]]:
    """All that was asked of the clouds at `url`."""
    with urlopen(f"{url}/_simulator/requests") as answer:  # noqa: S310 - loopback
        records: list[dict[str, object]] = json.load(answer)["requests"]
    return records


def main() -> None:
    simulator = Simulator(json.loads(sys.argv[1]))
    if len(sys.argv) > 2:
        simulator.faults.add("latency", seconds=float(sys.argv[2]), times=0)
    asyncio.run(serve(simulator, on_ready=lambda url: print(url, flush=True)))


if __name__ == "__main__":
    main()
