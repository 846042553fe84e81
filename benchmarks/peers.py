"""Peers on the same records: filters of Cloud Custodian, the planning of octoDNS, the vendor's SDK, Terraform.

What none of them does is the same as what we do; each row says which part is compared. They live in an environment of
their own, since their dependencies would slow every start in ours.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from benchmarks.clouds import ACCESS
from benchmarks.planning import CREDENTIALS, configuration
from benchmarks.table import PEERS, RECONCILER, Table, in_turns, run, server, times

TASKS = 10_000
SMALL = {"tasks": 2_500}
HERE = Path(__file__).parent


def tables(rounds: int, tasks: int = TASKS) -> list[Table]:
    with server("benchmarks.pages", str(tasks)) as url, tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        (directory / "reconciler.yaml").write_text(configuration(url), encoding="utf-8")
        programs = {
            "`reconciler plan`: list, decode, ten policies, plan": [RECONCILER, "plan", "--out", "plan.json"],
            "Huawei Cloud's SDK: list and decode, pages of 100": [
                sys.executable,
                "-m",
                "benchmarks.loop",
                "whole",
                url,
            ],
            "Cloud Custodian: ten policies' filters on decoded records": [PEERS, str(HERE / "peer_custodian.py"), url],
            "octoDNS: a plan of as many records, one in a hundred changed": [
                PEERS,
                str(HERE / "peer_octodns.py"),
                str(tasks),
            ],
        }
        terraform = shutil.which("terraform")
        if terraform:
            programs["Terraform: a plan of as many `terraform_data`, without refresh"] = [
                sys.executable,
                str(HERE / "peer_terraform.py"),
                terraform,
                str(tasks),
            ]
        environment = {**CREDENTIALS, **ACCESS, "PYTHONPATH": str(HERE.parent)}
        costs = in_turns(
            rounds, *(lambda command=command: run(command, directory, environment) for command in programs.values())
        )
    ours = costs[0]
    return [
        Table(
            "Peers",
            f"Whole processes on {tasks:,} records, start included, each with its own part of the work.",
            ("program", "CPU s", "of ours", "MiB"),
            tuple(
                (what, f"{cost.cpu:.2f}", times(cost.cpu, ours.cpu), f"{cost.memory:.0f}")
                for what, cost in zip(programs, costs, strict=True)
            ),
        )
    ]
