"""Pacing: no more requests than the vendor allows, spread so that others of the account get through."""

from __future__ import annotations

import threading
from bisect import bisect_left, bisect_right, insort
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.providers.transport.adaptive_rate import WINDOW, AdaptiveRate
from reconciler.providers.transport.surroundings import Turns
from reconciler.providers.transport.trace import watched
from reconciler.tasks.observation import Fault, Meaning

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from reconciler.config.model import Rate

AT_ONCE, AT_MOST, ROOM = 6, 40, 2
"""Requests that are on their way at first, one more for every three that came back, and at most until a window went by
without a refusal; until a second did, and whenever a higher rate is tried, no more than so many times those that it
takes where answers take as long as they usually do. A quota may be one on paper only, and what is on its way at the
first refusal is refused as well."""
SMOOTHED = 32
"""Answers over which is smoothed how long one takes."""

TICK = 0.001
"""Seconds by which windows are counted longer than the vendor's: servers count by milliseconds."""
LATE = 0.25
"""The share of a window by which a request is taken to be late at most: a slow answer need not be a late request."""
MEASURED = 30
"""Answers that tell how long one takes at least."""
ROUNDING = 1e-9
"""Seconds: sums of floats may fall this short of the moment they stand for."""

GIVEN_UP_AFTER = 300.0
"""Seconds for which nothing but throttling is put up with: no wait is begun that ends later. An account that is refused
for ever would keep each of a thousand requests waiting otherwise."""
GIVEN_UP = f"not sent: a quota refuses every request, which is waited out for {GIVEN_UP_AFTER:.0f} s at most"

LOOK, GLANCE = 1.0, 0.005
"""Seconds after which who waits looks whether it still may; and who waits for answers, whether they came."""


def always() -> bool:
    """Permission for what nobody wants to stop."""
    return True


@dataclass(frozen=True, slots=True)
class Quota:
    """So many requests in any window of so many seconds."""

    requests: int
    seconds: float

    def at(self, rate: Rate) -> Quota:
        """A rate that the configuration asks for, by the shorter window of the two."""
        seconds = min(self.seconds, rate.seconds)
        allowed = rate.per_second * seconds
        requests = max(1, int(allowed + ROUNDING))
        return Quota(requests, seconds * requests / allowed)

    @property
    def per_second(self) -> float:
        return self.requests / self.seconds


class Arrivals:
    """When requests came to the server, at the latest.

    That is between leaving and being answered: what a request took longer than the fastest may have passed before it
    arrived, so that its place in a window comes free that much later. One that is still on its way is taken to be as
    fast as any.
    """

    def __init__(self, kept: float, latest: float) -> None:
        """Both in seconds: arrivals are `kept` for so long, and no request is taken to be later than `latest`."""
        self._kept = kept
        self._latest = latest
        self._left: list[float] = []
        self._ended: list[float] = []
        self._fastest, self._answers = float("inf"), 0

    def on_the_way(self, since: float) -> int:
        """Those that left after this moment."""
        return len(self._left) - bisect_right(self._left, since)

    def leave(self, now: float) -> None:
        insort(self._left, now)

    def end(self, sent_at: float, now: float, *, answered: bool) -> None:
        """Note that it is not on its way any more, `answered` or not."""
        place = bisect_left(self._left, sent_at)
        if self._left[place : place + 1] != [sent_at]:
            return
        del self._left[place]
        if answered:
            self._fastest = min(self._fastest, now - sent_at)
            self._answers += 1
        del self._ended[: bisect_left(self._ended, now - self._kept)]
        # One without an answer may have arrived just now.
        latest = now if answered or not self._answers else now + self._fastest
        insort(self._ended, min(latest, sent_at + self._fastest + self._latest))

    def free(self, now: float, requests: int, seconds: float) -> float:
        """When one more may leave so that no more than `requests` arrive in `seconds`, or it is worth looking again."""
        since = now - seconds - TICK + ROUNDING
        fastest = self._fastest if self._answers > MEASURED else 0.0
        left, ended = bisect_right(self._left, since), bisect_right(self._ended, since + fastest)
        if len(self._left) - left + len(self._ended) - ended < requests:
            return now
        first = [*self._left[left : left + 1], *(moment - fastest for moment in self._ended[ended : ended + 1])]
        return min(first) + seconds + TICK


