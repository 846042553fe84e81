"""Pacing: no more requests than the vendor allows, spread so that others of the account get through."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

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

RECOVERY, RECOVERING = 500, 5.0
"""Answers, or seconds of them at the rate where it was cut where those are more, until the rate is back there."""
SMALL_CUT, CUT = 0.06, 0.5
"""What is taken off: little where nearly all were let through since the last cut, else much: others use the quota."""
NEARLY = 0.95
ENOUGH = 10
"""Answers in a second by which a rate can be told."""
LEAST_SHARE = 1 / 16
LEAST_RATE = 1.0
"""However often we are throttled, this share of the quota is still used; of one that only documents tell, no more than
this rate."""

IN_VAIN, SOME, MOST, TOLD_BY, BELIEVED = 2.0, 0.01, 0.5, 100, 60.0
"""Where a rate this many times smaller was refused as often as larger ones, in a share of requests between these two
and over so many of them each, it is not the rate that is refused: the largest one holds for so many seconds."""

CLEARING, FOUND = 5, 0.15
"""Requests that are left out after a refusal among successes, since so many more than allowed may be on their way; and
seconds after the first one of a large quota."""
EFFECT = 1.0
"""Seconds until a cut shows, where a window of the vendor's is still full."""

MARGIN = 1.008
"""Windows are counted this much longer than the vendor's: requests that left in order arrive with some jitter."""

ROUNDING = 1e-9
"""Seconds: sums of floats may fall this short of the moment they stand for."""


GIVEN_UP_AFTER = 300.0
"""Seconds for which nothing but throttling is put up with: no wait is begun that ends later. An account that is refused
for ever would keep each of a thousand requests waiting otherwise."""

GIVEN_UP = f"not sent: a quota refuses every request, which is waited out for {GIVEN_UP_AFTER:.0f} s at most"

LOOK = 1.0
"""Seconds after which who waits looks whether it still may."""
GLANCE = 0.005
"""The same of one who waits for answers."""


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
    and no window ever holds more than the quota. Throttling cuts the rate and stops everybody for a while; with each
    answer it comes back along a cubic curve, as in CUBIC (RFC 9438) but counted in answers: at first in a hurry, then
    slowly past the rate at which it was cut. Once nothing but throttling came for GIVEN_UP_AFTER seconds nobody waits
    any more; who comes when there is nothing to wait for may try. Safe for use from several event loops.
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
        self._refusals = 0
        """One after the other, without a success in between."""
        self._seeking = quota.per_second > LARGE
        """The quota was neither reached nor run into yet, and may be much smaller than it says."""
        self._on_the_way = self._back = 0
        self._cut: tuple[float, float] | None = None
        """The rate at which the last cut was made, and what it took off, as a share."""
        self._cut_at = float("-inf")
        self._answers = self._refused = 0
        """Successes and refusals of what was sent since then."""
        self._met = 0
        """Refusals since then of what was sent since the one before, each by itself."""
        self._cuts: deque[tuple[float, int, int]] = deque(maxlen=128)
        """The rates at which cuts were made, and how many requests were refused there, of how many."""
        self._held = 0.0
        """The rate below which cuts were in vain, until `_held_until`."""
        self._held_until = float("-inf")
        self._lately: deque[float] = deque()
        """When the successes of the last second came."""
        self._state = threading.Lock()
        self._queue = Turns()

    @property
    def rate(self) -> float:
        """Requests a second that go out now at most."""
        most = self._quota.per_second
        if self._cut is None:
            return most
        before, depth = self._cut
        least = most * LEAST_SHARE
        if not self._quota.told:
            least = min(least, LEAST_RATE)
        if self._held and self._monotonic() < self._held_until:
            least = max(least, self._held)
        recovered = self._answers / max(RECOVERY, RECOVERING * before)
        steepness = depth if recovered < 1 else CUT
        return min(most, max(least, before * (1 + steepness * (recovered - 1) ** 3)))

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
            self._due = max(self._due, now) + 1 / self.rate
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
            now = self._come_back()
            if not let_through:
                return
            self._refused_since = None
            self._lately.append(now)
            if sent_at >= self._slowed_at:
                self._answers += 1
                self._refusals = 0
                self._seeking = self._seeking and self._cut is None and self._answers < self._quota.per_second
            elif self._seeking and self._cut:  # what was on its way then tells of the quota as well
                before, depth = self._cut
                self._cut = (before + 1, depth)

    def throttled(self, sent_at: float, pause: float, *, told: bool = False) -> float:
        """Note that the request of `sent_at` was throttled, and return the seconds for which nothing goes out: `pause`,
        or less where the server was not heard to ask for it and let others through before.

        Requests that were in flight together count as one: only one sent after the last cut, which was followed by a
        success, cuts the rate again.
        """
        with self._state:
            now = self._come_back()
            if self._refused_since is None or now > self._paused_until + GIVEN_UP_AFTER:
                self._refused_since = now  # after so long a silence it is another matter
            if sent_at >= self._slowed_at:
                first, rate = not self._refusals, self.rate
                self._met += 1
                if not told and first and self._answers:  # let through up to here, so that little is too much
                    pause = min(pause, FOUND if self._seeking else CLEARING / rate)
                if first and now > self._cut_at + EFFECT:
                    self._slow_down(rate)
                    self._cut_at = now
                self._refusals += 1
                self._refused += not first
                self._slowed_at = now
            elif not told:
                pause = 0.0
            self._paused_until = max(self._paused_until, now + pause)
            # What was not sent in the pause is not made up for.
            self._due = max(self._due, self._paused_until + self._burst)
            return self._paused_until - now

    def _come_back(self) -> float:
        """The time, when a request came back."""
        self._on_the_way -= 1
        self._back += 1
        now = self._monotonic()
        while self._lately and self._lately[0] <= now - 1.0:
            self._lately.popleft()
        return now

    @property
    def _went_on_for(self) -> float:
        """Seconds since the last refusal, or the beginning."""
        return self._monotonic() - max(self._slowed_at, self._sent[0] if self._sent else 0.0)

    def _slow_down(self, rate: float) -> None:
        """Cut the rate, by what came back in the last second where that is enough to tell."""
        self._cuts.append((rate, self._met, self._answers + self._met))
        larger = [cut for cut in self._cuts if cut[0] >= IN_VAIN * rate]
        others = [cut for cut in self._cuts if cut[0] < IN_VAIN * rate]
        if all(sum(sent for *_, sent in cuts) >= TOLD_BY for cuts in (larger, others)):
            before, share = (
                sum(met for _, met, _ in cuts) / sum(sent for *_, sent in cuts) for cuts in (larger, others)
            )
            if SOME <= before <= 2 * share and share <= MOST:
                self._held, self._held_until = max(one for one, *_ in larger), self._monotonic() + BELIEVED
        self._met = 0
        nearly_all = self._answers >= NEARLY * (self._answers + self._refused)
        lately = len(self._lately)
        enough = lately >= ENOUGH and self._went_on_for >= EFFECT
        before = min(rate, lately) if self._seeking or enough else rate
        self._cut = (before, SMALL_CUT if nearly_all else CUT)
        self._answers = self._refused = 0


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
