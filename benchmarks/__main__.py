"""Measure and write down: `python -m benchmarks [--rounds N] [--only NAME ...] [--small]`; `make bench` calls it.

Each figure is a ratio within one run, against a lower bound or a peer. With all tables made, `results.md` and the
charts beside it are written; with some, or `--small` ones, they are printed. Nothing here decides whether a test
passes.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.table import PEERS

if TYPE_CHECKING:
    from benchmarks.table import Table

HERE = Path(__file__).parent
NAMES = (
    "planning",
    "startup",
    "economy",
    "pacing",
    "apply",
    "journal",
    "documents",
    "transport",
    "targets",
    "fleet",
    "peers",
)
INTRODUCTION = """# Figures

Written by `make bench` on {day}: {machine}, Python {python}, the median of {rounds} rounds. The times are this
machine's, which did other things as well; the ratios hold elsewhere. What binds in practice is in docs/performance.md.
"""


def machine() -> str:
    """What it is, as far as a reader needs it."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(encoding="utf-8").splitlines() if cpuinfo.exists() else []
    model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    return f"{os.cpu_count()} cores ({model or platform.machine()}), {platform.system()}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="+", choices=NAMES, default=NAMES)
    parser.add_argument("--small", action="store_true", help="each in seconds: to see that it runs, not how fast it is")
    chosen = parser.parse_args()
    made: list[Table] = []
    for name in chosen.only:
        module = import_module(f"benchmarks.{name}")
        for table in module.tables(1, **module.SMALL) if chosen.small else module.tables(chosen.rounds):
            print(table.markdown(), flush=True)
            made.append(table)
    if chosen.only != NAMES or chosen.small:
        return
    head = INTRODUCTION.format(
        day=datetime.now(UTC).date(), machine=machine(), python=platform.python_version(), rounds=chosen.rounds
    )
    charts = [path.name for path in draw(made)]
    pictures = "".join(f"\n![{Path(name).stem}]({name})\n" for name in charts)
    (HERE / "results.md").write_text(head + pictures + "".join(f"\n{table.markdown()}" for table in made), "utf-8")


def draw(tables: list[Table]) -> list[Path]:
    """The charts, as the environment of the peers draws them."""
    data = json.dumps([{"title": table.title, "header": table.header, "rows": table.rows} for table in tables])
    subprocess.run([PEERS, str(HERE / "charts.py")], input=data, text=True, check=True)  # noqa: S603 - our own program
    return sorted(HERE.glob("*.svg"))


if __name__ == "__main__":
    main()
