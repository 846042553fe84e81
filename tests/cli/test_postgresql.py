"""A team's database: two machines share one history, and exclude each other on one account."""

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.postgresql_server import Wire, new_database, running_server
from tests.pseudo_terminal import session
from tests.terminal import HEAD, Terminal

SNAPSHOT = "huaweicloud.mpc.snapshot"
SETTINGS = 'settings: {backend: "${BACKEND}"}\n'
POLICY = f"\npolicies:\n  p: {{resource: {SNAPSHOT}, match: {{status: pending}}, ensure: absent}}\n"


@pytest.fixture(scope="module")
def server() -> Iterator[Path]:
    with running_server() as directory:
        yield directory


@pytest.fixture(autouse=True)
def configured(terminal: Terminal) -> None:
    terminal.write(HEAD + SETTINGS + POLICY)


@pytest.fixture(autouse=True)
def backend(server: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of an empty database, as the configuration's variable."""
    url = new_database(server)
    monkeypatch.setenv("BACKEND", url)
    return url


def test_plan_apply_and_history(terminal: Terminal, backend: str) -> None:
    terminal.simulator.huaweicloud.add(SNAPSHOT, id=1, created="1d")
    assert terminal.run("history").out == "There are no runs yet.\n"
    assert terminal.run("plan", "--out", "plan.json").code == 0
    report = terminal.run("apply", "--plan", "plan.json", "--format", "json")
    assert (report.code, report.json["summary"]["done"]) == (0, 1)
    (run,) = terminal.run("history", "--format", "json").json["runs"]
    assert (run["run_id"], run["outcome"], run["exit_code"]) == (report.json["run_id"], "ok", 0)
    details = terminal.run("history", run["run_id"][:12], "--backend", backend, "--format", "json").json
    assert [(each["task_id"], each["action"], each["state"]) for each in details["actions"]] == [
        ("1", "cancel", "done")
    ]
    assert [(each["outcome"], each["now"]) for each in details["outcomes"]] == [("done", "canceled")]
    assert not (terminal.directory / ".reconciler").exists(), "nothing is kept on this machine"


def test_two_names_of_one_account_exclude_each_other_and_share_one_history(terminal: Terminal) -> None:
    for name in ("first", "second"):
        (terminal.directory / name).mkdir()
        terminal.write(HEAD.replace("huawei:", f"{name}:") + SETTINGS + POLICY, f"{name}/reconciler.yaml")
    terminal.simulator.huaweicloud.add(SNAPSHOT, id=1, created="1d")
    with session(terminal.directory / "first", "apply") as typing:
        typing.until("Enter a value: ")  # it holds the account while it waits for the answer
        refused = terminal.run("apply", "second", "--auto-approve", "--format", "json")
        assert (refused.code, refused.json["outcome"]) == (6, "locked")
        assert "another apply holds" in refused.err
        assert terminal.run("plan", "second").code == 0, "a plan takes no lock"
        assert terminal.destructive() == []
        typing.type("yes\n")
        assert typing.end().code == 0
    assert len(terminal.destructive()) == 1
    terminal.simulator.huaweicloud.add(SNAPSHOT, id=2, created="1d")
    assert terminal.run("apply", "second", "--auto-approve").code == 0

    histories = [terminal.run("history", "--config", name).out for name in ("first", "second")]
    assert histories[0] == histories[1]
    assert histories[0].endswith("\n2 runs.\n")
    for name in ("first", "second"):
        (run,) = terminal.run("history", "--config", "first", "--target", name, "--format", "json").json["runs"]
        assert run["summary"]["done"] == 1


@pytest.fixture
def wire(server: Path, backend: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Wire]:
    with Wire.to(server) as wire:
        monkeypatch.setenv("BACKEND", f"{backend.partition('?')[0]}?host={wire.directory}")
        yield wire


@pytest.mark.parametrize(
    ("words", "silent", "calls"),
    [
        (b"schema_version", True, 0),
        (b"INSERT INTO leases", True, 0),
        (b"INSERT INTO leases", False, 0),
        (b"FROM actions", True, 0),
        (b"INSERT INTO runs", True, 0),
        (b"INSERT INTO actions", True, 0),
        (b"UPDATE actions", True, 1),
        (b"UPDATE runs", True, 1),
    ],
)
def test_a_signal_is_not_kept_waiting_by_a_database_that_does_not_answer(
    terminal: Terminal, wire: Wire, monkeypatch: pytest.MonkeyPatch, words: bytes, silent: bool, calls: int
) -> None:
    """Before the calls the run ends at once; what it did is reported, whether it could be written or not."""
    for name in ("engine.hold._PARTING", "engine.run_journal.PARTING", "backends.leases._PARTING"):
        monkeypatch.setattr(f"reconciler.{name}", 0.1)
    terminal.simulator.huaweicloud.add(SNAPSHOT, id=1, created="1d")
    wire.silent, wire.refusing = silent, False
    wire.breaks(words)

    def stop() -> None:
        assert wire.broken.wait(60)
        wire.refusing = not silent
        os.kill(os.getpid(), signal.SIGTERM)

    stopping = threading.Thread(target=stop)
    stopping.start()
    ended = terminal.run("apply", "--auto-approve", "--format", "json")
    stopping.join()
    assert (ended.code, ended.json["outcome"], len(terminal.destructive())) == (143, "interrupted", calls)
    if calls:
        assert ended.json["summary"]["done"] == 1


def test_pruning_on_the_server(terminal: Terminal, backend: str) -> None:
    from sqlalchemy import NullPool, create_engine, text  # noqa: PLC0415 - to make a run old

    for number in (1, 2):
        terminal.simulator.huaweicloud.add(SNAPSHOT, id=number, created="1d")
        assert terminal.run("apply", "--auto-approve").code == 0
    engine = create_engine(backend.replace("postgresql:", "postgresql+psycopg:"), poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text("update runs set started_at = 0 where run_id = (select min(run_id) from runs)"))
    assert terminal.run("history", "--prune", "30d", "--auto-approve").out.startswith("Forgot 1 run ")
    assert len(terminal.run("history", "--format", "json").json["runs"]) == 1


def test_a_server_that_is_not_there_is_an_error(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BACKEND", f"postgresql://me:s3cret@/runs?host={terminal.directory}")
    for words in (("history",), ("apply", "--auto-approve")):
        finished = terminal.tells(1, "/runs: nobody answers there", *words)
        assert "s3cret" not in finished.out + finished.err
    assert terminal.destructive() == []
