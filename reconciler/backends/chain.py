"""The chain of the history: what a run wrote is hashed when it ends, together with the hash before it.

So a row that is changed, added or removed afterwards is told, by run and row. Whoever can write the database can make
the whole chain anew, too: what shows that is a hash of it that was kept elsewhere.

    link 0      what was there before the chain began, which it does not cover
    link n      a run that has ended, or that runs were pruned:
                hash = SHA-256(form, n, hash of n - 1, run, content, time)

The content of a run is the SHA-256 of the digests of its rows: its own, its calls by number, its outcomes by key, and
the calls of earlier runs that it settled. What a later run may still find out of a call that is open at the end is none
of it: the run that settles a call covers what it wrote.
"""

from __future__ import annotations

import hashlib
import socket
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from sqlalchemy import func, insert, select, update

from reconciler.backends.entries import ActionState, Author
from reconciler.backends.schema import actions, links, outcomes, runs

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import Connection, Select, Table


FORM = 2
"""Which columns are covered, and how they are put together. A change of either takes another number, under which what
was hashed before is hashed as it was."""

_FIRST: dict[Table, tuple[str, ...]] = {
    runs: (
        *("run_id", "command", "tool_version", "plan_digest", "fingerprint", "started_at", "finished_at", "outcome"),
        *("exit_code", "summary", "host", "pid", "planned", "author", "commit", "approval"),
    ),
    actions: (
        *("run_id", "sequence", "target", "resource", "task_id", "action", "attempt", "intent_at", "rate_group"),
        *("policies", "state", "result_at", "fault_meaning", "fault_code", "fault_message", "http_status"),
        *("request_id", "settled_by"),
    ),
    outcomes: ("run_id", "target", "resource", "task_id", "outcome", "before", "now", "detail", "policies"),
}
FORMS = {1: _FIRST, FORM: {**_FIRST, runs: (*_FIRST[runs], "stop_asked_at", "requests")}}
_CALL = FORMS[FORM][actions]
_LASTING = _CALL.index("state")
"""The columns of a call before this one never change."""

_STATE, _SETTLED_BY = (_CALL.index(name) for name in ("state", "settled_by"))
_CERTAIN = (ActionState.DONE.value, ActionState.REFUSED.value)

MARK = 4
"""Bytes of the digest of a row that are kept with the link, to name the row that is another one later."""
AT_ONCE = 2_000
"""Rows held at a time."""

encode = msgspec.msgpack.Encoder().encode
"""MessagePack says of each value what it is: a text, bytes that are put in its place, and a number never look alike."""


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


class Settled(NamedTuple):
    """A call of an earlier run, as the run that settled it left it."""

    sequence: int
    run_id: str
    digest: str


def _now() -> int:
    return time.time_ns() // 1_000_000


def begin(connection: Connection) -> None:
    """Make the first link. Whatever runs there are stay uncovered, and are counted."""
    before = connection.execute(select(func.count()).select_from(runs)).scalar_one()
    _append(connection, 0, "", None, _said({"before": before}), _now())


def seal(connection: Connection, run_id: str, at: int) -> None:
    """Add the link of a run whose end was just written. In the same transaction."""
    digest, marks, calls = hashlib.sha256(), bytearray(), 0
    for table, rows in rows_of(connection, run_id, FORM):
        for _, one in rows:
            digest.update(one)
            marks += one[:MARK]
            calls += table is actions
    settled = list(settled_by(connection, run_id))
    digest.update(encode(settled))
    values = {"calls": calls, "marks": marks.hex(), "settled": text_of(settled) if settled else None}
    number, previous = _last(connection)
    _append(connection, number + 1, previous, run_id, digest.hexdigest(), at, **values)


