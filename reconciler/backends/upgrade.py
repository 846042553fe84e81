"""Bringing a database to the schema that this version of the tool knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import inspect, select, text, update

from reconciler import __version__
from reconciler.backends import chain
from reconciler.backends.schema import METADATA, VERSION, actions, illegible, leases, legible, schema_version
from reconciler.config.model import group_of
from reconciler.exceptions import BackendError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlalchemy import Connection

    from reconciler.backends.backend import Backend


def _name_groups(connection: Connection) -> None:
    """The rate-limit group of each call, by which it is settled also once its target has another name."""
    connection.execute(text("ALTER TABLE actions ADD COLUMN rate_group TEXT"))
    connection.execute(text("DROP INDEX actions_open"))
    connection.execute(
        text("CREATE INDEX actions_unsettled ON actions (rate_group) WHERE state IN ('intent', 'uncertain')")
    )


def _hide_accounts(connection: Connection) -> None:
    """Groups no longer show the account, which may have come from a variable.

    An apply of an earlier version that still runs finds its lease gone, and sends nothing more; the lease goes on under
    the new name, so that nobody else begins before it would have ended.
    """
    connection.execute(text("ALTER TABLE leases ADD COLUMN targets TEXT"))
    for group in (leases.c.rate_group, actions.c.rate_group):
        for before in connection.execute(select(group).distinct().where(group.is_not(None))).scalars().all():
            provider, _, account = before.partition("/")
            named = update(group.table).where(group == before).values(rate_group=group_of(provider, account))
            connection.execute(named)


def _say_what_was_planned(connection: Connection) -> None:
    """What each run set out to do, and what it left alone."""
    connection.execute(text("ALTER TABLE runs ADD COLUMN planned TEXT"))


def _remember_what_was_told(connection: Connection) -> None:
    """What receivers of notifications know, so that they are told no more than what is new, or over."""
    keys = ("receiver", "event", "matter", "target", "resource", "policy", "extent")
    texts = "".join(f"{name} TEXT NOT NULL, " for name in (*keys, "digest"))
    times = "told_at BIGINT NOT NULL, seen_at BIGINT NOT NULL"
    connection.execute(text(f"CREATE TABLE notices ({texts}{times}, PRIMARY KEY ({', '.join(keys)}))"))


def _see_backlogs(connection: Connection) -> None:
    """What the cycles of `run` saw."""
    columns = "resource TEXT NOT NULL, taken_at BIGINT NOT NULL, pending BIGINT NOT NULL, oldest BIGINT"
    keys = "complete INTEGER NOT NULL, PRIMARY KEY (resource, taken_at)"
    connection.execute(text(f"CREATE TABLE backlogs ({columns}, {keys})"))


def _say_who_and_why(connection: Connection) -> None:
    """Who made a run, from which commit and how approved, and the policies behind each call and outcome."""
    for table, columns in (
        ("runs", ("author", '"commit"', "approval")),
        ("actions", ("policies",)),
        ("outcomes", ("policies",)),
    ):
        for column in columns:
            connection.execute(text(f"ALTER TABLE {table} ADD COLUMN {column} TEXT"))


def _begin_the_chain(connection: Connection) -> None:
    """Hashes over what each run wrote. What is there by now stays without."""
    connection.execute(text("CREATE INDEX actions_settled ON actions (settled_by) WHERE settled_by IS NOT NULL"))
    columns = "form INTEGER NOT NULL, run_id TEXT UNIQUE, content TEXT NOT NULL, made_at BIGINT NOT NULL"
    kept = "calls INTEGER, marks TEXT, settled TEXT, hash TEXT NOT NULL"
    connection.execute(text(f"CREATE TABLE links (number BIGINT PRIMARY KEY, {columns}, {kept})"))
    chain.begin(connection)


def _share_runs(connection: Connection) -> None:
    """What many processes that record one run must know of it, and how much each target took."""
    for column in ("runs ADD COLUMN stop_asked_at BIGINT", "runs ADD COLUMN requests TEXT"):
        connection.execute(text(f"ALTER TABLE {column}"))
    connection.execute(text("ALTER TABLE leases ADD COLUMN run_id TEXT"))


MIGRATIONS: Mapping[int, Callable[[Connection], None]] = {
    1: _name_groups,
    2: _hide_accounts,
    3: _say_what_was_planned,
    4: _remember_what_was_told,
    5: _see_backlogs,
    6: _say_who_and_why,
    7: _begin_the_chain,
    8: _share_runs,
}
"""Step that leads from the version in the key to the next one; run inside one transaction."""


class NoJournal(BackendError):  # noqa: N818 - reads as what it is: a state of affairs
    """Nothing was ever written there by this tool."""

    def __init__(self, where: str) -> None:
        super().__init__(f"{where}: there is no journal in it", "The first apply makes it.")


def ensure_schema(backend: Backend, *, create: bool) -> None:
    """Upgrade the tables, and `create` them where there are none; several processes may do so at once.

    Raises NoJournal where there are none and none are to be made, BackendError where a newer version of the tool made
    them, or they are older and cannot be written.
    """
    with backend.reading() as connection:
        found = _version(connection, backend.where)
    if found == VERSION:
        return
    if found is None and not create:
        raise NoJournal(backend.where)
    if backend.read_only:
        raise BackendError(
            f"{backend.where} is of an earlier version, and cannot be upgraded since it cannot be written here",
            "Copy it to a directory of yours, and name the copy with --backend.",
        )
    with backend.writing() as connection:
        backend.exclude_others(connection)
        _bring_up(connection, _version(connection, backend.where))


def _bring_up(connection: Connection, found: int | None) -> None:
    if found is None:
        # A table of the same name that is not ours must not be taken for ours: no check for existing ones.
        METADATA.create_all(connection, checkfirst=False)
        chain.begin(connection)
        connection.execute(schema_version.insert().values(version=VERSION, tool_version=__version__))
        return
    for version in range(found, VERSION):
        MIGRATIONS[version](connection)
    if found < VERSION:
        connection.execute(update(schema_version).values(version=VERSION, tool_version=__version__))


def _version(connection: Connection, where: str) -> int | None:
    """The version found, None in an empty database; BackendError where it is newer than ours."""
    if not inspect(connection).has_table(schema_version.name):
        return None
    row = connection.execute(select(schema_version)).first()
    if row is None:
        raise BackendError(f"{where}: the table schema_version is empty", "Restore the database from a backup.")
    if legible(schema_version, row).version < 1:
        raise illegible(schema_version, "version")
    if row.version > VERSION:
        raise BackendError(
            f"{where} has schema version {row.version}; reconciler {__version__} knows versions up to {VERSION}",
            f"Use reconciler {row.tool_version} or newer with this database.",
        )
    return int(row.version)
