"""Many targets: one cycle of `run` over thousands of accounts, against the bound that their quotas set."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from benchmarks.apply import POLICY, SNAPSHOTS
from benchmarks.clouds import requests
from benchmarks.table import RECONCILER, Table, run, server

SITUATIONS = ((200, 0), (2_000, 0), (200, 50), (2_000, 5))
"""Targets, each with an account of its own, and how many changes are due in each."""
SMALL = {"situations": ((20, 0), (5, 3))}
AT_ONCE, SPACED = 20, 0.6
"""Of MPC, with 100 requests a minute: so many go out without a wait, and all others so many seconds apart."""

SECRET = {"SK": "SK"}
TARGET = """\
  t{n}:
    provider: huaweicloud
    region: cn-north-4
    project_id: "{n:032d}"
    credentials: {{access_key_id: {{env: AK{n}}}, secret_access_key: {{env: SK}}}}
    endpoints: {{mpc: "{url}", vod: "{url}", iam: "{url}"}}
"""
LIMITS = """
version: 1
settings:
  limits: {max_actions: 1000000, max_percent: 100}
  run_limits: {max_actions: 1000000, max_percent: 100}
targets:
"""


def seed(targets: int, changes: int) -> dict[str, object]:
    """As many accounts, each with so many tasks that wait."""
    account = {"count": targets, "access_key_id": "AK{n}", "secret_access_key": "SK"}
    return {
        "accounts": {"huaweicloud": [account | {"projects": {"cn-north-4": "{n:032d}"}}]},
        "options": {"quotas": "documented"},
        "tasks": {SNAPSHOTS: [{"count": changes, "owner": "each", "status": "pending", "created": "1d"}]},
    }


def row(targets: int, changes: int) -> tuple[str, ...]:
    numbers = range(1, targets + 1)
    with server("benchmarks.clouds", json.dumps(seed(targets, changes))) as url, tempfile.TemporaryDirectory() as name:
        written = "".join(TARGET.format(n=n, url=url) for n in numbers)
        Path(name, "reconciler.yaml").write_text(f"{LIMITS}{written}policies:\n{POLICY}\n", encoding="utf-8")
        keys = {f"AK{n}": f"AK{n}" for n in numbers}
        report = ["--report", "json=r.json"] if changes else []
        cost = run([RECONCILER, "run", "--once", *report], Path(name), keys | SECRET)
        sent = requests(url)
        done = json.loads(Path(name, "r.json").read_text(encoding="utf-8"))["summary"]["done"] if changes else 0
    assert done == targets * changes, done
    assert not [record for record in sent if record["status"] == 429]
    each = len(sent) / targets
    return (
        f"{targets:,}",
        f"{changes:,}",
        f"{len(sent):,}",
        f"{cost.wall:.1f}",
        f"{max(0.0, (each - AT_ONCE) * SPACED):.1f}",
        f"{cost.cpu / len(sent) * 1000:.2f}",
        f"{cost.memory:.0f}",
    )


def tables(rounds: int, situations: tuple[tuple[int, int], ...] = SITUATIONS) -> list[Table]:
    del rounds  # one takes long enough that a second would say the same
    return [
        Table(
            "Many targets",
            "One cycle of `run --once`: each target is an account of its own, listed once, with as many snapshot tasks "
            "to cancel and read back, at the 100 requests a minute that MPC documents. The bound is what these quotas "
            "make of it: none, where a fifth of a minute's requests is enough. Start, locks and report are in it.",
            ("targets", "changes each", "requests", "seconds", "bound, s", "CPU, ms per request", "MiB"),
            tuple(row(*situation) for situation in situations),
        )
    ]
