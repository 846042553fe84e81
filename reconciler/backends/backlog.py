"""What the cycles of `run` saw of queues, over time: how many tasks wait, and for how long."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from sqlalchemy import delete, func, select

from reconciler.backends.schema import backlogs, insert_replacing, legible

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from reconciler.backends.backend import Backend

KEPT = 14 * 86_400_000
"""Milliseconds for which they are kept."""

_POINTS = 200
"""Of so many parts of the time that is asked about, the last observation in each is shown."""


@dataclass(frozen=True, slots=True)
class Backlog:
    """One kind of task on all targets at one time, in ms since the epoch (UTC).

    `pending` tasks were seen, of which the oldest was created at `oldest` (None: not known); `complete`: all of them.
    """

    resource: str
    taken_at: int
    pending: int
    oldest: int | None
    complete: bool


def write_backlog(backend: Backend, rows: Iterable[Backlog], now: int) -> None:
    """Write down what a cycle saw, and forget what is older than `KEPT`. Raises BackendError."""
    values = [asdict(row) | {"complete": int(row.complete)} for row in rows]
    with backend.writing() as connection:
        if values:
            connection.execute(insert_replacing(connection, backlogs), values)
        connection.execute(delete(backlogs).where(backlogs.c.taken_at < now - KEPT))


def read_backlog(backend: Backend, since: int, until: int) -> Mapping[str, Sequence[Backlog]]:
    """By resource type what was seen between two times, the earliest first, and not much more than can be drawn.

    Raises BackendError.
    """
    asked = backlogs.c.taken_at.between(since, until)
    query = select(backlogs).where(asked).order_by(backlogs.c.taken_at)
    found: dict[str, dict[int, Backlog]] = defaultdict(dict)
    with backend.reading() as connection:
        first = connection.execute(select(func.min(backlogs.c.taken_at)).where(asked)).scalar()
        step = max(1, (until - (first if isinstance(first, int) else since)) // _POINTS)
        for row in connection.execute(query):
            values = dict(legible(backlogs, row)._mapping)
            seen = Backlog(**{**values, "complete": bool(values["complete"])})
            found[seen.resource][(until - seen.taken_at) // step] = seen
    return {resource: [*points.values()] for resource, points in sorted(found.items())}
