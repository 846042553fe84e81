"""The one writer: a thread that commits whatever has gathered in its queue as one transaction.

A commit costs an fsync, however many rows it holds. While one commit is under way, and for a moment after, the next
group gathers, so that the groups grow with the load and a lone request waits for nobody.

A connection that is lost is made anew for a while, and the group written again, unless the lost transaction turns out
to have been committed. Either way an intent counts only once its fence was seen to hold by the new connection.
"""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as NoneFree

from reconciler.backends.backend import PAUSE
from reconciler.backends.failures import backend_error, may_pass
from reconciler.backends.fencing import verify
from reconciler.backends.gate import took_effect, write_group
from reconciler.backends.requests import Intents
from reconciler.exceptions import BackendError, LockedError, ReconcilerError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import Connection

    from reconciler.backends.backend import Backend
    from reconciler.backends.requests import Request

_GROUP_LIMIT = 2_000
"""Requests in one transaction at most: it keeps the write lock from the other processes for some 50 ms."""


_GATHERING = 0.02
"""Seconds that a group waits for more, where the one before had company: a commit costs the CPU what thirty rows do,
and whoever makes many calls at once has intents written ahead."""


@dataclass(frozen=True, slots=True)
class _Ticket:
    request: Request
    future: Future[None] = field(default_factory=Future)

    def started(self) -> bool:
        """Whether it is still wanted. An intent whose caller has gone away is not written; a result always is."""
        return self.future.running() or self.future.set_running_or_notify_cancel()


class _Unsettled(BackendError):  # noqa: N818 - reads as what it is: a state of affairs
    """The server does not know yet what became of the transaction whose connection was lost."""

    def __init__(self, where: str) -> None:
        super().__init__(
            f"{where}: the connection was lost, and what became of the last entries is not known",
            "Run the command again; it reads the tasks concerned first.",
        )


