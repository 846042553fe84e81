"""Pacing: cancels against a cloud that takes R requests a second and throttles above, R told, and ten times of it."""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path

from benchmarks.apply import POLICY, waiting
from benchmarks.clouds import ACCESS, configuration, requests
from benchmarks.table import RECONCILER, Table, run, server

TOO_MUCH = 10
"""Times of R."""
SITUATIONS = ((10, 400), (100, 4_000), (1_000, 10_000))
"""R, and how many tasks there are."""
SMALL = {"situations": ((100, 200),)}


def row(rate: int, tasks: int, told: bool) -> tuple[str, ...]:
    seed = waiting(tasks) | {"options": {"quotas": {"mpc": f"{rate}/1s"}}}
    with server("benchmarks.clouds", json.dumps(seed)) as url, tempfile.TemporaryDirectory() as name:
        text = configuration(url, POLICY, concurrency=64, rate=rate if told else TOO_MUCH * rate)
        Path(name, "reconciler.yaml").write_text(text, encoding="utf-8")
        listing = run([RECONCILER, "plan"], Path(name), ACCESS)
        listed = len(requests(url))
        time.sleep(1)  # what it used of the quota is forgotten
        applied = run([RECONCILER, "apply", "--auto-approve"], Path(name), ACCESS)
        statuses = [record["status"] for record in requests(url)][listed:]
    assert f"{tasks} done" in applied.output, applied.output[-400:]
    throttled = statuses.count(429)
    answered = len(statuses) - throttled - listed  # which is listed once more
    bound, seconds = answered / rate, applied.wall - listing.wall
    return (
        f"{rate:,}/s",
        "R" if told else f"{TOO_MUCH} R",
        f"{answered:,}",
        f"{seconds:.1f}",
        f"{bound:.1f}",
        f"{bound / seconds:.1%}",
        f"{throttled:,}",
    )


def tables(rounds: int, situations: tuple[tuple[int, int], ...] = SITUATIONS) -> list[Table]:
    del rounds  # the pace is the cloud's
    return [
        Table(
            "Pacing",
            "Snapshot tasks canceled and read back by one `apply`, against a cloud that takes R requests a second and "
            "refuses what is above. The bound is its answers divided by R; what a `plan` of the same tasks takes, "
            "which lists them as well, is taken off. At 1,000 a second the processor binds. Where ten times as much is "
            "told, R is found at the cost of what was on its way at the first refusals.",
            ("R", "`rate_limits`", "answered", "seconds", "bound, s", "of the bound", "throttled"),
            tuple(row(rate, tasks, told) for told in (True, False) for rate, tasks in situations),
        )
    ]
