"""The two statements that SQLAlchemy has no common form for, though both databases spell them alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy.dialects import postgresql, sqlite

if TYPE_CHECKING:
    from sqlalchemy import Connection, Insert, Table

__all__ = ["insert_ignoring", "insert_replacing"]


def _insert(connection: Connection, table: Table) -> sqlite.Insert | postgresql.Insert:
    return postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)


def insert_ignoring(connection: Connection, table: Table) -> Insert:
    """An insert that skips rows which a unique index refuses; `rowcount` of its result counts those taken."""
    statement = _insert(connection, table).on_conflict_do_nothing()
    return statement.execution_options(preserve_rowcount=True)


def insert_replacing(connection: Connection, table: Table) -> Insert:
    """An insert that overwrites the row of the same primary key."""
    statement = _insert(connection, table)
    keys = [column.name for column in table.primary_key]
    values = {column.name: statement.excluded[column.name] for column in table.columns if column.name not in keys}
    return statement.on_conflict_do_update(index_elements=keys, set_=values)
