"""Leases: one holder at a time, whatever becomes of the others."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import pytest
from sqlalchemy import Connection, update

from reconciler.backends.backend import Backend
from reconciler.backends.connect import connect
from reconciler.backends.entries import Intent, RunStart
from reconciler.backends.fencing import EXPIRY, LeaseHeld, LeaseLost
from reconciler.backends.journal import Journal
from reconciler.backends.leases import Lease, acquire
from reconciler.backends.schema import leases
from reconciler.exceptions import BackendError, ExitCode

FIRST, SECOND = "huaweicloud/a", "aliyun/b"
GROUPS = {FIRST: ["a-2", "a"], SECOND: ["b"]}


@dataclass
class Clock:
    """A clock that stands for the database's and for the process's own, in milliseconds."""

    now: int = 1_700_000_000_000

    def __call__(self) -> int:
        return self.now

    def of_database(self, _connection: Connection) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def timed(backend: Backend, clock: Clock) -> Backend:
    """The database with a clock that the test sets."""
    return replace(backend, now=clock.of_database)


@pytest.fixture
def take(timed: Backend, clock: Clock) -> Callable[..., Lease]:
    """Take groups without a heartbeat."""

    def taken(*groups: str) -> Lease:
        return acquire(timed, dict.fromkeys(groups, ()) or GROUPS, elapsed=clock, heartbeat=False)

    return taken


def test_a_second_apply_is_kept_out_and_told_who_holds_it(take: Callable[..., Lease]) -> None:
    with take(), pytest.raises(LeaseHeld, match=r"aliyun/b \(b\): process \d+ on .+, since 2023-11-14T22:13:20Z"):
        take()


def test_the_refusal_is_the_locked_error_of_exit_6(take: Callable[..., Lease]) -> None:
    with take(), pytest.raises(LeaseHeld) as refused:
        take(FIRST)
    assert refused.value.exit_code is ExitCode.LOCKED
    assert "--lock-timeout" in refused.value.hint


def test_all_groups_or_none(take: Callable[..., Lease]) -> None:
    with take(FIRST):
        with pytest.raises(LeaseHeld):
            take(*GROUPS)
        take(SECOND).release()


def test_all_that_are_held_are_told_at_once(take: Callable[..., Lease]) -> None:
    """Of thousands, each one alone would take as many attempts at all others."""
    with take(*GROUPS), pytest.raises(LeaseHeld) as refused:
        take(*GROUPS)
    held = (refused.value, *refused.value.others)
    assert sorted(one.holding.group for one in held) == sorted(GROUPS)
    assert all(one.holding.label in one.message for one in held)


def test_other_groups_are_free(take: Callable[..., Lease]) -> None:
    with take("one"), take("two"):
        pass


def test_after_release_the_next_takes_over_with_a_higher_token(take: Callable[..., Lease]) -> None:
    tokens = []
    for _ in range(3):
        with take("one") as lease:
            tokens.append(dict(lease.fence.tokens)["one"])
    assert tokens == [1, 2, 3]


@pytest.mark.parametrize(("age", "free"), [(EXPIRY - 1, False), (EXPIRY, True)])
def test_a_holder_that_does_not_renew_loses_it_at_the_expiry(
    take: Callable[..., Lease], clock: Clock, age: int, *, free: bool
) -> None:
    lease = take()
    clock.now += age
    assert lease.held is not free
    if free:
        take().release()
    else:
        with pytest.raises(LeaseHeld):
            take()


DAY = 86_400_000


@pytest.mark.parametrize("ahead", [EXPIRY, DAY, 10**20 // 10**3])
def test_a_lease_from_a_clock_that_was_ahead_is_none(take: Callable[..., Lease], clock: Clock, ahead: int) -> None:
    clock.now += ahead
    killed = take("one")
    clock.now -= ahead
    with take("one") as lease:
        assert lease.fence.tokens == (("one", 2),)
    with pytest.raises(LeaseLost):
        killed.renew()


@pytest.mark.parametrize("column", ["acquired_at", "expires_at"])
def test_a_lease_that_begins_or_ends_too_late_is_none(
    take: Callable[..., Lease], timed: Backend, clock: Clock, column: str
) -> None:
    take("one")
    with timed.writing() as connection:
        late = {"acquired_at": clock.now + 1, "expires_at": clock.now + EXPIRY + 1}[column]
        connection.execute(update(leases).values({column: late}))
    take("one").release()


def test_a_holder_whose_clock_is_set_back_stays_the_holder(take: Callable[..., Lease], clock: Clock) -> None:
    lease = take("one")
    clock.now -= DAY
    lease.renew()
    with pytest.raises(LeaseHeld):
        take("one")


def test_renewing_holds_on(take: Callable[..., Lease], clock: Clock) -> None:
    lease = take()
    for _ in range(5):
        clock.now += EXPIRY - 1
        lease.renew()
        lease.check()
    with pytest.raises(LeaseHeld):
        take()


def test_what_has_expired_cannot_be_renewed(take: Callable[..., Lease], clock: Clock) -> None:
    lease = take()
    clock.now += EXPIRY
    for question in (lease.check, lease.renew, lease.check):
        with pytest.raises(LeaseLost, match="renewed in time"):
            question()
    clock.now -= EXPIRY  # not even a clock that goes back revives it
    assert not lease.held


def test_a_late_release_does_not_touch_the_next_holder(take: Callable[..., Lease], clock: Clock) -> None:
    frozen = take()
    clock.now += EXPIRY
    with take() as lease:
        with pytest.raises(LeaseLost, match="has taken it"):
            frozen.renew()
        frozen.release()
        with pytest.raises(LeaseLost, match="was given back"):
            frozen.check()
        lease.renew()
        with pytest.raises(LeaseHeld):
            take()


def test_a_revived_holder_can_intend_nothing(
    timed: Backend, take: Callable[..., Lease], clock: Clock, start: RunStart, intent: Callable[..., Intent]
) -> None:
    with Journal(timed) as journal:
        run_id = journal.begin_run(start)
        frozen = take()
        journal.intend(run_id, [intent("1")], frozen.fence).result()
        clock.now += EXPIRY
        expired = journal.intend(run_id, [intent("2")], frozen.fence)
        with pytest.raises(LeaseLost):
            expired.result()
        with take() as lease:
            late = journal.intend(run_id, [intent("3")], frozen.fence)
            current = journal.intend(run_id, [intent("4")], lease.fence)
            with pytest.raises(LeaseLost, match="has taken it"):
                late.result()
            current.result()
        assert [entry.task_id for entry in journal.open_intents((), {"prod"})] == ["1", "4"]


def test_lock_timeout_waits_until_it_is_free(timed: Backend, take: Callable[..., Lease], clock: Clock) -> None:
    take()
    waits: list[float] = []

    def wait(seconds: float) -> bool:
        waits.append(seconds)
        clock.now += round(seconds * 1000)
        return False

    acquire(timed, GROUPS, lock_timeout=2 * EXPIRY, wait=wait, elapsed=clock, heartbeat=False).release()
    assert sum(waits) * 1000 == EXPIRY


def test_lock_timeout_ends(timed: Backend, take: Callable[..., Lease], clock: Clock) -> None:
    take()
    waits: list[float] = []

    def wait(seconds: float) -> bool:
        waits.append(seconds)
        clock.now += round(seconds * 1000)
        return False

    with pytest.raises(LeaseHeld):
        acquire(timed, GROUPS, lock_timeout=2_500, wait=wait, elapsed=clock, heartbeat=False)
    assert waits == [1.0, 1.0, 0.5]


def test_waiting_can_be_given_up(timed: Backend, take: Callable[..., Lease], clock: Clock) -> None:
    take()
    with pytest.raises(LeaseHeld):
        acquire(timed, GROUPS, lock_timeout=60_000, wait=lambda _: True, elapsed=clock)


def test_the_heartbeat_renews_by_itself(backend: Backend) -> None:
    beats = threading.Semaphore(0)

    def now(_connection: Connection) -> int:
        if threading.current_thread().name == "reconciler-lease":
            beats.release()
        return 0

    with acquire(replace(backend, now=now), GROUPS, expiry=30):
        for _ in range(3):
            assert beats.acquire(timeout=30)


def test_a_failing_database_ends_the_lease_by_the_holders_own_clock(
    take: Callable[..., Lease], clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease = take()

    def fail(*_: object) -> None:
        raise BackendError("gone")

    monkeypatch.setattr("reconciler.backends.fencing.renew", fail)
    with pytest.raises(BackendError):
        lease.renew()
    assert lease.held
    clock.now += EXPIRY
    assert not lease.held


def test_what_could_not_be_given_back_is_free_for_the_same_process_alone(
    take: Callable[..., Lease], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next cycle of a daemon whose disk was full does its work, and does not wait for itself."""

    def fail(*_: object) -> None:
        raise BackendError("the disk is full")

    with monkeypatch.context() as full:
        full.setattr("reconciler.backends.fencing.give_back", fail)
        left = take()
        left.release()
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr("reconciler.backends.leases._LET_GO", ())
        with pytest.raises(LeaseHeld):
            take()
    with take() as lease:
        assert lease.held
        with pytest.raises(LeaseHeld):  # this one is under way
            take()
        left._give_back()  # comes late
        lease.renew()


