"""What commands cost before they do anything: against the import of click alone."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from benchmarks.planning import CREDENTIALS, configuration
from benchmarks.table import RECONCILER, Table, in_turns, run, server, times

MANY = 1_000
SMALL = {"many": 10}


def many_policies(url: str, many: int) -> str:
    """A configuration of so many policies."""
    head, _, policies = configuration(url).partition("policies:\n")
    policy = policies.partition("  p0:\n")[2].partition("  p1:\n")[0]
    return head + "policies:\n" + "".join(f"  p{number}:\n{policy}" for number in range(many))


def tables(rounds: int, many: int = MANY) -> list[Table]:
    with server("benchmarks.pages", "100") as url, tempfile.TemporaryDirectory() as name:
        small, large = Path(name, "small"), Path(name, "large")
        for directory, text in ((small, configuration(url)), (large, many_policies(url, many))):
            directory.mkdir()
            (directory / "reconciler.yaml").write_text(text, encoding="utf-8")
        least, version, valid, valid_many, plan = in_turns(
            3 * rounds,
            lambda: run([sys.executable, "-c", "import click"]),
            lambda: run([RECONCILER, "--version"]),
            lambda: run([RECONCILER, "validate"], small),
            lambda: run([RECONCILER, "validate"], large),
            lambda: run([RECONCILER, "plan"], small, CREDENTIALS),
        )
    figures = {
        "`import click`": least,
        "`--version`": version,
        "`validate` of ten policies": valid,
        f"`validate` of {many:,} policies": valid_many,
        "`plan` of one scope of one page": plan,
    }
    return [
        Table(
            "Start-up",
            "CPU seconds and peak memory of whole processes.",
            ("command", "CPU s", "of `import click`", "MiB"),
            tuple(
                (what, f"{cost.cpu:.2f}", times(cost.cpu, least.cpu), f"{cost.memory:.0f}")
                for what, cost in figures.items()
            ),
        )
    ]
