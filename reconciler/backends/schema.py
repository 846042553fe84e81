"""The tables, the same in SQLite and PostgreSQL. Times are whole milliseconds since the epoch (UTC); no floats."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite

from reconciler.backends.entries import ActionRecord, ActionState, ApprovalKind
from reconciler.exceptions import BackendError
from reconciler.tasks.resource_type import Action
from reconciler.tasks.timestamps import LATEST

if TYPE_CHECKING:
    from sqlalchemy import Connection, Insert, Row

VERSION = 9
"""Version of the tables below. Raise it together with a step in `upgrade.MIGRATIONS`."""

METADATA = MetaData()

schema_version = Table(
    "schema_version",
    METADATA,
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("tool_version", Text, nullable=False),  # the first tool that knows this version, for the refusal's text
)

runs = Table(
    "runs",
    METADATA,
    Column("run_id", Text, primary_key=True),
    Column("command", Text, nullable=False),
    Column("tool_version", Text, nullable=False),
    Column("plan_digest", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("started_at", BigInteger, nullable=False, index=True),
    Column("finished_at", BigInteger),
    Column("outcome", Text),
    Column("exit_code", Integer),
    Column("summary", Text),  # JSON: count per outcome
    Column("host", Text, nullable=False),
    Column("pid", BigInteger, nullable=False),
    Column("planned", Text),  # JSON: `Planned`; None: there was no plan, or an earlier version did not say
    Column("author", Text),  # JSON: `Author`; None, as the two below, in runs of versions that did not say
    Column("commit", Text),
    Column("approval", Text),
    Column("stop_asked_at", BigInteger),  # when somebody told all parts of the run to stop
    Column("requests", Text),  # JSON: count per target; None: an earlier version did not say, or there was no traffic
)

actions = Table(
    "actions",
    METADATA,
    # Numbers every intent in the order of its writing. SQLite counts only a column of type INTEGER by itself.
    Column("sequence", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("run_id", ForeignKey("runs.run_id"), nullable=False),
    Column("target", Text, nullable=False),
    Column("resource", Text, nullable=False),
    Column("task_id", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("intent_at", BigInteger, nullable=False),
    Column("result_at", BigInteger),
    Column("fault_meaning", Text),
    Column("fault_code", Text),
    Column("fault_message", Text),
    Column("http_status", Integer),
    Column("request_id", Text),
    Column("rate_group", Text),  # None: written by a version that did not say
    Column("settled_by", Text),  # the run that found the intent open and read the task back
    Column("policies", Text),  # names, separated by commas; None: written by a version that did not say
    UniqueConstraint("run_id", "target", "resource", "task_id", "action", "attempt", name="actions_attempt"),
)

_SHUT = text("state IN ('intent', 'done')")

# The gate of every call, kept by the database itself, whatever process asks: while an operation of a run is in
# flight or done, no further attempt at it can be written down.
Index(
    "actions_gate",
    actions.c.run_id,
    actions.c.target,
    actions.c.resource,
    actions.c.task_id,
    actions.c.action,
    unique=True,
    sqlite_where=_SHUT,
    postgresql_where=_SHUT,
)

UNSETTLED = text("state IN ('intent', 'uncertain')")
"""In the words of the index below, which SQLite uses for these words only."""

# Few rows are unsettled at any time, so that the question for them stays cheap however long the history grows.
Index("actions_unsettled", actions.c.rate_group, sqlite_where=UNSETTLED, postgresql_where=UNSETTLED)

_SETTLED = text("settled_by IS NOT NULL")

# Few rows were settled by another run, and when that one ends they are asked for.
Index("actions_settled", actions.c.settled_by, sqlite_where=_SETTLED, postgresql_where=_SETTLED)

outcomes = Table(
    "outcomes",
    METADATA,
    Column("run_id", ForeignKey("runs.run_id"), primary_key=True),
    Column("target", Text, primary_key=True),
    Column("resource", Text, primary_key=True),
    Column("task_id", Text, primary_key=True),
    Column("outcome", Text, nullable=False),
    Column("before", Text, nullable=False),
    Column("now", Text),
    Column("detail", Text, nullable=False),
    Column("policies", Text),  # as in actions
)

links = Table(  # the chain of the history, see `chain`
    "links",
    METADATA,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("form", Integer, nullable=False),
    Column("run_id", Text, unique=True),  # None: the first link, or one that says which runs were pruned
    Column("content", Text, nullable=False),
    Column("made_at", BigInteger, nullable=False),
    Column("calls", Integer),
    Column("marks", Text),  # of the digest of each row the first digits; None: the run was pruned
    Column("settled", Text),  # JSON: the calls of earlier runs that the run settled
    Column("hash", Text, nullable=False),
)

leases = Table(
    "leases",
    METADATA,
    Column("rate_group", Text, primary_key=True),
    Column("targets", Text),  # what the holder calls them, separated by commas
    Column("holder", Text),  # None: released. The row stays, so that its token never goes back
    Column("run_id", Text),  # the run that the holder executes a part of, whose end takes the lease; None: no part
    Column("host", Text),
    Column("pid", BigInteger),
    Column("token", BigInteger, nullable=False),
    Column("acquired_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
)

notices = Table(  # what receivers of notifications were told, and what is not over yet; see `notices.Subject`
    "notices",
    METADATA,
    Column("receiver", Text, primary_key=True),
    Column("event", Text, primary_key=True),
    Column("matter", Text, primary_key=True),
    Column("target", Text, primary_key=True),
    Column("resource", Text, primary_key=True),
    Column("policy", Text, primary_key=True),
    Column("extent", Text, primary_key=True),
    Column("digest", Text, nullable=False),
    Column("told_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
)

backlogs = Table(  # what the cycles of `run` saw, see `backlog.Backlog`
    "backlogs",
    METADATA,
    Column("resource", Text, primary_key=True),
    Column("taken_at", BigInteger, primary_key=True),
    Column("pending", BigInteger, nullable=False),
    Column("oldest", BigInteger),
    Column("complete", Integer, nullable=False),
)

_CLOSED = {
    "action": frozenset(map(str, Action)),
    "state": frozenset(map(str, ActionState)),
    "approval": frozenset(map(str, ApprovalKind)),
}
"""Values of columns that hold one of a few."""


def legible(table: Table, row: Row[tuple[object, ...]]) -> Row[tuple[object, ...]]:
    """A whole row of `table`, if each value is one that its column may hold: SQLite takes any value anywhere.

    Raises BackendError. Times are not judged in leases, where clocks of others stand.
    """
    for column in table.columns:
        value = row._mapping[column.name]
        if value is None and column.nullable:
            continue
        odd_time = column.name.endswith("_at") and table is not leases
        if (
            type(value) is not column.type.python_type
            or (odd_time and not 0 <= value <= LATEST * 1000)
            or value not in _CLOSED.get(column.name, {value})
        ):
            raise illegible(table, column.name)
    return row


def action_record(row: Row[tuple[object, ...]]) -> ActionRecord:
    """A whole row of `actions`. Raises BackendError."""
    values = dict(legible(actions, row)._mapping)
    policies = names(values.pop("policies"))
    action, state = Action(values.pop("action")), ActionState(values.pop("state"))
    return ActionRecord(action=action, state=state, policies=policies, **values)


def names(column: str | None) -> tuple[str, ...]:
    """What stands in a column of names, separated by commas."""
    return tuple(column.split(",")) if column else ()


def illegible(table: Table, column: str) -> BackendError:
    """What is said of a value that no version of this tool writes."""
    return BackendError(
        f"the journal is corrupt: {table.name}.{column} holds what no version of reconciler writes",
        "Move it away or restore it from a backup; a journal that others can write says what they like.",
    )


# Two statements that SQLAlchemy has no common form for, though both databases spell them alike.


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
