"""PostgreSQL under many writers of one run: nobody gives up, and nothing is lost or written twice."""

import multiprocessing
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import event

from reconciler.backends.connect import connect
from reconciler.backends.entries import (
    ActionRecord,
    ActionResult,
    ActionState,
    Intent,
    RunEnd,
    RunPart,
    RunStart,
    TaskOutcome,
)
from reconciler.backends.fencing import NO_FENCE
from reconciler.backends.history import History
from reconciler.backends.journal import Journal
from reconciler.backends.leases import acquire
from reconciler.tasks.resource_type import Action
from tests import postgresql_server
from tests.postgresql_server import new_database, running_server

pytest.importorskip("psycopg")

THREADS, PROCESSES = 44, 6
CALLS = 5
ROUNDS = 3
END = RunEnd("ok", 0, {"done": 1})


@pytest.fixture
def server() -> Iterator[Path]:
    with running_server() as directory:
        yield directory


@pytest.fixture
def url(server: Path) -> str:
    return new_database(server)


def execute(journal: Journal, part: RunPart, on: Callable[[int], bool]) -> None:
    """Do the work of one unit, a few calls in each round, while it is to go `on`."""
    target = part.unit
    with acquire(journal.backend, {f"cloud/{part.unit}": [target]}, part=part) as lease:
        number = 0
        while on(number):
            intents = [Intent(target, "r", f"{number}-{index}", Action.CANCEL) for index in range(CALLS)]
            journal.intend(part.run_id, intents, lease.fence, {target: f"cloud/{part.unit}"}).result()
            done = [ActionResult(intent, ActionState.DONE) for intent in intents]
            journal.record(part.run_id, done, lease.fence).result()
            outcomes = [TaskOutcome(*intent.key, "done", "pending") for intent in reversed(intents)]
            journal.record_outcomes(part.run_id, outcomes, lease.fence).result()
            number += 1


def worker(url: str, run_id: str, unit: str) -> None:
    """What a process does."""
    with Journal.open(url, wait=60) as journal:
        execute(journal, RunPart(run_id, unit), lambda number: number < ROUNDS)


def test_fifty_writers_of_one_run_outlive_a_restart(server: Path, url: str, start: RunStart) -> None:
    """They begin on an empty database all at once, and the server crashes while they write."""
    together, restarted = threading.Barrier(THREADS + 1), threading.Event()
    begun: list[str] = []
    rounds = [0] * THREADS

    def write(index: int) -> None:
        together.wait()
        with Journal.open(url, wait=60) as journal:
            together.wait()
            together.wait()

            def on(number: int) -> bool:
                rounds[index] = number
                return number < ROUNDS or not restarted.is_set()

            execute(journal, RunPart(begun[0], f"thread-{index}"), on)

    with ThreadPoolExecutor(THREADS) as threads:
        working = [threads.submit(write, index) for index in range(THREADS)]
        together.wait()
        together.wait()
        with Journal.open(url, wait=60) as coordinator:
            begun.append(coordinator.begin_run(start))
            together.wait()
            units = [f"process-{number}" for number in range(PROCESSES)]
            spawning = multiprocessing.get_context("spawn")
            processes = [spawning.Process(target=worker, args=(url, begun[0], unit)) for unit in units]
            for process in processes:
                process.start()
            while sum(rounds) < THREADS:
                assert not any(each.done() for each in working), [each.exception() for each in working if each.done()]
                time.sleep(0.005)  # looking without a pause would take the time that they need
            postgresql_server.stop(server)
            postgresql_server.start(server)
            restarted.set()
            for each in working:
                each.result(timeout=120)
            for process in processes:
                process.join(120)
                assert process.exitcode == 0
            coordinator.finish_run(begun[0], END).result()
    history = History.open(url)
    calls = history.actions(begun[0])
    assert len(calls) == len(history.outcomes(begun[0])) == CALLS * (sum(rounds) + PROCESSES * ROUNDS)
    assert {call.state for call in calls} == {ActionState.DONE}
    verdict = history.verify()
    assert (verdict.verified, verdict.covered, verdict.unfinished) == (True, 1, 0)
    assert not any(lock.in_force for lock in history.locks())


def test_a_transaction_is_not_taken_for_another_one_that_got_its_id_after_a_crash(
    server: Path, url: str, start: RunStart
) -> None:
    """A server that crashes forgets which ids it has given, unless something of them was written down already."""
    direct = connect(url)
    with direct.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for statement in ("ALTER SYSTEM SET wal_writer_delay = '10s'", "SELECT pg_reload_conf()"):
            connection.exec_driver_sql(statement)
    with Journal.open(url, wait=60) as journal:
        run_id = journal.begin_run(start)

        @event.listens_for(journal.backend.engine, "commit", once=True)
        def crash(_connection: object) -> None:
            postgresql_server.stop(server)
            postgresql_server.start(server)
            for _ in range(10):
                with direct.writing():
                    pass

        journal.intend(run_id, [Intent("a", "r", "1", Action.CANCEL)], NO_FENCE).result()
    assert [call.task_id for call in History.open(url).actions(run_id)] == ["1"]


