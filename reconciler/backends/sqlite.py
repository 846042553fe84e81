"""SQLite: one file, ours and readable by its owner only, with a write-ahead log and an fsync at each commit."""

from __future__ import annotations

import os
import sqlite3
import stat
import time
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from sqlalchemy import Connection, Engine, NullPool, create_engine, event, text

from reconciler.exceptions import BackendError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.engine.interfaces import DBAPIConnection
    from sqlalchemy.pool import ConnectionPoolEntry

# Not unixepoch('subsec'): it is younger than the SQLite of many distributions. 2440587.5 is 1970-01-01 as Julian day.
_NOW = text("SELECT CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER)")

_BESIDE = ("", "-wal", "-shm", "-journal")
"""What belongs to a database, by the end of its name: SQLite reads all of it, whoever put it there."""

_ROOT = 0


def check_links(path: Path) -> None:
    """Raise BackendError where `path` is a link, or its directory, or what leads there from the current directory.

    A repository can hold a link, and whoever proposes one must not choose where the journal lies, nor which file the
    tables are made in. Links in the root directory are the system's own.
    """
    try:
        here = Path.cwd()
    except FileNotFoundError:  # a daemon goes on when that is gone
        here = path
    steps = {path, path.parent, *(step for step in path.parents if here in step.parents)}
    for step in sorted(steps):
        if step.is_symlink() and step.parent != step.parent.parent:
            raise BackendError(
                f"{path}: {'the database' if step == path else step} is a link, which is not followed",
                "Name the file that is meant in settings.backend, or remove the link.",
            )


def check_files(path: Path, *, ours: bool) -> None:
    """Raise BackendError where the database, or what SQLite reads with it, is no regular file; with `ours` also where
    others may have put it there.
    """
    trusted = {_ROOT, os.geteuid()}
    for end in _BESIDE:
        file = path.with_name(f"{path.name}{end}")
        try:
            status = file.lstat()
        except FileNotFoundError:
            continue
        if not stat.S_ISREG(status.st_mode):
            raise BackendError(f"{file}: not a regular file", "Move it away, or name another file in settings.backend.")
        if ours and status.st_uid not in trusted:
            raise BackendError(
                f"{file} belongs to user {status.st_uid}, and this is user {os.geteuid()}",
                "A journal of somebody else says what they like: move it away, or run as its owner.",
            )
        if ours and status.st_mode & stat.S_IWOTH:
            raise BackendError(f"{file}: everybody may write to it", "Make sure of what is in it, then run chmod o-w.")


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


def open_engine(path: Path, busy_timeout: int, options: str = "mode=rw") -> Engine:
    """An engine on `path`, which must exist; a locked database is waited for `busy_timeout` milliseconds.

    `options` are those of an SQLite URI. Connects on first use.
    """
    uri = f"file:{quote(os.fsencode(path))}?{options}"
    engine = create_engine(
        "sqlite+pysqlite://", creator=lambda: sqlite3.connect(uri, uri=True), poolclass=NullPool, hide_parameters=True
    )

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


def readable_only(path: Path) -> str | None:
    """The options of a URI for a database that cannot be written here, such as one on a read-only mount; else None.

    In WAL mode reading takes files beside the database, which SQLite makes where it can. Where there are none nobody
    is writing either, and the file is all there is. Raises BackendError where they cannot be made and are needed.
    """
    effective = os.access in os.supports_effective_ids
    if all(os.access(place, os.W_OK, effective_ids=effective) for place in (path, path.parent)):
        return None
    log, index = (path.with_name(f"{path.name}{end}") for end in ("-wal", "-shm"))
    if not log.exists() or not log.stat().st_size:
        return "mode=ro&immutable=1"
    if index.exists():
        return "mode=ro"
    raise BackendError(
        f"{path}: its newest entries are in {log.name}, which can be read only where {path.parent} can be written",
        "Copy the database and that file to a directory of yours, and name the copy with --backend.",
    )


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


def watch(path: Path) -> Callable[[], Callable[[], None]]:
    """Watches over the database that `path` is now, one for each connection that stays open.

    A watch raises BackendError once the file is no longer the one that was opened, or its write-ahead log no longer the
    one of the first look: SQLite goes on writing to files that were removed, where no later run will ever find what it
    wrote. While a connection is open nobody but an intruder removes its log.
    """
    log = path.with_name(f"{path.name}-wal")
    opened = _identity(path)

    def begin() -> Callable[[], None]:
        first = _identity(log)

        def check() -> None:
            if (_identity(path), _identity(log)) != (opened, first):
                raise BackendError(
                    f"{path}: the database file or its log was removed or replaced during the run",
                    "Restore the file if you can, and run the command again.",
                )

        check()
        return check

    return begin


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = path.lstat()
    except FileNotFoundError:
        return None
    return (status.st_dev, status.st_ino)
