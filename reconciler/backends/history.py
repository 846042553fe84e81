"""What past runs did: the read side of the journal, its pruning, and the locks that they left."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from sqlalchemy import delete, exists, false, literal, or_, select, tuple_, union

from reconciler.backends import chain, verification
from reconciler.backends.connect import connect
from reconciler.backends.entries import (
    ActionState,
    ApprovalKind,
    Author,
    ChangeRecord,
    Planned,
    RunRecord,
    TaskOutcome,
)
from reconciler.backends.fencing import free, holdings
from reconciler.backends.schema import action_record, actions, illegible, legible, names, outcomes, runs
from reconciler.tasks.task import TaskKey
from reconciler.tasks.timestamps import LATEST

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from sqlalchemy import Column, ColumnElement, Row, Select, Table

    from reconciler.backends.backend import Backend
    from reconciler.backends.entries import ActionRecord, Holding
    from reconciler.backends.verification import Verdict

_CHUNK = 500
"""Runs, or changes, taken in one transaction: a long pruning, or a long look, does not keep an apply waiting."""

_LOOKED_AT = 200
"""Runs that are asked how many requests they made."""

_KEY = ("target", "resource", "task_id")

Record = TypeVar("Record")


@dataclass(frozen=True, slots=True)
class RunFilter:
    """Which runs to show: begun from `since` on and before `until` (ms since the epoch), ended as `outcome`, with a
    change that is of one of `targets` and of one of `tasks`, asked for by one of `policies`, and came to
    `change_outcome`.
    """

    since: int | None = None
    until: int | None = None
    targets: Collection[str] = ()
    tasks: Collection[str] = ()
    """Ids, or `<target>/<resource>/<id>`."""
    policies: Collection[str] = ()
    outcome: str | None = None
    """Empty: they have not ended."""
    change_outcome: str | None = None
    limit: int | None = 50

    def of(self, table: Table) -> Iterator[ColumnElement[bool]]:
        """What is asked of a change, of the row of `table`, which has its calls or what became of it."""
        if self.targets:
            yield table.c.target.in_(sorted(self.targets))
        if self.tasks:
            whole = table.c.target + "/" + table.c.resource + "/" + table.c.task_id
            yield or_(table.c.task_id.in_(sorted(self.tasks)), whole.in_(sorted(self.tasks)))
        if self.policies:
            listed = "," + table.c.policies + ","
            yield or_(*(listed.contains(f",{name},", autoescape=True) for name in sorted(self.policies)))
        if self.change_outcome is not None:
            yield table.c.outcome == self.change_outcome if table is outcomes else false()


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
        query = _wanted(wanted).limit(wanted.limit)
        with self._backend.reading() as connection:
            return [_run(row) for row in connection.execute(query)]

    def changes(self, wanted: RunFilter = RunFilter(limit=None)) -> Iterator[ChangeRecord]:
        """Each change that matches, those of the latest run first.

        However many there are, few are held at a time, and no transaction stays open while the caller looks at one.
        """
        left, before = wanted.limit, None
        while left is None or left > 0:
            query = _wanted(wanted).limit(_CHUNK if left is None else min(left, _CHUNK))
            if before is not None:
                query = query.where(tuple_(runs.c.started_at, runs.c.run_id) < tuple_(*map(literal, before)))
            with self._backend.reading() as connection:
                found = [_run(row) for row in connection.execute(query)]
            for run in found:
                yield from self._changes_of(run, wanted)
            if len(found) < _CHUNK:
                return
            left = None if left is None else left - len(found)
            before = (found[-1].started_ms, found[-1].run_id)

    def _changes_of(self, run: RunRecord, wanted: RunFilter) -> Iterator[ChangeRecord]:
        last: TaskKey | None = None
        while True:
            keys = union(*(_keys(table, run, wanted, last) for table in (outcomes, actions))).order_by(*_KEY)
            with self._backend.reading() as connection:
                found = [TaskKey(*map(str, row)) for row in connection.execute(keys.limit(_CHUNK))]
                if not found:
                    return
                concluded = {one.key: one for one in map(_outcome, connection.execute(_rows(outcomes, run, found)))}
                calls: dict[TaskKey, list[ActionRecord]] = defaultdict(list)
                of_page = _rows(actions, run, found).order_by(actions.c.sequence)
                for call in map(action_record, connection.execute(of_page)):
                    calls[call.key].append(call)
            for key in found:
                yield _change(run, key, concluded.get(key), calls[key])
            last = found[-1]

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

    def verify(self, head: str = "") -> Verdict:
        """Hold all runs against the chain of hashes, which must have the `head` that an earlier verification gave."""
        return verification.verify(self._backend, head)

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
                if chosen:
                    chain.prune(connection, chosen)
                for table in (actions, outcomes, runs):
                    connection.execute(delete(table).where(table.c.run_id.in_(chosen)))
            pruned += len(chosen)
            if len(chosen) < _CHUNK:
                return pruned


def _wanted(wanted: RunFilter) -> Select[Any]:
    """The runs that match, the latest first."""
    query: Select[Any] = select(runs).order_by(runs.c.started_at.desc(), runs.c.run_id.desc())
    if wanted.since is not None:
        query = query.where(runs.c.started_at >= wanted.since)
    if wanted.until is not None:
        query = query.where(runs.c.started_at < wanted.until)
    if wanted.outcome is not None:
        query = query.where(runs.c.outcome == wanted.outcome if wanted.outcome else runs.c.outcome.is_(None))
    of_change = [(table, [*wanted.of(table)]) for table in (actions, outcomes)]
    if not any(conditions for _, conditions in of_change):
        return query
    return query.where(or_(*(exists().where(table.c.run_id == runs.c.run_id, *asked) for table, asked in of_change)))


def _keys(table: Table, run: RunRecord, wanted: RunFilter, last: TaskKey | None) -> Select[Any]:
    """The keys of those changes of a run that match and come after the `last`, as far as one table has them."""
    query = select(*(table.c[name] for name in _KEY)).where(table.c.run_id == run.run_id, *wanted.of(table))
    return query if last is None else query.where(tuple_(*_key(table)) > tuple_(*map(literal, last)))


def _rows(table: Table, run: RunRecord, page: Sequence[TaskKey]) -> Select[Any]:
    """The rows of a run in one table that belong to a page of keys, and perhaps others between them."""
    first, last = (tuple_(*map(literal, key)) for key in (page[0], page[-1]))
    key = tuple_(*_key(table))
    return select(table).where(table.c.run_id == run.run_id, key >= first, key <= last)


def _key(table: Table) -> list[ColumnElement[object]]:
    return [table.c[name] for name in _KEY]


def _change(run: RunRecord, key: TaskKey, concluded: TaskOutcome | None, calls: Sequence[ActionRecord]) -> ChangeRecord:
    asked = concluded.policies if concluded else next((call.policies for call in calls), ())
    sources = run.planned.policies if run.planned else {}
    return ChangeRecord(
        *key,
        run_id=run.run_id,
        command=run.command,
        started_at=run.started_at,
        host=run.host,
        author=run.author,
        commit=run.commit,
        approval=run.approval,
        plan_digest=run.plan_digest,
        policies={name: sources[name].source if name in sources else "" for name in asked},
        outcome=concluded.outcome if concluded else None,
        before=concluded.before if concluded else None,
        now=concluded.now if concluded else None,
        detail=concluded.detail if concluded else "",
        calls=tuple(calls),
    )


def _run(row: Row[tuple[object, ...]]) -> RunRecord:
    values = dict(legible(runs, row)._mapping)
    for name in ("stop_asked_at", "requests"):
        del values[name]
    if values["summary"] is not None:
        values["summary"] = _counts(runs.c.summary, values["summary"])
    for name, kind in (("planned", Planned), ("author", Author)):
        if values[name] is not None:
            values[name] = _record(name, values[name], kind)
    if values["approval"] is not None:
        values["approval"] = ApprovalKind(values["approval"])
    return RunRecord(started_ms=values.pop("started_at"), finished_ms=values.pop("finished_at"), **values)


def last_requests(backend: Backend, before: int = LATEST * 1000) -> Mapping[str, int]:
    """How many requests each target took in the latest run that says so, among the last `_LOOKED_AT` of those that
    ended `before` this time (ms since the epoch).

    Raises BackendError.
    """
    said = select(runs).where(runs.c.finished_at < before, runs.c.requests.is_not(None))
    query = said.order_by(runs.c.started_at.desc(), runs.c.run_id.desc()).limit(_LOOKED_AT)
    found: dict[str, int] = {}
    with backend.reading() as connection:
        for row in connection.execute(query):
            found = _counts(runs.c.requests, legible(runs, row).requests) | found
    return found


def _counts(column: Column[Any], text: str) -> dict[str, int]:
    try:
        counts = json.loads(text)
    except (ValueError, RecursionError):
        counts = None
    if not isinstance(counts, dict) or any(type(count) is not int for count in counts.values()):
        raise illegible(runs, column.name)
    return counts


def _record(column: str, text: str, kind: type[Record]) -> Record:
    try:
        return msgspec.json.decode(text, type=kind)
    except (ValueError, RecursionError):
        raise illegible(runs, column) from None


def _outcome(row: Row[tuple[object, ...]]) -> TaskOutcome:
    values = dict(legible(outcomes, row)._mapping)
    del values["run_id"]
    policies = names(values.pop("policies"))
    return TaskOutcome(**values, policies=policies)
