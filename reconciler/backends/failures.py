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

_CHECK_MODE = "Check the owner and mode of the file and its directory."

_SQLITE = {
    sqlite3.SQLITE_FULL: ("the disk is full", "Free some space; running the same command again finishes the work."),
    sqlite3.SQLITE_BUSY: ("another process keeps the database locked", "Find and end it, then run the command again."),
    sqlite3.SQLITE_LOCKED: (
        "another process keeps the database locked",
        "Find and end it, then run the command again.",
    ),
    sqlite3.SQLITE_READONLY: (
        "the database cannot be written",
        _CHECK_MODE,
    ),
    sqlite3.SQLITE_PERM: ("access is denied", _CHECK_MODE),
    sqlite3.SQLITE_CANTOPEN: ("the file cannot be opened", _CHECK_MODE),
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
    for origin in _origins(error):
        # The low byte of the code: extended codes refine it.
        if isinstance(origin, sqlite3.Error) and (code := getattr(origin, "sqlite_errorcode", 0) & 0xFF) in _SQLITE:
            what, advice = _SQLITE[code]
            return BackendError(f"{where}: {what} ({origin})", advice)
    origin = next(_origins(error))
    if isinstance(origin, OSError):
        return BackendError(f"{where}: {origin.strerror or origin}", _CHECK_MODE)
    lines = str(origin).splitlines()
    return BackendError(f"{where}: {lines[0] if lines else type(origin).__name__}", "Check the database and its log.")


def _origins(error: BaseException) -> Iterator[BaseException]:
    """The driver's error behind `error`, then those during whose handling it came up.

    SQLite gives up the whole transaction when the disk is full, so that the way out of a savepoint fails as well and
    hides why.
    """
    cause: BaseException | None = error
    while cause is not None:
        yield cause.orig if isinstance(cause, DBAPIError) and cause.orig is not None else cause
        cause = cause.__context__
