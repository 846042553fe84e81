"""Pacing: cancels against a cloud that takes R requests a second and throttles above, R told and not told."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from benchmarks.apply import POLICY, waiting
from benchmarks.clouds import ACCESS, configuration, requests
from benchmarks.table import RECONCILER, Table, run, server

UNTOLD = 100_000
SITUATIONS = ((10, 200), (100, 2_000), (1_000, 10_000))
"""R, and how many tasks there are."""


def row(rate: int, tasks: int, told: bool) -> tuple[str, ...]:
    seed = waiting(tasks) | {"options": {"quotas": {"mpc": f"{rate}/1s"}}}
    with server("benchmarks.clouds", json.dumps(seed)) as url, tempfile.TemporaryDirectory() as name:
        text = configuration(url, POLICY, concurrency=64, rate=rate if told else UNTOLD)
        Path(name, "reconciler.yaml").write_text(text, encoding="utf-8")
        applied = run([RECONCILER, "apply", "--auto-approve"], Path(name), ACCESS)
        statuses = [record["status"] for record in requests(url)]
    assert f"{tasks} done" in applied.output, applied.output[-400:]
    throttled = statuses.count(429)
    answered = len(statuses) - throttled
    bound = answered / rate
    return (
        f"{rate:,}/s",
        "told" if told else "not told",
        f"{answered:,}",
        f"{applied.wall:.1f}",
        f"{bound:.1f}",
        f"{bound / applied.wall:.1%}",
        f"{throttled:,}",
    )


def tables(rounds: int, situations: tuple[tuple[int, int], ...] = SITUATIONS) -> list[Table]:
    del rounds  # the pace is the cloud's
    return [
        Table(
            "Pacing",
            "Snapshot tasks listed, canceled and read back by one `apply`, start included, against a cloud that takes "
            "R requests a second and refuses what is above. The bound is its answers divided by R.",
            ("R", "`rate_limits`", "answered", "seconds", "bound, s", "of the bound", "throttled"),
            tuple(row(rate, tasks, told) for told in (True, False) for rate, tasks in situations),
        )
    ]
