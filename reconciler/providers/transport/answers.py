"""Reading answers: what came is either the documented form or a fault that says what came instead."""

from __future__ import annotations

import json
import re
from collections import Counter
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NoReturn

import msgspec

from reconciler.providers.transport.surroundings import trimmed
from reconciler.redaction import bounded, masked
from reconciler.tasks.observation import Fault, Meaning

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    import httpx

EXCERPT_LENGTH = 300
LONGEST_TOKEN = 64 * 1024
_BEGINNING = 12
"""Characters by which the beginning of a secret is known."""

_CODES = ("errorcode", "errcode", "code")
_WORDS = ("errormsg", "errormessage", "errmsg")
_FRAMES = ("error", "errors", "fault")
"""Top-level keys by which clouds report errors, in lower case and without underscores; a frame may hold the others."""
_REPORTING = frozenset((*_CODES, *_WORDS, *_FRAMES))

_NO_ERROR = frozenset({"", "0", "200", "ok", "success", "succeed", "succeeded", "null", "none", "false"})
_MEANT = frozenset({Meaning.THROTTLED, Meaning.UNAVAILABLE, Meaning.CREDENTIALS, Meaning.PERMISSION})
"""What a code may mean beside HTTP 200: that a task is gone or was changed is never believed of such an answer."""

_ENCODED_URL = re.compile(r"(?P<slashes>%(?:25)*3A(?:%(?:25)*2F|/){2})[^\s\"'<>&,;]+", re.IGNORECASE)
"""A URL that is encoded, as within another's query: what would have to be hidden of it is not as easily told apart."""

_OTHER_MEDIA = ("html", "xml", "javascript", "css", "image/", "video/", "audio/")


class Redactor:
    """Quotes what a server said: secrets masked first, then made presentable, then cut to a bounded length.

    `masked` is what else is not repeated, and what is shown in its place.
    """

    def __init__(self, secrets: Iterable[str] = (), masked: Mapping[str, str] = MappingProxyType({})) -> None:
        self._masked = masked
        self._secrets: list[str] = []
        self.learn(secrets)

    def learn(self, secrets: Iterable[str]) -> None:
        """Mask these as well from now on: credentials that were renewed. What was a secret stays one."""
        known = {*self._secrets, *secrets} - {""}
        # The longest first: one that begins with another would show its end otherwise.
        self._secrets = sorted(known, key=lambda secret: (-len(secret), secret))

    def __call__(self, text: object, limit: int = EXCERPT_LENGTH, *, also: Iterable[str] = ()) -> str:
        """An excerpt of `text`, `limit` characters long at most; `also` is masked as well, in this one."""
        secrets = [*self._secrets, *sorted(set(also) - {""}, key=len, reverse=True)]
        longest = max(map(len, secrets), default=0)
        whole = str(text)
        quoted = whole[: 64 * limit + longest]
        for secret in secrets:
            quoted = quoted.replace(secret, "***")
        quoted = masked(quoted, {**self._masked, **dict.fromkeys(secrets, "***")})
        for secret in secrets:
            quoted = _without_beginnings(quoted, secret)
        if longest and len(whole) > 64 * limit + longest:  # the end may be the beginning of a secret
            quoted = quoted[:-longest]
        return bounded(_ENCODED_URL.sub(r"\g<slashes>...", quoted).strip(), limit)


def _without_beginnings(text: str, secret: str) -> str:
    """`text` without the beginning of a long secret, which a server may have cut off as well as quoted."""
    if len(secret) <= _BEGINNING:
        return text
    start = text.find(secret[:_BEGINNING])
    while start >= 0:
        end = start + _BEGINNING
        while text[end : end + 1] == secret[end - start : end - start + 1] != "":
            end += 1
        text = f"{text[:start]}***{text[end:]}"
        start = text.find(secret[:_BEGINNING], start)
    return text


def malformed(what: str, response: httpx.Response, request_id: str | None = None) -> Fault:
    """A fault for an answer that is not of the documented form; `what` completes "expected ..., got "."""
    return Fault(
        Meaning.MALFORMED, f"unexpected answer: {what}", http_status=response.status_code, request_id=request_id
    )


