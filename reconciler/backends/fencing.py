"""The rows behind the leases: taken, renewed and checked inside transactions, by the database's clock.

Each taking raises the fencing token of its group. The journal lets an intent through only while the token given with
it is the current one, so that a holder which was frozen and comes back to life can do no more.
"""

from __future__ import annotations

import os
import socket
import uuid
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, case, select, update

from reconciler.backends.entries import Holding, RunOver
from reconciler.backends.schema import insert_ignoring, leases, legible, runs
from reconciler.exceptions import LockedError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from sqlalchemy import Connection, Row

    from reconciler.backends.backend import Backend
    from reconciler.backends.entries import RunPart

EXPIRY = 30_000
"""Milliseconds after which a lease that nobody renewed is free. It is renewed three times as often."""


_NOBODY = dict.fromkeys(("targets", "holder", "run_id", "host", "pid"))
_NEVER = {**_NOBODY, "token": 0, "acquired_at": 0, "expires_at": 0}
_FREED = {"holder": None, "expires_at": 0, "token": leases.c.token + 1}


@dataclass(frozen=True, slots=True)
class Holder:
    """Who takes a lease. `id` tells two leases of one process apart; `host` and `pid` are for humans. `run_id` is the
    run that it executes a part of, which somebody else ends. What the holders `past` have is free for it: leases of the
    same process that hold no more."""

    id: str
    host: str
    pid: int
    run_id: str | None = None
    past: frozenset[str] = frozenset()

    @classmethod
    def here(cls, part: RunPart | None = None, past: Iterable[str] = ()) -> Holder:
        """This process, under a name of its own, or under that of a `part`, whoever executes it."""
        name, run_id = (part.holder, part.run_id) if part else (uuid.uuid4().hex, None)
        return cls(name, socket.gethostname(), os.getpid(), run_id, frozenset(past))


@dataclass(frozen=True, slots=True)
class Fence:
    """Proof of leases: (group, token) pairs in the order of the groups. Plain data, which may travel to workers."""

    tokens: tuple[tuple[str, int], ...]

    @property
    def groups(self) -> tuple[str, ...]:
        return tuple(group for group, _ in self.tokens)


NO_FENCE = Fence(())
"""What needs no lease."""


class LeaseHeld(LockedError):  # noqa: N818 - reads as what it is: a state of affairs with facts
    """Another apply holds a group. `others` of those that were asked for are held as well."""

    def __init__(self, holding: Holding, others: Sequence[Holding] = ()) -> None:
        super().__init__(
            f"another apply holds {holding.label}: {holding}",
            "Wait for it to end, or give --lock-timeout. The lock of a process that was killed ends by itself "
            f"within {EXPIRY // 1000} s.",
        )
        self.holding = holding
        self.others = tuple(map(LeaseHeld, others))


class Loss(Enum):
    """How a lease was lost, in words that go on after its name."""

    LATE = "is no longer ours: it was not renewed in time"
    TAKEN = "is no longer ours: another apply has taken it, somebody has freed it by hand, or the run has ended"
    ENDED = "was given back, since the run that held it has ended"


class LeaseLost(LockedError):  # noqa: N818 - as above
    """A lease that was held is not any more."""

    def __init__(self, groups: Collection[str], loss: Loss) -> None:
        hint = "Nothing more is sent. Run the command again; it finishes the work."
        super().__init__(f"the lock of {', '.join(groups)} {loss.value}", hint)
        self.loss = loss


def take(
    connection: Connection, backend: Backend, groups: Mapping[str, Collection[str]], holder: Holder, expiry: int
) -> Fence:
    """Take all of `groups`, each with its targets, for `expiry` milliseconds. To be called in a writing transaction.

    Raises LeaseHeld where one is taken, RunOver where the run of the holder is over; the transaction must then be given
    up.
    """
    if holder.run_id is not None:
        _check_going_on(connection, backend, holder.run_id)
    if not groups:
        return NO_FENCE
    connection.execute(insert_ignoring(connection, leases), [{"rate_group": name, **_NEVER} for name in sorted(groups)])
    rows = _locked(connection, list(groups))
    now = backend.now(connection)  # after the rows are locked, which may have taken its time
    # Ours already where the answer to an earlier taking was lost, or an earlier execution of our unit took it.
    ours = {None, holder.id, *holder.past}
    theirs = [_holding(row, now, expiry) for row in rows if row.holder not in ours]
    if held := [holding for holding in theirs if holding.in_force]:
        raise LeaseHeld(held[0], held[1:])
    values = {"holder": holder.id, "run_id": holder.run_id, "host": holder.host, "pid": holder.pid}
    taking = update(leases).where(leases.c.rate_group == bindparam("of_group"))
    connection.execute(
        taking.values(
            **values,
            targets=bindparam("of_targets"),
            token=leases.c.token + 1,
            acquired_at=now,
            expires_at=now + expiry,
        ),
        [{"of_group": name, "of_targets": ",".join(sorted(targets)) or None} for name, targets in groups.items()],
    )
    return Fence(tuple((row.rate_group, row.token + 1) for row in rows))


