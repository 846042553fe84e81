"""Group commit against one commit per row, on one run: `python benchmarks/journal.py [records] [directory]`.

Prints rows per second of both and their ratio. The slower the disk's fsync, the larger the ratio; a directory on
the disk in question tells what to expect there.
"""

from __future__ import annotations

import sys
import tempfile
import time
from typing import TYPE_CHECKING

from reconciler.backends.connect import connect
from reconciler.backends.entries import ActionResult, ActionState, Intent, RunStart
from reconciler.backends.fencing import Fence
from reconciler.backends.history import History
from reconciler.backends.journal import Journal
from reconciler.tasks.resource_type import Action

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

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


def main() -> None:
    records = int(sys.argv[1]) if len(sys.argv) > 1 else 2_000
    with tempfile.TemporaryDirectory(dir=sys.argv[2] if len(sys.argv) > 2 else None) as directory:
        single, group = rate(one_by_one, records, directory), rate(grouped, records, directory)
    print(f"one commit per row {single:,.0f} rows/s, group commit {group:,.0f} rows/s: {group / single:.1f}x")


if __name__ == "__main__":
    main()
