"""The rate of requests that answers and refusals tell, where a quota is smaller than it is said to be."""

from __future__ import annotations

from collections import deque
from math import floor
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
COARSE = 8
"""Requests let through in a second: of fewer those count as well that were since the refusal before."""
CUTS, FALLEN, FAR, VAIN, MOST, REMEMBERED = 8, 0.45, 0.02, 2.0, 0.5, 64
"""So many refusals or more, none at a rate that had grown, tell that cuts are in vain, unless they are more than `MOST`
of all. What is let through in a second has then fallen to the share `FALLEN` of what it was; no quota does that: a full
bucket lets through twice its rate in the first second. Or what is tried has fallen to `FAR`, since little was let
through, and the later half of them came after no more than `VAIN` times as many answers as the earlier one."""
BELIEVED, BLOCK, AT_LEAST, DISPROVED, TOO_MUCH = 60.0, 64, 8, 3.0, 0.1
"""Then there are no cuts for so many seconds, unless among so many answers are more than `AT_LEAST` refusals, than the
share `TOO_MUCH`, and than `DISPROVED` times the share that was refused before, or `MOST`: it was the rate after all."""


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


class Cuts:
    """Refusals for which a rate was cut; where as many come at a smaller one, it is not the rate that is refused."""

    def __init__(self) -> None:
        self._seen: deque[tuple[int, float, int]] = deque(maxlen=REMEMBERED)

    def clear(self) -> None:
        self._seen.clear()

    def add(self, let_through: int, tried: float, answers: int) -> tuple[float, float] | None:
        """Note a refusal at a rate that had not grown: what was let through in the second before it, and tried, and how
        many answers came since the refusal before.

        Returns the rate to go back to, and which share is refused at any rate, where cuts are in vain.
        """
        self._seen.append((let_through, tried, answers))
        let, rates, (_, *gaps) = zip(*self._seen, strict=True)  # the first of them came before there were cuts
        most, half = max(let), len(gaps) // 2
        fallen = most >= TELLING and let_through <= FALLEN * most
        fallen |= tried <= FAR * max(rates) and sum(gaps[half:]) <= VAIN * sum(gaps[:half])
        if len(let) < CUTS or not fallen or len(gaps) > MOST * sum(gaps):
            return None
        return most, len(gaps) / sum(gaps)


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
        self._let_through, self._tried, self._first, self._least = 0, 0.0, False, 0.0
        """In the second before: requests, those tried a second, and whether it was the first one of all; and what the
        time since the row before leaves of the rate."""
        # Of the time since the row before:
        self._began: float | None = None
        self._since, self._let_since = 0.0, 0
        # Whether it is the rate that is refused:
        self._cuts = Cuts()
        self._kept_until, self._share = float("-inf"), 0.0
        """Cuts were in vain: there is none until then, since such a share is refused at any rate."""
        self._block = self._block_refused = 0
        """Answers, of so many as are looked at together, and the refusals among them."""
        self._limit: float | None = None
        """What was let through when it was the rate after all."""

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
                self._let_through / max(self._let_through / WINDOW, self._tried / 2, self._least),
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
        if now < self._kept_until:
            self._disprove(now)
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
        if self._block == BLOCK:
            self._block = self._block_refused = 0
        self._block += 1
        self._block_refused += not let_through
        self._ended.append((now, let_through))
        while self._ended[0][0] <= now - WINDOW:
            self._ended.popleft()

    def _measure(self, now: float) -> None:
        """Take down what was let through before a refusal, and what was tried."""
        age = now - (self._began or now)
        self._first = age < WINDOW
        self._let_through = max(1, sum(let_through for _, let_through in self._ended))
        self._tried = min(self.rate, len(self._ended) / min(max(age, SHORTEST), WINDOW))
        if self._found is not None and self.rate > TOUCHED * self._found.rate:
            self._least = 0.0
            return
        is_coarse = self._let_through < COARSE
        self._least = self._tried * self._let_since / (1 + self._let_since) if is_coarse else 0.0
        if (vain := self._cuts.add(self._let_through, self._tried, self._let_since)) is not None:
            self._keep(*vain, now)

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
            self._cuts.clear()
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

    def _keep(self, rate: float, share: float, now: float) -> None:
        """Go back to a rate, and try whether there is more, unless that was too much the last time."""
        if self._limit is None:
            self._found = Found(1, 1 / rate, AHEAD, 0.0, HURRIED * max(rate, TELLING))
        else:
            rate = min(rate, self._limit)
            self._found = Found(1, 1 / rate, AHEAD, BELIEVED * rate, HELD)
        self._kept_until, self._share, self._limit = now + BELIEVED, share, None
        self._block = self._block_refused = self._answers = 0
        self._cuts.clear()

    def _disprove(self, now: float) -> None:
        """See whether it is the rate after all."""
        if self._block_refused <= max(AT_LEAST, BLOCK * min(MOST, max(TOO_MUCH, DISPROVED * self._share))):
            return
        let_through = max(1, sum(let_through for _, let_through in self._ended))
        self._limit = LESS * min(let_through, self.rate)
        self._found, self._held = Found(1, 1 / self._limit, AHEAD, HELD, HELD), None
        self._kept_until, self._answers, self._let_since = now, 0, 0
