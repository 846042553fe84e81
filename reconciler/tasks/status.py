"""The states a task passes through, one vocabulary for every provider."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["OBSERVABLE", "PROGRESS", "TERMINAL", "Status"]


class Status(StrEnum):
    """Normalised status of a task.

    `UNKNOWN` is a vendor status that the resource type's table does not list: selectors treat it like a field
    that is not there, and no operation leaves it. `GONE` is a task that the cloud says it does not have.
    """

    PENDING = "pending"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"
    UNKNOWN = "unknown"
    GONE = "gone"


TERMINAL = frozenset({Status.SUCCEEDED, Status.FAILED, Status.CANCELED})
"""States that a task never leaves by itself."""

OBSERVABLE = (Status.PENDING, Status.RUNNING, Status.SUCCEEDED, Status.FAILED, Status.CANCELED)
"""The states a selector can name, in lifecycle order."""

PROGRESS: dict[Status, tuple[Status, ...]] = {
    Status.PENDING: (Status.RUNNING,),
    Status.RUNNING: (Status.SUCCEEDED, Status.FAILED),
}
"""Where a task goes by itself, without any operation of ours."""