def parsed_object(response: httpx.Response) -> dict[str, Any] | None:
    """The JSON object in the body, whatever the content type says; None where there is none."""
    try:
        found = parsed(response.content)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def json_object(
    response: httpx.Response,
    redactor: Redactor,
    means: Callable[[str], Meaning | None] = lambda _: None,
    task: str = "",
    read: Callable[[bytes], Any] | None = None,
) -> dict[str, Any] | Fault:
    """The JSON object of a successful answer, or a fault that names what came: MALFORMED, or what the code of an error
    `means` that came with HTTP 200. What stands under the key `task` is no error of the call's. `read` is another way
    to do what `parsed` does."""
    if 300 <= response.status_code < 400:
        return malformed(f"a redirect to {redactor(response.headers.get('Location', 'nowhere'), 120)}", response)
    media = response.headers.get("Content-Type", "")
    if not response.content.strip():
        return malformed("an empty body", response)
    if any(other in media.lower() for other in _OTHER_MEDIA):
        return malformed(f"{redactor(media, 60)} instead of JSON: {_start(response, redactor)}", response)
    try:
        found = (read or parsed)(response.content)
    except _AmbiguousError as ambiguous:
        return malformed(f"{redactor(ambiguous, 60)!r} stands twice in one object", response)
    except (ValueError, RecursionError):
        return malformed(f"no JSON: {_start(response, redactor)}", response)
    if not isinstance(found, dict):
        return malformed(f"JSON, but no object: {_start(response, redactor)}", response)
    spoken = {key: value for key, value in found.items() if key != task}
    return _error_in(spoken, response, redactor, means) or found


def _error_in(
    body: dict[str, Any], response: httpx.Response, redactor: Redactor, means: Callable[[str], Meaning | None]
) -> Fault | None:
    """The error that a body reports, whatever the HTTP status and the list beside it say."""
    outer = _spelt(body)
    # Whatever the gateway wraps its verdict into: `error`, `result`, `Response`.
    wrapped = [_spelt(value) for value in outer.values() if isinstance(value, dict)]
    spelt = next((each for each in (outer, *wrapped) if _reports_error(each)), None)
    if spelt is None:
        return None
    for frame in _FRAMES:
        spelt = spelt | _spelt(spelt.get(frame))
    code = next((text for key in _CODES if (text := said_in(spelt.get(key)))), "")
    said = next((text for key in (*_WORDS, "message", "msg", *_FRAMES) if (text := said_in(spelt.get(key)))), "")
    meaning = means(code)
    return Fault(
        meaning if meaning in _MEANT else Meaning.MALFORMED,
        f"unexpected answer: an error in an answer of success{': ' if said else ''}{redactor(said)}",
        redactor(code, 60) or None,
        response.status_code,
    )


def _reports_error(spelt: dict[str, Any]) -> bool:
    return any(_is_error(spelt[key]) for key in _REPORTING & spelt.keys()) or spelt.get("success") is False


def _spelt(found: object) -> dict[str, Any]:
    return {key.replace("_", "").lower(): value for key, value in found.items()} if isinstance(found, dict) else {}


def _is_error(found: object) -> bool:
    return bool(found) if isinstance(found, dict | list) else str(found or "").strip().lower() not in _NO_ERROR


def said_in(found: object) -> str:
    """The text of a value where a code or a message should be; empty for what is neither text nor a number, since it
    may be nested as deep as nobody can write it down."""
    return str(found).strip() if isinstance(found, str | int | float) and not isinstance(found, bool) else ""


class _AmbiguousError(ValueError):
    """A key that stands twice in one object: Python takes the last, the server may have meant the first."""


def parsed(content: bytes) -> Any:  # noqa: ANN401 - any JSON
    """The document. Raises ValueError for what is none, or may be read in two ways, and RecursionError.

    Nearly all are read by msgspec, in half the time. What it refuses, or where a key stands twice, is left to Python's
    own reader.
    """
    try:
        found = msgspec.json.decode(content)
        if is_all_of(content, found):
            return found
    except (msgspec.MsgspecError, RecursionError):
        pass
    return json.loads(content, parse_constant=_refused, object_pairs_hook=_unambiguous)


def is_all_of(content: bytes, found: object) -> bool:
    """Whether what msgspec read of a document is all of it. Of a key that stands twice it keeps the later value, so
    that there are fewer quotes when it is written again. Raises `msgspec.MsgspecError` and RecursionError."""
    written = msgspec.json.encode(found)
    if written == content:
        return True
    # More quotes than there were can only come of this escape. (One character is looked for in no time.)
    escaped = b"\\" in content and b"\\u0022" in content
    return not escaped and written.count(b'"') == content.count(b'"')


def _unambiguous(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _AmbiguousError(next(key for key, count in Counter(key for key, _ in pairs).items() if count > 1))
    return found


def _refused(constant: str) -> NoReturn:
    """NaN and the infinities, which Python reads and JSON has not."""
    raise ValueError(f"{constant} is no JSON")


def _start(response: httpx.Response, redactor: Redactor) -> str:
    return redactor(response.content[:400].decode("utf-8", "replace"), 80)


def header_text(text: object) -> str:
    """What a server gave to be sent back in a header, without blanks around it; empty where no header may carry it."""
    found = trimmed(text) if isinstance(text, str) else ""
    return found if len(found) <= LONGEST_TOKEN and found.isascii() and found.isprintable() else ""
