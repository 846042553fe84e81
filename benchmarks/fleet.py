"""An executor: what it costs to hand out accounts to other processes, beside one process that does them all."""

from __future__ import annotations

import json
import multiprocessing
import statistics
import tempfile
from concurrent.futures import Executor, ProcessPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.apply import POLICY
from benchmarks.table import RECONCILER, Table, run, server
from benchmarks.targets import SECRET, TARGET, seed
from tests.postgresql_server import new_database, running_server

if TYPE_CHECKING:
    from benchmarks.table import Cost

ACCOUNTS, CHANGES, WORKERS = 100, 5, 2
SMALL = {"accounts": 4}
SETTINGS = """
version: 1
settings: {backend: "${BACKEND}", limits: {max_percent: 100}, run_limits: {max_percent: 100}}
targets:
"""


def processes() -> Executor:
    return ProcessPoolExecutor(WORKERS, mp_context=multiprocessing.get_context("spawn"))


def plan_and_apply(database: Path, accounts: int, words: list[str]) -> tuple[Cost, Cost]:
    numbers = range(1, accounts + 1)
    held = seed(accounts, CHANGES)
    with server("benchmarks.clouds", json.dumps(held)) as url, tempfile.TemporaryDirectory() as name:
        written = "".join(TARGET.format(n=n, url=url) for n in numbers)
        Path(name, "reconciler.yaml").write_text(f"{SETTINGS}{written}policies:\n{POLICY}\n", encoding="utf-8")
        keys = {f"AK{n}": f"AK{n}" for n in numbers} | SECRET
        keys |= {"BACKEND": new_database(database), "PYTHONPATH": str(Path(__file__).parents[1])}
        planned = run([RECONCILER, "plan", "--out", "p.json", *words], Path(name), keys)
        flags = ["--plan", "p.json", "--auto-approve", "--report", "json=r.json"]
        applied = run([RECONCILER, "apply", *flags, *words], Path(name), keys)
        done = json.loads(Path(name, "r.json").read_text(encoding="utf-8"))["summary"]["done"]
    assert done == accounts * CHANGES, done
    return planned, applied


def tables(rounds: int, accounts: int = ACCOUNTS) -> list[Table]:
    ways: dict[str, list[str]] = {
        "one process": [],
        f"`ProcessPoolExecutor` of {WORKERS}": ["--executor", "benchmarks.fleet:processes"],
    }
    with running_server() as database:
        turns = [[plan_and_apply(database, accounts, words) for words in ways.values()] for _ in range(rounds)]
    rows = []
    for number, way in enumerate(ways):
        costs = [turn[number] for turn in turns]
        figures = [
            statistics.median(getattr(cost[step], figure) for cost in costs)
            for step in range(2)
            for figure in ("cpu", "wall")
        ]
        each = [f"{figures[step] / accounts * 1000:.0f}" for step in (0, 2)]
        rows.append((way, *(f"{figure:.1f}" for figure in figures), *each))
    return [
        Table(
            "Fleets",
            f"`plan`, and `apply` of it, of {accounts} accounts with {CHANGES} snapshot tasks each to cancel and read "
            "back, with PostgreSQL, by one process and through an executor, each account with its own session there. "
            "The start of all processes is in it.",
            ("", "plan, CPU s", "plan, s", "apply, CPU s", "apply, s", "plan, CPU ms per account", "apply, the same"),
            tuple(rows),
        )
    ]
