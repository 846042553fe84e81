"""Timestamps of RFC 3339, always with a zone, and durations as people write them, both as whole seconds; and a clock to
wait by."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta

from reconciler.tasks.task import EARLIEST

LATEST = 253_402_300_799
"""Seconds since the epoch of the last moment that RFC 3339 can write down: the end of the year 9999, UTC."""

TIMESTAMP_PATTERN = (
    r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?(?:[Zz]|[+-][0-9]{2}:[0-9]{2})$"
)
"""Regular expression (ECMA-262 too) of the form of what `parse_timestamp` reads."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)
_TIMESTAMP = re.compile(
    r"(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"(?:[Tt ](?P<time>[0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.[0-9]{1,9})?(?P<zone>[Zz]|[+-][0-9]{2}:[0-9]{2})?)?"
)


def parse_timestamp(text: str) -> int:
    """Seconds since the epoch, UTC; a fraction of a second is dropped, since fields hold whole seconds.

    Raises ValueError, whose text is for the user. A leap second (`:60`) is refused, and so is a time before 1980.
    """
    written = _TIMESTAMP.fullmatch(text)
    if written is None:
        raise ValueError("not a timestamp; write it like `2025-01-31T08:00:00Z`")
    date, time, zone = written["date"], written["time"], written["zone"]
    if time is None:
        raise ValueError(f"a timestamp needs a time and a zone; write `{date}T00:00:00Z`")
    if zone is None:
        raise ValueError(f"a timestamp needs a zone; write `{date}T{time}Z` for UTC, or `{date}T{time}+08:00`")
    try:
        moment = datetime.fromisoformat(f"{date}T{time}{zone.upper()}").astimezone(UTC)
    except (ValueError, OverflowError) as error:  # OverflowError: the year 0 or 10000 in UTC
        raise ValueError(f"no such time: {error}") from None
    seconds = (moment - _EPOCH) // _SECOND
    if seconds < EARLIEST:
        raise ValueError("a time before 1980 counts as none")
    return seconds


def format_timestamp(seconds: int) -> str:
    """`YYYY-MM-DDTHH:MM:SSZ`. Raises OverflowError outside the years 1 to 9999."""
    moment = _EPOCH + seconds * _SECOND
    return f"{moment.replace(tzinfo=None).isoformat()}Z"


class Timestamp(int):
    """A moment as whole seconds since the epoch, UTC, that is written as RFC 3339: `2026-01-02T03:04:05Z`."""

    __slots__ = ()

    def __str__(self) -> str:
        return format_timestamp(self)

    def __add__(self, seconds: int) -> Timestamp:
        return Timestamp(int(self) + seconds)


_UNITS = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
_DURATION = re.compile("".join(rf"(?:([0-9]{{1,12}}){unit})?" for unit in _UNITS))
_SPELLING = "write it like `90s`, `15m`, `6h`, `7d`, `2w` or `1d12h`"

DURATION_PATTERN = f"^(?=.*[1-9]){''.join(f'(?:[0-9]{{1,12}}{unit})?' for unit in _UNITS)}$"
"""Regular expression (ECMA-262 too) of the form of a duration that is longer than zero."""

MAX_DURATION = 100 * 365 * 86_400
"""Seconds; the longest duration that is accepted, 100 years of 365 days."""


def parse_duration(text: str) -> int:
    """Seconds in a duration, at least 1 and at most `MAX_DURATION`.

    Each unit stands at most once, the larger before the smaller. Raises ValueError, whose text is for the user.
    """
    written = _DURATION.fullmatch(text)
    if written is None or not text:
        raise ValueError(f"not a duration; {_SPELLING}")
    seconds = sum(int(count) * size for count, size in zip(written.groups("0"), _UNITS.values(), strict=True))
    if seconds == 0:
        raise ValueError("a duration must be longer than zero")
    if seconds > MAX_DURATION:
        raise ValueError("a duration may not exceed 100 years (36500d)")
    return seconds


def format_duration(seconds: int) -> str:
    """The compact form in days and smaller: `6h`, `1d12h`, `14d`; `0s` for none, a leading `-` where negative."""
    rest = abs(seconds)
    text = ""
    for unit in "dhms":
        count, rest = divmod(rest, _UNITS[unit])
        text += f"{count}{unit}" if count else ""
    return ("-" if seconds < 0 else "") + (text or "0s")


def elapsed_clock() -> int:
    """Milliseconds on a clock that nobody sets back and that also counts the time a machine is suspended."""
    return time.clock_gettime_ns(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)) // 1_000_000
