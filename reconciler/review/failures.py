"""What can go wrong on the way to a comment, what a refusal says, and how long a command keeps trying.

ReconcilerError
`-- ReviewError     exit 1  the platform, or the way to it, did not do what was asked
    `-- Unsettled           it may go better a moment later; a write may even have had its effect
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from reconciler.exceptions import ReconcilerError
from reconciler.providers.transport.caller import hinted_delay

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


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


_RESETS = ("x-ratelimit-reset", "ratelimit-reset")
_REMAINING = ("x-ratelimit-remaining", "ratelimit-remaining")
_LEAST_PAUSE = 60.0
"""Seconds to wait at a secondary limit that does not say how long, as GitHub's documentation asks."""


@dataclass(frozen=True, slots=True)
class Delay:
    """`seconds` until another try, None where nothing is said. `sent`: whether the request may have had its effect."""

    seconds: float | None
    sent: bool


@dataclass(frozen=True, slots=True)
class Said:
    """The words of a refusal, those about single fields included."""

    text: str

    @classmethod
    def of(cls, body: bytes) -> Said:
        try:
            return cls("; ".join(dict.fromkeys(_words(json.loads(body)))))
        except (ValueError, RecursionError):
            return cls("")  # a page for people, which says nothing that the status does not


def _words(content: object, depth: int = 0) -> Iterator[str]:
    """GitHub: `message`, and `errors` with a message each. GitLab: `message`, which may be nested, or `error`."""
    if isinstance(content, str):
        yield content
    elif isinstance(content, list) and depth < 4:
        for entry in content[:10]:
            yield from _words(entry, depth + 1)
    elif isinstance(content, dict) and depth < 4:
        known = [content[name] for name in ("message", "errors", "error", "error_description") if name in content]
        for entry in known or (list(content.values())[:10] if depth else []):
            yield from _words(entry, depth + 1)


def passing(status: int, headers: Mapping[str, str], said: Said, now: Callable[[], datetime]) -> Delay | None:
    """How long to wait before the same request may be answered, or None where waiting does not help.

    GitHub says 403 as well as 429 for both kinds of limits, and 403 for missing permissions too.
    """
    if status >= 500:
        return Delay(hinted_delay(headers, now), sent=True)
    exhausted = any(headers.get(name) == "0" for name in _REMAINING)
    limited = "retry-after" in headers or exhausted or "rate limit" in said.text.lower()
    if status != 429 and not (status == 403 and limited):
        return None
    hinted = hinted_delay(headers, now)
    return Delay(_reset(headers, now) if hinted is None else hinted, sent=False)


def _reset(headers: Mapping[str, str], now: Callable[[], datetime]) -> float:
    for name in _RESETS:
        text = headers.get(name, "")
        if text.isdecimal() and len(text) < 12:
            return max(1.0, int(text) - now().timestamp())
    return _LEAST_PAUSE
