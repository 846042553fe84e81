"""The one writer: a thread that commits whatever has gathered in its queue as one transaction.

A commit costs an fsync, however many rows it holds. While one commit is under way, the next group gathers, so that
the groups grow with the load and a lone request waits for nobody.
"""

from __future__ import annotations

import threading
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from reconciler.backends.failures import backend_error, translated
from reconciler.backends.gate import write_group
from reconciler.backends.requests import Intents
from reconciler.exceptions import BackendError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from reconciler.backends.backend import Backend
    from reconciler.backends.requests import Request

__all__ = ["GroupWriter"]

_GROUP_LIMIT = 2_000
"""Requests in one transaction at most: it keeps the write lock from the other processes for some 50 ms."""


@dataclass(frozen=True, slots=True)
class _Ticket:
    request: Request
    future: Future[None] = field(default_factory=Future)

    def started(self) -> bool:
        """Whether it is still wanted. An intent whose caller has gone away is not written; a result always is."""
        return self.future.running() or self.future.set_running_or_notify_cancel()


class GroupWriter:
    """Writes requests in the order of their submission. Any thread may submit.

    After the first failure of the database, and after `close`, every request fails at once with BackendError.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._queue: SimpleQueue[_Ticket | None] = SimpleQueue()
        self._gate = threading.Lock()
        self._failure: BackendError | None = None
        self._drained = False
        # A daemon, so that a program which forgets to close still ends; a commit cut off is as good as none.
        self._thread = threading.Thread(target=self._run, name="reconciler-journal", daemon=True)
        self._thread.start()

    @property
    def failure(self) -> BackendError | None:
        """Why nothing can be written any more; None while all is well."""
        return self._failure

    def submit(self, request: Request) -> Future[None]:
        """A future that is done once `request` is durable, and fails where it was refused or could not be written."""
        ticket = _Ticket(request)
        if not isinstance(request, Intents):
            ticket.future.set_running_or_notify_cancel()  # cannot be cancelled from here on
        with self._gate:
            if self._failure is None:
                self._queue.put(ticket)
                return ticket.future
        ticket.future.set_exception(_copy(self._failure))
        return ticket.future

    def close(self) -> None:
        """Write what is queued, then stop. May be called twice."""
        with self._gate:
            if self._failure is None:
                self._failure = BackendError(f"{self._backend.where}: the journal is closed")
            self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        group: list[_Ticket] = []
        try:
            with translated(self._backend.where), self._backend.connection() as connection:
                while not self._drained:
                    group = self._next_group()
                    if group:
                        self._commit(connection, group)
        except Exception as error:  # noqa: BLE001 - nobody may wait for a thread that has died, bug or not
            self._fail(error if isinstance(error, BackendError) else backend_error(error, self._backend.where), group)

    def _next_group(self) -> list[_Ticket]:
        """Wait for a request, and take what else is there."""
        waiting = [self._queue.get()]
        with suppress(Empty):
            while len(waiting) < _GROUP_LIMIT:
                waiting.append(self._queue.get_nowait())
        self._drained = None in waiting  # nothing is put behind it
        return [ticket for ticket in waiting if ticket is not None and ticket.started()]

    def _commit(self, connection: Connection, group: Sequence[_Ticket]) -> None:
        with connection.begin():
            refusals = write_group(connection, self._backend, [ticket.request for ticket in group])
        self._backend.check()
        for ticket, refusal in zip(group, refusals, strict=True):
            if refusal is None:
                ticket.future.set_result(None)
            else:
                ticket.future.set_exception(refusal)

    def _fail(self, error: BackendError, group: Sequence[_Ticket]) -> None:
        """Fail what was being written, what is queued and, from now on, whatever is submitted."""
        with self._gate:
            self._failure = error
        waiting = list(group)
        with suppress(Empty):
            while True:
                ticket = self._queue.get_nowait()
                if ticket is not None and ticket.started():
                    waiting.append(ticket)
        for ticket in waiting:
            if not ticket.future.done():
                ticket.future.set_exception(_copy(error))


def _copy(error: BackendError) -> BackendError:
    """The same error for one more future: raised in several threads, one object would gather all their tracebacks."""
    copy = BackendError(error.message, error.hint)
    copy.__cause__ = error.__cause__
    return copy
