"""What a task of a simulated cloud is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class Phase(StrEnum):
    """Where a task stands, in one vocabulary for every vendor."""

    PENDING = "pending"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"


TERMINAL = frozenset({Phase.SUCCEEDED, Phase.FAILED, Phase.CANCELED})


@dataclass(frozen=True, slots=True)
class Spellings:
    """How one kind of task writes its phases. The first spelling of a phase is the usual one."""

    pending: tuple[str, ...]
    running: tuple[str, ...]
    succeeded: tuple[str, ...]
    failed: tuple[str, ...]
    canceled: tuple[str, ...]

    def of(self, phase: Phase) -> tuple[str, ...]:
        """Every spelling of `phase`."""
        spellings: tuple[str, ...] = getattr(self, phase.value)
        return spellings

    def spelled(self, status: str) -> str:
        """The vendor's word for a phase; any other text stays as it is, so that a seed can invent statuses."""
        return self.of(Phase(status))[0] if status in set(Phase) else status

    def phase(self, status: str) -> Phase | None:
        """The phase that a vendor's word means, None for an unknown one."""
        return next((phase for phase in Phase if status in self.of(phase)), None)


@dataclass(frozen=True, slots=True)
class Task:
    """One task as the cloud holds it. `fields` are in the vendor's own names and go out as they are."""

    kind: str
    owner: str
    id: str
    status: str
    created_at: datetime
    order: int
    started_at: datetime | None = None
    finished_at: datetime | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Row:
    """A task to be added, with ages relative to the clock. `id` empty: the cloud makes one.

    `created`, `started` and `finished` are ages (a duration) or moments; `starts_at` and `ends_at` lie ahead, as a
    duration from now or a moment. `owner` is a project id or an account, empty for the first one.
    """

    kind: str
    id: str = ""
    status: str = Phase.PENDING.value
    created: str | int | float | datetime = 0
    started: str | int | float | datetime | None = None
    finished: str | int | float | datetime | None = None
    starts_at: str | int | float | datetime | None = None
    ends_at: str | int | float | datetime | None = None
    ends_as: str = Phase.SUCCEEDED.value
    owner: str = ""
    fields: Mapping[str, Any] = field(default_factory=dict)