def renew(connection: Connection, backend: Backend, fence: Fence, expiry: int) -> None:
    """Hold on for `expiry` milliseconds from now. Raises LeaseLost: what has expired cannot be renewed."""
    if not fence.tokens:
        return
    now = _check(connection, backend, fence, share=False)
    # A clock that was set back must not make ours look like a lease from the future.
    since = case((leases.c.acquired_at > now, now), else_=leases.c.acquired_at)
    ours = leases.c.rate_group.in_(fence.groups)
    connection.execute(update(leases).where(ours).values(acquired_at=since, expires_at=now + expiry))


def verify(connection: Connection, backend: Backend, fence: Fence) -> None:
    """Raise LeaseLost unless all leases of `fence` hold; nobody can take one before the transaction ends."""
    if fence.tokens:
        _check(connection, backend, fence, share=True)


def verify_untaken(connection: Connection, fence: Fence) -> None:
    """Raise LeaseLost where a lease of `fence` is another's by now; one that has only expired may pass."""
    if fence.tokens:
        _check_tokens(_locked(connection, fence.groups, share=True), fence)


def give_back(connection: Connection, fence: Fence) -> None:
    """Release those leases of `fence` that are still ours. The token stays, for the next holder to raise."""
    for group, token in fence.tokens:
        ours = (leases.c.rate_group == group, leases.c.token == token)
        connection.execute(update(leases).where(*ours).values(holder=None, expires_at=0))


def holdings(connection: Connection, backend: Backend) -> list[Holding]:
    """All leases that were taken and not given back, in force or not, by group."""
    rows = connection.execute(select(leases).where(leases.c.holder.is_not(None)).order_by(leases.c.rate_group)).all()
    now = backend.now(connection)
    return [_holding(legible(leases, row), now, EXPIRY) for row in rows]


def free(connection: Connection, holding: Holding) -> bool:
    """Take a lease from its holder, who can do no more from here on. False where it is another's, or nobody's, by now.

    To be called in a transaction that writes.
    """
    theirs = (leases.c.rate_group == holding.group, leases.c.token == holding.token, leases.c.holder.is_not(None))
    return bool(connection.execute(update(leases).where(*theirs).values(_FREED)).rowcount)


def free_parts(connection: Connection, run_id: str) -> None:
    """Take the leases of all parts of a run, which can do no more from here on.

    To be called in the transaction that writes the end of the run, after that: whoever begins a part later reads it.
    """
    parts = leases.c.run_id == run_id
    connection.execute(select(leases.c.rate_group).where(parts).order_by(leases.c.rate_group).with_for_update())
    connection.execute(update(leases).where(parts).values(_FREED))


def stop_asked(connection: Connection, run_id: str) -> bool:
    """Whether somebody told the parts of a run to stop."""
    asked = select(runs.c.stop_asked_at).where(runs.c.run_id == run_id)
    return connection.execute(asked).scalar() is not None


def _check_going_on(connection: Connection, backend: Backend, run_id: str) -> None:
    """Raise RunOver unless a run may have parts that begin; it does not end before the transaction does."""
    run = connection.execute(select(runs).where(runs.c.run_id == run_id).with_for_update(read=True)).first()
    if run is None:
        raise RunOver(
            f"{backend.where}: there is no run {run_id} in this database",
            "All processes that record one run must be given the same database.",
        )
    if legible(runs, run).finished_at is not None:
        raise RunOver(f"{backend.where}: run {run_id} has ended", "Begin another run for what is left.")
    if run.stop_asked_at is not None:
        raise RunOver(f"{backend.where}: run {run_id} was told to stop", "Begin another run for what is left.")


def _holding(row: Row[tuple[object, ...]], now: int, expiry: int) -> Holding:
    in_force = row.acquired_at <= now < row.expires_at <= now + expiry
    targets = tuple(row.targets.split(",")) if row.targets else ()
    return Holding(row.rate_group, targets, row.host, row.pid, row.token, row.acquired_at, row.expires_at, in_force)


def _check(connection: Connection, backend: Backend, fence: Fence, *, share: bool) -> int:
    """The database's time, at which all leases of `fence` were found to hold. Raises LeaseLost."""
    rows = _locked(connection, fence.groups, share=share)
    now = backend.now(connection)
    _check_tokens(rows, fence)
    if late := [row.rate_group for row in rows if row.expires_at <= now]:
        raise LeaseLost(late, Loss.LATE)
    return now


def _check_tokens(rows: Iterable[Row[tuple[object, ...]]], fence: Fence) -> None:
    current = {row.rate_group: row.token for row in rows}
    if taken := [group for group, token in fence.tokens if current.get(group) != token]:
        raise LeaseLost(taken, Loss.TAKEN)


def _locked(connection: Connection, groups: Collection[str], *, share: bool = False) -> list[Row[tuple[object, ...]]]:
    """The rows of `groups`, locked to the end of the transaction, always in one order so that nobody deadlocks.

    SQLite has no row locks: a transaction that writes excludes all others.
    """
    query = select(leases).where(leases.c.rate_group.in_(groups)).order_by(leases.c.rate_group)
    return [legible(leases, row) for row in connection.execute(query.with_for_update(read=share))]