class Pace:
    """A generic cell rate algorithm with a bound per window, adaptive when throttled.

    A fifth of the quota may go out at once, so that small runs don't wait; after that requests are spaced evenly,
    and no window ever holds more than the quota. Throttling cuts the rate (see `AdaptiveRate`) and stops everybody for
    a while. Once nothing but throttling came for GIVEN_UP_AFTER seconds nobody waits any more; who comes when there is
    nothing to wait for may try. Safe for use from several event loops.
    """

    def __init__(self, quota: Quota, monotonic: Callable[[], float], sleep: Callable[[float], Awaitable[None]]) -> None:
        self._quota = quota
        self._monotonic = monotonic
        self._sleep = sleep
        self._state = threading.Lock()
        self._queue = Turns()
        self._waiting = 0
        self._arrivals = Arrivals(quota.seconds * (1 + LATE) + TICK, quota.seconds * LATE)
        self._due = self._paused_until = self._sent_at = float("-inf")
        self._rate = AdaptiveRate(quota.per_second)
        self._back, self._first_back = 0, float("inf")
        """Requests that came back, and when the first of them did."""
        self._usual = 0.0
        """Seconds from sending a request to the answer that lets it through, smoothed; 0.0 where none was."""
        self._refused_since: float | None = None
        """When the first of refusals came without an answer in between."""

    @property
    def rate(self) -> float:
        """Requests a second that go out now at most."""
        return self._rate.rate

    async def turn(self, permitted: Callable[[], bool] = always) -> float | Fault:
        """Wait for this caller's turn, first come first served; returns when it came (monotonic seconds).

        Those who are not `permitted` any more leave the queue without a turn, and so does everybody once waiting is
        given up.
        """
        if not self._waiting and permitted() and self._take(now := self._monotonic()) <= 0:
            return now
        with self._state:
            self._waiting += 1
        try:
            async with self._queue.lock():
                while permitted():
                    now = self._monotonic()
                    if (wait := self._take(now)) <= 0:
                        return now
                    if self._gives_up(wait):
                        return Fault(Meaning.UNREACHABLE, GIVEN_UP)
                    watched().waits(wait)
                    await self._sleep(min(wait, LOOK))
                return Fault(Meaning.UNREACHABLE, "not sent: it was called off while it waited")
        finally:
            with self._state:
                self._waiting -= 1

    def _gives_up(self, wait: float) -> bool:
        """Whether nothing but throttling came, and will have for too long after so many seconds more."""
        with self._state:
            since, now = self._refused_since, self._monotonic()
            silent = now > self._paused_until + GIVEN_UP_AFTER  # it is another matter after so long
            return since is not None and not silent and now + wait - since > GIVEN_UP_AFTER

    def _take(self, now: float) -> float:
        """Take a place now and return 0, or return the seconds until it is worth asking again."""
        with self._state:
            # What takes so long may never come back, and takes no room from others.
            if self._arrivals.on_the_way(now - LOOK) >= self._room(now) and now < self._sent_at + LOOK:
                return GLANCE
            earliest = max(
                self._due - self._ahead,
                self._paused_until,
                self._arrivals.free(now, self._quota.requests, self._quota.seconds),
            )
            if self._rate.ahead is not None:
                earliest = max(earliest, self._arrivals.free(now, *self._rate.window))
            if earliest > now + ROUNDING:
                return earliest - now
            self._due = max(self._due, now) + 1 / self._rate.rate
            self._sent_at = now
            self._arrivals.leave(now)
            return 0.0

    def _room(self, now: float) -> float:
        """Requests that may be on their way."""
        if self._rate.alone:
            return 1
        tried = float("inf") if self._rate.ahead is not None else now - self._first_back
        if tried > 2 * WINDOW and not self._rate.tries_more:
            return float("inf")
        needed = max(AT_ONCE, ROOM * self._rate.rate * self._usual)
        return needed if tried > WINDOW else min(AT_ONCE + self._back / 3, AT_MOST, needed)

    @property
    def _ahead(self) -> float:
        """Seconds by which requests may be ahead of their time."""
        burst = max(0, self._quota.requests // 5 - 1) / self._quota.per_second
        return burst if self._rate.ahead is None else min(burst, self._rate.ahead)

    def ended(self, sent_at: float, *, let_through: bool) -> None:
        """Note that the request of `sent_at` ended, in any way but with throttling; `let_through` where the answer
        shows that no quota had a part in it.
        """
        with self._state:
            now = self._come_back(sent_at, answered=let_through)
            if let_through:
                self._refused_since = None
                took = now - sent_at
                self._usual += (took - self._usual) / SMOOTHED if self._usual else took
                self._rate.answered(sent_at, now)

    def throttled(self, sent_at: float, pause: float, *, told: bool = False) -> float:
        """Note that the request of `sent_at` was throttled, and return the seconds for which nothing goes out: `pause`,
        or less where the server was not heard to ask for it (`told`) and let others through before.
        """
        with self._state:
            now = self._come_back(sent_at, answered=True)
            if self._refused_since is None or now > self._paused_until + GIVEN_UP_AFTER:
                self._refused_since = now  # after so long a silence it is another matter
            pause = self._rate.refused(sent_at, now, pause, told=told)
            self._paused_until = max(self._paused_until, now + pause)
            # What was not sent in the pause is not made up for.
            self._due = max(self._due, self._paused_until + self._ahead)
            return self._paused_until - now

    def _come_back(self, sent_at: float, *, answered: bool) -> float:
        now = self._monotonic()
        self._back += 1
        self._first_back = min(self._first_back, now)
        self._arrivals.end(sent_at, now, answered=answered)
        return now


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
