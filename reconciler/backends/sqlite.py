"""SQLite: one file, readable by its owner only, with a write-ahead log and an fsync at each commit."""

from __future__ import annotations

import os
import sqlite3
import time
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, NullPool, create_engine, event, text

from reconciler.exceptions import BackendError

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy.engine.interfaces import DBAPIConnection
    from sqlalchemy.pool import ConnectionPoolEntry

__all__ = ["check_identity", "create_file", "database_clock", "file_identity", "open_engine", "use_write_ahead_log"]

# Not unixepoch('subsec'): it is younger than the SQLite of many distributions. 2440587.5 is 1970-01-01 as Julian day.
_NOW = text("SELECT CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER)")

FileIdentity = tuple[int, int]


def create_file(path: Path) -> None:
    """Create `path` (mode 0600) and its missing directories (0700), whatever the umask. Existing ones are left alone.

    An existing database is not opened here: closing any descriptor of it would drop the locks that SQLite holds on
    it in this process.
    """
    for directory in reversed(path.parents):
        if not directory.exists():
            _create_directory(directory)
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        return
    try:
        os.fchmod(descriptor, 0o600)
    finally:
        os.close(descriptor)


def _create_directory(directory: Path) -> None:
    try:
        directory.mkdir(mode=0o700)
    except FileExistsError:  # another process was first
        return
    directory.chmod(0o700)


def open_engine(path: Path, busy_timeout: int) -> Engine:
    """An engine on `path`; a locked database is waited for `busy_timeout` milliseconds. Connects on first use."""
    engine = create_engine(f"sqlite+pysqlite:///{path}", poolclass=NullPool, hide_parameters=True)

    @event.listens_for(engine, "connect")
    def configure(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
        # Python's sqlite3 would begin transactions at its own discretion, and never an immediate one.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {busy_timeout:d}")
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # A write transaction that begins as a reader and is overtaken fails at once instead of waiting its turn.
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def use_write_ahead_log(engine: Engine, busy_timeout: int) -> None:
    """Switch the file to WAL, once for all. A file system without shared memory keeps its mode, as durable but slower.

    SQLite refuses the switch at once while another process is about to do the same, so it is asked again for up to
    `busy_timeout` milliseconds.
    """
    deadline = time.monotonic() + busy_timeout / 1000
    while True:
        try:
            _switch(engine)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


def _switch(engine: Engine) -> None:
    connection = engine.raw_connection()  # SQLAlchemy's own would begin a transaction, where the switch is refused
    try:
        connection.cursor().execute("PRAGMA journal_mode = WAL").close()
    finally:
        connection.close()


def database_clock(connection: Connection) -> int:
    """Milliseconds since the epoch by the database's clock, which for SQLite is the host's."""
    return int(connection.execute(_NOW).scalar_one())


def file_identity(path: Path) -> FileIdentity:
    status = path.stat()
    return (status.st_dev, status.st_ino)


def check_identity(path: Path, opened: FileIdentity) -> None:
    """Raise BackendError unless `path` still is the file that was opened.

    SQLite goes on writing to a file that was removed, where no later run will ever find what it wrote.
    """
    try:
        found = file_identity(path)
    except FileNotFoundError:
        found = None
    if found != opened:
        raise BackendError(
            f"{path}: the database file was removed or replaced during the run",
            "Restore the file if you can, and run the command again.",
        )
