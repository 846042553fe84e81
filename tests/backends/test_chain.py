"""The chain of the history: any change to what a finished run wrote is told, and nothing else is."""

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Table, delete, insert, select, text, type_coerce, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.types import NullType

from reconciler.backends import chain
from reconciler.backends.backend import Backend
from reconciler.backends.connect import connect
from reconciler.backends.entries import ActionResult, ActionState, Author, Intent, RunEnd, RunStart, TaskOutcome
from reconciler.backends.fencing import Fence
from reconciler.backends.history import History
from reconciler.backends.journal import Journal
from reconciler.backends.schema import actions, links, outcomes, runs
from reconciler.backends.verification import verdict, verify
from reconciler.tasks.observation import Fault, Meaning
from reconciler.tasks.resource_type import Action
from tests.backends.conftest import lead_back

END = RunEnd("ok", 0, {"done": 1}, {"prod": 7})
DAY = 86_400_000
FAULT = Fault(Meaning.UNAVAILABLE, "try later", "MPC.1", 503, "r-1")


class Past:
    """A history in the making, by a clock that moves on by a day with each run."""

    def __init__(self, backend: Backend, start: RunStart) -> None:
        self.backend = backend
        self.now = DAY
        self.start = replace(start, author=Author("me", "octocat"), commit="c" * 40)
        self.open: dict[str, list[Intent]] = {}

    def run(self, *, ends: bool, calls: int, unsettled: int) -> str:
        """A run of some calls, the last ones of which it does not know the result of: intents, and uncertain ones."""
        with Journal(self.backend, clock=lambda: self.now) as journal:
            self.now += DAY
            run_id = journal.begin_run(self.start)
            intents = [Intent("prod", "r", str(number), Action.CANCEL, policies=("p",)) for number in range(calls)]
            if intents:
                journal.intend(run_id, intents, Fence(()), {"prod": "cloud/a"}).result()
            settled = intents[: calls - unsettled]
            journal.record(run_id, [ActionResult(one, ActionState.DONE) for one in settled]).result()
            left = intents[calls - unsettled :]
            journal.record(run_id, [ActionResult(one, ActionState.UNCERTAIN, FAULT) for one in left[1::2]]).result()
            self.open[run_id] = left
            if ends:
                found = [TaskOutcome(*one.key, "done", "pending", policies=one.policies) for one in intents]
                journal.record_outcomes(run_id, found).result()
                journal.finish_run(run_id, END).result()
        return run_id

    def recover(self, *, ends: bool, states: list[ActionState]) -> str:
        """A run that finds out, or not, what became of what others left open; a repeated result changes nothing."""
        with Journal(self.backend, clock=lambda: self.now) as journal:
            self.now += DAY
            run_id = journal.begin_run(replace(self.start, command="recover"))
            for found, state in zip(journal.open_intents({"cloud/a"}), states, strict=False):
                journal.resolve(found, state, by=run_id).result()
                if state is not ActionState.UNCERTAIN:
                    journal.record(found.run_id, [ActionResult(found, state)]).result()
            if ends:
                journal.finish_run(run_id, END).result()
        return run_id

    def prune(self, days: int) -> int:
        return History(self.backend).prune(self.now + 1 - days * DAY)


@pytest.fixture
def past(backend: Backend, start: RunStart) -> Past:
    """Runs that ended, of which two left calls open, some settled; one that was killed; and two that were pruned."""
    past = Past(backend, start)
    past.run(ends=True, calls=1, unsettled=0)
    past.run(ends=False, calls=1, unsettled=0)
    assert past.prune(0) == 2
    past.run(ends=True, calls=3, unsettled=0)
    past.run(ends=True, calls=4, unsettled=2)
    past.recover(ends=True, states=[ActionState.DONE, ActionState.REFUSED])
    past.run(ends=True, calls=3, unsettled=1)
    past.run(ends=False, calls=2, unsettled=1)
    return past


def test_a_history_as_it_was_written_verifies(past: Past) -> None:
    verdict = verify(past.backend)
    assert verdict.findings == ()
    assert (verdict.verified, verdict.covered, verdict.pruned, verdict.unfinished, verdict.before) == (True, 4, 1, 1, 0)
    assert verdict.links == 7


def test_a_new_database_verifies(backend: Backend) -> None:
    verdict = verify(backend)
    assert (verdict.verified, verdict.links, verdict.covered) == (True, 1, 0)


@pytest.fixture
def tampering(past: Past) -> Iterator[tuple[Connection, Callable[[], set[str | None]]]]:
    """A connection for which no key is foreign, and what is told of the history as it stands there."""
    with past.backend.engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            driver = connection.connection.driver_connection  # outside of a transaction, which SQLAlchemy would begin
            assert driver is not None
            driver.execute("PRAGMA foreign_keys = OFF")
        else:
            connection.execute(text("SET session_replication_role = replica"))
        yield connection, lambda: {one.run_id for one in verdict(connection).findings}
        connection.rollback()


