"""Database errors in the user's words: what happened, where, what to do."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from reconciler.exceptions import BackendError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["backend_error", "translated"]

_SQLITE = {
    sqlite3.SQLITE_FULL: ("the disk is full", "Free some space; running the same command again finishes the work."),
    sqlite3.SQLITE_BUSY: ("another process keeps the database locked", "Find and end it, then run the command again."),
    sqlite3.SQLITE_LOCKED: (
        "another process keeps the database locked",
        "Find and end it, then run the command again.",
    ),
    sqlite3.SQLITE_READONLY: (
        "the database cannot be written",
        "Check the owner and mode of the file and its directory.",
    ),
    sqlite3.SQLITE_PERM: ("access is denied", "Check the owner and mode of the file and its directory."),
    sqlite3.SQLITE_CANTOPEN: ("the file cannot be opened", "Check the owner and mode of the file and its directory."),
    sqlite3.SQLITE_NOTADB: ("the file is not an SQLite database", "Point settings.backend at another file."),
    sqlite3.SQLITE_CORRUPT: ("the database is corrupt", "Move the file away or restore it from a backup."),
    sqlite3.SQLITE_IOERR: ("the disk reports an error", "Check the disk; the file may have been cut or removed."),
}


@contextmanager
def translated(where: str) -> Iterator[None]:
    """Raise what the database or the file system says in this block as BackendError. `where` names the database."""
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error, OSError) as error:
        raise backend_error(error, where) from error


def backend_error(error: Exception, where: str) -> BackendError:
    """`error` as BackendError. No statement and no parameter gets into the text, only the database's own words."""
    origin = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    if isinstance(origin, sqlite3.Error):
        code = getattr(origin, "sqlite_errorcode", 0) & 0xFF  # the low byte: extended codes refine it
        if code in _SQLITE:
            what, advice = _SQLITE[code]
            return BackendError(f"{where}: {what} ({origin})", advice)
    if isinstance(origin, OSError):
        return BackendError(
            f"{where}: {origin.strerror or origin}", "Check the owner and mode of the file and its directory."
        )
    lines = str(origin).splitlines()
    return BackendError(f"{where}: {lines[0] if lines else type(origin).__name__}", "Check the database and its log.")
