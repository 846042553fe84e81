"""The journal and the lock: without an intent on disk, or without the lock, nothing more is sent."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Engine, event

from reconciler.engine.run_journal import RunJournal
from tests.faults.kinds import SNAPSHOT, Applied, applied, calls_by_task, configured
from tests.terminal import Terminal

MANY = [f"{number:0200d}" for number in range(1, 61)]
"""Long ids, so that the pages of a small disk fill up soon."""


@pytest.fixture(autouse=True)
def sixty(terminal: Terminal) -> None:
    policy = f"{{resource: {SNAPSHOT}, match: {{status: pending}}, ensure: absent}}"
    terminal.write(configured(policy, settings="concurrency: 4"))
    assert applied(terminal).code == 0, "the database is there, and there is nothing to do"
    for task_id in MANY:
        terminal.simulator.huaweicloud.add(SNAPSHOT, id=task_id, created="1d")


def canceled(terminal: Terminal) -> set[str]:
    return {task_id for task_id in MANY if terminal.simulator.huaweicloud.status(SNAPSHOT, task_id) == "CANCELED"}


def before_intent(monkeypatch: pytest.MonkeyPatch, number: int, harm: Callable[[], object]) -> None:
    """Do `harm` just before the intent with this number is written."""
    real, left = RunJournal.intend, [number]

    async def intend(self: RunJournal, *words: Any) -> None:  # noqa: ANN401 - passed on
        left[0] -= 1
        if left[0] == 0:
            harm()
        await real(self, *words)

    monkeypatch.setattr(RunJournal, "intend", intend)


def check_stopped(terminal: Terminal, run: Applied, words: str) -> None:
    """The run ended early, said why, and every outcome is true."""
    assert run.code == 1
    assert words in run.text
    assert run.kinds == {"done", "not_attempted"}
    assert run.ids("done") == canceled(terminal)
    assert set(calls_by_task(terminal)) == run.ids("done")


@contextmanager
def small_disk(terminal: Terminal) -> Iterator[None]:
    """A disk with room for a few more pages of the database."""
    with terminal.database() as database:
        (pages,) = database.execute("pragma page_count").fetchone()

    def limit(connection: sqlite3.Connection, _entry: object) -> None:
        connection.execute(f"pragma max_page_count = {pages + 6}")

    event.listen(Engine, "connect", limit)
    try:
        yield
    finally:
        event.remove(Engine, "connect", limit)


def test_a_disk_that_fills_up_stops_the_run_and_the_next_one_finishes(terminal: Terminal) -> None:
    with small_disk(terminal):
        check_stopped(terminal, applied(terminal), "the disk is full")
    assert applied(terminal).code == 0
    assert canceled(terminal) == set(MANY)


def test_a_database_that_is_removed_stops_the_run(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    path = terminal.directory / ".reconciler" / "history.db"
    before_intent(monkeypatch, 12, lambda: path.rename(path.with_name("gone.db")))
    check_stopped(terminal, applied(terminal), "removed or replaced")


def test_a_lock_that_is_lost_stops_the_run(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    def take_over() -> None:
        assert terminal.change_database("update leases set token = token + 1") == 1, "of the one account"

    before_intent(monkeypatch, 12, take_over)
    check_stopped(terminal, applied(terminal), "is no longer ours")


def test_an_intent_that_another_run_has_settled_stops_the_run(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a frozen holder finds when it comes back between its call and its result."""

    real, left = RunJournal.record, [5]

    async def record(self: RunJournal, *words: Any) -> None:  # noqa: ANN401 - passed on
        left[0] -= 1
        if left[0] == 0:
            terminal.change_database(
                "update actions set state = 'refused', settled_by = 'another' where state = 'intent'"
            )
        await real(self, *words)

    monkeypatch.setattr(RunJournal, "record", record)
    check_stopped(terminal, applied(terminal), "has no open intent")
