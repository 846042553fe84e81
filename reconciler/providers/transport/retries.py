"""When a request is sent again, and after how long."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.providers.transport.clocks import http_date
from reconciler.tasks.fault import Meaning

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

__all__ = ["READS", "WRITES", "Retries", "hinted_delay"]

LONGEST_HINT = 120.0
"""Seconds: a longer Retry-After is taken for this much, which is past every deadline anyway."""


_DIGITS = re.compile(r"\s*[0-9]{1,300}\s*", re.ASCII)
"""A number that fits into a float."""


@dataclass(frozen=True, slots=True)
class Retries:
    """Exponential backoff with full jitter: the n-th delay is drawn from 0 to `first * 2**n`, `longest` at most.

    `on` are the meanings worth another try. There are `tries` in all at most, and none starts later than `deadline`
    seconds after the first, nor later than `unreachable` where there is no connection: a quota comes back within a
    minute, a missing network does not.
    """

    on: frozenset[Meaning]
    tries: int = 20
    deadline: float = 90.0
    first: float = 0.5
    longest: float = 20.0
    unreachable: float = 90.0

    def patience(self, meaning: Meaning) -> float:
        """Seconds after the first try within which a fault of this meaning is worth another."""
        return min(self.deadline, self.unreachable) if meaning is Meaning.UNREACHABLE else self.deadline

    def delay(self, attempt: int, uniform: Callable[[float, float], float]) -> float:
        """Seconds to wait after the attempt with this number, counted from 0."""
        return uniform(0.0, min(self.longest, self.first * 2 ** min(attempt, 16)))


READS = Retries(
    frozenset({Meaning.THROTTLED, Meaning.UNAVAILABLE, Meaning.LOST, Meaning.UNREACHABLE}), unreachable=20.0
)
"""A read has no effect, so that asking again is always right."""

WRITES = Retries(frozenset({Meaning.THROTTLED, Meaning.UNREACHABLE}))
"""Only what certainly had no effect: refused by a quota, or never sent. The rest is the caller's to read back."""


def hinted_delay(headers: Mapping[str, str], now: Callable[[], datetime], vendors: str = "") -> float | None:
    """Seconds that the server asks to wait, LONGEST_HINT at most; None where it does not say, or nothing readable.

    From the vendor's own header in milliseconds, if it has one, or `Retry-After` (seconds or an HTTP date).
    """
    milliseconds = _number(headers.get(vendors))
    if milliseconds is not None:
        return min(milliseconds / 1000, LONGEST_HINT)
    text = headers.get("retry-after")
    seconds = _number(text)
    if seconds is None:
        date = http_date(text)
        seconds = None if date is None else (date - now()).total_seconds()
    return None if seconds is None else min(max(seconds, 0.0), LONGEST_HINT)


def _number(text: str | None) -> float | None:
    return float(text) if text and _DIGITS.fullmatch(text) else None
