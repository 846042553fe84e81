"""An open database."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from reconciler.backends.failures import may_pass, translated
from reconciler.exceptions import BackendError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection, Engine

PAUSE = 0.2
"""Seconds between two attempts at a connection."""

Result = TypeVar("Result")


def _nothing() -> None:
    return None


@dataclass(frozen=True, slots=True)
class Backend:
    """An open database. `where` names it in messages, without password.

    `now` reads the database's own clock (milliseconds since the epoch), `exclude_others` keeps other processes from
    touching the schema until the transaction ends, `watch` begins a check for a connection that stays open, which
    raises BackendError where the database is no longer the one that was opened.

    A connection that is lost is made anew for `patience` seconds. `mark` names the transaction that a connection is in,
    `goes_on` says over another connection whether it still does: only then it is not known what became of it.
    `pooled`: connections that are closed are used again.
    """

    engine: Engine
    where: str
    now: Callable[[Connection], int]
    exclude_others: Callable[[Connection], None] = lambda _connection: None
    watch: Callable[[], Callable[[], None]] = lambda: _nothing
    patience: float = 0.0
    read_only: bool = False
    pooled: bool = False
    mark: Callable[[Connection], str | None] = lambda _connection: None
    goes_on: Callable[[Connection, str], bool] = lambda _connection, _mark: False

    def connection(self) -> Connection:
        """A connection for writing, to be closed by the caller. Raises SQLAlchemy's errors."""
        return self.engine.connect().execution_options(writes=True)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that only reads. Raises BackendError."""
        with translated(self.where), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def moment(self) -> Iterator[Connection]:
        """As `reading`, but all is as it was at one moment, however long that takes. Raises BackendError."""
        with translated(self.where), self.engine.connect() as connection:
            if connection.dialect.name == "postgresql":  # in SQLite every transaction is so
                connection.execution_options(isolation_level="REPEATABLE READ")
            with connection.begin():
                yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that writes, committed at the end of the block. Raises BackendError."""
        with translated(self.where), self.connection() as connection, connection.begin():
            yield connection

    def persistently(self, work: Callable[[], Result]) -> Result:
        """What `work` returns, which may be done twice: again, for `patience` seconds, where a connection was lost.

        Raises BackendError.
        """
        end = time.monotonic() + self.patience
        while True:
            try:
                return work()
            except BackendError as error:
                if time.monotonic() >= end or error.__cause__ is None or not may_pass(error.__cause__):
                    raise
            time.sleep(PAUSE)
