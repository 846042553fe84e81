"""Request economy: how many requests a run makes, against the fewest that could do, and a plain loop with the SDK.

MPC allows 100 requests a minute, so that this is the first figure of speed.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.clouds import ACCESS, configuration
from benchmarks.table import RECONCILER, Table, run
from reconciler.simulator import Simulator

if TYPE_CHECKING:
    from collections.abc import Mapping

SNAPSHOTS, PACKAGING, EDITING = "huaweicloud.mpc.snapshot", "huaweicloud.mpc.packaging", "huaweicloud.vod.editing"
UPLOADS = "aliyun.vod.url_upload"


@dataclass(frozen=True, slots=True)
class Situation:
    """`fewest` requests could do: pages of the largest size, one call for each task or as many as it takes, reads of
    ten ids. `loop` names the program with the vendor's SDK that does the same, where there is one."""

    what: str
    tasks: Mapping[str, list[dict[str, object]]]
    policies: str
    command: str
    fewest: int
    loop: str = ""
    ids: tuple[str, ...] = field(default=())


def rows(count: int, status: str | list[str]) -> list[dict[str, object]]:
    return [{"count": count, "status": status, "created": "40d", "every": "1m"}]


SMALL: dict[str, object] = {}
"""They are small as they are."""

JOBS = tuple(f"a{number:031x}" for number in range(40))
SITUATIONS = (
    Situation(
        "plan, nothing there",
        {},
        f"  p: {{resource: {SNAPSHOTS}, match: {{status: pending}}, ensure: absent}}",
        "plan",
        1,
    ),
    Situation(
        "plan, ten policies on 1,000 records",
        {PACKAGING: rows(1_000, ["succeeded", "failed"])},
        "".join(
            f"  p{days}: {{resource: {PACKAGING}, match: {{created_at: {{older_than: {days}d}}}}, ensure: absent}}\n"
            for days in range(1, 11)
        ),
        "plan",
        10,
        "list",
    ),
    Situation(
        "plan, 30 waiting among 1,000",
        {SNAPSHOTS: [*rows(970, "succeeded"), *rows(30, "pending")]},
        f"  p: {{resource: {SNAPSHOTS}, match: {{status: pending}}, ensure: absent}}",
        "plan",
        1,
    ),
    Situation(
        "apply, 40 snapshots canceled",
        {SNAPSHOTS: rows(40, "pending")},
        f"  p: {{resource: {SNAPSHOTS}, match: {{status: pending}}, ensure: absent}}",
        "apply",
        1 + 40 + 1,
        "cancel",
    ),
    Situation(
        "apply, 20 packaging tasks canceled and deleted",
        {PACKAGING: rows(20, "pending")},
        f"  p: {{resource: {PACKAGING}, match: {{created_at: {{older_than: 1d}}}}, ensure: absent}}",
        "apply",
        1 + 20 + 1 + 20 + 1,
    ),
    Situation(
        "apply, 40 editing tasks canceled, read one id a call",
        {EDITING: rows(40, "pending")},
        f"  p: {{resource: {EDITING}, match: {{status: pending}}, ensure: absent}}",
        "apply",
        1 + 40 + 1,
    ),
    Situation(
        "apply, 40 upload jobs canceled, ten a call",
        {UPLOADS: [{"id": job, "status": "pending", "created": "2d"} for job in JOBS]},
        f"  p: {{resource: {UPLOADS}, match: {{status: pending}}, ensure: absent}}",
        "apply",
        4 + 4 + 4,
        ids=JOBS,
    ),
)


def row(situation: Situation) -> tuple[str, ...]:
    with Simulator({"tasks": situation.tasks}).running() as clouds, tempfile.TemporaryDirectory() as name:
        inventory = f"{{job_ids: [{', '.join(situation.ids)}]}}"
        text = configuration(clouds.url, situation.policies, inventory=inventory)
        Path(name, "reconciler.yaml").write_text(text, encoding="utf-8")
        approval = ["--auto-approve"] if situation.command == "apply" else []
        run([RECONCILER, situation.command, *approval], Path(name), ACCESS)
        ours = len(clouds.requests)
    theirs = "-"
    if situation.loop:
        with Simulator({"tasks": situation.tasks}).running() as clouds:
            run([sys.executable, "-m", "benchmarks.loop", situation.loop, clouds.url], environment=ACCESS)
            theirs = f"{len(clouds.requests):,}"
    return (situation.what, f"{ours:,}", f"{situation.fewest:,}", theirs)


def tables(rounds: int) -> list[Table]:
    del rounds  # a count does not vary
    return [
        Table(
            "Request economy",
            "Requests of one run. The fewest are what anybody needs who lists once with the largest pages, calls once "
            "for each task (ten a call where the API takes ten), and looks once whether it took effect. The loop is "
            "the vendor's SDK as its examples use it: default pages, one call a task, each read back alone.",
            ("situation", "reconciler", "fewest", "loop with the SDK"),
            tuple(map(row, SITUATIONS)),
        )
    ]
