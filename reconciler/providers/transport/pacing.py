"""Pacing: no more requests than the vendor allows, spread so that others of the account get through."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.providers.transport.surroundings import Turns
from reconciler.providers.transport.trace import watched
from reconciler.tasks.observation import Fault, Meaning

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

LEAST_SHARE = 1 / 16
"""However often we are throttled, this share of the quota is still used."""

MARGIN = 1.01
"""Windows are counted this much longer than the vendor's: requests that left in order arrive with some jitter."""

ROUNDING = 1e-9
"""Seconds: sums of floats may fall this short of the moment they stand for."""


GIVEN_UP_AFTER = 300.0
"""Seconds for which nothing but throttling is put up with: no wait is begun that ends later. An account that is refused
for ever would keep each of a thousand requests waiting otherwise."""

GIVEN_UP = f"not sent: a quota refuses every request, which is waited out for {GIVEN_UP_AFTER:.0f} s at most"

LOOK = 1.0
"""Seconds after which who waits looks whether it still may."""


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
    success gives a little back (additive increase, multiplicative decrease). Once nothing but throttling came for
    GIVEN_UP_AFTER seconds nobody waits any more; who comes when there is nothing to wait for may try. Safe for use from
    several event loops.
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
        self._refused_since: float | None = None
        self._share = 1.0
        self._state = threading.Lock()
        self._queue = Turns()

    @property
    def share(self) -> float:
        """The part of the quota in use: 1 unless throttled lately."""
        return self._share

    async def turn(self, permitted: Callable[[], bool] = always) -> float | Fault:
        """Wait for this caller's turn, first come first served; returns when it came (monotonic seconds).

        Those who are not `permitted` any more leave the queue without a turn, and so does everybody once waiting is
        given up.
        """
        async with self._queue.lock():
            while permitted():
                wait = self._take()
                if wait <= 0:
                    return self._monotonic()
                if self._gives_up(wait):
                    return Fault(Meaning.UNREACHABLE, GIVEN_UP)
                watched().waits(wait)
                await self._sleep(min(wait, LOOK))
            return Fault(Meaning.UNREACHABLE, "not sent: the run is stopping")

    def _gives_up(self, wait: float) -> bool:
        """Whether nothing but throttling came, and will have for too long after so many seconds more."""
        with self._state:
            since = self._refused_since
            return since is not None and self._monotonic() + wait - since > GIVEN_UP_AFTER

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
                self._refused_since = None

    def throttled(self, sent_at: float, pause: float) -> None:
        """Note that the request of `sent_at` was throttled: nothing goes out for `pause` seconds.

        Requests that were in flight together count as one: only one sent after the last cut halves the rate again.
        """
        with self._state:
            now = self._monotonic()
            if self._refused_since is None or now > self._paused_until + GIVEN_UP_AFTER:
                self._refused_since = now  # after so long a silence it is another matter
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
            found = self._paces.get(key)
            if found is None:
                found = self._paces[key] = Pace(quota, monotonic, sleep)
            return found


PACES = PaceBook()
