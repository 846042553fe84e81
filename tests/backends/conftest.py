"""Databases to test on: an SQLite file always, a PostgreSQL of our own where its programs and psycopg are there."""

from __future__ import annotations

import importlib.util
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from reconciler.backends.connect import connect
from reconciler.backends.entries import Intent, RunStart
from reconciler.tasks.resource_type import Action
from reconciler.tasks.task import TaskKey

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from reconciler.backends.backend import Backend

START = RunStart("apply", "0.1.0", "digest", "fingerprint")


@pytest.fixture
def start() -> RunStart:
    return START


@pytest.fixture
def intent() -> Callable[..., Intent]:
    def build(task_id: str = "1", action: Action = Action.CANCEL, attempt: int = 1, target: str = "prod") -> Intent:
        return Intent(TaskKey(target, "huaweicloud.mpc.transcoding", task_id), action, attempt)

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
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )

    return begin


@pytest.fixture
def postgresql_url(postgresql_server: Path) -> str:
    name = f"test_{secrets.token_hex(6)}"
    base = f"postgresql+psycopg://tester@/{{}}?host={postgresql_server}"
    from sqlalchemy import NullPool, create_engine, text  # noqa: PLC0415 - only where there is a server

    engine = create_engine(base.format("postgres"), poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    return base.format(name).replace("+psycopg", "")


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[Path]:
    """The directory with the socket of a PostgreSQL server started for this session, without network."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"))
    if not programs:
        pytest.skip("no PostgreSQL server programs under /usr/lib/postgresql")
    if importlib.util.find_spec("psycopg") is None:
        pytest.skip("psycopg is not installed: pip install psycopg[binary]")
    with _server(programs[-1].parent) as directory:
        yield directory


@contextmanager
def _server(programs: Path) -> Iterator[Path]:
    directory = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    # The server refuses to run as root; its package brings a user for it.
    user = "postgres" if os.getuid() == 0 else None
    if user:
        shutil.chown(directory, user)
    data = directory / "data"

    def run(program: str, *arguments: str) -> None:
        subprocess.run(
            [programs / program, "-D", data, *arguments],
            check=True,
            user=user,
            cwd=directory,
            stdout=subprocess.DEVNULL,
        )

    try:
        run("initdb", "--auth=trust", "--username=tester", "--no-sync")
        run("pg_ctl", "-w", "-l", str(directory / "log"), "-o", f"-c listen_addresses= -k {directory}", "start")
        try:
            yield directory
        finally:
            run("pg_ctl", "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(directory, ignore_errors=True)
