"""Past runs: found, shown and forgotten."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Table, select, update

from reconciler.backends.backend import Backend
from reconciler.backends.connect import connect
from reconciler.backends.entries import (
    ActionResult,
    ActionState,
    Intent,
    Planned,
    PlannedOfPolicy,
    RunEnd,
    RunStart,
    TaskOutcome,
)
from reconciler.backends.fencing import Fence
from reconciler.backends.history import History, RunFilter, last_requests
from reconciler.backends.journal import Journal
from reconciler.backends.leases import acquire
from reconciler.backends.schema import actions, leases, outcomes, schema_version
from reconciler.backends.schema import runs as runs_table
from reconciler.exceptions import BackendError
from reconciler.reports.run_history import render_run_text
from reconciler.tasks.resource_type import Action
from reconciler.tasks.task import TaskKey


@pytest.fixture
def runs(backend: Backend, start: RunStart, intent: Callable[..., Intent]) -> list[str]:
    """Three runs begun at 1000, 2000 and 3000: done on prod, nothing attempted on test, killed on prod."""
    now = 0

    def clock() -> int:
        return now

    ids = []
    with Journal(backend, clock=clock) as journal:
        for now in (1000, 2000, 3000):  # noqa: B007 - read by the clock
            ids.append(journal.begin_run(start))  # noqa: PERF401 - the clock moves on between them
        journal.intend(ids[0], [intent("1")], Fence(()))
        journal.record(ids[0], [ActionResult(intent("1"), ActionState.DONE)])
        journal.finish_run(ids[0], RunEnd("ok", 0, {"done": 1}))
        journal.record_outcomes(ids[1], [TaskOutcome(*intent("1", target="test").key, "not_attempted", "pending")])
        journal.finish_run(ids[1], RunEnd("partial", 3, {"not_attempted": 1}))
        journal.intend(ids[2], [intent("2")], Fence(()))
    return ids


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (RunFilter(), [2, 1, 0]),
        (RunFilter(limit=2), [2, 1]),
        (RunFilter(limit=None), [2, 1, 0]),
        (RunFilter(since=2000), [2, 1]),
        (RunFilter(outcome="partial"), [1]),
        (RunFilter(targets=("prod",)), [2, 0]),
        (RunFilter(targets=("test",)), [1]),
        (RunFilter(targets=("test",), outcome="ok"), []),
    ],
)
def test_runs_are_filtered_and_the_latest_comes_first(
    backend: Backend, runs: list[str], wanted: RunFilter, found: list[int]
) -> None:
    assert [run.run_id for run in History(backend).runs(wanted)] == [runs[index] for index in found]


def test_a_killed_run_shows_as_not_finished(backend: Backend, runs: list[str]) -> None:
    run = History(backend).run(runs[2])
    assert run is not None
    assert (run.command, run.started_ms, run.finished_ms, run.outcome, run.summary) == ("apply", 3000, None, None, None)


@pytest.mark.parametrize("table", [runs_table, actions, outcomes, leases, schema_version], ids=lambda table: table.name)
def test_whatever_stands_in_a_table_is_read_or_called_corrupt(
    tmp_path: Path, start: RunStart, intent: Callable[..., Intent], table: Table
) -> None:
    """SQLite takes any value anywhere, whoever wrote it."""
    url = f"sqlite:///{tmp_path}/history.db"
    start = replace(start, planned=Planned(1, 2, policies={"p": PlannedOfPolicy(1, 2)}))
    with Journal.open(url) as journal:
        acquire(journal.backend, {"cloud/a": ("prod",)}, heartbeat=False)
        run_id = journal.begin_run(start)
        journal.intend(run_id, [intent()], Fence(()), groups={"prod": "cloud/a"}).result()
        journal.record_outcomes(run_id, [TaskOutcome(*intent().key, "done", "pending")]).result()
        journal.finish_run(run_id, RunEnd("ok", 0, {"done": 1})).result()
    backend, corrupt = connect(url), 0
    for column in table.columns:
        with backend.reading() as connection:
            before = connection.execute(select(column)).scalar_one()
        for value in (
            b"\xff",
            "\x1b[31m",
            "[1]",
            '{"changes": -1}',
            '{"policies": {"\\u001b": {}}}',
            7,
            -1,
            2**63 - 1,
            1.5,
        ):
            with suppress(BackendError), backend.writing() as connection:  # some the database itself refuses
                connection.execute(update(table).values({column: value}))
            try:
                history = History.open(url)
                for run in history.runs():
                    text = render_run_text(run, history.actions(run.run_id), history.outcomes(run.run_id), verbose=True)
                    assert "\x1b" not in text
                assert all(str(lock) and lock.label for lock in history.locks())
                with Journal.open(url) as journal:
                    journal.open_intents({"cloud/a"})
                    journal.strays({"cloud/a"}, {"prod"})
            except BackendError:
                corrupt += 1
            with suppress(BackendError), backend.writing() as connection:
                connection.execute(update(table).values({column: before}))
    assert corrupt


@pytest.mark.parametrize("count", [499, 500, 501, 1203])
def test_changes_are_read_page_by_page_each_once(backend: Backend, start: RunStart, count: int) -> None:
    """Of a run of many and of many runs, whatever is in the ids."""
    with Journal(backend) as journal:
        keys = [TaskKey("prod", "r", f"{number % 7}é/~\U0001f4a9{number}") for number in range(count)]
        big = journal.begin_run(start)
        journal.record_outcomes(big, [TaskOutcome(*key, "done", "pending") for key in keys[::2]])
        journal.intend(big, [Intent(*key, Action.CANCEL) for key in keys[1::2]], Fence(()))
        small = [journal.begin_run(start) for _ in range(30)]
        for run_id in small:
            journal.record_outcomes(run_id, [TaskOutcome(*keys[0], "done", "pending")])
    found = [(change.run_id, change.key) for change in History(backend).changes()]
    assert len(found) == count + 30
    assert set(found) == {*((big, key) for key in keys), *((run_id, keys[0]) for run_id in small)}


def test_the_last_requests_of_each_target_are_those_of_its_latest_run(backend: Backend, start: RunStart) -> None:
    said: list[dict[str, int] | None] = [{"a": 9, "b": 9}, {"a": 1}, {}, None, {"c": 3}]
    for number, requests in enumerate(said):
        with Journal(backend, clock=lambda: 1_700_000_000_000 + number) as journal:  # noqa: B023 - used at once
            run_id = journal.begin_run(start)
            if requests is not None:
                journal.finish_run(run_id, RunEnd("ok", 0, {}, requests)).result()
    assert last_requests(backend) == {"a": 1, "b": 9, "c": 3}
    with backend.writing() as connection:
        last = runs_table.c.run_id == run_id
        connection.execute(update(runs_table).where(last).values(requests='{"c": "3"}'))
    with pytest.raises(BackendError, match=r"runs\.requests holds what no version"):
        last_requests(backend)


def test_an_unknown_run_is_none(backend: Backend) -> None:
    assert History(backend).run("nobody") is None


def test_pruning_forgets_a_run_with_all_its_rows(backend: Backend, runs: list[str]) -> None:
    history = History(backend)
    assert history.prune(2000) == 1
    assert [run.run_id for run in history.runs()] == [runs[2], runs[1]]
    assert history.actions(runs[0]) == []


def test_pruning_keeps_what_is_not_settled(backend: Backend, runs: list[str]) -> None:
    history = History(backend)
    assert history.prune(10_000) == 2
    assert [run.run_id for run in history.runs()] == [runs[2]]
