"""A PostgreSQL server of our own for the tests: its own data, no network, gone afterwards."""

import importlib.util
import os
import pwd
import re
import secrets
import select
import shutil
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

import pytest

_DEBIAN = Path("/usr/lib/postgresql")


@contextmanager
def running_server() -> Iterator[Path]:
    """Start a server, and give the directory with its socket. Skips the test where there can be none."""
    programs = _programs()
    if programs is None:
        pytest.skip(f"no PostgreSQL server programs under {_DEBIAN} or on PATH (Debian: apt-get install postgresql)")
    if importlib.util.find_spec("psycopg") is None:
        pytest.skip("psycopg is not installed: pip install 'psycopg[binary]'")
    user = _user()
    if user is not None and user not in {entry.pw_name for entry in pwd.getpwall()}:
        pytest.skip("PostgreSQL does not run as root, and there is no user postgres to run it as")
    with _server(user) as directory:
        yield directory


def start(server: Path) -> None:
    """Start a server on what is in its directory, and wait until it answers."""
    _run(server, "pg_ctl", "-w", "-l", str(server / "log"), "-o", f"-c listen_addresses= -k {server}", "start")


def stop(server: Path) -> None:
    """End a server in the midst of what it does, as a crash would."""
    _run(server, "pg_ctl", "-w", "-m", "immediate", "stop")


def _run(server: Path, program: str, *arguments: str) -> None:
    programs = _programs()
    assert programs is not None
    words = [str(programs / program), "-D", str(server / "data"), *arguments]
    subprocess.run(words, check=True, user=_user(), cwd=server, stdout=subprocess.DEVNULL)


def _user() -> str | None:
    """Whom it runs as: not as root, for whom its package brings another user."""
    return "postgres" if os.getuid() == 0 else None


@contextmanager
def pooled(url: str, server: Path) -> Iterator[str]:
    """The URL of the same database behind a pgbouncer that lends its one connection for a transaction at a time."""
    program = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin")
    if program is None:
        pytest.skip("pgbouncer is not installed (Debian: apt-get install pgbouncer)")
    directory = Path(tempfile.mkdtemp(prefix="pgb-", dir="/tmp"))
    configuration = directory / "pgbouncer.ini"
    configuration.write_text(
        f"[databases]\n* = host={server} user=tester\n"
        f"[pgbouncer]\nlisten_addr =\nunix_socket_dir = {directory}\nauth_type = any\npool_mode = transaction\n"
        "default_pool_size = 1\n"
    )
    user = _user()
    if user:
        shutil.chown(directory, user)
    log = directory / "log"
    with log.open("w") as output:
        process = subprocess.Popen([program, configuration], user=user, stdout=output, stderr=output)
    try:
        while not _listens(directory / ".s.PGSQL.6432"):
            assert process.poll() is None, log.read_text()
        yield f"{url.partition('?')[0]}?host={directory}&port=6432"
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(directory, ignore_errors=True)


def _listens(path: Path) -> bool:
    """Whether somebody listens there; a socket is in its place before that."""
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0


def new_database(server: Path) -> str:
    """The URL of an empty database on the server whose socket is in `server`."""
    from sqlalchemy import NullPool, create_engine, text  # noqa: PLC0415 - only where there is a server

    name = f"test_{secrets.token_hex(6)}"
    base = f"postgresql+psycopg://tester@/{{}}?host={server}"
    engine = create_engine(base.format("postgres"), poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    return base.format(name).replace("+psycopg", "")


class Wire:
    """A way to the server that a test breaks. Whoever comes later is let through, unless it is `refusing`; once it is
    `silent` nobody hears anything more, whether connected before or later."""

    def __init__(self, server: Path, directory: Path) -> None:
        self.directory = directory
        self.refusing = self.silent = False
        self.broken, self.refused = threading.Event(), threading.Event()
        self._words, self._before = b"", False
        self._server = str(server / ".s.PGSQL.5432")
        self._closed = threading.Event()
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(directory / ".s.PGSQL.5432"))
        self._listener.listen()
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def breaks(self, words: bytes, *, before: bool = True) -> None:
        """Break the first connection that sends `words`: before the server sees them, or after it has answered."""
        self._words, self._before = words, before
        self.broken.clear()

    @classmethod
    @contextmanager
    def to(cls, server: Path) -> Iterator[Self]:
        # Not pytest's directory: the path of a socket may not be longer than about a hundred characters.
        with tempfile.TemporaryDirectory(prefix="wire-", dir="/tmp") as directory:
            wire = cls(server, Path(directory))
            try:
                yield wire
            finally:
                wire.close()

    def close(self) -> None:
        self._closed.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                if self.refusing:
                    client.close()
                    self.refused.set()
                    continue
                self._threads.append(threading.Thread(target=self._carry, args=(client,)))
                self._threads[-1].start()

    def _carry(self, client: socket.socket) -> None:
        with client, socket.socket(socket.AF_UNIX) as server, suppress(OSError):
            if self.silent and self.broken.is_set():
                self._closed.wait()
                return
            server.connect(self._server)
            while True:
                for source in select.select([client, server], [], [])[0]:
                    data = source.recv(65536)
                    if not data:
                        return
                    if source is client and self._words and self._words in data:
                        self._words = b""
                        if not self._before:
                            server.sendall(data)
                            server.recv(65536)
                        self.broken.set()
                        if self.silent:
                            self._closed.wait()
                        return
                    (server if source is client else client).sendall(data)


def _programs() -> Path | None:
    """The directory with the programs of the newest version that is installed."""
    found = [path.parent for path in _DEBIAN.glob("*/bin/pg_ctl")]
    if found:
        return max(found, key=lambda path: [int(number) for number in re.findall(r"\d+", path.parent.name)])
    on_path = shutil.which("pg_ctl")
    return Path(on_path).resolve().parent if on_path else None


@contextmanager
def _server(user: str | None) -> Iterator[Path]:
    # Not pytest's directory: the path of a socket may not be longer than about a hundred characters.
    directory = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    if user:
        shutil.chown(directory, user)
    try:
        _run(directory, "initdb", "--auth=trust", "--username=tester", "--no-sync")
        start(directory)
        try:
            yield directory
        finally:
            stop(directory)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
