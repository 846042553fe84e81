"""Opening a database: where, with which permissions, and what is said when it can't be."""

import os
import sqlite3
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest
from sqlalchemy import event, inspect, text, update

from reconciler.backends.backend import Backend
from reconciler.backends.connect import connect
from reconciler.backends.entries import Intent, RunStart
from reconciler.backends.fencing import Fence, LeaseHeld, LeaseLost
from reconciler.backends.history import History, last_requests
from reconciler.backends.journal import Journal
from reconciler.backends.leases import acquire
from reconciler.backends.schema import VERSION, schema_version
from reconciler.config.model import group_of
from reconciler.exceptions import BackendError
from tests.backends.conftest import lead_back

Build = Callable[..., Intent]


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("umask", [0o000, 0o077, 0o777])
def test_file_and_new_directories_are_the_owners_only(tmp_path: Path, umask: int, start: RunStart) -> None:
    path = tmp_path / "a" / "b" / "history.db"
    before = os.umask(umask)
    try:
        journal = Journal.open(f"sqlite:///{path}")
    finally:
        os.umask(before)
    with journal:
        journal.begin_run(start)
        assert {mode(file) for file in path.parent.iterdir()} == {0o600}  # the write-ahead log, too
        assert {mode(path.parent), mode(path.parent.parent)} == {0o700}


def test_an_existing_directory_keeps_its_mode(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    connect(f"sqlite:///{tmp_path}/history.db")
    assert mode(tmp_path) == 0o755


def test_a_relative_path_counts_from_the_directory_of_the_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, start: RunStart
) -> None:
    monkeypatch.chdir(tmp_path)
    with Journal.open("sqlite:///.reconciler/history.db") as journal:
        monkeypatch.chdir("/")
        journal.begin_run(start)
    assert (tmp_path / ".reconciler" / "history.db").is_file()


def test_commits_are_synchronous_and_logged_ahead(tmp_path: Path) -> None:
    with connect(f"sqlite:///{tmp_path}/history.db").reading() as connection:
        values = {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in PRAGMAS}
    assert values == PRAGMAS


PRAGMAS = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 10_000}


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("nonsense", "not a database URL"),
        ("mysql://host/db", "'mysql', which is not supported"),
        ("sqlite://", "must name a file"),
        ("sqlite:///:memory:", "must name a file"),
        ("sqlite:///file.db?mode=ro", "must name a file"),
    ],
)
def test_other_urls_are_refused(url: str, words: str) -> None:
    with pytest.raises(BackendError, match=words) as refused:
        connect(url)
    assert "sqlite:///path/to/file.db" in refused.value.hint


def test_a_password_is_never_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BackendError) as refused:
        connect("postgres ql://user:s3cret@host:port/db")
    assert "s3cret" not in str(refused.value)


def test_a_missing_driver_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(BackendError, match="psycopg is not installed") as refused:
        connect("postgresql://user@host/db")
    assert "pip install media-reconciler[postgresql]" in refused.value.hint


