"""The rate of requests that answers and refusals tell, where a quota is smaller than it is said to be."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

EFFECT = 1.0
"""Seconds until a cut shows, where a window of the vendor's is still full."""
RECOVERY, RECOVERING = 500, 5.0
"""Answers, or seconds of them at the rate where it was cut where those are more, until the rate is back there."""
SMALL_CUT, CUT, NEARLY = 0.06, 0.5, 0.95
"""What is taken off: little where nearly all were let through since the last cut, else much: others use the quota."""
ENOUGH = 10
"""Answers in a second by which a rate can be told."""
LEAST_SHARE, LEAST_RATE = 1 / 16, 1.0
"""However often we are throttled, this share of the quota is still used; of one that only documents tell, no more than
this rate."""
IN_VAIN, SOME, MOST, TOLD_BY, BELIEVED = 2.0, 0.01, 0.5, 100, 60.0
"""Where a rate this many times smaller was refused as often as larger ones, in a share of requests between these two
and over so many of them each, it is not the rate that is refused: the largest one holds for so many seconds."""


class _Cut(NamedTuple):
    """A cut of the rate: where that was, the share that was taken off, and when."""

    rate: float
    depth: float
    at: float


class _Period(NamedTuple):
    """From one cut to the next, at this rate in the end: how many requests were refused, of how many."""

    rate: float
    refused: int
    sent: int


class AdaptiveRate:
    """How many requests a second may go out, as answers and refusals tell.

    A refusal cuts it; with each answer it comes back along a cubic curve, as in CUBIC (RFC 9438) but counted in
    answers: at first in a hurry, then slowly past where it was cut.
    """

    def __init__(self, most: float, *, told: bool) -> None:
        """`most`: the quota; `told`: the configuration says so."""
        self._most = most
        self._least = most * LEAST_SHARE if told else min(most * LEAST_SHARE, LEAST_RATE)
        self.cut: _Cut | None = None
        self.answers = self.refused = self.rows = 0
        """Since the last cut, of what was sent after the last refusal; and rows of refusals, each after an answer."""
        self._periods: deque[_Period] = deque(maxlen=128)
        self._held, self._held_until = 0.0, float("-inf")
        """The rate below which cuts were in vain."""
        self._lately: deque[float] = deque()
        """When the answers of the last second came."""

    def at(self, now: float) -> float:
        """The rate at this moment."""
        if self.cut is None:
            return self._most
        least = max(self._least, self._held) if now < self._held_until else self._least
        recovered = self.answers / max(RECOVERY, RECOVERING * self.cut.rate)
        steepness = self.cut.depth if recovered < 1 else CUT
        return min(self._most, max(least, self.cut.rate * (1 + steepness * (recovered - 1) ** 3)))

    def came(self, now: float) -> None:
        """Note an answer, whatever it tells of the quota."""
        self._lately.append(now)
        self._forget(now)

    def raise_to_what_came(self) -> None:
        """Note an answer to what was on its way when a quota was run into for the first time: it tells how large that
        is."""
        if self.cut is not None:
            self.cut = self.cut._replace(rate=self.cut.rate + 1)

    def slow_down(self, now: float, *, began: float, seeking: bool) -> None:
        """Cut it for a refusal, the last of those counted, unless the last cut cannot show yet.

        It is cut from what came back in the last second, where that is enough to tell the rate that is allowed: which
        it is a second after requests `began` to be let through, and always where a large quota is sought.
        """
        if self.cut is not None and now <= self.cut.at + EFFECT:
            return
        self._forget(now)
        rate, lately = self.at(now), len(self._lately)
        self._compare(_Period(rate, self.refused, self.answers + self.refused), now)
        # The first of a row is what it takes to find the rate.
        nearly_all = self.answers >= NEARLY * (self.answers + self.refused - self.rows)
        if seeking or (lately >= ENOUGH and now >= began + EFFECT):
            rate = min(rate, lately)
        self.cut = _Cut(rate, SMALL_CUT if nearly_all else CUT, now)
        self.answers = self.refused = self.rows = 0

    def _forget(self, now: float) -> None:
        while self._lately and self._lately[0] <= now - 1.0:
            self._lately.popleft()

    def _compare(self, ended: _Period, now: float) -> None:
        """Hold what was refused at this rate, and at smaller ones, against what was at larger ones."""
        self._periods.append(ended)
        larger = [period for period in self._periods if period.rate >= IN_VAIN * ended.rate]
        others = [period for period in self._periods if period.rate < IN_VAIN * ended.rate]
        if all(sum(period.sent for period in periods) >= TOLD_BY for periods in (larger, others)):
            before, share = map(_share, (larger, others))
            if SOME <= before <= 2 * share and share <= MOST:
                self._held, self._held_until = max(period.rate for period in larger), now + BELIEVED


def _share(periods: Sequence[_Period]) -> float:
    """Of the requests of these periods those that were refused."""
    return sum(period.refused for period in periods) / sum(period.sent for period in periods)
