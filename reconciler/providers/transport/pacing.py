"""Pacing: no more requests than the vendor allows, spread so that others of the account get through."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.providers.transport.together import Turns

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

__all__ = ["Pace", "PaceBook", "Quota", "always"]

LEAST_SHARE = 1 / 16
"""However often we are throttled, this share of the quota is still used."""

MARGIN = 1.01
"""Windows are counted this much longer than the vendor's: requests that left in order arrive with some jitter."""

ROUNDING = 1e-9
"""Seconds: sums of floats may fall this short of the moment they stand for."""


def always() -> bool:
    """Permission for what nobody wants to stop."""
    return True


@dataclass(frozen=True, slots=True)
class Quota:
    """So many requests in any window of so many seconds."""

    requests: int
    seconds: float

    def at_rate(self, per_second: float) -> Quota:
        """The same window with another rate, as the configuration may ask for."""
        requests = int(per_second * self.seconds + 1e-9)
        return Quota(requests, self.seconds) if requests >= 1 else Quota(1, 1 / per_second)


class Pace:
    """A generic cell rate algorithm with a bound per window, adaptive when throttled.

    A fifth of the quota may go out at once, so that small runs don't wait; after that requests are spaced evenly,
    and no window ever holds more than the quota. Throttling halves the rate and stops everybody for a while; each
    success gives a little back (additive increase, multiplicative decrease). Safe for use from several event loops.
    """

    def __init__(self, quota: Quota, monotonic: Callable[[], float], sleep: Callable[[float], Awaitable[None]]) -> None:
        self._quota = quota
        self._monotonic = monotonic
        self._sleep = sleep
        self._window = quota.seconds * MARGIN
        self._sent: deque[float] = deque(maxlen=quota.requests)
        self._due = float("-inf")
        self._paused_until = float("-inf")
        self._slowed_at = float("-inf")
        self._share = 1.0
        self._state = threading.Lock()
        self._queue = Turns()

    @property
    def share(self) -> float:
        """The part of the quota in use: 1 unless throttled lately."""
        return self._share

    async def turn(self, permitted: Callable[[], bool] = always) -> float | None:
        """Wait for this caller's turn, first come first served; returns when it came (monotonic seconds).

        Those who are not `permitted` any more leave the queue without a turn: None.
        """
        async with self._queue.lock():
            while permitted():
                wait = self._take()
                if wait <= 0:
                    return self._monotonic()
                await self._sleep(wait)
            return None

    def _take(self) -> float:
        """Take a place now and return 0, or return the seconds until it is worth asking again."""
        with self._state:
            now = self._monotonic()
            spacing = self._quota.seconds / (self._quota.requests * self._share)
            burst = max(0, self._quota.requests // 5 - 1) * spacing * self._share
            earliest = max(self._due - burst, self._paused_until)
            if len(self._sent) == self._sent.maxlen:
                earliest = max(earliest, self._sent[0] + self._window)
            if earliest > now + ROUNDING:
                return earliest - now
            self._due = max(self._due, now) + spacing
            self._sent.append(now)
            return 0.0

    def succeeded(self) -> None:
        """Note an answer that was no throttling: two quotas' worth of them restore a halved rate."""
        if self._share < 1:
            with self._state:
                self._share = min(1.0, self._share + 0.25 / self._quota.requests)

    def throttled(self, sent_at: float, pause: float) -> None:
        """Note that the request of `sent_at` was throttled: nothing goes out for `pause` seconds.

        Requests that were in flight together count as one: only one sent after the last cut halves the rate again.
        """
        with self._state:
            now = self._monotonic()
            self._paused_until = max(self._paused_until, now + pause)
            if sent_at >= self._slowed_at:
                self._share = max(LEAST_SHARE, self._share / 2)
                self._slowed_at = now


class PaceBook:
    """The paces of this process, one per (rate-limit group, bucket): clients of one account share theirs."""

    def __init__(self) -> None:
        self._paces: dict[tuple[str, str, Quota, object], Pace] = {}
        self._lock = threading.Lock()

    def pace(
        self,
        group: str,
        bucket: str,
        quota: Quota,
        *,
        monotonic: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
    ) -> Pace:
        """The pace of a bucket. Two clients share it where they agree about the quota and the clock."""
        with self._lock:
            key = (group, bucket, quota, monotonic)
            return self._paces.setdefault(key, Pace(quota, monotonic, sleep))


PACES = PaceBook()
