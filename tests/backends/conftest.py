"""Databases to test on: an SQLite file always, a PostgreSQL of our own where its programs and psycopg are there."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, text, update

from reconciler.backends.backend import Backend
from reconciler.backends.connect import connect
from reconciler.backends.entries import Intent, RunStart
from reconciler.backends.schema import VERSION, schema_version
from reconciler.tasks.resource_type import Action
from tests.postgresql_server import new_database, running_server

START = RunStart("apply", "0.1.0", "digest", "fingerprint")


STEPS_BACK = {
    9: ("runs.stop_asked_at", "runs.requests", "leases.run_id"),
    8: ("links", "actions_settled"),
    7: ("runs.author", 'runs."commit"', "runs.approval", "actions.policies", "outcomes.policies"),
    6: ("backlogs",),
    5: ("notices",),
    4: ("runs.planned",),
    3: ("leases.targets",),
}
"""What each version of the schema has more than the one before, tables and columns."""


def lead_back(connection: Connection, version: int) -> None:
    """Make an empty enough database one of an earlier version."""
    for step in range(VERSION, version, -1):
        for name in STEPS_BACK[step]:
            table, _, column = name.partition(".")
            kind = "INDEX" if name == "actions_settled" else "TABLE"
            connection.execute(text(f"ALTER TABLE {table} DROP COLUMN {column}" if column else f"DROP {kind} {table}"))
    connection.execute(update(schema_version).values(version=version))


@pytest.fixture
def start() -> RunStart:
    return START


@pytest.fixture
def intent() -> Callable[..., Intent]:
    def build(task_id: str = "1", action: Action = Action.CANCEL, attempt: int = 1, target: str = "prod") -> Intent:
        return Intent(target, "huaweicloud.mpc.transcoding", task_id, action, attempt)

    return build


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database, once of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/state/history.db"
    return str(request.getfixturevalue("postgresql_url"))


@pytest.fixture
def backend(url: str) -> Backend:
    return connect(url)


@pytest.fixture
def python() -> Callable[[str, str], subprocess.Popen[str]]:
    """Start a Python program with one argument; its output is text."""

    def begin(program: str, argument: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-W", "error", "-c", program, argument]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
        return subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
        )

    return begin


@pytest.fixture
def postgresql_url(postgresql_server: Path) -> str:
    return new_database(postgresql_server)


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[Path]:
    """The directory with the socket of a PostgreSQL server started for this session."""
    with running_server() as directory:
        yield directory
