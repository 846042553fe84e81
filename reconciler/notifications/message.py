"""A notification as data: what a webhook is sent, in this format, whose schema is published."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from reconciler.backends.notices import Matter
from reconciler.config.model import Event
from reconciler.documents.document import Format
from reconciler.planning.change import Count, Name, ResourceName
from reconciler.redaction import Shown
from reconciler.tasks.resource_type import Action
from reconciler.tasks.timestamps import Timestamp

MOST: Final = 100
"""Entries of a list in a message; `omitted` counts the others."""


@dataclass(frozen=True, slots=True)
class Work(Shown):
    """Changes of one policy on one kind of task."""

    target: Name
    resource: ResourceName
    policy: Name
    """The first of those that ask for them."""
    steps: tuple[Action, ...]
    count: Count
    made: bool
    """Whether they took effect; else a run that makes none found them."""


@dataclass(frozen=True, slots=True)
class Problem(Shown):
    """Something that is not as it should be."""

    event: Event
    matter: Matter
    message: str
    new: bool
    """Whether this receiver hears of it for the first time since it was well."""
    target: Name | None = None
    resource: ResourceName | None = None
    policy: Name | None = None


@dataclass(frozen=True, slots=True)
class Recovery(Shown):
    """A problem that this receiver was told of, and that is over."""

    event: Event
    matter: Matter
    told_at: Timestamp
    """When it was told of it first."""
    target: str | None = None
    resource: str | None = None
    policy: str | None = None


@dataclass(frozen=True, slots=True)
class Notification(Shown):
    """What one receiver is told of one run."""

    id: str
    """The same at each attempt to send it, also of later runs that have the same to tell, and of no other one."""
    time: Timestamp
    """When it was made: part of what is signed, so that an old one is known for old."""
    receiver: Name
    command: str
    outcome: str
    """Of the run, in one word."""
    run_id: str | None
    """null: the run made no report, or makes none."""
    events: tuple[Event, ...]
    """Why it is sent."""
    title: str
    lines: tuple[str, ...]
    """All of it for people, without what has a meaning in chats; as the receiver's template has it."""
    targets: tuple[Name, ...]
    """What the run looked at."""
    changes: tuple[Work, ...]
    problems: tuple[Problem, ...]
    """All that there are now; what is new stands first."""
    recovered: tuple[Recovery, ...]
    omitted: Count
    """Entries that are left out of the lists."""


NOTIFICATION = Format("reconciler.notification", "1.0", Notification, "What a webhook is told of a run")
