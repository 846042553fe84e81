"""Databases to test on: an SQLite file always, a PostgreSQL of our own where its programs and psycopg are there."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reconciler.backends.backend import Backend
from reconciler.backends.connect import connect
from reconciler.backends.entries import Intent, RunStart
from reconciler.tasks.resource_type import Action
from tests.postgresql_server import new_database, running_server

START = RunStart("apply", "0.1.0", "digest", "fingerprint")


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
