"""Pacing: no more requests than the vendor allows, spread so that others of the account get through."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reconciler.providers.transport.adaptive_rate import AdaptiveRate
from reconciler.providers.transport.surroundings import Turns
from reconciler.providers.transport.trace import watched
from reconciler.tasks.observation import Fault, Meaning

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from reconciler.config.model import Rate

LARGE = 200.0
"""Requests a second: a larger quota may be one on paper only, and is felt for."""
AT_ONCE, AT_MOST = 16, 58
"""Requests of such a quota that are on their way at first, and until it is known: one more for every three that came
back."""

MARGIN = 1.008
"""Windows are counted this much longer than the vendor's: requests that left in order arrive with some jitter."""
ROUNDING = 1e-9
"""Seconds: sums of floats may fall this short of the moment they stand for."""

CLEARING, FOUND = 5, 0.15
"""Requests that are left out after a refusal among successes, since so many more than allowed may be on their way; and
seconds after the first one of a large quota."""

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
    """So many requests in any window of so many seconds. `told`: the configuration says so."""

    requests: int
    seconds: float
    told: bool = field(default=False, compare=False)

    def at(self, rate: Rate) -> Quota:
        """A rate that the configuration asks for, by the shorter window of the two."""
        seconds = min(self.seconds, rate.seconds)
        allowed = rate.per_second * seconds
        requests = max(1, int(allowed + ROUNDING))
        return Quota(requests, seconds * requests / allowed, told=True)

    @property
    def per_second(self) -> float:
        return self.requests / self.seconds


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
        # When the next request may go out:
        self._window = quota.seconds * MARGIN
        self._sent: deque[float] = deque(maxlen=quota.requests)
        self._due = self._paused_until = float("-inf")
        # What came back:
        self._rate = AdaptiveRate(quota.per_second, told=quota.told)
        self._on_the_way = self._back = 0
        self._seeking = quota.per_second > LARGE
        """The quota was neither reached nor run into yet, and may be much smaller than it says."""
        self._refusals = 0
        """One after the other, without an answer in between: the first of them, and the last, came at these times."""
        self._refused_since: float | None = None
        self._refused_at = float("-inf")

    @property
    def rate(self) -> float:
        """Requests a second that go out now at most."""
        return self._rate.at(self._monotonic())

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
            return Fault(Meaning.UNREACHABLE, "not sent: it was called off while it waited")

    def _gives_up(self, wait: float) -> bool:
        """Whether nothing but throttling came, and will have for too long after so many seconds more."""
        with self._state:
            since = self._refused_since
            return since is not None and self._monotonic() + wait - since > GIVEN_UP_AFTER

    def _take(self) -> float:
        """Take a place now and return 0, or return the seconds until it is worth asking again."""
        with self._state:
            now = self._monotonic()
            room = min(AT_MOST, AT_ONCE + self._back // 3)
            if self._seeking and self._on_the_way >= room and now < self._sent[-1] + LOOK:
                return GLANCE
            earliest = max(self._due - self._burst, self._paused_until)
            if len(self._sent) == self._sent.maxlen:
                earliest = max(earliest, self._sent[0] + self._window)
            if earliest > now + ROUNDING:
                return earliest - now
            self._due = max(self._due, now) + 1 / self._rate.at(now)
            self._sent.append(now)
            self._on_the_way += 1
            return 0.0

    @property
    def _burst(self) -> float:
        """Seconds by which requests may be ahead of their time."""
        return max(0, self._quota.requests // 5 - 1) / self._quota.per_second

    def ended(self, sent_at: float, *, let_through: bool) -> None:
        """Note that the request of `sent_at` ended, in any way but with throttling; `let_through` where the answer
        shows that no quota had a part in it.
        """
        with self._state:
            self._come_back()
            if not let_through:
                return
            self._refused_since = None
            self._rate.came(self._monotonic())
            if sent_at >= self._refused_at:
                self._refusals = 0
                self._rate.answers += 1
                reached = self._rate.cut is not None or self._rate.answers >= self._quota.per_second
                self._seeking = self._seeking and not reached
            elif self._seeking:
                self._rate.raise_to_what_came()

    def throttled(self, sent_at: float, pause: float, *, told: bool = False) -> float:
        """Note that the request of `sent_at` was throttled, and return the seconds for which nothing goes out: `pause`,
        or less where the server was not heard to ask for it and let others through before.

        Requests that were in flight together count as one: only one sent after the last refusal, and after an answer,
        cuts the rate again.
        """
        with self._state:
            self._come_back()
            now = self._monotonic()
            if self._refused_since is None or now > self._paused_until + GIVEN_UP_AFTER:
                self._refused_since = now  # after so long a silence it is another matter
            if sent_at >= self._refused_at:
                pause = self._refuse(now, pause, told=told)
            elif not told:
                pause = 0.0
            self._paused_until = max(self._paused_until, now + pause)
            # What was not sent in the pause is not made up for.
            self._due = max(self._due, self._paused_until + self._burst)
            return self._paused_until - now

    def _refuse(self, now: float, pause: float, *, told: bool) -> float:
        """Note a refusal that tells something new, and return the seconds to pause."""
        self._rate.refused += 1
        if not self._refusals:
            self._rate.rows += 1
            if not told and self._rate.answers:  # let through up to here, so that little is too much
                pause = min(pause, FOUND if self._seeking else CLEARING / self._rate.at(now))
            began = max(self._refused_at, self._sent[0] if self._sent else 0.0)
            self._rate.slow_down(now, began=began, seeking=self._seeking)
        self._refusals += 1
        self._refused_at = now
        return pause

    def _come_back(self) -> None:
        self._on_the_way -= 1
        self._back += 1


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
