"""An open database."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.backends.failures import translated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection, Engine

__all__ = ["Backend"]


@dataclass(frozen=True, slots=True)
class Backend:
    """An open database. `where` names it in messages, without password.

    `now` reads the database's own clock (milliseconds since the epoch), `exclude_others` keeps other processes from
    touching the schema until the transaction ends, `check` raises BackendError where the database is no longer the
    one that was opened. Holds no connection itself.
    """

    engine: Engine
    where: str
    now: Callable[[Connection], int]
    exclude_others: Callable[[Connection], None] = lambda _connection: None
    check: Callable[[], None] = lambda: None

    def connection(self) -> Connection:
        """A connection for writing, to be closed by the caller. Raises SQLAlchemy's errors."""
        return self.engine.connect().execution_options(writes=True)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction that only reads. Raises BackendError."""
        with translated(self.where), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that writes, committed at the end of the block. Raises BackendError."""
        with translated(self.where), self.connection() as connection, connection.begin():
            yield connection
