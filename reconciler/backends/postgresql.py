"""PostgreSQL through psycopg 3: for teams, whose runs on several machines must exclude each other."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, event, text

from reconciler.exceptions import BackendError

if TYPE_CHECKING:
    from sqlalchemy.engine.interfaces import DBAPIConnection
    from sqlalchemy.pool import ConnectionPoolEntry

__all__ = ["database_clock", "exclude_others", "open_engine"]

_NOW = text("SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)")
_SCHEMA_LOCK = text("SELECT pg_advisory_xact_lock(7236832491)")  # any number that nobody else uses
_CONNECT_TIMEOUT = 10
"""Seconds."""


def open_engine(url: URL, busy_timeout: int) -> Engine:
    """An engine on `url`; a locked row is waited for `busy_timeout` milliseconds. Connects on first use.

    Raises BackendError where psycopg is not installed.
    """
    if importlib.util.find_spec("psycopg") is None:
        raise BackendError(
            "the backend is PostgreSQL, but its driver psycopg is not installed",
            "Install it: pip install media-reconciler[postgresql]",
        )
    if "connect_timeout" not in url.query:
        url = url.update_query_dict({"connect_timeout": str(_CONNECT_TIMEOUT)})
    engine = create_engine(
        url.set(drivername="postgresql+psycopg"),
        poolclass=NullPool,
        hide_parameters=True,
        isolation_level="READ COMMITTED",  # what the gate and the leases are built on, whatever the server's default
    )

    @event.listens_for(engine, "connect")
    def configure(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
        cursor = connection.cursor()
        cursor.execute(f"SET lock_timeout = {busy_timeout:d}")
        # An acknowledged commit must be on disk. Stricter settings of the server (remote_apply) stay.
        cursor.execute(
            "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
        )
        cursor.close()
        connection.commit()

    return engine


def exclude_others(connection: Connection) -> None:
    """Let one process at a time create or upgrade the tables; held to the end of the transaction."""
    connection.execute(_SCHEMA_LOCK)


def database_clock(connection: Connection) -> int:
    """Milliseconds since the epoch by the server's clock."""
    return int(connection.execute(_NOW).scalar_one())
