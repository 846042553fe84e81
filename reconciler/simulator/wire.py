"""Requests and answers as they are on the wire, free of any HTTP server.

The clouds are pure functions from a `WireRequest` to an `Answer`; only `server.py` knows aiohttp.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import unquote, unquote_plus

JSON = "application/json"


@dataclass(frozen=True, slots=True)
class WireRequest:
    """One request, with target and body exactly as they were received. Header names are in lower case."""

    method: str
    path: str
    raw_query: str
    headers: Mapping[str, str]
    body: bytes = b""

    @classmethod
    def of(cls, method: str, target: str, headers: Mapping[str, str], body: bytes = b"") -> Self:
        """Build a request from its origin-form target (`/path?query`)."""
        path, _, raw_query = target.partition("?")
        return cls(method.upper(), path, raw_query, {name.lower(): text for name, text in headers.items()}, body)

    def header(self, name: str) -> str:
        """A header's value without surrounding blanks, empty where it is absent. `name` is in lower case."""
        return self.headers.get(name, "").strip()


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server says. An empty body goes out without a content type."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = JSON


class Refusal(Exception):  # noqa: N818 - not a failure of the simulator: it is what the cloud answers
    """Raised inside an operation to end it with an error answer."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


def json_answer(status: int, payload: object, headers: Mapping[str, str] | None = None) -> Answer:
    """An answer with a JSON body. Non-ASCII text is escaped, so that even a lone surrogate can be sent."""
    return Answer(status, json.dumps(payload, separators=(",", ":")).encode(), headers or {})


def pairs(raw_query: str, *, plus_is_space: bool) -> tuple[tuple[str, str], ...]:
    """The parameters in the order received, decoded once.

    Huawei's canonical form knows `%20` only (a plus is a plus); Aliyun decodes as an HTML form does.
    """
    decode = unquote_plus if plus_is_space else unquote
    found = []
    for part in raw_query.split("&"):
        if part:
            name, _, text = part.partition("=")
            found.append((decode(name), decode(text)))
    return tuple(found)


def json_object(body: bytes) -> dict[str, Any] | None:
    """The body's JSON object, or None where it is something else."""
    try:
        parsed = json.loads(body)
    except ValueError:
        return None
    return parsed if isinstance(parsed, dict) else None


@dataclass(frozen=True, slots=True)
class Outcome:
    """An answer, which tasks it changed, and what was odd about the request."""

    answer: Answer
    changed: tuple[str, ...] = ()
    oddities: tuple[str, ...] = ()
