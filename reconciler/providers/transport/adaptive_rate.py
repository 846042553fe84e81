"""The rate of requests that answers and refusals tell, where a quota is smaller than it is said to be."""

from __future__ import annotations

from collections import Counter, deque
from math import floor, log2
from typing import NamedTuple

WINDOW = 1.0
"""Seconds in which is counted what was let through: the shortest window that vendors count by."""
LONG = 10.0
"""Seconds: if not even one in so many is let through, it is asked for that nevertheless."""
SHORTEST, LONGEST = 0.01, WINDOW / 4
"""Seconds: after a refusal the next request goes out when one is due, but so much later at least and at most, since a
window that is full should still be. Four times as much after each refusal more."""
TELLING, ALIKE = 4, 0.7
"""A rate is believed where so many requests were let through in a full window (of the first one others may have used a
part), or the one found before was so much alike."""
MOST_WAITS = 16
"""Refusals more after which it is long enough for any quota."""
HELD, HELD_FOR, PAID = 500, 10.0, 50
"""Answers, seconds, and times of the pause after a refusal for which a rate that is believed is held, the longest of
them, before more is tried: so rarely is a refusal paid for nothing. Twice as much is tried by as many more."""
AHEAD, AHEAD_OF_DROPS = 0.05, 0.02
"""Seconds that requests may be ahead of their time, since a busy process wakes up late: many in a window, which none of
them passes, few where drops are counted."""
HURRIED = 2.0
"""Seconds until twice as much is tried of a rate that is not believed."""
TOUCHED, LESS, LEAST = 1.1, 0.97, 1.0
"""What held is taken up again where no more than so many times of it was let through; what did not hold is taken for
a little less, down to so many a second, since jitter alone may have one of very many refused."""
ROUNDING = 1e-6
"""Of a request: sums of floats may fall this short of one."""
VAIN, SOME, MOST, TOLD_BY, BELIEVED = 2.0, 0.01, 0.5, (4, 8), 60.0
"""Where smaller rates were refused no `VAIN` times less often than larger ones, in a share of requests between `SOME`
and `MOST` and so many times as `TOLD_BY` says of larger and of smaller ones, it is not the rate that is refused: the
largest is kept for `BELIEVED` seconds, whatever is refused meanwhile."""


class Found(NamedTuple):
    """So many requests in so many seconds were let through; they may be so many seconds `ahead` of their time. It is
    held for `hold` answers (0: not believed); twice as many are tried after `stride` more."""

    requests: int
    seconds: float
    ahead: float
    hold: float
    stride: float

    @property
    def rate(self) -> float:
        return self.requests / self.seconds


