"""The simulator's own time.

Tasks live in virtual time, which stands still until somebody advances it, so that a test or a demo sees the same
world on every run. Signatures are judged by the real wall clock, because the clients under test sign with it.
"""

import re
import time
from datetime import UTC, datetime, timedelta

_DURATION_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d|w)")
_SECONDS_PER_UNIT = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


def duration(text: str | int | float) -> timedelta:
    """Read `90s`, `15m`, `6h`, `7d`, `2w`, combinations such as `1d12h`, or a bare number of seconds.

    Raises ValueError for anything else.
    """
    if isinstance(text, int | float):
        return timedelta(seconds=text)
    stripped = str(text).strip()
    parts = _DURATION_PART.findall(stripped)
    if not parts or "".join(number + unit for number, unit in parts) != stripped:
        raise ValueError(f"{text!r} is not a duration such as 90s, 15m, 6h, 7d, 2w or 1d12h")
    return timedelta(seconds=sum(float(number) * _SECONDS_PER_UNIT[unit] for number, unit in parts))


def moment(text: str | datetime) -> datetime:
    """Read an RFC 3339 timestamp with a zone; the result is in UTC. Raises ValueError."""
    parsed = text if isinstance(text, datetime) else datetime.fromisoformat(text)
    if parsed.tzinfo is None:
        raise ValueError(f"{text!s} has no time zone; write for example 2026-01-31T12:00:00Z")
    return parsed.astimezone(UTC)


class VirtualClock:
    """A clock that moves only when told to. Times are aware datetimes in UTC."""

    def __init__(self, now: datetime | None = None) -> None:
        self._start = (now or datetime.now(UTC)).astimezone(UTC).replace(microsecond=0)
        self._advanced = timedelta(0)
        self.skew = timedelta(0)
        """How far the clouds' clock, as the `Date` of their answers tells it, is ahead of real time."""

    @property
    def now(self) -> datetime:
        """The current virtual time."""
        return self._start + self._advanced

    def advance(self, seconds: float | str | timedelta) -> datetime:
        """Move forward by `seconds` (or a duration such as `6h`) and return the new time; never backwards."""
        step = seconds if isinstance(seconds, timedelta) else duration(seconds)
        if step < timedelta(0):
            raise ValueError("a virtual clock does not run backwards")
        self._advanced += step
        return self.now

    def dated(self) -> datetime:
        """What the `Date` of an answer says."""
        return datetime.now(UTC) + self.skew

    def wall(self) -> datetime:
        """Real time plus what was advanced: what tokens expire by."""
        return datetime.now(UTC) + self._advanced

    def monotonic(self) -> float:
        """Seconds that only grow, real ones plus those advanced: what quotas and nonces are counted by."""
        return time.monotonic() + self._advanced.total_seconds()
