"""Clocks: what the `Date` of answers, and a refusal in its own words, say of this machine's and of the clouds'."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import TYPE_CHECKING

import httpx

from reconciler.providers.transport.messages import destination

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

LONGEST_DATE = 64
EARLIEST = datetime(1980, 1, 1, tzinfo=UTC)
"""A `Date` before is no time, but a clock that was never set."""

_YEAR = re.compile(r"(?<![0-9+-])[0-9]{4}(?![0-9])", re.ASCII)
_SERVER_TIME = re.compile(r"server time\W{1,3}([0-9][0-9:.TZ+-]{9,31})", re.ASCII | re.IGNORECASE)
"""As in "Signature expired, time: 20261129T220000Z, server time: 20261130T001000Z"."""


class Clocks:
    """How far the clocks of the services that a run speaks to are from this machine's.

    Every answer counts: none that is right, or off the other way, hides another. Shared by the clients of a run, so
    that a login which serves several of them tells all of them.
    """

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._skews: dict[str, tuple[int, int]] = {}

    def note(self, response: httpx.Response) -> None:
        """Hold the `Date` of an answer against this machine's clock."""
        skews = _skews_of(response, self._now())
        if skews:
            server = destination(response.request).server
            known = self._skews.get(server)
            if known is None or not known[0] <= min(skews) <= max(skews) <= known[1]:
                self._skews[server] = (min((*(known or ()), *skews)), max((*(known or ()), *skews)))

    def skews(self, urls: Iterable[str]) -> tuple[int, ...]:
        """Seconds that the clocks of these services are ahead: the least and the greatest; empty where none told."""
        hosts = set(map(_service_at, urls))
        found = [skew for host in hosts for skew in self._skews.get(host, ())]
        return (min(found), max(found)) if found else ()


@lru_cache
def _service_at(url: str) -> str:
    return destination(httpx.Request("GET", url)).server


@lru_cache  # of a clock, which many answers tell within one second
def http_date(text: str | None) -> datetime | None:
    """The time in a header (RFC 9110 section 5.6.7), UTC; None for what is none, whatever it holds.

    Python makes 2000 of the year 0000, and 2024 of 24 (RFC 850), which is a guess: a year counts as it is written, in
    four digits.
    """
    if not text or len(text) > LONGEST_DATE:
        return None
    try:
        date = parsedate_to_datetime(text)
        return _utc(date) if f"{date.year:04}" in _YEAR.findall(text) else None
    except (ValueError, TypeError, LookupError, OverflowError):
        return None


def _utc(date: datetime) -> datetime:
    """The form of C's asctime names no zone and means UTC; another zone may lead out of the years that there are."""
    return date.astimezone(UTC) if date.tzinfo else date.replace(tzinfo=UTC)


def _server_time(said: str) -> datetime | None:
    """The time of the server that a message tells; None where it tells none."""
    found = _SERVER_TIME.search(said)
    try:
        return _utc(datetime.fromisoformat(found[1])) if found else None
    except (ValueError, OverflowError):
        return None


def _skews_of(response: httpx.Response, now: datetime, said: str = "") -> list[int]:
    """Seconds by which the server's clock is ahead of `now`, by each time that it tells."""
    dates = [http_date(text) for text in response.headers.get_list("Date")]
    if said:
        dates.append(_server_time(said))
    return [int((date - now).total_seconds()) for date in dates if date is not None and date >= EARLIEST]


def clock_skew(response: httpx.Response, said: str, now: datetime, least: int = 0) -> str:
    """How far this machine's clock is from the server's, in words; empty where that is less than `least` seconds, or
    neither the answer nor `said`, its message, tells a time."""
    skew = max(_skews_of(response, now, said), key=abs, default=None)
    if skew is None or abs(skew) < least:
        return ""
    return f"this clock is {abs(skew)} s {'ahead of' if skew < 0 else 'behind'} the server's"