class AdaptiveRate:
    """How many requests a second may go out, as answers and refusals tell.

    After a refusal one request goes out alone. If it is refused as well, a window is full: what was let through in a
    second is what fits into it. If it is let through, the server lets requests in drop by drop: the rate is what was
    let through in a second, or half of what was tried where that is more. It is held, and tried whether there is more:
    at first slowly, then in a hurry, as in CUBIC (RFC 9438) but counted in answers.
    """

    def __init__(self, most: float) -> None:
        """`most`: the quota."""
        self._most = most
        self._found: Found | None = None
        self._answers = 0
        """Since it was found."""
        self._held: Found | None = None
        self._ended: deque[tuple[float, bool]] = deque()
        """When requests ended in the last second, and whether they were let through."""
        # Of the refusals of one row, without an answer in between:
        self._row, self._asked = 0, False
        self._row_began = self._last = float("-inf")
        """How many, whether the server asked for a pause, and when the first and the last one came."""
        self._let_through, self._tried, self._first = 0, 0.0, False
        """In the second before: requests, those tried a second, and whether it was the first one of all."""
        # Of the time since the row before:
        self._began: float | None = None
        self._since, self._let_since = 0.0, 0
        # By the rate, in powers of two:
        self._sent: Counter[int] = Counter()
        self._refused: Counter[int] = Counter()
        self._kept_until = float("-inf")
        """Cuts were in vain: there is none until then."""

    @property
    def ahead(self) -> float | None:
        """Seconds by which requests may be ahead of their time; None where no refusal told anything."""
        return None if self._found is None else self._found.ahead

    @property
    def alone(self) -> bool:
        """Whether the next request should go out alone."""
        return self._row > 0

    @property
    def tries_more(self) -> bool:
        """Whether more goes out than is believed to be let through, and less than the quota."""
        return self._found is not None and self._answers > self._found.hold and self.rate < self._most

    @property
    def rate(self) -> float:
        """Requests a second that may go out now."""
        if self._found is None:
            return self._most
        growth = 1 + (max(0.0, self._answers - self._found.hold) / self._found.stride) ** 3
        return min(self._most, self._found.rate * growth)

    @property
    def window(self) -> tuple[int, float]:
        """Requests that may go out in so many seconds."""
        seconds = WINDOW if self._found is None else self._found.seconds
        return max(1, floor(self.rate * seconds + ROUNDING)), seconds

    def answered(self, sent_at: float, now: float) -> None:
        """Note a request that was let through."""
        self._end(now, let_through=True)
        self._answers += 1
        self._let_since += 1
        self._let_through += self._first  # it was on its way meanwhile
        if not self._row or sent_at < self._last:
            return
        if self._row > 2 and self._last > self._row_began + WINDOW:  # a window that is longer
            self._find(self._let_since, min(max(WINDOW, now - self._since), self._let_since * LONG), now)
        elif self._row == 1 and not self._asked:
            self._find(
                self._let_through,
                self._let_through / max(self._let_through / WINDOW, self._tried / 2),
                now,
                ahead=AHEAD_OF_DROPS,
            )
        self._row, self._first = 0, False
        self._since, self._let_since = now, 1

    def refused(self, sent_at: float, now: float, pause: float, *, told: bool) -> float:
        """Note a request that was refused, and return the seconds to pause: `pause` where the server `told` so or lets
        nothing through, else no more than it takes to find out what is refused.

        Those that were on their way together count as one.
        """
        self._end(now, let_through=False)
        if sent_at < self._last or now < self._kept_until:
            return pause if told else 0.0
        if self._let_since and not told:
            pause = min(pause, min(max(SHORTEST, 1 / self.rate), LONGEST) * 4 ** min(self._row, MOST_WAITS))
        if self._row == 0:
            self._measure(now)
            self._asked = told and pause > 0
            self._row_began = now
        if self._row == (0 if self._asked else 1):
            sure = not self._asked and not self._first and self._let_through >= TELLING
            self._find(self._let_through, WINDOW, now, pause=pause, sure=sure)
        self._row += 1
        self._last = now
        return pause

    def _end(self, now: float, *, let_through: bool) -> None:
        if self._began is None:
            self._began = self._since = now
        self._sent[self._octave] += 1
        self._ended.append((now, let_through))
        while self._ended[0][0] <= now - WINDOW:
            self._ended.popleft()

    def _measure(self, now: float) -> None:
        """Take down what was let through before a refusal, and what was tried."""
        age = now - (self._began or now)
        self._first = age < WINDOW
        self._let_through = max(1, sum(let_through for _, let_through in self._ended))
        self._tried = min(self.rate, len(self._ended) / min(max(age, SHORTEST), WINDOW))
        self._refused[self._octave] += 1
        self._compare(now)

    def _find(
        self, requests: int, seconds: float, now: float, *, pause: float = 0.0, sure: bool = False, ahead: float = AHEAD
    ) -> None:
        """Take over what was let through, as far as it is no more than was tried."""
        before, rate, measured, answers = self._found, self.rate, requests / seconds, self._answers
        if now < self._kept_until:
            return
        self._answers = 0
        if before is not None and 0 < before.hold < answers:
            self._held = before
            self._forget()
        elif before is not None and before.hold and rate > LEAST:
            rate *= LESS
        if self._held is not None and self._held.rate < measured:
            if measured < TOUCHED * self._held.rate:
                self._found = self._held
                return
            measured = (self._held.rate + measured) / 2
        rate = min(rate, measured)
        if self._held is not None and rate < self._held.rate:
            self._held = None
        if sure or (before is not None and ALIKE * max(rate, before.rate) <= min(rate, before.rate)):
            hold = max(HELD, HELD_FOR * rate)
            self._found = Found(requests, requests / rate, ahead, max(hold, PAID * pause * rate), hold)
        else:
            self._found = Found(requests, requests / rate, ahead, 0.0, HURRIED * max(rate, TELLING))

    @property
    def _octave(self) -> int:
        return floor(log2(self.rate))

    def _compare(self, now: float) -> None:
        """Hold what was refused at this rate, and at smaller ones, against what was at larger ones."""
        here = self._octave
        groups = [[octave for octave in self._sent if (octave > here) is larger] for larger in (True, False)]
        refused = [sum(self._refused[octave] for octave in group) for group in groups]
        if refused[0] < TOLD_BY[0] or refused[1] < TOLD_BY[1]:
            return
        sent = [sum(self._sent[octave] for octave in group) for group in groups]
        larger, smaller = refused[0] / sent[0], refused[1] / sent[1]
        if SOME <= larger <= min(MOST, VAIN * smaller):
            self._found = Found(1, 0.5 ** max(groups[0]), AHEAD, HELD, HELD)
            self._kept_until = now + BELIEVED
            self._forget()

    def _forget(self) -> None:
        self._sent.clear()
        self._refused.clear()
