"""PostgreSQL behind wires that break and poolers: what was acknowledged is there, and nothing is written twice."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest
from sqlalchemy import text

from reconciler.backends.connect import connect
from reconciler.backends.entries import ActionResult, ActionState, Intent, RunEnd, RunStart
from reconciler.backends.failures import backend_error
from reconciler.backends.fencing import Fence, LeaseHeld, LeaseLost
from reconciler.backends.history import History
from reconciler.backends.journal import Journal
from reconciler.backends.leases import acquire
from reconciler.exceptions import BackendError
from tests.postgresql_server import Wire, pooled

Build = Callable[..., Intent]


psycopg = pytest.importorskip("psycopg")

GROUP = "cloud/a"
END = RunEnd("partial", 3, {"done": 1})


@pytest.fixture
def wire(postgresql_server: Path) -> Iterator[Wire]:
    with Wire.to(postgresql_server) as wire:
        yield wire


@pytest.fixture
def url(postgresql_url: str, wire: Wire) -> str:
    """The database behind the wire."""
    return f"{postgresql_url.partition('?')[0]}?host={wire.directory}"


@pytest.fixture
def journal(url: str) -> Iterator[Journal]:
    with Journal.open(url) as journal:
        yield journal


def states(url: str, run_id: str) -> list[tuple[str, str]]:
    return [(row.key.id, row.state.value) for row in History.open(url).actions(run_id)]


@pytest.mark.parametrize("before", [True, False], ids=["before the commit", "after the commit"])
def test_a_commit_whose_answer_is_lost_is_written_once(
    journal: Journal, url: str, wire: Wire, start: RunStart, intent: Build, *, before: bool
) -> None:
    run_id = journal.begin_run(start)
    wire.breaks(b"COMMIT", before=before)
    journal.intend(run_id, [intent("1"), intent("2")], Fence(())).result()
    wire.breaks(b"COMMIT", before=before)
    journal.record(run_id, [ActionResult(intent("1"), ActionState.DONE)]).result()
    journal.finish_run(run_id, END).result()
    assert wire.broken.is_set()
    assert states(url, run_id) == [("1", "done"), ("2", "intent")]


@pytest.mark.parametrize("words", [b"INSERT INTO actions", b"SAVEPOINT", b"txid_current"])
def test_a_connection_that_is_lost_on_the_way_is_made_anew(
    journal: Journal, url: str, wire: Wire, start: RunStart, intent: Build, words: bytes
) -> None:
    with acquire(journal.backend, {GROUP: ()}, heartbeat=False) as lease:
        run_id = journal.begin_run(start)
        wire.breaks(words)
        journal.intend(run_id, [intent()], lease.fence).result()
    assert wire.broken.is_set()
    assert states(url, run_id) == [("1", "intent")]


@pytest.mark.parametrize("before", [True, False], ids=["before the commit", "after the commit"])
def test_a_lease_whose_answer_is_lost_is_ours(journal: Journal, wire: Wire, *, before: bool) -> None:
    wire.breaks(b"COMMIT", before=before)
    with acquire(journal.backend, {GROUP: ()}, heartbeat=False) as lease:
        assert wire.broken.is_set()
        lease.renew()
        with pytest.raises(LeaseHeld):
            acquire(journal.backend, {GROUP: ()})


def test_a_directory_of_sockets_may_stand_for_the_host(postgresql_url: str, postgresql_server: Path) -> None:
    """As in libpq's own URLs."""
    name = postgresql_url.partition("?")[0].rpartition("/")[2]
    connect(f"postgresql://tester@{quote(str(postgresql_server), safe='')}/{name}")


def test_a_question_that_got_no_answer_is_asked_again(journal: Journal, wire: Wire) -> None:
    wire.breaks(b"FROM actions")
    assert journal.open_intents({GROUP}) == []
    assert wire.broken.is_set()


def test_a_server_that_was_away_is_waited_for(journal: Journal, wire: Wire, start: RunStart, intent: Build) -> None:
    run_id = journal.begin_run(start)
    wire.refusing = True
    wire.breaks(b"COMMIT")
    written = journal.intend(run_id, [intent()], Fence(()))
    assert wire.broken.wait(60)
    assert not written.done()
    wire.refusing = False
    written.result()


@pytest.mark.parametrize("before", [True, False], ids=["before the commit", "after the commit"])
def test_after_a_break_nothing_is_sent_without_the_lease(
    journal: Journal, url: str, wire: Wire, start: RunStart, intent: Build, postgresql_url: str, *, before: bool
) -> None:
    run_id = journal.begin_run(start)
    lease = acquire(journal.backend, {GROUP: ()}, heartbeat=False)
    wire.refusing = True
    wire.breaks(b"COMMIT", before=before)
    written = journal.intend(run_id, [intent()], lease.fence)
    assert wire.broken.wait(60)
    direct = connect(postgresql_url)
    with direct.writing() as connection:
        connection.execute(text("UPDATE leases SET token = token + 1"))
    wire.refusing = False
    with pytest.raises(LeaseLost):
        written.result()


