"""PostgreSQL through psycopg 3: for teams, whose runs on several machines must exclude each other.

Nothing outlasts a transaction, so that pgbouncer may stand in between, which lends a connection for one transaction:
no prepared statements, settings and locks of the transaction only.
"""

from __future__ import annotations

import importlib.util
import logging

from sqlalchemy import URL, Connection, Engine, NullPool, QueuePool, create_engine, event, text

from reconciler.exceptions import BackendError

PATIENCE = 20.0
"""Seconds for which a lost connection is made anew: a server restarts within them, and a lease outlives them."""

CONNECTIONS = 2
"""Connections of one journal at most: its writer's, and one for the heartbeat of the locks and for questions. While it
writes nothing it keeps one. So fifty processes hardly need more than a server permits by default, and where it takes no
more for a moment, they try again."""

_SILENCE = 8.0
"""Seconds until a connection is given up over which nobody answers. One that was kept may be dead without a word; the
heartbeat then has the time to make another, before the lock expires."""

_IDLE = 5.0
"""Seconds until the server gives up on a process that has begun to write and asks for nothing more, since it is frozen:
whoever executes its work again waits for the rows that it locks."""

_NOW = text("SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)")
_SCHEMA_LOCK = text("SELECT pg_advisory_xact_lock(7236832491)")  # any number that nobody else uses
# A host that went away without a word is noticed within seconds, and not after the hours of the system's own defaults.
# What the URL says comes first. https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS
_CONNECTION = {
    "connect_timeout": "10",
    "tcp_user_timeout": f"{_SILENCE * 1000:.0f}",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "2",
}

# An acknowledged commit must be on disk. Stricter settings of the server (remote_apply) stay.
_SETTINGS = (
    "set_config('lock_timeout', '{lock_timeout:d}', true), "
    "set_config('synchronous_commit', CASE current_setting('synchronous_commit') WHEN 'off' THEN 'on' "
    "ELSE current_setting('synchronous_commit') END, true)"
)
_OF_WRITERS = f"set_config('idle_in_transaction_session_timeout', '{_IDLE * 1000:.0f}', true), txid_current()"
_STATUS = text("SELECT txid_status(CAST(:mark AS BIGINT))")
_MARK = "reconciler.transaction"
_POOL = {"poolclass": QueuePool, "pool_size": 1, "max_overflow": CONNECTIONS - 1, "pool_pre_ping": True}

for _name in ("psycopg", "sqlalchemy"):
    # They log what they do about a connection that is lost. What matters of it is in our own message.
    logging.getLogger(_name).addHandler(logging.NullHandler())
    logging.getLogger(_name).propagate = False


def open_engine(url: URL, busy_timeout: int, *, pooled: bool) -> Engine:
    """An engine on `url`; a locked row is waited for `busy_timeout` milliseconds. Connects on first use.

    `pooled`: it keeps a connection open between transactions, until it is disposed of, and has `CONNECTIONS` at most.

    Raises BackendError where psycopg is not installed.
    """
    if importlib.util.find_spec("psycopg") is None:
        raise BackendError(
            "the backend is PostgreSQL, but its driver psycopg is not installed",
            "Install it: pip install media-reconciler[postgresql]",
        )
    url = url.update_query_dict({name: value for name, value in _CONNECTION.items() if name not in url.query})
    engine = create_engine(
        url.set(drivername="postgresql+psycopg"),
        **(_POOL | {"pool_timeout": busy_timeout / 1000} if pooled else {"poolclass": NullPool}),
        hide_parameters=True,
        isolation_level="READ COMMITTED",  # what the gate and the leases are built on, whatever the server's default
        connect_args={"prepare_threshold": None},
    )
    settings = _SETTINGS.format(lock_timeout=busy_timeout)

    @event.listens_for(engine, "begin")
    def configure(connection: Connection) -> None:
        writes = connection.get_execution_options().get("writes", False)
        row = connection.exec_driver_sql(f"SELECT {settings}, {_OF_WRITERS if writes else 'NULL'}").one()
        connection.info[_MARK] = row[-1]

    return engine


def transaction_mark(connection: Connection) -> str | None:
    """The id of the transaction that `connection` is in, or was in last; None where it only reads."""
    mark = connection.info.get(_MARK)
    return None if mark is None else str(mark)


def goes_on(connection: Connection, mark: str) -> bool:
    """Whether a transaction is in progress, of this id at least.

    That one of this id was committed says nothing: a server that crashed gives ids again which it had not yet written
    down, so that it may have been another's.
    """
    return bool(connection.execute(_STATUS, {"mark": mark}).scalar() == "in progress")


def exclude_others(connection: Connection) -> None:
    """Let one process at a time create or upgrade the tables; held to the end of the transaction."""
    connection.execute(_SCHEMA_LOCK)


def database_clock(connection: Connection) -> int:
    """Milliseconds since the epoch by the server's clock."""
    return int(connection.execute(_NOW).scalar_one())
