"""Opening a backend from its URL."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import URL, Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError

from reconciler.backends import postgresql, sqlite
from reconciler.backends.failures import translated
from reconciler.backends.upgrade import ensure_schema
from reconciler.exceptions import BackendError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["BUSY_TIMEOUT", "Backend", "connect"]

BUSY_TIMEOUT = 10_000
"""Milliseconds that a locked database is waited for; well below the expiry of a lease, which must be renewed."""

_FORMS = "Use sqlite:///path/to/file.db or postgresql://user@host/database."


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


def connect(url: str, *, create: bool = True, busy_timeout: int = BUSY_TIMEOUT) -> Backend:
    """Open the database at `url` and bring its schema up to date.

    `create`: whether a missing SQLite file is made. A relative path counts from the current directory, now; later
    changes of directory do not matter. Raises BackendError: unknown kind of URL, missing driver, not writable,
    corrupt, not a database, made by a newer version.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        # The text is not repeated: it may hold a password.
        raise BackendError("settings.backend is not a database URL", _FORMS) from None
    match parsed.drivername:
        case "sqlite" | "sqlite+pysqlite":
            backend = _open_sqlite(parsed, busy_timeout, create=create)
        case "postgresql" | "postgresql+psycopg" | "postgres":
            backend = _open_postgresql(parsed, busy_timeout)
        case other:
            raise BackendError(f"settings.backend is of kind {other!r}, which is not supported", _FORMS)
    ensure_schema(backend)
    return backend


def _open_sqlite(url: URL, busy_timeout: int, *, create: bool) -> Backend:
    if not url.database or url.database == ":memory:" or url.query or url.host:
        raise BackendError("settings.backend must name a file, and nothing else", _FORMS)
    path = Path(url.database).absolute()
    where = str(path)
    if not create and not path.exists():
        raise BackendError(f"{where}: no such database", "The first apply makes it.")
    with translated(where):
        sqlite.create_file(path)
        engine = sqlite.open_engine(path, busy_timeout)
        sqlite.use_write_ahead_log(engine, busy_timeout)
        identity = sqlite.file_identity(path)
    return Backend(engine, where, sqlite.database_clock, check=partial(sqlite.check_identity, path, identity))


def _open_postgresql(url: URL, busy_timeout: int) -> Backend:
    engine = postgresql.open_engine(url, busy_timeout)
    where = url.set(password=None, query={}).render_as_string(hide_password=True)
    return Backend(engine, where, postgresql.database_clock, postgresql.exclude_others)