def test_what_was_sent_and_how_the_run_ended_is_written_over_a_new_connection(
    url: str, wire: Wire, start: RunStart, intent: Build
) -> None:
    with Journal(replace(connect(url), patience=0.0)) as journal:
        run_id = journal.begin_run(start)
        journal.intend(run_id, [intent("1")], Fence(())).result()
        wire.breaks(b"COMMIT")
        with pytest.raises(BackendError, match="the connection was lost"):
            journal.intend(run_id, [intent("2")], Fence(())).result()
        with pytest.raises(BackendError, match="the connection was lost"):
            journal.intend(run_id, [intent("3")], Fence(())).result()
        journal.record(run_id, [ActionResult(intent("1"), ActionState.DONE)]).result()
        journal.finish_run(run_id, END).result()
    assert states(url, run_id) == [("1", "done")]
    (run,) = History.open(url).runs()
    assert (run.outcome, run.exit_code) == ("partial", 3)


def test_an_id_too_long_for_the_database_is_refused_alone(postgresql_url: str, start: RunStart, intent: Build) -> None:
    long = "".join(hashlib.sha256(bytes([number])).hexdigest() for number in range(256))  # which cannot be compressed
    with Journal.open(postgresql_url) as journal:
        run_id = journal.begin_run(start)
        verdicts = [journal.intend(run_id, [intent(task_id)], Fence(())) for task_id in ("1", long, "2")]
        verdicts[0].result()
        verdicts[2].result()
        with pytest.raises(BackendError):
            verdicts[1].result()
        journal.intend(run_id, [intent("3")], Fence(())).result()


def test_behind_a_pooler_everything_works(
    postgresql_url: str, postgresql_server: Path, start: RunStart, intent: Build
) -> None:
    """Its one connection serves all in turn, so that nothing may be left on it from one transaction to the next."""
    with pooled(postgresql_url, postgresql_server) as url, Journal.open(url) as journal, Journal.open(url) as other:
        with acquire(journal.backend, {GROUP: ()}, heartbeat=False) as lease:
            with pytest.raises(LeaseHeld):
                acquire(other.backend, {GROUP: ()})
            runs = [each.begin_run(start) for each in (journal, other)]
            for number in range(12):  # psycopg prepares what it has sent five times
                for each, run_id in zip((journal, other), runs, strict=True):
                    each.intend(run_id, [intent(str(number))], lease.fence).result()
                    each.record(run_id, [ActionResult(intent(str(number)), ActionState.DONE)]).result()
                lease.renew()
        for run_id in runs:
            journal.finish_run(run_id, END).result()
            assert {state for _, state in states(url, run_id)} == {"done"}


@pytest.mark.parametrize(
    ("said", "what"),
    [
        (
            'connection to server at "ssl.example.com" (10.0.0.1), port 5432 failed: Connection refused',
            "nobody answers",
        ),
        ("failed to resolve host 'db.example.com': [Errno -2] Name or service not known", "the host is not known"),
        ('connection failed: FATAL:  password authentication failed for user "timeout"', "refuses the user"),
        ('connection failed: FATAL:  no pg_hba.conf entry for host "1.2.3.4", no encryption', "refuses the user"),
        ("connection failed: FATAL:  sorry, too many clients already", "takes no more connections"),
        ("connection failed: FATAL:  no more connections allowed (max_client_conn)", "takes no more connections"),
        ("connection failed: server does not support SSL, but SSL was required", "encrypted connection"),
        ("connection failed: SSL error: certificate verify failed", "encrypted connection"),
        ("connection failed: session is read-only", "only reads"),
        ("connection timeout expired", "no answer came in time"),
        ('invalid integer value "s3cret" for connection option "port"', "an option of the connection"),
        ("bad value for connect_timeout: 's3cret'", "an option of the connection"),
        ('invalid sslmode value: "s3cret"', "an option of the connection"),
        ("server closed the connection unexpectedly\n\tThis probably means", "the connection was lost"),
        (
            'connection is bad: connection to server on socket "/run/x/.s.PGSQL.5432" failed: Permission denied\n\tIs',
            "may not connect",
        ),
        (
            'connection is bad: connection to server at "10.0.0.1", port 5432 failed: Network is unreachable\n\tIs',
            "cannot be reached",
        ),
        (
            'connection failed: connection to server at "h", port 1 failed: server closed the connection unexpectedly',
            "the connection was lost",
        ),
        ("the connection is bad", "the connection was lost"),
    ],
)
def test_what_is_to_be_done_depends_on_the_cause(said: str, what: str) -> None:
    error = backend_error(psycopg.OperationalError(said), "postgresql://me@host/db")
    assert what in error.message
    assert error.hint
    assert "s3cret" not in error.message + error.hint


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://me:s3@cret@host/db",
        "postgresql://me:s3cret/host",
        "postgresql://me:s3@cret/x@host/db",
        "postgresql://me@host:s3cret/db",
        "postgresql://me:x@host/db?port=s3cret",
        "postgresql://me:x@host/db?s3cret=1",
        "postgresql://me:s3cret@127.0.0.1:1/db",
    ],
)
def test_no_part_of_a_password_is_told(url: str, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(BackendError) as refused:
        connect(url)
    told = refused.value.message + refused.value.hint
    assert "s3" not in told
    assert "cret" not in told
    assert capfd.readouterr() == ("", "")
