"""Reading answers: what came is either the documented form or a fault that says what came instead."""

from __future__ import annotations

import json
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from reconciler.redaction import bounded
from reconciler.tasks.fault import Fault, Meaning

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    import httpx

__all__ = ["Excerpts", "clock_skew", "json_object", "malformed", "parsed_object"]

EXCERPT_LENGTH = 300
_OTHER_MEDIA = ("html", "xml", "javascript", "css", "image/", "video/", "audio/")


class Excerpts:
    """Quotes what a server said: secrets masked first, then made presentable, then cut to a bounded length."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets: list[str] = []
        self.learn(secrets)

    def learn(self, secrets: Iterable[str]) -> None:
        """Mask these as well from now on: credentials that were renewed. What was a secret stays one."""
        known = {*self._secrets, *secrets} - {""}
        # The longest first: one that begins with another would show its end otherwise.
        self._secrets = sorted(known, key=lambda secret: (-len(secret), secret))

    def __call__(self, text: object, limit: int = EXCERPT_LENGTH) -> str:
        """An excerpt of `text`, `limit` characters long at most."""
        quoted = str(text)[: 64 * limit]
        for secret in self._secrets:
            quoted = quoted.replace(secret, "***")
        return bounded(quoted.strip(), limit)


def malformed(what: str, response: httpx.Response, request_id: str | None = None) -> Fault:
    """A fault for an answer that is not of the documented form; `what` completes "expected ..., got "."""
    return Fault(
        Meaning.MALFORMED, f"unexpected answer: {what}", http_status=response.status_code, request_id=request_id
    )


def parsed_object(response: httpx.Response) -> dict[str, Any] | None:
    """The JSON object in the body, whatever the content type says; None where there is none."""
    try:
        parsed = json.loads(response.content)
    except (ValueError, RecursionError):
        return None
    return parsed if isinstance(parsed, dict) else None


def json_object(response: httpx.Response, excerpts: Excerpts) -> dict[str, Any] | Fault:
    """The JSON object of a successful answer, or a MALFORMED fault that names what came."""
    if response.is_redirect or 300 <= response.status_code < 400:
        return malformed(f"a redirect to {excerpts(response.headers.get('Location', 'nowhere'), 120)}", response)
    media = response.headers.get("Content-Type", "")
    if not response.content.strip():
        return malformed("an empty body", response)
    if any(other in media.lower() for other in _OTHER_MEDIA):
        return malformed(f"{excerpts(media, 60)} instead of JSON: {_start(response, excerpts)}", response)
    try:
        parsed = json.loads(response.content)
    except (ValueError, RecursionError):
        return malformed(f"no JSON: {_start(response, excerpts)}", response)
    if not isinstance(parsed, dict):
        return malformed(f"JSON, but no object: {_start(response, excerpts)}", response)
    return parsed


def _start(response: httpx.Response, excerpts: Excerpts) -> str:
    return excerpts(response.content[:400].decode("utf-8", "replace"), 80)


def clock_skew(response: httpx.Response, now: datetime) -> str:
    """How far this machine's clock is from the server's, in words; empty where the answer has no date."""
    try:
        seconds = int((now - parsedate_to_datetime(response.headers["Date"])).total_seconds())
    except (KeyError, ValueError, TypeError):
        return ""
    return f"this clock is {abs(seconds)} s {'ahead of' if seconds > 0 else 'behind'} the server's"
