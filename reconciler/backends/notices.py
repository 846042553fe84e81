"""What receivers of notifications were told, so that the next run tells no more than what is new, or over."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import and_, delete, or_, select

from reconciler.backends.schema import illegible, insert_replacing, legible, notices
from reconciler.config.model import Event

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from reconciler.backends.backend import Backend

_FORGOTTEN = 30 * 86_400_000
"""Milliseconds after which a row goes that no run has seen again: its target, or its policy, is there no more."""

_CHUNK = 100
"""Rows named in one statement."""


class Matter(StrEnum):
    """What went on, or wrong."""

    WORK = "work"
    """Changes."""
    LISTING = "listing"
    """A scope could not be observed whole."""
    LOCK = "lock"
    """Another apply held the account."""
    CHANGE = "change"
    """Some change failed, is unknown or was not attempted."""
    BLOCKED = "blocked"
    """Tasks are blocked, which a policy does not tolerate."""
    GUARD = "guard"
    APPROVAL = "approval"
    MATCHES = "matches"
    """More tasks match a policy than it tells of."""
    CONFIGURATION = "configuration"
    DATABASE = "database"
    RUN = "run"
    """Anything else that ended a run, or that belongs to no target."""


@dataclass(frozen=True, slots=True, order=True)
class Subject:
    """What a notification is about, and by what it is known again; empty where it is about none, or several.

    `extent` is a hash of the targets and policies that something was judged over which is of no single one: over others
    it is another matter.
    """

    event: Event
    matter: Matter
    target: str = ""
    resource: str = ""
    policy: str = ""
    extent: str = ""


MESSAGE = Subject(Event.RECOVERED, Matter.RUN)
"""Under which the last message stands that arrived, by its id: no problem is one of this event."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a receiver knows: `digest` tells two states of one subject apart, `told_at` is in ms since the epoch."""

    digest: str
    told_at: int


def read_told(backend: Backend, receiver: str) -> dict[Subject, Told]:
    """What a receiver was told, and what is not over yet. Raises BackendError."""
    query = select(notices).where(notices.c.receiver == receiver)
    found = {}
    with backend.reading() as connection:
        for row in connection.execute(query):
            values = dict(legible(notices, row)._mapping)
            told = Told(values.pop("digest"), values.pop("told_at"))
            del values["receiver"], values["seen_at"]
            try:
                event, matter = Event(values.pop("event")), Matter(values.pop("matter"))
            except ValueError:
                raise illegible(notices, "event") from None
            found[Subject(event, matter, **values)] = told
    return found


def write_told(
    backend: Backend, receiver: str, there: Mapping[Subject, Told], over: Collection[Subject], now: int
) -> None:
    """Write down what a receiver knows: what is `there`, and what is `over`. `now` in ms since the epoch.

    Raises BackendError.
    """
    rows = [
        {"receiver": receiver, **asdict(subject), **asdict(told), "seen_at": now} for subject, told in there.items()
    ]
    gone = sorted(over)
    columns = ("event", "matter", "target", "resource", "policy", "extent")
    with backend.writing() as connection:
        if rows:
            connection.execute(insert_replacing(connection, notices), rows)
        for start in range(0, len(gone), _CHUNK):
            named = [
                and_(*(notices.c[name] == getattr(one, name) for name in columns))
                for one in gone[start : start + _CHUNK]
            ]
            connection.execute(delete(notices).where(notices.c.receiver == receiver, or_(*named)))
        connection.execute(delete(notices).where(notices.c.receiver == receiver, notices.c.seen_at < now - _FORGOTTEN))