def covered(connection: Connection, table: Table) -> list[dict[str, object]]:
    """The rows that some link covers."""
    rows = [dict(row._mapping) for row in connection.execute(select(table).order_by(*table.primary_key))]
    if table is links:
        return rows
    linked = set(connection.execute(select(links.c.run_id)).scalars())
    return [row for row in rows if row["run_id"] in linked]


def of_each_shape(rows: list[dict[str, object]]) -> list[dict[str, object]]:
    """The first and the last of the rows that have values in the same columns, and the same state."""
    shapes: dict[object, list[dict[str, object]]] = {}
    for row in rows:
        shapes.setdefault((row.get("state"), *(value is None for value in row.values())), []).append(row)
    return [row for alike in shapes.values() for row in (alike if len(alike) == 1 else (alike[0], alike[-1]))]


def others(value: object, *, strict: bool) -> list[object]:
    """Values that are not this one. A `strict` database takes none of another type."""
    if value is None:
        return ["x"]
    if isinstance(value, bytes):
        return [bytes([value[0] ^ 1]) + value[1:], value[:-1]]
    if isinstance(value, int):
        return [value + 1] if strict else [value + 1, str(value) + "x", value + 0.5]
    assert isinstance(value, str)
    return [value + "x", value.swapcase()] if strict else [value + "x", value.encode(), ""]


MUTABLE = {
    "state",
    "result_at",
    "fault_meaning",
    "fault_code",
    "fault_message",
    "http_status",
    "request_id",
    "settled_by",
}
"""Of a call that was open at the end of its run, what a later run may find out."""


def is_free(table: Table, row: dict[str, object], name: str) -> bool:
    """Whether nothing is told of a value: the call is open still."""
    return table is actions and row["state"] in {"intent", "uncertain"} and name in MUTABLE


@pytest.mark.parametrize("table", [runs, actions, outcomes, links], ids=lambda table: table.name)
def test_any_value_that_is_changed_is_told(
    tampering: tuple[Connection, Callable[[], set[str | None]]], table: Table
) -> None:
    connection, told = tampering
    strict, tried = connection.dialect.name != "sqlite", 0
    for row in of_each_shape(covered(connection, table)):
        this = [column == row[column.name] for column in table.primary_key]
        for column in table.columns:
            value = row[column.name]
            pruned = table is links and row["marks"] is None
            if is_free(table, row, column.name) or (pruned and column.name in {"marks", "settled", "calls"}):
                continue
            for other in others(value, strict=strict):
                if strict and other == "x" and column.type.python_type is not str:
                    continue
                if other == value:
                    continue
                nested = connection.begin_nested()
                with suppress(IntegrityError):  # the database itself refuses it
                    connection.execute(update(table).where(*this).values({column.name: type_coerce(other, NullType())}))
                    assert told(), (table.name, column.name, value, other)
                    tried += 1
                nested.rollback()
    assert tried > 20
    assert not told()


@pytest.mark.parametrize("table", [runs, actions, outcomes, links], ids=lambda table: table.name)
def test_a_row_that_is_removed_is_told_with_its_run(
    tampering: tuple[Connection, Callable[[], set[str | None]]], table: Table
) -> None:
    connection, told = tampering
    for row in covered(connection, table):
        nested = connection.begin_nested()
        connection.execute(delete(table).where(*(column == row[column.name] for column in table.primary_key)))
        found = told()
        assert found, row
        assert table is links or row["run_id"] in found
        nested.rollback()


def test_a_row_that_is_added_is_told_with_its_run(tampering: tuple[Connection, Callable[[], set[str | None]]]) -> None:
    connection, told = tampering
    for table in (actions, outcomes, runs):
        for row in covered(connection, table):
            key = "run_id" if table is runs else "task_id"
            new = {**row, key: f"{row[key]}0", **({"sequence": 9_999} if table is actions else {})}
            nested = connection.begin_nested()
            connection.execute(insert(table).values(new))
            assert new["run_id"] in told()
            nested.rollback()


def test_rows_that_change_places_are_told(tampering: tuple[Connection, Callable[[], set[str | None]]]) -> None:
    connection, told = tampering
    for table, number in ((actions, "sequence"), (links, "number")):
        rows = covered(connection, table)
        for one, other in pairwise(rows):
            nested = connection.begin_nested()
            for old, new in ((one[number], -1), (other[number], one[number]), (-1, other[number])):
                connection.execute(update(table).where(table.c[number] == old).values({number: new}))
            assert told(), (table.name, one[number])
            nested.rollback()


