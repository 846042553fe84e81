"""Opening a backend from its URL."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from functools import partial
from pathlib import Path
from urllib.parse import unquote, unquote_to_bytes

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from reconciler.backends import postgresql, sqlite
from reconciler.backends.backend import Backend
from reconciler.backends.failures import translated
from reconciler.backends.upgrade import ensure_schema
from reconciler.config.model import DatabaseUrl
from reconciler.exceptions import BackendError
from reconciler.redaction import masked

BUSY_TIMEOUT = 10_000
"""Milliseconds that a locked database is waited for; well below the expiry of a lease, which must be renewed."""

_FORMS = "Use sqlite:///path/to/file.db or postgresql://user@host/database."

_SQLITE = re.compile(r"sqlite(?:\+pysqlite)?:///(?P<path>[^?#]+)")
_POSTGRESQL = re.compile(r"(?:postgres|postgresql(?:\+psycopg)?)://")


def database_file(url: str) -> Path | None:
    """The file that an SQLite URL names, percent-decoded; None where the URL is of another kind or names none.

    Raises BackendError where it counts from a directory that is gone."""
    named = _SQLITE.fullmatch(url)
    if named is None or named["path"] == ":memory:":
        return None
    path = os.fsdecode(unquote_to_bytes(named["path"].encode("utf-8", "surrogateescape")))
    try:
        return None if "\0" in path else Path(path).absolute()
    except FileNotFoundError:
        raise BackendError("the database stands in the current directory, which does not exist any more") from None


def connect(
    url: str, *, create: bool = True, busy_timeout: int = BUSY_TIMEOUT, wait: float = 0.0, pooled: bool = False
) -> Backend:
    """Open the database at `url` and bring its schema up to date.

    A server that does not answer is waited for `wait` seconds, now and whenever it goes away later. `pooled`: a
    connection to it is kept open, until the engine is disposed of.

    `create`: whether a missing SQLite file, and missing tables, are made; where not, NoJournal is raised, and a file
    that cannot be written is opened for reading. A relative path counts from the current directory, now; later changes
    of directory do not matter. Raises BackendError:
    unknown kind of URL, missing driver, not writable, corrupt, not a database, not ours, made by a newer version. What
    variables gave to the URL is in no message, of the backend that is returned either.
    """
    given = url.masked if isinstance(url, DatabaseUrl) else {}
    try:
        backend = _opened(url, busy_timeout, create=create, pooled=pooled)
    except BackendError as error:
        raise BackendError(masked(error.message, given), masked(error.hint, given)) from error.__cause__
    backend = replace(backend, where=masked(backend.where, given))
    try:
        # A server may come back.
        replace(backend, patience=wait).persistently(partial(ensure_schema, backend, create=create))
    except BaseException:  # cut off as well: nobody else would close its connections
        backend.engine.dispose()
        raise
    return replace(backend, patience=max(backend.patience, wait)) if backend.patience else backend


def _opened(url: str, busy_timeout: int, *, create: bool, pooled: bool) -> Backend:
    kind = url.partition(":")[0]
    if kind in {"sqlite", "sqlite+pysqlite"}:
        path = database_file(url)
        if path is None:
            raise BackendError(
                "settings.backend must name a file, and nothing else",
                "Use sqlite:///path/to/file.db; in the path, write % as %25, ? as %3F and # as %23.",
            )
        return _open_sqlite(path, busy_timeout, create=create)
    if _POSTGRESQL.match(url):
        return _open_postgresql(_parsed(url), busy_timeout, pooled=pooled)
    if re.match(r"[a-z][a-z0-9+]*:", url):
        raise BackendError(f"settings.backend is of kind {kind!r}, which is not supported", _FORMS)
    # The text is not repeated: it may hold a password.
    raise BackendError("settings.backend is not a database URL", _FORMS)


def _parsed(url: str) -> URL:
    """The parts of a PostgreSQL URL. What does not fit into one is not repeated: it may be a piece of a password."""
    try:
        parts = make_url(url)
    except (ArgumentError, ValueError):
        raise BackendError("settings.backend is not a database URL", _FORMS) from None
    if any("@" in (part or "") for part in (parts.host, parts.database)):
        raise BackendError(
            "settings.backend has an `@` in a place that it cannot have",
            "In a user or a password, write @ as %40, / as %2F, ? as %3F, # as %23, : as %3A and % as %25.",
        )
    if parts.host and parts.host.lower().startswith("%2f"):  # a directory of sockets, as libpq writes it in a URL
        return parts.set(host=unquote(parts.host))
    return parts


def _open_sqlite(path: Path, busy_timeout: int, *, create: bool) -> Backend:
    where = str(path)
    if not create and not path.exists():
        raise BackendError(f"{where}: no such database", "The first apply makes it.")
    with translated(where):
        sqlite.check_links(path)
        if create:
            sqlite.create_file(path)
        sqlite.check_files(path, ours=create)
        options = None if create else sqlite.readable_only(path)
        if options is not None:
            engine = sqlite.open_engine(path, busy_timeout, options)
            return Backend(engine, where, sqlite.database_clock, read_only=True)
        engine = sqlite.open_engine(path, busy_timeout)
        if create:  # whoever only looks leaves a file as it is: it may be of another program
            sqlite.use_write_ahead_log(engine, busy_timeout)
        return Backend(engine, where, sqlite.database_clock, watch=sqlite.watch(path))


def _open_postgresql(url: URL, busy_timeout: int, *, pooled: bool) -> Backend:
    try:
        engine = postgresql.open_engine(url, busy_timeout, pooled=pooled)
    except (ArgumentError, ValueError):
        advice = "Check the port and what stands behind `?` in settings.backend."
        raise BackendError("an option of the connection cannot be used", advice) from None
    where = url.set(password=None, query={}).render_as_string(hide_password=True)
    return Backend(
        engine,
        where,
        postgresql.database_clock,
        postgresql.exclude_others,
        patience=postgresql.PATIENCE,
        mark=postgresql.transaction_mark,
        goes_on=postgresql.goes_on,
        pooled=pooled,
    )
