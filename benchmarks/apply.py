"""Applying: 10,000 cancels at 50 ms latency with 64 in flight, against the bound that the latency sets."""

from __future__ import annotations

import tempfile
from pathlib import Path
from urllib.request import urlopen

from benchmarks.clouds import ACCESS, configuration
from benchmarks.table import RECONCILER, Table, run, server, times

CHANGES = 10_000
LATENCY = 0.05
IN_FLIGHT = 64
SMALL = {"changes": 200}
SNAPSHOTS = "huaweicloud.mpc.snapshot"
POLICY = f"  p: {{resource: {SNAPSHOTS}, match: {{status: pending}}, ensure: absent}}"


def waiting(tasks: int) -> dict[str, object]:
    """A seed of as many snapshot tasks that wait."""
    return {"tasks": {SNAPSHOTS: [{"count": tasks, "status": "pending", "created": "1d"}]}}


def requests(url: str) -> int:
    """How many the server had so far."""
    with urlopen(f"{url}/requests") as answer:  # noqa: S310 - loopback
        return int(answer.read())


def tables(rounds: int, changes: int = CHANGES) -> list[Table]:
    del rounds  # one takes long enough that a second would say the same
    with server("benchmarks.pages", str(changes), str(LATENCY)) as url, tempfile.TemporaryDirectory() as name:
        Path(name, "reconciler.yaml").write_text(configuration(url, POLICY, concurrency=IN_FLIGHT), encoding="utf-8")
        # Twice the same listing, of which the first is taken off the apply: what is left is cancels and read-backs.
        listing = run([RECONCILER, "plan"], Path(name), ACCESS)
        listed = requests(url)
        applied = run([RECONCILER, "apply", "--auto-approve"], Path(name), ACCESS)
        sent = requests(url) - 2 * listed
    assert f"{changes} done" in applied.output, applied.output[-400:]
    bound = sent * LATENCY / IN_FLIGHT
    spent = applied.wall - listing.wall
    return [
        Table(
            "Apply",
            f"{changes:,} snapshot tasks canceled, each intent and result on disk, all read back. Every answer "
            f"takes {LATENCY * 1000:.0f} ms with {IN_FLIGHT} requests in flight: no client is done before the bound. "
            "The time of `plan` alone is taken off, which includes start and listing.",
            ("changes", "requests", "seconds", "bound, s", "ratio", "CPU, ms per request", "MiB"),
            (
                (
                    f"{changes:,}",
                    f"{sent:,}",
                    f"{spent:.1f}",
                    f"{bound:.1f}",
                    times(spent, bound),
                    f"{(applied.cpu - listing.cpu) / sent * 1000:.2f}",
                    f"{applied.memory:.0f}",
                ),
            ),
        )
    ]