FROZEN = """
import os, signal, sys
from reconciler.backends import postgresql
from reconciler.backends.connect import connect
from reconciler.backends.entries import RunPart
from reconciler.backends.fencing import verify
from reconciler.backends.leases import acquire
from reconciler.exceptions import BackendError, LockedError
url, run_id = sys.argv[1].split()
postgresql._OF_WRITERS = postgresql._OF_WRITERS.replace("5000", "500")
backend = connect(url)
lease = acquire(backend, {"cloud/a": ["a"]}, part=RunPart(run_id, "unit"), heartbeat=False)
try:
    with backend.writing() as connection:
        verify(connection, backend, lease.fence)
        os.kill(os.getpid(), signal.SIGSTOP)
        verify(connection, backend, lease.fence)
except BackendError as error:
    print(error.message.partition(": ")[2])
try:
    lease.renew()
except LockedError as error:
    print(error.message.partition(": ")[0])
"""


def test_who_is_frozen_while_it_writes_does_not_keep_the_next_one_waiting(
    url: str, start: RunStart, python: Callable[[str, str], subprocess.Popen[str]]
) -> None:
    """The rows that it has locked are free once the server has waited for it a while."""
    with Journal.open(url) as journal:
        run_id = journal.begin_run(start)
        process = python(FROZEN, f"{url} {run_id}")
        assert os.WIFSTOPPED(os.waitpid(process.pid, os.WUNTRACED)[1])
        lease = acquire(journal.backend, {"cloud/a": ["a"]}, part=RunPart(run_id, "unit"))
        journal.intend(run_id, [Intent("a", "r", "1", Action.CANCEL)], lease.fence).result()
        os.kill(process.pid, signal.SIGCONT)
        out, err = process.communicate(timeout=60)
        lease.release()
    assert err == ""
    assert out.splitlines() == ["this process stood still while it wrote", "the lock of cloud/a is no longer ours"]


REVIVED = """
import sys
from reconciler.backends.entries import Intent
from reconciler.backends.journal import Journal
from reconciler.backends.leases import acquire
from reconciler.exceptions import LockedError
from reconciler.tasks.resource_type import Action
url, run_id = sys.argv[1].split()
with Journal.open(url) as journal, acquire(journal.backend, {"cloud/a": ["a"]}, expiry=1000) as lease:
    number = 0
    try:
        while True:
            journal.intend(run_id, [Intent("a", "r", str(number), Action.CANCEL)], lease.fence).result()
            number += 1
            print(number, flush=True)
    except LockedError as error:
        print(error.message)
"""


def test_who_is_frozen_past_its_lock_writes_nothing_more(
    url: str, start: RunStart, python: Callable[[str, str], subprocess.Popen[str]]
) -> None:
    with Journal.open(url) as journal:
        run_id = journal.begin_run(start)
        process = python(REVIVED, f"{url} {run_id}")
        assert process.stdout is not None
        for _ in range(5):
            process.stdout.readline()
        os.kill(process.pid, signal.SIGSTOP)
        with acquire(journal.backend, {"cloud/a": ["a"]}, lock_timeout=60_000):
            before = len(journal.calls(run_id, ["a"]))
            os.kill(process.pid, signal.SIGCONT)
            out, err = process.communicate(timeout=60)
        assert err == ""
        assert "is no longer ours" in out.splitlines()[-1]
        assert len(journal.calls(run_id, ["a"])) == before


def test_a_journal_keeps_to_its_connections(url: str, start: RunStart) -> None:
    """Two at most, one of them while it writes nothing; where they are in use, one is waited for."""
    with Journal.open(url) as journal:
        open_now: list[int] = [0]
        most = 0

        @event.listens_for(journal.backend.engine, "connect")
        def opened(_connection: object, _entry: object) -> None:
            nonlocal most
            open_now.append(1)
            most = max(most, sum(open_now))

        @event.listens_for(journal.backend.engine, "close")
        def closed(_connection: object, _entry: object) -> None:
            open_now.append(-1)

        def question(_: int) -> list[ActionRecord]:
            return journal.open_intents(["cloud/a"])

        run_id = journal.begin_run(start)
        with acquire(journal.backend, {"cloud/a": ["a"]}, heartbeat=False) as lease, ThreadPoolExecutor(8) as threads:
            for number in range(20):
                journal.intend(run_id, [Intent("a", "r", str(number), Action.CANCEL)], lease.fence)
                lease.renew()
            assert len([*threads.map(question, range(30))]) == 30
        journal.finish_run(run_id, END).result()
        assert most <= 1, "and the one that it was opened with"
