"""The journal: what a run is about to do, written down before it does it, and what came of it."""

from __future__ import annotations

import os
import secrets
import socket
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self

from sqlalchemy import and_, func, or_, select, update

from reconciler.backends.connect import connect
from reconciler.backends.entries import ActionResult, Author
from reconciler.backends.fencing import NO_FENCE, holdings
from reconciler.backends.requests import Beginning, End, Intents, Outcomes, Results
from reconciler.backends.schema import UNSETTLED, action_record, actions, runs
from reconciler.backends.writer import GroupWriter

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
    from concurrent.futures import Future
    from types import TracebackType

    from sqlalchemy import Select

    from reconciler.backends.backend import Backend
    from reconciler.backends.entries import ActionRecord, ActionState, Intent, RunEnd, RunStart, TaskOutcome
    from reconciler.backends.fencing import Fence


def _wall_clock() -> int:
    """Milliseconds since the epoch (UTC), by this host."""
    return time.time_ns() // 1_000_000


def new_run_id(now: int) -> str:
    """32 hexadecimal digits, of which the first 12 are `now` (ms since the epoch): ids sort by time of creation."""
    return f"{now:012x}{secrets.token_hex(10)}"


class Journal:
    """The record of runs, opened for writing. Any thread may use it; several processes may record one run.

    The futures are done when what they stand for is durable. They fail with

    - `AlreadyDone`, `AlreadyIntended`: the run may not send this call (again); nothing was written;
    - `LeaseLost`: the fence given with it does not hold any more; nothing was written;
    - `NoOpenIntent`: a result without an intent;
    - BackendError: a value that cannot be stored; or the database failed, and then every later request fails, too.

    A call may be sent only once the future of its intent is done. Cancelling that future while it is queued withdraws
    the intent; a result can't be withdrawn.
    """

    def __init__(self, backend: Backend, *, clock: Callable[[], int] = _wall_clock) -> None:
        self.backend = backend
        self._clock = clock
        self._writer = GroupWriter(backend)

    @classmethod
    def open(cls, url: str, *, wait: float = 0.0) -> Journal:
        """Open the database at `url`, which is created where it is missing; a server that does not answer is waited for
        `wait` seconds. Raises BackendError."""
        return cls(connect(url, wait=wait, pooled=True))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def waking(self, wake: Callable[[], None]) -> Iterator[None]:
        """Within this context `wake` is called after each commit, by another thread, once its futures are done."""
        self._writer.after_group.append(wake)
        try:
            yield
        finally:
            self._writer.after_group.remove(wake)

    def begin_run(self, start: RunStart) -> str:
        """Write down that a run begins, and return its id. Waits for one commit. Raises BackendError."""
        now = self._clock()
        run_id = new_run_id(now)
        start = replace(start, author=start.author or Author.here())
        self._writer.submit(Beginning(run_id, start, now, socket.gethostname(), os.getpid())).result()
        return run_id

    def calls(self, run_id: str, targets: Collection[str]) -> list[ActionRecord]:
        """What a run has written down of calls for `targets`, oldest first. Raises BackendError."""
        theirs = (actions.c.run_id == run_id, actions.c.target.in_(sorted(targets)))
        query = select(actions).where(*theirs).order_by(actions.c.sequence)
        return self._records(query)

    def intend(
        self,
        run_id: str,
        intents: Iterable[Intent],
        fence: Fence,
        groups: Mapping[str, str] = MappingProxyType({}),
    ) -> Future[None]:
        """Ask to send the calls of `intents`: all of them are let through, or none.

        Only while the leases of `fence` are held, by the database's own word. `groups` names the rate-limit group of
        each target: by it a later run finds what this one leaves open.
        """
        return self._writer.submit(Intents(run_id, tuple(intents), self._clock(), fence, groups))

    def record(self, run_id: str, results: Iterable[ActionResult], fence: Fence = NO_FENCE) -> Future[None]:
        """Write down what became of intents. An uncertain result may be followed by a certain one.

        Where others may execute the same again: only while nobody has taken a lease of the `fence`.
        """
        entries = tuple((run_id, result) for result in results)
        return self._writer.submit(Results(entries, self._clock(), fence=fence))

    def record_outcomes(self, run_id: str, outcomes: Iterable[TaskOutcome], fence: Fence = NO_FENCE) -> Future[None]:
        """Write down what became of changes; a later outcome of a task replaces the earlier. `fence` as above."""
        return self._writer.submit(Outcomes(run_id, tuple(outcomes), fence))

    def finish_run(self, run_id: str, end: RunEnd) -> Future[None]:
        """Write down how a run ended, and add it to the chain of the history. A run ends once, with all its parts."""
        return self._writer.submit(End(run_id, end, self._clock()))

    def open_intents(self, groups: Collection[str], targets: Collection[str] = ()) -> list[ActionRecord]:
        """Intents on `groups` that no certain result followed, oldest first.

        To be asked while the leases of the groups are held: then whoever wrote them is dead, and their calls may or
        may not have been sent. Of those whose group was not written down, the ones for `targets`. Raises BackendError.
        """
        theirs = or_(
            actions.c.rate_group.in_(sorted(groups)),
            and_(actions.c.rate_group.is_(None), actions.c.target.in_(sorted(targets))),
        )
        return self._records(select(actions).where(UNSETTLED, theirs).order_by(actions.c.sequence))

    def _records(self, query: Select[Any]) -> list[ActionRecord]:
        def found() -> list[ActionRecord]:
            with self.backend.reading() as connection:
                return [action_record(row) for row in connection.execute(query)]

        return self.backend.persistently(found)

    def strays(self, groups: Collection[str], targets: Collection[str]) -> Mapping[str, int]:
        """How many open intents no run with `targets` will settle, by the target that they were for.

        They are of none of `groups`, their target is none of `targets`, and nobody holds the lease of their group, so
        that they are not under way either. Raises BackendError.
        """
        query = (
            select(actions.c.target, actions.c.rate_group, func.count())
            .where(UNSETTLED, actions.c.target.not_in(sorted(targets)))
            .group_by(actions.c.target, actions.c.rate_group)
        )

        def found() -> Mapping[str, int]:
            counts: Counter[str] = Counter()
            with self.backend.reading() as connection:
                held = {holding.group for holding in holdings(connection, self.backend) if holding.in_force}
                for target, group, count in connection.execute(query):
                    if group not in {*groups, *held}:
                        counts[target] += count
            return dict(sorted(counts.items()))

        return self.backend.persistently(found)

    def resolve(self, found: ActionRecord, state: ActionState, *, by: str, fence: Fence = NO_FENCE) -> Future[None]:
        """Close an intent that was left open with what the cloud showed when the run `by` read the task back."""
        entries = ((found.run_id, ActionResult(found, state)),)
        return self._writer.submit(Results(entries, self._clock(), by, fence))

    def ask_to_stop(self, run_id: str) -> None:
        """Tell all parts of a run to stop. Nothing happens where it has ended. Raises BackendError."""
        going_on = (runs.c.run_id == run_id, runs.c.finished_at.is_(None), runs.c.stop_asked_at.is_(None))

        def ask() -> None:
            with self.backend.writing() as connection:
                connection.execute(update(runs).where(*going_on).values(stop_asked_at=self._clock()))

        self.backend.persistently(ask)

    def close(self, patience: float | None = None) -> None:
        """Write what is queued, in so many seconds (None: as long as it takes), then stop; whatever comes later fails.

        May be called twice.
        """
        self._writer.close(patience)
        self.backend.engine.dispose()
