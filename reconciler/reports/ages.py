"""Times as a reader wants them: how long ago, how long from now."""

from __future__ import annotations

from reconciler.tasks.timestamps import parse_timestamp

_UNITS = (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1))


def duration(seconds: int) -> str:
    """The two largest units: `3d 4h`, `15m`, `0s`."""
    parts = []
    for unit, size in _UNITS:
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count}{unit}")
        if len(parts) == 2 or (parts and not count):
            break
    return " ".join(parts) or "0s"


def age(moment: int, now: int) -> str:
    """`3d 4h ago`, or `in 5m` for what lies ahead."""
    return f"{duration(now - moment)} ago" if now >= moment else f"in {duration(moment - now)}"


def age_of(value: object, now: int) -> str | None:
    """Age of a field's value, if it is a time in RFC 3339."""
    if not isinstance(value, str):
        return None
    try:
        return age(parse_timestamp(value), now)
    except (ValueError, OverflowError):
        return None


def until(expires_at: int, now: int) -> str:
    """`expires in 3h`, or `expired 5m ago`."""
    return f"expires {age(expires_at, now)}" if expires_at > now else f"expired {age(expires_at, now)}"
