"""What can go wrong on the way to a comment, and how long a command keeps trying.

ReconcilerError
`-- ReviewError     exit 1  the platform, or the way to it, did not do what was asked
    `-- Unsettled           it may go better a moment later; a write may even have had its effect
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from reconciler.exceptions import ReconcilerError

if TYPE_CHECKING:
    from collections.abc import Callable


__all__ = ["Patience", "ReviewError", "Unsettled"]


class ReviewError(ReconcilerError):
    """`status`: the HTTP status, where there was an answer."""

    def __init__(self, message: str, hint: str = "", status: int | None = None) -> None:
        super().__init__(message, hint)
        self.status = status


class Unsettled(ReviewError):  # noqa: N818 - not the end of the matter
    """Throttled, out of order or out of reach.

    `delay`: seconds to wait as the platform asks for, None where it does not. `sent`: whether the request may have
    arrived, so that a write may have had its effect.
    """

    def __init__(
        self, message: str, hint: str = "", status: int | None = None, *, delay: float | None = None, sent: bool = True
    ) -> None:
        super().__init__(message, hint, status)
        self.delay = delay
        self.sent = sent


DEADLINE = 120.0
"""Seconds from the first request to the last; a quota that comes back later than that is for the next run."""

_LONGEST = 16.0
_TRIES_UNREACHABLE = 4
"""Some 15 seconds: a network that is missing does not come back as a quota does."""


def _now() -> datetime:
    return datetime.now(UTC)


class Patience:
    """One for a whole command, since what a reader waits for is its end."""

    def __init__(
        self,
        deadline: float = DEADLINE,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], datetime] = _now,
    ) -> None:
        self._monotonic = monotonic
        self._sleep = sleep
        self._end = monotonic() + deadline
        self.now = now

    @property
    def spent(self) -> bool:
        return self._monotonic() > self._end

    def wait(self, failure: Unsettled, attempt: int) -> None:
        """Wait before the next try; `attempt` counts from 0. Raises `failure` where there is to be none."""
        delay = min(_LONGEST, 2.0**attempt) if failure.delay is None else failure.delay
        unreachable = failure.status is None and not failure.sent and attempt >= _TRIES_UNREACHABLE
        if unreachable or self._monotonic() + delay > self._end:
            raise failure
        self._sleep(delay)