def test_the_row_is_named(past: Past, tampering: tuple[Connection, Callable[[], set[str | None]]]) -> None:
    connection, _ = tampering
    run_id = covered(connection, actions)[1]["run_id"]
    third = (outcomes.c.run_id == run_id, outcomes.c.task_id == "2")
    connection.execute(update(outcomes).where(*third).values(outcome="failed"))
    (finding,) = verdict(connection).findings
    assert (finding.run_id, finding.row) == (run_id, "outcomes: prod/r/2")
    connection.execute(delete(outcomes).where(*third))
    (finding,) = verdict(connection).findings
    assert (finding.run_id, finding.row, finding.what) == (
        run_id, "after outcomes: prod/r/1", "1 of 3 rows of its table are missing",
    )  # fmt: skip


def test_a_chain_that_was_made_anew_is_told_by_a_head_that_was_kept(past: Past) -> None:
    """Whoever writes the database can do that; it verifies by itself."""
    kept = verify(past.backend).head
    past.run(ends=True, calls=1, unsettled=0)
    assert verify(past.backend, kept).since_head == 1
    last = verify(past.backend).head
    with past.backend.writing() as connection:
        number = connection.execute(select(links.c.number).order_by(links.c.number.desc()).limit(2)).scalars().all()[1]
        rewritten = connection.execute(select(links.c.run_id).where(links.c.number > number - 2)).scalars().all()
        connection.execute(delete(links).where(links.c.number > number - 2))
        connection.execute(update(outcomes).where(outcomes.c.run_id.in_(rewritten)).values(outcome="satisfied"))
        for run_id in filter(None, rewritten):
            chain.seal(connection, run_id, past.now)
    assert verify(past.backend).verified
    verdict = verify(past.backend, kept)
    assert (verdict.verified, verdict.since_head) == (False, None)
    assert verify(past.backend).head not in {kept, last}


def test_what_was_hashed_in_the_first_form_verifies_as_it_was(
    backend: Backend, start: RunStart, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An earlier version wrote it, without the columns that came since."""
    past = Past(backend, start)
    with monkeypatch.context() as earlier:
        earlier.setattr(chain, "FORM", 1)
        run_id = past.run(ends=True, calls=3, unsettled=1)
    with backend.writing() as connection:
        lead_back(connection, 8)
    past = Past(connect(url), start)
    past.run(ends=True, calls=1, unsettled=0)
    verdict = verify(past.backend)
    assert (verdict.findings, verdict.verified, verdict.covered) == ((), True, 2)
    with past.backend.writing() as connection:
        connection.execute(update(runs).where(runs.c.run_id == run_id).values(outcome="partial"))
    assert [found.run_id for found in verify(past.backend).findings] == [run_id]


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("run"), st.booleans(), st.integers(0, 4), st.integers(0, 4)),
        st.tuples(st.just("recover"), st.booleans(), st.lists(st.sampled_from(list(ActionState)[1:]), max_size=6)),
        st.tuples(st.just("prune"), st.integers(0, 6)),
    ),
    min_size=1,
    max_size=10,
)


def carried_out(past: Past, step: tuple[object, ...]) -> None:
    match step:
        case ("run", bool(ends), int(calls), int(unsettled)):
            past.run(ends=ends, calls=calls, unsettled=min(calls, unsettled))
        case ("recover", bool(ends), list(states)):
            past.recover(ends=ends, states=states)
        case ("prune", int(days)):
            past.prune(days)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_nothing_is_told_of_what_runs_do(
    tmp_path_factory: pytest.TempPathFactory, start: RunStart, steps: list[tuple[object, ...]]
) -> None:
    """Whatever ends, is killed, settled by others and pruned, and in whatever order; each head stays in the chain."""
    past = Past(connect(f"sqlite:///{tmp_path_factory.mktemp('chain')}/history.db"), start)
    head = verify(past.backend).head
    for step in steps:
        carried_out(past, step)
        verdict = verify(past.backend, head)
        assert verdict.findings == ()
        head = verdict.head


def test_two_writers_make_one_chain(backend: Backend, start: RunStart) -> None:
    def write(seed: int) -> None:
        past = Past(backend, start)
        for number in range(8):
            past.run(ends=number % 4 != seed, calls=number % 3, unsettled=0)

    threads = [threading.Thread(target=write, args=(seed,)) for seed in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    verdict = verify(backend)
    assert verdict.findings == ()
    assert verdict.covered + verdict.unfinished == 24


def test_a_run_ends_once(backend: Backend, start: RunStart) -> None:
    with Journal(backend) as journal:
        run_id = journal.begin_run(start)
        journal.finish_run(run_id, END).result()
        assert journal.finish_run(run_id, RunEnd("error", 1, {})).exception() is not None
    assert verify(backend).verified
    (run,) = History(backend).runs()
    assert run.outcome == "ok"