class GroupWriter:
    """Writes requests in the order of their submission. Any thread may submit.

    After the first failure of the database every intent fails at once with BackendError, so that nothing more is sent;
    what became of the calls sent before, and how the run ended, is still written where a new connection lets it. Once
    the database is no longer the one that was opened, and after `close`, everything fails.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._queue: SimpleQueue[_Ticket | None] = SimpleQueue()
        self._gate = threading.Lock()
        self._failure: BackendError | None = None
        self._lost = False
        self._closed = False
        self._drained = False
        self._company = False
        self._connection: Connection | None = None
        self._check: Callable[[], None] | None = None
        self.after_group: list[Callable[[], None]] = []
        """Called in the writer's thread once the futures of a group are done: who waits in an event loop is woken once
        for all of them, not for each."""
        # A daemon, so that a program which forgets to close still ends; a commit cut off is as good as none.
        self._thread = threading.Thread(target=self._run, name="reconciler-journal", daemon=True)
        self._thread.start()

    @property
    def failure(self) -> BackendError | None:
        """Why no intent can be written any more; None while all is well."""
        if self._failure is None and self._closed:
            return BackendError(f"{self._backend.where}: the journal is closed")
        return self._failure

    def submit(self, request: Request) -> Future[None]:
        """A future that is done once `request` is durable, and fails where it was refused or could not be written."""
        ticket = _Ticket(request)
        if not isinstance(request, Intents):
            ticket.future.set_running_or_notify_cancel()  # cannot be cancelled from here on
        with self._gate:
            if not self._closed and self._takes(request):
                self._queue.put(ticket)
                return ticket.future
        ticket.future.set_exception(_copy(self.failure))
        return ticket.future

    def close(self, patience: float | None = None) -> None:
        """Write what is queued, in so many seconds (None: however long it takes), then stop. May be called twice."""
        with self._gate:
            self._closed = True
            self._queue.put(None)
        self._thread.join(patience)

    def _takes(self, request: Request) -> bool:
        return self._failure is None or not (self._lost or isinstance(request, Intents))

    def _run(self) -> None:
        while not self._drained:
            group = self._next_group()
            try:
                refusals = self._written([ticket.request for ticket in group]) if group else []
            except Exception as error:  # noqa: BLE001 - nobody may wait for a thread that has died, bug or not
                self._fail(error)
                refusals = [_copy(self._failure) for _ in group]
            for ticket, refusal in zip(group, refusals, strict=True):
                if refusal is None:
                    ticket.future.set_result(None)
                else:
                    ticket.future.set_exception(refusal)
            for wake in tuple(self.after_group):
                wake()
            if self._backend.pooled and self._queue.empty():
                self._disconnect()
        self._disconnect()

    def _next_group(self) -> list[_Ticket]:
        """Wait for a request, and take what else is there. What is not taken any more fails at once."""
        waiting = [self._queue.get()]
        if self._company:
            time.sleep(_GATHERING)
        with suppress(Empty):
            while len(waiting) < _GROUP_LIMIT:
                waiting.append(self._queue.get_nowait())
        self._company = len(waiting) > 1
        self._drained = None in waiting  # nothing is put behind it
        wanted = [ticket for ticket in waiting if ticket is not None and ticket.started()]
        for ticket in wanted:
            if not self._takes(ticket.request):
                ticket.future.set_exception(_copy(self._failure))
        return [ticket for ticket in wanted if not ticket.future.done()]

    def _written(self, requests: Sequence[Request]) -> Sequence[ReconcilerError | None]:
        """Commit `requests`; the refusal of each. Raises SQLAlchemy's errors and BackendError where that failed."""
        end = time.monotonic() + (self._backend.patience if self._failure is None else 0.0)
        mark: str | None = None
        refusals: Sequence[ReconcilerError | None] = ()
        while True:
            try:
                connection = self._connected()
                if mark is not None and self._was_committed(connection, mark, requests, refusals):
                    return self._still_fenced(connection, requests, refusals)
                mark, refusals = None, ()
                with connection.begin():
                    mark = self._backend.mark(connection)
                    refusals = write_group(connection, self._backend, requests)
                    self._check = self._check or self._backend.watch()
                self._check()
            except (DBAPIError, NoneFree, _Unsettled) as error:
                self._disconnect(failed=True)
                if time.monotonic() >= end or not may_pass(error):
                    raise
                time.sleep(PAUSE)
            else:
                return refusals

    def _was_committed(
        self,
        connection: Connection,
        mark: str,
        requests: Sequence[Request],
        refusals: Sequence[ReconcilerError | None],
    ) -> bool:
        """Whether the transaction whose connection was lost took effect. Raises _Unsettled while nobody can say."""
        with connection.begin():
            if self._backend.goes_on(connection, mark):
                raise _Unsettled(self._backend.where)
            return took_effect(connection, requests, refusals)

    def _still_fenced(
        self, connection: Connection, requests: Sequence[Request], refusals: Sequence[ReconcilerError | None]
    ) -> Sequence[ReconcilerError | None]:
        """`refusals`, with those of intents whose fence fell while the connection was away: they must not be sent."""

        def verdict(request: Request, refusal: ReconcilerError | None) -> ReconcilerError | None:
            if refusal is None and isinstance(request, Intents):
                try:
                    verify(connection, self._backend, request.fence)
                except LockedError as lost:
                    return lost
            return refusal

        with connection.begin():
            return [verdict(*pair) for pair in zip(requests, refusals, strict=True)]

    def _connected(self) -> Connection:
        if self._connection is None:
            self._connection = self._backend.connection()
        return self._connection

    def _disconnect(self, *, failed: bool = False) -> None:
        """Close the connection, or lend it to others; one that `failed` is of no use to anybody."""
        connection, self._connection, self._check = self._connection, None, None
        if connection is not None:
            with suppress(SQLAlchemyError):
                if failed:
                    connection.invalidate()
                connection.close()

    def _fail(self, error: Exception) -> None:
        """From now on no intent is written, and nothing at all unless it was the database that failed."""
        self._disconnect(failed=True)
        with self._gate:
            self._lost = self._lost or not isinstance(error, DBAPIError | NoneFree | _Unsettled)
            if self._failure is None or self._lost:
                where = self._backend.where
                self._failure = error if isinstance(error, BackendError) else backend_error(error, where)


def _copy(error: BackendError | None) -> BackendError:
    """The same error for one more future: raised in several threads, one object would gather all their tracebacks."""
    assert error is not None  # noqa: S101 - told to mypy: asked for where there is one
    copy = BackendError(error.message, error.hint)
    copy.__cause__ = error.__cause__
    return copy
