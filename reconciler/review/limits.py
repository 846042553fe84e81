"""What a refusal says: whether it passes, when, and in what words."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.providers.transport.caller import hinted_delay

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

__all__ = ["Delay", "Said", "passing"]

_RESETS = ("x-ratelimit-reset", "ratelimit-reset")
_REMAINING = ("x-ratelimit-remaining", "ratelimit-remaining")
_LEAST_PAUSE = 60.0
"""Seconds to wait at a secondary limit that does not say how long, as GitHub's documentation asks."""


@dataclass(frozen=True, slots=True)
class Delay:
    """`seconds` until another try, None where nothing is said. `sent`: whether the request may have had its effect."""

    seconds: float | None
    sent: bool


@dataclass(frozen=True, slots=True)
class Said:
    """The words of a refusal, those about single fields included."""

    text: str

    @classmethod
    def of(cls, body: bytes) -> Said:
        try:
            return cls("; ".join(dict.fromkeys(_words(json.loads(body)))))
        except (ValueError, RecursionError):
            return cls("")  # a page for people, which says nothing that the status does not


def _words(content: object, depth: int = 0) -> Iterator[str]:
    """GitHub: `message`, and `errors` with a message each. GitLab: `message`, which may be nested, or `error`."""
    if isinstance(content, str):
        yield content
    elif isinstance(content, list) and depth < 4:
        for entry in content[:10]:
            yield from _words(entry, depth + 1)
    elif isinstance(content, dict) and depth < 4:
        known = [content[name] for name in ("message", "errors", "error", "error_description") if name in content]
        for entry in known or (list(content.values())[:10] if depth else []):
            yield from _words(entry, depth + 1)


def passing(status: int, headers: Mapping[str, str], said: Said, now: Callable[[], datetime]) -> Delay | None:
    """How long to wait before the same request may be answered, or None where waiting does not help.

    GitHub says 403 as well as 429 for both kinds of limits, and 403 for missing permissions too.
    """
    if status >= 500:
        return Delay(hinted_delay(headers, now), sent=True)
    exhausted = any(headers.get(name) == "0" for name in _REMAINING)
    limited = "retry-after" in headers or exhausted or "rate limit" in said.text.lower()
    if status != 429 and not (status == 403 and limited):
        return None
    hinted = hinted_delay(headers, now)
    return Delay(_reset(headers, now) if hinted is None else hinted, sent=False)


def _reset(headers: Mapping[str, str], now: Callable[[], datetime]) -> float:
    for name in _RESETS:
        text = headers.get(name, "")
        if text.isdecimal() and len(text) < 12:
            return max(1.0, int(text) - now().timestamp())
    return _LEAST_PAUSE
