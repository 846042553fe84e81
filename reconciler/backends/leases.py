"""Leases: one apply at a time per rate-limit group, held by a heartbeat."""

from __future__ import annotations

import threading
import time
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from reconciler.backends import fencing
from reconciler.backends.fencing import EXPIRY, Fence, Holder, LeaseHeld, LeaseLost, Loss
from reconciler.exceptions import BackendError
from reconciler.tasks.timestamps import elapsed_clock

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from types import TracebackType

    from reconciler.backends.backend import Backend
    from reconciler.backends.entries import RunPart

_POLL = 1_000
"""Milliseconds between two attempts at a lease that another process holds."""


_PARTING = 10.0
"""Seconds that giving back may take."""

_LET_GO: deque[str] = deque(maxlen=1_000)
"""Holders of this process that hold nothing any more, but may not have been able to say so to the database, whose disk
was full, say. What is still in their names, the process takes over at once. The oldest have expired long since."""


def _sleep(seconds: float) -> bool:
    time.sleep(seconds)
    return False


def _nothing() -> None:
    return None


def acquire(
    backend: Backend,
    groups: Mapping[str, Collection[str]],
    *,
    part: RunPart | None = None,
    on_stop: Callable[[], object] = _nothing,
    lock_timeout: int = 0,
    wait: Callable[[float], bool] = _sleep,
    expiry: int = EXPIRY,
    elapsed: Callable[[], int] = elapsed_clock,
    heartbeat: bool = True,
) -> Lease:
    """Take the leases of all `groups`, or of none, and keep them until the Lease is released.

    `groups` holds what the targets of each are called, for whoever has to wait. What an earlier execution of the same
    `part` of a run has is taken from it at once, and so is what an earlier Lease of this process could not give back. A
    group that somebody else has is waited for `lock_timeout` milliseconds. `wait` is called with seconds and returns
    true to give up early (`threading.Event.wait` fits); `elapsed` counts milliseconds. Without `heartbeat` the caller
    renews. `on_stop` is called, by another thread, at each renewal after somebody told the run of the part to stop.
    Raises LeaseHeld, a LockedError that names the holder, RunOver where that run is over, and BackendError.
    """
    holder = Holder.here(part, past=tuple(_LET_GO))
    deadline = elapsed() + lock_timeout

    def take() -> tuple[Fence, int]:
        asked_at = elapsed()
        with backend.writing() as connection:
            return fencing.take(connection, backend, groups, holder, expiry), asked_at

    while True:
        try:
            fence, asked_at = backend.persistently(take)
        except LeaseHeld:
            left = deadline - elapsed()
            if left <= 0 or wait(min(_POLL, left) / 1000):
                raise
        except BackendError:
            _let_go(holder)  # it may be taken: the answer was lost, and then there was no database to ask again
            raise
        else:
            return Lease(backend, fence, asked_at, holder, on_stop, expiry=expiry, elapsed=elapsed, heartbeat=heartbeat)


def _let_go(holder: Holder) -> None:
    """Remember that a holder of this process holds nothing any more. Others may bear the name of that of a part."""
    if holder.run_id is None:
        _LET_GO.append(holder.id)


class Lease:
    """The leases of some groups, held together. A context manager that releases them.

    `fence` goes with each intent to the journal, which is what makes a lost lease harmless; `held` and `check` tell
    early, without asking the database.
    """

    def __init__(
        self,
        backend: Backend,
        fence: Fence,
        asked_at: int,
        holder: Holder,
        on_stop: Callable[[], object] = _nothing,
        *,
        expiry: int = EXPIRY,
        elapsed: Callable[[], int] = elapsed_clock,
        heartbeat: bool = True,
    ) -> None:
        self.fence = fence
        self._backend = backend
        self._holder = holder
        self._on_stop = on_stop
        self._expiry = expiry
        self._elapsed = elapsed
        self._renewed_at = asked_at  # from before the question: the database's count begins later, never earlier
        self._lost: Loss | None = None
        self._released = threading.Event()
        self._thread: threading.Thread | None = None
        if heartbeat and fence.tokens:
            self._thread = threading.Thread(target=self._beat, name="reconciler-lease", daemon=True)
            self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    @property
    def held(self) -> bool:
        """Whether the leases were renewed recently enough that nobody else can have them."""
        if self._lost or self._released.is_set():
            return False
        return not self.fence.tokens or self._elapsed() - self._renewed_at < self._expiry

    def check(self) -> None:
        """Raise LeaseLost unless the leases are held."""
        if not self.held:
            loss = Loss.ENDED if self._released.is_set() else self._lost or Loss.LATE
            raise LeaseLost(self.fence.groups, loss)

    def renew(self) -> None:
        """Hold on for another expiry. Raises LeaseLost, for good, and BackendError, after which one may try again."""
        asked_at = self._elapsed()
        try:
            with self._backend.writing() as connection:
                fencing.renew(connection, self._backend, self.fence, self._expiry)
                stop = self._holder.run_id is not None and fencing.stop_asked(connection, self._holder.run_id)
            self._backend.watch()()
        except LeaseLost as lost:
            self._lost = lost.loss
            raise
        self._renewed_at = asked_at
        if stop:
            self._on_stop()

    def release(self) -> None:
        """Stop the heartbeat and let others have the groups. May be called twice.

        Returns within ten seconds, whatever the database does: what is not given back expires.
        """
        if self._released.is_set():
            return
        self._released.set()
        _let_go(self._holder)
        parting = threading.Thread(target=self._give_back, name="reconciler-release", daemon=True)
        parting.start()
        parting.join(_PARTING)

    def _give_back(self) -> None:
        if self._thread is not None:
            self._thread.join()
        with suppress(BackendError), self._backend.writing() as connection:
            fencing.give_back(connection, self.fence)

    def _beat(self) -> None:
        while not self._released.wait(self._expiry / 3000):
            try:
                self.renew()
            except LeaseLost:
                return
            except BackendError:
                continue  # the next beat may get through; if none does, `held` ends by its own clock