def prune(connection: Connection, run_ids: Collection[str]) -> None:
    """Add the link that says which runs go, and forget what their own links keep to name their rows.

    In the transaction that removes them, before it does.
    """
    number, previous = _last(connection)
    linked = links.c.run_id.in_(run_ids)
    numbers = list(connection.execute(select(links.c.number).where(linked).order_by(links.c.number)).scalars())
    unlinked = runs.c.run_id.in_(run_ids), runs.c.run_id.not_in(select(links.c.run_id).where(linked))
    authors = list(connection.execute(select(runs.c.author).where(*unlinked)).scalars())
    before = sum(author is None for author in authors)
    said: dict[str, object] = {"pruned": _ranges(numbers), "before": before, "unfinished": len(authors) - before}
    said["by"] = f"{Author.here().user}@{socket.gethostname()}"
    connection.execute(update(links).where(linked).values(marks=None, settled=None))
    _append(connection, number + 1, previous, None, _said(said), _now())


def _ranges(numbers: Sequence[int]) -> list[tuple[int, int]]:
    """`[1, 2, 3, 7]` as `[(1, 3), (7, 7)]`."""
    found: list[tuple[int, int]] = []
    for number in numbers:
        if found and found[-1][1] == number - 1:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return found


def _last(connection: Connection) -> tuple[int, str]:
    """Number and hash of the last link. Nobody else adds one before the transaction ends.

    The first link is what is locked, since it never changes: whoever waits for it reads the last one afterwards.
    """
    connection.execute(select(links.c.number).where(links.c.number == 0).with_for_update())
    row = connection.execute(select(links.c.number, links.c.hash).order_by(links.c.number.desc()).limit(1)).one()
    return row.number, row.hash


def _append(
    connection: Connection, number: int, previous: str, run_id: str | None, content: str, at: int, **values: object
) -> None:
    link = {"number": number, "form": FORM, "run_id": run_id, "content": content, "made_at": at, **values}
    connection.execute(insert(links).values(**link, hash=link_hash(FORM, number, previous, run_id, content, at)))


def link_hash(*values: object) -> str:
    return sha256(encode(values))


def _said(what: dict[str, object]) -> str:
    return msgspec.json.encode(what).decode()


def text_of(settled: Sequence[Settled]) -> str:
    return msgspec.json.encode(settled).decode()


Digests = Iterator[tuple[Sequence[object], bytes]]
"""Rows, and the digest of each."""


def rows_of(connection: Connection, run_id: str, form: int, *, few: bool = False) -> Iterator[tuple[Table, Digests]]:
    """The row of a run, its calls and its outcomes, of what a `form` covers. `few`: they may be held all together."""

    def found(query: Select[Any]) -> Iterator[Any]:
        # With `yield_per` PostgreSQL is asked three times, and what it answers is never held as a whole.
        return iter(connection.execute(query if few else query.execution_options(yield_per=AT_ONCE)))

    def of(table: Table) -> Select[Any]:
        return select(*(table.c[name] for name in FORMS[form][table])).where(table.c.run_id == run_id)

    # By bytes, whatever the database sorts by: a dump may be restored where another order is in use.
    binary = "C" if connection.dialect.name == "postgresql" else "BINARY"
    keys = [outcomes.c[name].collate(binary) for name in ("target", "resource", "task_id")]
    yield runs, ((row, _digest("runs", row)) for row in found(of(runs)))
    yield actions, ((row, _digest_of_call(row)) for row in found(of(actions).order_by(actions.c.sequence)))
    yield outcomes, ((row, _digest("outcomes", row)) for row in found(of(outcomes).order_by(*keys)))


def _digest(table: str, values: Sequence[object]) -> bytes:
    return hashlib.sha256(encode((table, *values))).digest()


def _digest_of_call(row: Sequence[Any]) -> bytes:
    """Of a call that was open at the end of its run, or that a later run has settled, what never changes."""
    settled = row[_SETTLED_BY] is not None or row[_STATE] not in _CERTAIN
    return _digest("actions", row[:_LASTING] if settled else row)


def settled_by(connection: Connection, run_id: str) -> Iterator[Settled]:
    """The calls of earlier runs of which this run found out what became of them, for good."""
    query = (
        select(*(actions.c[name] for name in _CALL))
        .where(actions.c.settled_by == run_id, actions.c.state.in_(_CERTAIN))
        .order_by(actions.c.sequence)
    )
    for row in connection.execute(query):
        yield Settled(row.sequence, row.run_id, _digest("actions", row).hex())
