"""The journal: group commit against one commit for each row. The slower the disk's fsync, the larger the ratio."""

from __future__ import annotations

import statistics
import tempfile
import time
from typing import TYPE_CHECKING

from benchmarks.table import Table, times
from reconciler.backends.connect import connect
from reconciler.backends.entries import ActionResult, ActionState, Intent, RunStart
from reconciler.backends.fencing import Fence
from reconciler.backends.history import History
from reconciler.backends.journal import Journal
from reconciler.tasks.resource_type import Action

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SMALL = {"records": 100}
START = RunStart("apply", "benchmark", "digest", "fingerprint")


def grouped(journal: Journal, run_id: str, intents: Sequence[Intent]) -> None:
    """Everything in flight at once: the writer gathers what it can."""
    for future in [journal.intend(run_id, [intent], Fence(())) for intent in intents]:
        future.result()
    for future in [journal.record(run_id, [ActionResult(intent, ActionState.DONE)]) for intent in intents]:
        future.result()


def one_by_one(journal: Journal, run_id: str, intents: Sequence[Intent]) -> None:
    """Each row waits for the commit of the one before."""
    for intent in intents:
        journal.intend(run_id, [intent], Fence(())).result()
        journal.record(run_id, [ActionResult(intent, ActionState.DONE)]).result()


def rate(write: Callable[[Journal, str, Sequence[Intent]], None], records: int, directory: str) -> float:
    """Rows per second, two rows (intent and result) to a record."""
    intents = [Intent("target", "resource", str(number), Action.CANCEL) for number in range(records)]
    url = f"sqlite:///{directory}/{write.__name__}.db"
    with Journal.open(url) as journal:
        run_id = journal.begin_run(START)
        began = time.perf_counter()
        write(journal, run_id, intents)
        seconds = time.perf_counter() - began
    rows = History(connect(url)).actions(run_id)
    assert len(rows) == records
    assert all(row.state is ActionState.DONE for row in rows)
    return 2 * records / seconds


def tables(rounds: int, records: int = 2_000) -> list[Table]:
    made = []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as directory:
            made.append((rate(grouped, records, directory), rate(one_by_one, records, directory)))
    ours, bare = (statistics.median(figures) for figures in zip(*made, strict=True))
    return [
        Table(
            "Journal",
            "Intents and results on disk (SQLite, synchronous commits): what comes together is committed together.",
            ("rows", "in groups, rows/s", "one by one, rows/s", "ratio"),
            ((f"{2 * records:,}", f"{ours:,.0f}", f"{bare:,.0f}", times(ours, bare)),),
        )
    ]
