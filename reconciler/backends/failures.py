"""Database errors in the user's words: what happened, where, what to do."""

from __future__ import annotations

import re
import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from reconciler.exceptions import BackendError

if TYPE_CHECKING:
    from collections.abc import Iterator

_CHECK_MODE = "Check the owner and mode of the file and its directory, or name another file in settings.backend."

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

_USER = (
    "the server refuses the user or the password",
    "Check both (settings.backend, its variables, PGPASSWORD, ~/.pgpass), and what pg_hba.conf allows.",
)
_NO_DATABASE = ("there is no such database", "Create it, or name another one in settings.backend.")
_CROWDED = ("the server takes no more connections", "Wait, raise max_connections, or put pgbouncer in between.")
_READ_ONLY = (
    "the server only reads, as a standby does",
    "Name the primary in settings.backend, or add ?target_session_attrs=read-write.",
)
_OPTION = (
    "an option of the connection cannot be used",
    "Check the port and what stands behind `?` in settings.backend, and the PG* variables.",
)
_STOPPING = ("the server is starting or shutting down", "Run the command again once it is up.")
_CUT = (
    "the connection was lost",
    "Check the server and the network; running the same command again finishes the work.",
)

# By SQLSTATE, or the class that it begins with: https://www.postgresql.org/docs/current/errcodes-appendix.html
_SQLSTATES = {
    "08": _CUT,
    "25006": _READ_ONLY,
    "28": _USER,
    "3D": _NO_DATABASE,
    "42501": (
        "the user may not do this",
        "Grant CREATE on the schema, or all rights on the tables in it.",
    ),
    "53100": ("the disk of the server is full", "Free some space; running the same command again finishes the work."),
    "53300": _CROWDED,
    "25P03": ("this process stood still while it wrote", "Run the command again; it finishes the work."),
    "55P03": ("another process keeps rows locked", "Find and end it, then run the command again."),
    "57P": _STOPPING,
}

# What libpq says before there is a server to give a code, and what poolers say; the first that fits counts.
_WORDS = (
    ("could not translate host name|failed to resolve host|name or service not known", (
        "the host is not known", "Check the host in settings.backend, and DNS.")),
    ("password authentication failed|no password supplied|pg_hba.conf|role .* does not exist|authentication", _USER),
    ("database .* does not exist|no such database", _NO_DATABASE),
    ("too many (clients|connections)|connection slots|no more connections|max_client_conn", _CROWDED),
    ("read-only|during recovery|not accept.* read-write", _READ_ONLY),
    ("connection option|bad value for|invalid (port|sslmode|integer|connection)", _OPTION),
    ("ssl|tls|certificate", (
        "the encrypted connection cannot be made",
        "Check sslmode and sslrootcert in settings.backend, and the server's certificate.")),
    ("starting up|shutting down|administrator command", _STOPPING),
    ("connection refused|no such file or directory", (
        "nobody answers there", "Check host and port in settings.backend, and that the server runs.")),
    ("permission denied", (
        "this user may not connect to it", "Check the mode of the socket, and of the directories above it.")),
    ("timeout expired|timed out|timeout", (
        "no answer came in time", "Check host and port in settings.backend, and firewalls on the way.")),
    ("server closed|connection is (lost|closed)|broken pipe|connection reset|could not (send|receive)", _CUT),
    # psycopg begins with "connection is bad" whatever libpq says next.
    ("connection to server (at|on) .*failed", (
        "it cannot be reached", "Check host and port in settings.backend, and the network on the way.")),
    ("connection is bad", _CUT),
)  # fmt: skip

_QUOTED = re.compile(r""""[^"]*"|'[^']*'""")
"""Names of hosts, users and databases, which may say anything."""

_HOPELESS = ("28", "3D", "42", "53100", "54")
"""SQLSTATEs that another connection does not mend."""


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
    known = None if isinstance(origin, sqlite3.Error) else _of_server(origin)
    if known is not None:
        return BackendError(f"{where}: {known[0]}", known[1])
    lines = str(origin).splitlines()
    return BackendError(f"{where}: {lines[0] if lines else type(origin).__name__}", "Check the database and its log.")


def may_pass(error: BaseException) -> bool:
    """Whether the same request may succeed over another connection."""
    origin = next(_origins(error))
    return not _sqlstate(origin).startswith(_HOPELESS) and _of_server(origin) not in (_USER, _NO_DATABASE, _OPTION)


def exceeds_limits(error: Exception) -> bool:
    """Whether a value is larger than the database can take: an id that is too long for an index of PostgreSQL."""
    return _sqlstate(next(_origins(error))).startswith("54")


def _of_server(origin: BaseException) -> tuple[str, str] | None:
    """What PostgreSQL, libpq or a pooler means: what happened, and what to do. None where that is not in the tables.

    Their own words stay out where the cause is known: they may quote what is in a URL.
    """
    if not hasattr(origin, "sqlstate"):
        return None
    state = _sqlstate(origin)
    by_state = next((known for start, known in _SQLSTATES.items() if state.startswith(start)), None)
    if state and by_state is not _CUT:
        return by_state
    said = _QUOTED.sub("", str(origin).lower())
    return next((known for words, known in _WORDS if re.search(words, said)), by_state)


def _sqlstate(origin: BaseException) -> str:
    """The server's code for an error; empty where it gave none."""
    return str(getattr(origin, "sqlstate", None) or "")


def _origins(error: BaseException) -> Iterator[BaseException]:
    """The driver's error behind `error`, then those during whose handling it came up.

    SQLite gives up the whole transaction when the disk is full, so that the way out of a savepoint fails as well and
    hides why.
    """
    cause: BaseException | None = error
    while cause is not None:
        yield cause.orig if isinstance(cause, DBAPIError) and cause.orig is not None else cause
        cause = cause.__context__
