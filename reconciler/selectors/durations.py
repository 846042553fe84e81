"""Durations as people write them: `90s`, `15m`, `6h`, `7d`, `2w`, and combined `1d12h`."""

from __future__ import annotations

import re

__all__ = ["DURATION_PATTERN", "MAX_DURATION", "format_duration", "parse_duration"]

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
