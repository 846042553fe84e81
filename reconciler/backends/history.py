"""What past runs did: the read side of the journal, its pruning, and the locks that they left."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import delete, exists, or_, select

from reconciler.backends.connect import connect
from reconciler.backends.entries import ActionState, Planned, RunRecord, TaskOutcome
from reconciler.backends.fencing import free, holdings
from reconciler.backends.schema import action_record, actions, illegible, legible, outcomes, runs

if TYPE_CHECKING:
    from sqlalchemy import Row

    from reconciler.backends.backend import Backend
    from reconciler.backends.entries import ActionRecord, Holding

_CHUNK = 500
"""Runs deleted in one transaction, so that a long pruning does not keep an apply waiting."""


@dataclass(frozen=True, slots=True)
class RunFilter:
    """Which runs to show: begun at `since` (ms since the epoch) or later, touching `target`, ended as `outcome`."""

    since: int | None = None
    target: str | None = None
    outcome: str | None = None
    limit: int | None = 50


class History:
    """Past runs. Every method raises BackendError."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    @classmethod
    def open(cls, url: str) -> History:
        """Open an existing database, in which nothing is made. Raises NoJournal where there is none, BackendError."""
        return cls(connect(url, create=False))

    def runs(self, wanted: RunFilter = RunFilter()) -> list[RunRecord]:
        """The runs that match, the latest first."""
        query = select(runs).order_by(runs.c.started_at.desc(), runs.c.run_id.desc()).limit(wanted.limit)
        if wanted.since is not None:
            query = query.where(runs.c.started_at >= wanted.since)
        if wanted.outcome is not None:
            query = query.where(runs.c.outcome == wanted.outcome)
        if wanted.target is not None:
            query = query.where(
                or_(
                    *(
                        exists().where(table.c.run_id == runs.c.run_id, table.c.target == wanted.target)
                        for table in (actions, outcomes)
                    )
                )
            )
        with self._backend.reading() as connection:
            return [_run(row) for row in connection.execute(query)]

    def run(self, run_id: str) -> RunRecord | None:
        """One run; None where there is none of this id."""
        with self._backend.reading() as connection:
            row = connection.execute(select(runs).where(runs.c.run_id == run_id)).first()
        return None if row is None else _run(row)

    def actions(self, run_id: str) -> list[ActionRecord]:
        """The operations of one run in the order in which they were intended."""
        query = select(actions).where(actions.c.run_id == run_id).order_by(actions.c.sequence)
        with self._backend.reading() as connection:
            return [action_record(row) for row in connection.execute(query)]

    def outcomes(self, run_id: str) -> list[TaskOutcome]:
        """What became of the changes of one run, ordered by target, resource type and id."""
        order = (outcomes.c.target, outcomes.c.resource, outcomes.c.task_id)
        query = select(outcomes).where(outcomes.c.run_id == run_id).order_by(*order)
        with self._backend.reading() as connection:
            return [_outcome(row) for row in connection.execute(query)]

    def locks(self) -> list[Holding]:
        """The leases that were taken and not given back, by group."""
        with self._backend.reading() as connection:
            return holdings(connection, self._backend)

    def unlock(self, holding: Holding) -> bool:
        """Free a lease, so that its holder can do no more. False where another one holds it by now, or nobody."""
        with self._backend.writing() as connection:
            return free(connection, holding)

    def prune(self, older_than: int) -> int:
        """Forget the runs begun before `older_than` (ms since the epoch), and say how many.

        A run with an open intent stays, whatever its age, until a later run has settled it.
        """
        unsettled = exists().where(actions.c.run_id == runs.c.run_id, actions.c.state == ActionState.INTENT.value)
        query = select(runs.c.run_id).where(runs.c.started_at < older_than, ~unsettled).limit(_CHUNK)
        pruned = 0
        while True:
            with self._backend.writing() as connection:
                chosen = list(connection.execute(query).scalars())
                for table in (actions, outcomes, runs):
                    connection.execute(delete(table).where(table.c.run_id.in_(chosen)))
            pruned += len(chosen)
            if len(chosen) < _CHUNK:
                return pruned


def _run(row: Row[tuple[object, ...]]) -> RunRecord:
    values = dict(legible(runs, row)._mapping)
    if values["summary"] is not None:
        values["summary"] = _summary(values["summary"])
    if values["planned"] is not None:
        values["planned"] = _planned(values["planned"])
    return RunRecord(started_ms=values.pop("started_at"), finished_ms=values.pop("finished_at"), **values)


def _summary(text: str) -> dict[str, int]:
    try:
        counts = json.loads(text)
    except (ValueError, RecursionError):
        counts = None
    if not isinstance(counts, dict) or any(type(count) is not int for count in counts.values()):
        raise illegible(runs, "summary")
    return counts


def _planned(text: str) -> Planned:
    try:
        return msgspec.json.decode(text, type=Planned)
    except (ValueError, RecursionError):
        raise illegible(runs, "planned") from None


def _outcome(row: Row[tuple[object, ...]]) -> TaskOutcome:
    values = dict(legible(outcomes, row)._mapping)
    del values["run_id"]
    return TaskOutcome(**values)