def test_what_was_taken_without_an_answer_is_free_for_the_same_process(
    take: Callable[..., Lease], monkeypatch: pytest.MonkeyPatch
) -> None:
    writing = Backend.writing

    @contextmanager
    def unanswered(backend: Backend) -> Iterator[Connection]:
        with writing(backend) as connection:
            yield connection
        raise BackendError("the connection was lost")

    with monkeypatch.context() as broken:
        broken.setattr(Backend, "writing", unanswered)
        with pytest.raises(BackendError):
            take()
    take().release()


def test_of_many_threads_one_gets_it(url: str) -> None:
    backend = connect(url)
    start = threading.Barrier(6)
    outcomes: list[Lease | None] = []

    def contend() -> None:
        start.wait()
        try:
            outcomes.append(acquire(backend, GROUPS))
        except LeaseHeld:
            outcomes.append(None)

    threads = [threading.Thread(target=contend) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    holders = [lease for lease in outcomes if lease is not None]
    assert len(outcomes) == 6
    assert len(holders) == 1
    holders[0].release()


def test_the_databases_clock_counts_milliseconds(backend: Backend) -> None:
    with backend.reading() as connection:
        assert 1_700_000_000_000 < backend.now(connection) < 10_000_000_000_000


def test_no_groups_need_no_lease(take: Callable[..., Lease], timed: Backend) -> None:
    with acquire(timed, {}) as lease:
        lease.renew()
        assert lease.held
    assert not lease.held
