"""Opening a backend from its URL."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from reconciler.backends import postgresql, sqlite
from reconciler.backends.backend import Backend
from reconciler.backends.failures import translated
from reconciler.backends.upgrade import ensure_schema
from reconciler.exceptions import BackendError

__all__ = ["BUSY_TIMEOUT", "connect"]

BUSY_TIMEOUT = 10_000
"""Milliseconds that a locked database is waited for; well below the expiry of a lease, which must be renewed."""

_FORMS = "Use sqlite:///path/to/file.db or postgresql://user@host/database."


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