@contextmanager
def unprivileged() -> Iterator[None]:
    """Not as root, who may write everywhere."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(before)


def test_a_directory_that_cannot_be_written(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with unprivileged(), pytest.raises(BackendError, match="Permission denied") as refused:
        connect(f"sqlite:///{tmp_path}/history.db")
    assert "owner and mode" in refused.value.hint


LINKS = {
    "the file": ("state/history.db", "elsewhere/history.db"),
    "the file, to nowhere": ("state/history.db", "elsewhere/none.db"),
    "its directory": ("state", "elsewhere"),
    "a directory on the way": ("state", "elsewhere"),
}


@pytest.mark.parametrize("name", LINKS)
@pytest.mark.parametrize("create", [True, False])
def test_a_link_is_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, *, create: bool) -> None:
    """A repository can hold a link, which must not say where the journal lies or what it is written over."""
    monkeypatch.chdir(tmp_path)
    link, leads_to = LINKS[name]
    below = "below/" if name == "a directory on the way" else ""
    connect(f"sqlite:///elsewhere/{below}history.db")
    before = sorted(tmp_path.rglob("*"))
    Path(link).parent.mkdir(exist_ok=True)
    Path(link).symlink_to(tmp_path / leads_to)
    with pytest.raises(BackendError, match=r"is a link|no such database"):
        connect(f"sqlite:///state/{below}history.db", create=create)
    assert sorted(path for path in tmp_path.rglob("*") if "state" not in path.parts) == before


@pytest.mark.parametrize("end", ["", "-wal", "-journal"])
def test_what_others_put_there_is_not_ours(tmp_path: Path, end: str) -> None:
    path = tmp_path / "history.db"
    connect(f"sqlite:///{path}")
    planted = path.with_name(f"{path.name}{end}")
    planted.touch()
    planted.chmod(0o666)
    with pytest.raises(BackendError, match=f"history.db{end}: everybody may write to it"):
        connect(f"sqlite:///{path}")
    planted.chmod(0o600)
    if os.geteuid() == 0:
        os.chown(planted, 65534, 65534)
        with pytest.raises(BackendError, match=f"history.db{end} belongs to user 65534, and this is user 0"):
            connect(f"sqlite:///{path}")


@pytest.mark.parametrize("name", ["a b", "%20", "100%", "?x=1", "#1", "ü", "file:x", "\udcff", "a'\"&;b"])
def test_a_directory_may_have_any_name(tmp_path: Path, name: str) -> None:
    directory = tmp_path / name
    written = quote(os.fsencode(directory))
    connect(f"sqlite:///{written}/state/history.db")
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (directory / "state" / "history.db").stat().st_size > 0
    assert History.open(f"sqlite:///{written}/state/history.db").runs() == []


@contextmanager
def written_elsewhere(start: RunStart) -> Iterator[Path]:
    """A database in a directory that can be read but not written, with one run in it."""
    with tempfile.TemporaryDirectory(prefix="reconciler-") as name:
        path = Path(name) / "history.db"
        with Journal.open(f"sqlite:///{path}") as journal:
            journal.begin_run(start)
        path.chmod(0o444)
        path.parent.chmod(0o555)
        try:
            yield path
        finally:
            path.parent.chmod(0o755)


def test_the_history_is_read_where_nothing_can_be_written(start: RunStart) -> None:
    with written_elsewhere(start) as path, unprivileged():
        assert len(History.open(f"sqlite:///{path}").runs()) == 1
        assert [each.name for each in path.parent.iterdir()] == ["history.db"]


def test_entries_that_cannot_be_read_without_writing_are_named(start: RunStart) -> None:
    with written_elsewhere(start) as path:
        path.parent.chmod(0o755)
        path.with_name("history.db-wal").write_bytes(b"newest")
        path.parent.chmod(0o555)
        with unprivileged(), pytest.raises(BackendError, match="its newest entries are in history") as refused:
            History.open(f"sqlite:///{path}")
        assert "--backend" in refused.value.hint


@pytest.mark.parametrize("end", ["", "-wal"])
@pytest.mark.parametrize("replaced", [True, False])
def test_a_database_that_is_removed_in_mid_run_is_noticed(
    tmp_path: Path, start: RunStart, intent: Build, end: str, *, replaced: bool
) -> None:
    path = tmp_path / "history.db"
    with Journal.open(f"sqlite:///{path}") as journal:
        run_id = journal.begin_run(start)
        journal.intend(run_id, [intent("1")], Fence(())).result()
        harmed = path.with_name(f"{path.name}{end}")
        content = harmed.read_bytes()
        harmed.unlink()
        if replaced:
            harmed.write_bytes(content)
        for task_id in ("2", "3"):
            with pytest.raises(BackendError, match="was removed or replaced during the run"):
                journal.intend(run_id, [intent(task_id)], Fence(())).result()


def test_a_path_through_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BackendError, match=r"Not a directory|File exists") as refused:
        connect(f"sqlite:///{tmp_path}/file/history.db")
    assert str(tmp_path) in str(refused.value)


@pytest.mark.parametrize("create", [True, False])
@pytest.mark.parametrize("put", [Path.mkdir, os.mkfifo], ids=["directory", "fifo"])
@pytest.mark.parametrize("end", ["", "-wal"])
def test_a_file_that_is_none(tmp_path: Path, put: Callable[[Path], object], end: str, *, create: bool) -> None:
    """Reading a FIFO would wait for somebody to write."""
    (tmp_path / "history.db").touch()
    (tmp_path / f"history.db{end}").unlink(missing_ok=True)
    put(tmp_path / f"history.db{end}")
    with pytest.raises(BackendError, match="not a regular file"):
        connect(f"sqlite:///{tmp_path}/history.db", create=create)


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    path.write_text("These are not the pages you are looking for.\n" * 100)
    with pytest.raises(BackendError, match="not an SQLite database"):
        connect(f"sqlite:///{path}")
    assert path.read_text().startswith("These")


def test_a_corrupt_database(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    connect(f"sqlite:///{path}")
    pages = path.read_bytes()
    path.write_bytes(pages[:100] + b"\xff" * (len(pages) - 100))
    with pytest.raises(BackendError, match="corrupt") as refused:
        connect(f"sqlite:///{path}")
    assert "backup" in refused.value.hint


def test_a_foreign_table_of_the_same_name_is_not_taken_for_ours(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE runs (distance INTEGER)")
    with pytest.raises(BackendError, match="table runs already exists"):
        connect(f"sqlite:///{path}")


def test_history_makes_no_database(tmp_path: Path) -> None:
    path = tmp_path / "none" / "history.db"
    with pytest.raises(BackendError, match="no such database"):
        History.open(f"sqlite:///{path}")
    assert not path.parent.exists()


def test_a_newer_schema_is_refused_and_the_needed_version_named(backend: Backend, url: str) -> None:
    with backend.writing() as connection:
        connection.execute(update(schema_version).values(version=VERSION + 1, tool_version="7.8.9"))
    with pytest.raises(BackendError, match=f"schema version {VERSION + 1}") as refused:
        connect(url)
    assert "reconciler 7.8.9 or newer" in refused.value.hint


def test_an_older_schema_is_led_up_step_by_step(backend: Backend, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = {VERSION - 2: lambda _: made.append(VERSION - 2), VERSION - 1: lambda _: made.append(VERSION - 1)}
    made: list[int] = []
    monkeypatch.setattr("reconciler.backends.upgrade.MIGRATIONS", steps)
    with backend.writing() as connection:
        connection.execute(update(schema_version).values(version=VERSION - 2))
    connect(url)
    connect(url)
    assert made == [VERSION - 2, VERSION - 1]


def test_a_journal_of_the_first_schema_keeps_its_open_calls(url: str, start: RunStart, intent: Build) -> None:
    with Journal.open(url) as journal:
        run_id = journal.begin_run(start)
        journal.intend(run_id, [intent()], Fence(())).result()
        with journal.backend.writing() as connection:
            lead_back(connection, 2)
            connection.execute(text("DROP INDEX actions_unsettled"))
            connection.execute(text("ALTER TABLE actions DROP COLUMN rate_group"))
            connection.execute(text("CREATE INDEX actions_open ON actions (target) WHERE state = 'intent'"))
            connection.execute(update(schema_version).values(version=1))
    with Journal.open(url) as journal:
        (found,) = journal.open_intents({"cloud/a"}, {"prod"})
        assert (found.run_id, found.key, found.rate_group) == (run_id, intent().key, None)
        assert journal.strays({"cloud/a"}, {"production"}) == {"prod": 1}
        names = {index["name"] for index in inspect(journal.backend.engine).get_indexes("actions")}
        assert names >= {"actions_gate", "actions_unsettled"}
        (run,) = History(journal.backend).runs()
        assert (run.planned, run.author, run.approval) == (None, None, None)
        assert last_requests(journal.backend) == {}
        verdict = History(journal.backend).verify()
        assert (verdict.verified, verdict.before, verdict.covered) == (True, 1, 0)


def test_a_journal_that_showed_accounts_shows_them_no_more(url: str, start: RunStart, intent: Build) -> None:
    """Neither in the locks nor with the calls, which are found by the new name; who holds a lock can do no more."""
    old, new = "cloud/0123project", group_of("cloud", "0123project")
    with Journal.open(url) as journal:
        lease = acquire(connect(url), {old: ()}, heartbeat=False)
        run_id = journal.begin_run(start)
        journal.intend(run_id, [intent()], lease.fence, {"prod": old}).result()
        with journal.backend.writing() as connection:
            lead_back(connection, 2)
    with Journal.open(url) as journal:
        assert [(found.run_id, found.rate_group) for found in journal.open_intents({new})] == [(run_id, new)]
        assert journal.open_intents({old}, {"prod"}) == []
        with pytest.raises(LeaseHeld):
            acquire(journal.backend, {new: ()})
        with pytest.raises(LeaseLost):
            lease.renew()


def limit_pages(backend: Backend) -> None:
    """Let no further page be added to the file: what SQLite answers on a full disk."""

    @event.listens_for(backend.engine, "connect")
    def shrink(connection: sqlite3.Connection, _entry: object) -> None:
        connection.execute("PRAGMA max_page_count = 1")  # SQLite takes the present size where that is larger


def test_a_full_disk_stops_everything(tmp_path: Path, start: RunStart, intent: Callable[..., Intent]) -> None:
    backend = connect(f"sqlite:///{tmp_path}/history.db")
    with Journal(backend) as journal:
        run_id = journal.begin_run(start)
    limit_pages(backend)
    with Journal(backend) as journal:
        future = journal.intend(run_id, [intent("x" * 100_000)], Fence(()))
        with pytest.raises(BackendError, match="the disk is full") as refused:
            future.result()
        assert "Free some space" in refused.value.hint
        with pytest.raises(BackendError, match="the disk is full"):
            journal.intend(run_id, [intent("small")], Fence(())).result(timeout=0)
    assert History(backend).actions(run_id) == []


def test_a_database_locked_for_too_long(tmp_path: Path, start: RunStart, intent: Callable[..., Intent]) -> None:
    backend = connect(f"sqlite:///{tmp_path}/history.db", busy_timeout=1)
    with Journal(backend) as journal:
        run_id = journal.begin_run(start)
        with backend.writing(), pytest.raises(BackendError, match="keeps the database locked"):
            journal.intend(run_id, [intent()], Fence(())).result()


@pytest.mark.parametrize("replaced", [False, True])
def test_a_file_removed_under_the_run(
    tmp_path: Path, start: RunStart, intent: Callable[..., Intent], *, replaced: bool
) -> None:
    path = tmp_path / "history.db"
    with Journal.open(f"sqlite:///{path}") as journal:
        run_id = journal.begin_run(start)
        path.rename(tmp_path / "elsewhere.db")
        if replaced:
            path.touch()
        with pytest.raises(BackendError, match="removed or replaced"):
            journal.intend(run_id, [intent()], Fence(())).result()
