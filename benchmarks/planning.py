"""Planning over 10,000, 100,000 and 1,000,000 tasks, by ten policies that select one in a hundred.

`reconciler plan`, the whole process, against `benchmarks.bound`, which fetches and decodes the same pages and does
nothing else.
"""

from __future__ import annotations

import sys
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.table import RECONCILER, Table, in_turns, run, server, times

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks.table import Cost

TASKS = (10_000, 100_000, 1_000_000)
SMALL = {"tasks": (2_500, 5_000, 7_500)}
PAGE = 100
IN_FLIGHT = 16
SELECTED_BUCKETS = frozenset(f"bucket-{number:02d}" for number in range(1, 100, 4))
CREDENTIALS = {"HUAWEICLOUD_SDK_AK": "BENCHMARK", "HUAWEICLOUD_SDK_SK": "benchmark-secret"}
HEAD = """
version: 1
settings:
  concurrency: {in_flight}
  limits: {{max_actions: 10000000, max_percent: 100}}
  run_limits: {{max_actions: 10000000, max_percent: 100}}
targets:
  prod:
    provider: huaweicloud
    region: cn-north-4
    project_id: 0123456789abcdef0123456789abcdef
    endpoints: {{mpc: "{url}", vod: "{url}", iam: "{url}"}}
    rate_limits: {{mpc: 100000/s}}
policies:
"""
POLICY = """\
  p{number}:
    resource: huaweicloud.mpc.packaging
    match: {{input.bucket: {{in: [{buckets}]}}, input.object: {{glob: "stale/*"}}, created_at: {{older_than: 1d}}}}
    ensure: absent
"""


def configuration(url: str) -> str:
    """Ten policies, each over some of the selected buckets."""
    buckets = sorted(SELECTED_BUCKETS)
    shares = [", ".join(buckets[number::10]) for number in range(10)]
    policies = (POLICY.format(number=number, buckets=share) for number, share in enumerate(shares))
    return HEAD.format(url=url, in_flight=IN_FLIGHT) + "".join(policies)


def costs(tasks: int, rounds: int) -> tuple[Cost, Cost]:
    """Of the plan, and of the bound."""
    with server("benchmarks.pages", str(tasks)) as url, tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        (directory / "reconciler.yaml").write_text(configuration(url), encoding="utf-8")
        plan = [RECONCILER, "plan", "--out", "plan.json"]
        bound = [sys.executable, "-m", "benchmarks.bound", url]
        ours, least = in_turns(rounds, lambda: run(plan, directory, CREDENTIALS), lambda: run(bound))
    assert least.output.split() == [str(tasks), str(tasks // 100)]
    assert f"{tasks // 100} changes" in ours.output, ours.output[-400:]
    return ours, least


def growth(measured: Mapping[int, tuple[Cost, Cost]]) -> Table:
    """What each task costs that is added: as much among a million as among ten thousand, where growth is linear."""

    def added(fewer: int, more: int) -> tuple[float, float]:
        pairs = zip(measured[fewer], measured[more], strict=True)
        ours, least = ((after.cpu - before.cpu) / (more - fewer) * 1e6 for before, after in pairs)
        return ours, least

    steps = list(pairwise(measured))
    first = added(*steps[0])
    return Table(
        "Growth",
        "CPU time of each task that is added, start-up left out; in brackets against the first step.",
        ("tasks", "plan, microseconds a task", "bound, microseconds a task"),
        tuple(
            (
                f"{fewer:,} to {more:,}",
                *(f"{cost:.1f} ({cost / one:.2f})" for cost, one in zip(added(fewer, more), first, strict=True)),
            )
            for fewer, more in steps
        ),
    )


def tables(rounds: int, tasks: tuple[int, ...] = TASKS) -> list[Table]:
    measured = {each: costs(each, rounds) for each in tasks}
    return [
        Table(
            "Planning",
            "Ten policies that select one packaging record in a hundred. The bound is a program that fetches the same "
            "pages with bare aiohttp, decodes them with msgspec into the fields asked about, and counts what is "
            "selected. CPU seconds and peak memory of whole processes; the server is another one.",
            ("tasks", "plan, CPU s", "bound, CPU s", "ratio", "plan, MiB", "bound, MiB"),
            tuple(
                (
                    f"{each:,}",
                    f"{ours.cpu:.2f}",
                    f"{least.cpu:.2f}",
                    times(ours.cpu, least.cpu),
                    f"{ours.memory:.0f}",
                    f"{least.memory:.0f}",
                )
                for each, (ours, least) in measured.items()
            ),
        ),
        growth(measured),
    ]
