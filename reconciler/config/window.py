"""`window` of a policy: the hours of the week in which it acts, by the clock of some place."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo, available_timezones

from reconciler.config.entries import text, texts
from reconciler.config.environment import quoted
from reconciler.diagnostics import Problem, Rule, did_you_mean
from reconciler.tasks.timestamps import format_timestamp

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reconciler.diagnostics import DocumentPath

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAYS_PATTERN: Final = rf"^(?:{'|'.join(DAYS)})(?:-(?:{'|'.join(DAYS)}))?$"
HOUR_PATTERN: Final = r"^(?:[01][0-9]|2[0-3]):[0-5][0-9]$"
END_PATTERN: Final = r"^(?:(?:[01][0-9]|2[0-3]):[0-5][0-9]|24:00)$"

_MIDNIGHT: Final = 24 * 60
_ZONE: Final = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+){0,2}")
_LOOKED_AHEAD: Final = 15
"""Days in which a window opens: each opens once a week, and a change of the clocks may take one opening away."""


@dataclass(frozen=True, slots=True)
class Window:
    """Opens at `start` of each of `days`, and is open until the next `end`.

    `start` and `end` are minutes since midnight by the clock of `timezone` (a name of the IANA time zone database);
    `end` is 1440 for the midnight at the end of the day, and where it does not come after `start`, it is that of the
    day after. `days` are numbers from 0, Monday. A time that the clocks pass over is when they have passed over it; of
    one that comes twice, the first counts.
    """

    days: frozenset[int] = frozenset(range(7))
    start: int = 0
    end: int = _MIDNIGHT
    timezone: str = "UTC"

    def is_open(self, now: int) -> bool:
        """Whether it is open at `now`, in seconds since the epoch."""
        return any(opens <= now < closes for opens, closes in self._spans(now, -2, 2))

    def opens_after(self, now: int) -> int | None:
        """When it opens next; None: not in any time that can be written down."""
        return next((opens for opens, _ in self._spans(now, -1, _LOOKED_AHEAD) if opens > now), None)

    def _spans(self, now: int, first: int, last: int) -> Iterator[tuple[int, int]]:
        """From when until when it is open, of the days around `now`, so many before and after."""
        zone = _zone(self.timezone)
        try:
            today = datetime.fromtimestamp(now, UTC).astimezone(zone).date()
            for day in (today + timedelta(days=number) for number in range(first, last + 1)):
                if day.weekday() in self.days:
                    opens = _moment(day, self.start, zone)
                    closes = _moment(day if self.end > self.start else day + timedelta(days=1), self.end, zone)
                    if opens < closes:
                        yield opens, closes
        except (OverflowError, ValueError):  # at the ends of the calendar
            return


def by_clock_of(timezone: str, moment: int) -> str:
    """`2026-01-02 22:00 Europe/Berlin`: a moment, in seconds since the epoch, by the clock of a place. Where this
    machine does not know the place, by UTC."""
    name = timezone if is_timezone(timezone) else "UTC"
    try:
        return f"{datetime.fromtimestamp(moment, UTC).astimezone(_zone(name)):%Y-%m-%d %H:%M} {name}"
    except (OverflowError, ValueError):  # at the ends of the calendar
        return format_timestamp(moment)


@cache
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def _moment(day: date, minutes: int, zone: ZoneInfo) -> int:
    midnight = datetime.combine(day + timedelta(days=minutes // _MIDNIGHT), time(), zone)
    hours, rest = divmod(minutes % _MIDNIGHT, 60)
    return int(midnight.replace(hour=hours, minute=rest).timestamp())


def window_of(body: Mapping[str, object], path: DocumentPath, problems: list[Problem]) -> Window | None:
    """The window at these keys; None without any, or where something is wrong with them."""
    if not body:
        return None
    found = len(problems)
    start, end = _minutes(text(body, "from")), _minutes(text(body, "until"))
    zone = text(body, "timezone") or "UTC"
    if not is_timezone(zone):
        message = f"{quoted(zone)} is no time zone of the IANA database"
        problems.append(Problem((*path, "timezone"), message, _zone_meant(zone), rule=Rule.UNKNOWN_REFERENCE))
    if start is None and end is None and "days" not in body:
        message = "a window needs `days`, `from` or `until`"
        problems.append(Problem(path, message, "without `window` a policy acts at any time", at_key=True))
    window = Window(_days(body), start or 0, _MIDNIGHT if end is None else end, zone)
    if window.start == window.end:
        hint = "leave both out for the whole day"
        problems.append(Problem((*path, "until"), "`from` and `until` are the same time", hint, rule=Rule.STRUCTURE))
    return window if len(problems) == found else None


def is_timezone(name: str) -> bool:
    """Whether the database of time zones, of the machine or of the package `tzdata`, has this name."""
    if not _ZONE.fullmatch(name):
        return False
    try:
        _zone(name)
    except (OSError, ValueError, KeyError):  # a directory of names, say; none of that name is a KeyError
        return False
    return True


def _zone_meant(written: str) -> str:
    """What to write instead: the name that is like it of those that begin like it, since all of them are too many."""
    known = _zones()
    begun = written[:2].lower()
    near = did_you_mean(written, [zone for zone in known if zone[:2].lower() == begun])
    place = written.rpartition("/")[2].lower()
    of_place = next((zone for zone in known if zone.rpartition("/")[2].lower() == place), None)
    return near or (f"did you mean `{of_place}`?" if of_place else "write a name such as `Europe/Berlin`")


@cache
def _zones() -> tuple[str, ...]:
    return tuple(sorted(available_timezones()))


def _days(body: Mapping[str, object]) -> frozenset[int]:
    written = body.get("days")
    names = [written] if isinstance(written, str) else texts(body, "days")
    found: set[int] = set()
    for name in names:
        first, _, last = name.partition("-")
        if first in DAYS and (last or first) in DAYS:
            start, end = DAYS.index(first), DAYS.index(last or first)
            found |= {number % 7 for number in range(start, end + 1 if end >= start else end + 8)}
    return frozenset(found or range(7))


def _minutes(written: str | None) -> int | None:
    if written is None or not re.fullmatch(END_PATTERN, written):
        return None
    hours, minutes = written.split(":")
    return int(hours) * 60 + int(minutes)
