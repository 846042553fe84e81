"""What is told of each request, and of what it is about, to whoever listens.

Two loggers take it at level DEBUG: `reconciler.requests` a line for each answer, for people; `reconciler.trace` every
event, for a file. What may be secret is in neither: of a query only the names, of headers only those that are listed
here, of bodies only those of errors. The facts of a record stand in its attribute `facts`.
"""

from __future__ import annotations

import logging
import re
import time
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from itertools import count
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from contextlib import AbstractContextManager

    import httpx

    from reconciler.providers.transport.answers import Redactor
    from reconciler.tasks.observation import Fault

REQUESTS = logging.getLogger("reconciler.requests")
EVENTS = logging.getLogger("reconciler.trace")

ATTEMPT, WAIT = "reconciler.attempt", "reconciler.wait"
"""Extensions of a request: which try it is, counted from 1, and the seconds that it waited for its turn."""
NUMBER = "reconciler.number"
"""Extension by which the events of one request belong together."""
DIRECT = "reconciler.direct"
"""Extension of a request that no proxy may see: it asks this machine's own metadata service for keys."""

BODY = 2_000
"""Characters of the body of an error."""
_TEXT = 300
_LARGEST = 256 * 1024
"""Bytes of a body that are looked at. More than `Redactor` takes of so long an excerpt."""

_SHOWN = frozenset({"date", "retry-after", "content-type", "content-length", "location", "server", "via"})
"""Headers of answers that say something of the way, and nothing of who came it."""
_QUOTA = re.compile(r"rate-?limit|quota")
_REQUEST_ID = re.compile(r"request-?id$")
_PLAIN = frozenset({"host", "user-agent", "accept", "accept-encoding", "content-type", "content-length", "connection"})
"""Headers of requests that may be quoted."""
_TOKEN = re.compile(r"[A-Za-z0-9+/_.~-]{24,}")
"""What may be a token, or a signature, within a header."""
_ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})")

_NUMBERS = count(1)
_ABOUT: ContextVar[Mapping[str, str]] = ContextVar("about", default=MappingProxyType({}))


@contextmanager
def about(**facts: str) -> Iterator[None]:
    """What is logged and asked within this context is about these: `run`, `target`, `resource`, `policy`, `change`."""
    token, spans = _ABOUT.set({**_ABOUT.get(), **facts}), _SPANS.get()
    try:
        with spans.about(facts) if spans else nullcontext():
            yield
    finally:
        _ABOUT.reset(token)


def what_about() -> Mapping[str, str]:
    """The facts of the contexts around."""
    return _ABOUT.get()


class Watch(Protocol):
    """Somebody who watches the requests of a run as it goes on, such as a terminal that shows its progress."""

    def answered(self) -> None:
        """A request has its answer."""
        ...

    def waits(self, seconds: float) -> None:
        """The next request waits so long for a quota, if nothing else comes in between."""
        ...

    def expects(self, pages: int) -> None:
        """So many pages more are asked for, as the first of a list tells."""
        ...

    def page(self) -> None:
        """One of them came."""
        ...


class _Nobody:
    def answered(self) -> None: ...

    def waits(self, seconds: float) -> None: ...

    def expects(self, pages: int) -> None: ...

    def page(self) -> None: ...


_NOBODY = _Nobody()
_WATCH: ContextVar[Watch] = ContextVar("watch", default=_NOBODY)


@contextmanager
def watching(watch: Watch) -> Iterator[None]:
    """Let `watch` be told of what is asked within this context."""
    token = _WATCH.set(watch)
    try:
        yield
    finally:
        _WATCH.reset(token)


def watched() -> Watch:
    """Who watches here."""
    return _WATCH.get()


class Spans(Protocol):
    """Somebody who is told when something begins and ends that others are parts of, such as OpenTelemetry."""

    def named(self, name: str) -> AbstractContextManager[object]:
        """A run, or a cycle."""
        ...

    def about(self, facts: Mapping[str, str]) -> AbstractContextManager[object]:
        """What is asked about these: see `about`."""
        ...

    def call(self, asked: Mapping[str, Any]) -> AbstractContextManager[Callable[[int, int], None]]:
        """A request: `method`, `scheme`, `host`, `port`, `path`, `call` and `attempt`, without secrets.

        What it gives is told the status and the size of the answer, if one comes.
        """
        ...


_SPANS: ContextVar[Spans | None] = ContextVar("spans", default=None)


@contextmanager
def spanning(spans: Spans) -> Iterator[None]:
    """Let `spans` be told of what goes on within this context."""
    token = _SPANS.set(spans)
    try:
        yield
    finally:
        _SPANS.reset(token)


@contextmanager
def spanned(name: str) -> Iterator[None]:
    """What goes on within this context is one run, or one cycle, of this name."""
    spans = _SPANS.get()
    with spans.named(name) if spans else nullcontext():
        yield


class Answer(NamedTuple):
    """What came back."""

    status: int
    headers: httpx.Headers
    body: bytes


class Tracer:
    """Tells the requests of one client. `call_header` names the call where its URL does not; `retry_header` is where
    the vendor says when to come again."""

    def __init__(self, redactor: Redactor, call_header: str = "", retry_header: str = "") -> None:
        self._redactor = redactor
        self._call_header = call_header
        self._retry_header = retry_header

    @property
    def is_wanted(self) -> bool:
        return REQUESTS.isEnabledFor(logging.DEBUG) or EVENTS.isEnabledFor(logging.DEBUG)

    def telling(self, request: httpx.Request) -> AbstractContextManager[list[Answer]]:
        """Tell of a request that is sent within this context, and of the answer left there, or why none came."""
        return self._telling(request) if self.is_wanted or _SPANS.get() else nullcontext([])

    @contextmanager
    def _telling(self, request: httpx.Request) -> Iterator[list[Answer]]:
        answers: list[Answer] = []
        spans = _SPANS.get()
        if spans is None:
            with self._logging(request, answers):
                yield answers
            return
        with spans.call(self._place(request)) as answered, self._logging(request, answers):
            yield answers
            for answer in answers:
                answered(answer.status, len(answer.body))

    @contextmanager
    def _logging(self, request: httpx.Request, answers: list[Answer]) -> Iterator[None]:
        if not self.is_wanted:
            yield
            return
        started = time.monotonic()
        request.extensions = {**request.extensions, NUMBER: next(_NUMBERS)}
        self._event(request, "request")
        try:
            yield
        except BaseException as error:  # a canceled one too
            why = f"{type(error).__name__}: {error}".rstrip(": ")
            self._ended(request, "no answer", started, error=self._quoted(request, why, _TEXT))
            raise
        for answer in answers:
            self._ended(request, "answer", started, **self._told(request, answer))

    def judged(self, request: httpx.Request, fault: Fault) -> None:
        """Tell what an answer, or that there was none, means to the program, unless it was a success."""
        if EVENTS.isEnabledFor(logging.DEBUG):
            self._event(request, "fault", meaning=fault.meaning.value, code=fault.code, message=fault.message)

    def _event(self, request: httpx.Request, event: str, **facts: object) -> None:
        self._log(EVENTS, "", {"event": event, **self._asked(request), **facts})

    def _log(self, logger: logging.Logger, message: str, facts: Mapping[str, object]) -> None:
        given = {name: fact for name, fact in facts.items() if fact not in (None, "")}
        logger.debug("%s", message, extra={"facts": given})

    def _ended(self, request: httpx.Request, event: str, started: float, **facts: object) -> None:
        seconds = round(time.monotonic() - started, 3)
        self._event(request, event, seconds=seconds, **facts)
        asked = self._asked(request)
        where = " ".join(filter(None, (asked["method"], asked["url"], asked["call"])))
        came = f"HTTP {facts['status']}" if "status" in facts else f"no answer ({facts['error']})"
        size = f", {facts['size']} bytes" if "size" in facts else ""
        again = f"; try {asked['attempt']}" if (asked["attempt"] or 1) > 1 else ""
        waited = f"; waited {asked['wait']:.1f} s before" if (asked["wait"] or 0.0) >= 0.1 else ""
        told = {"request_id": facts.get("request_id"), "status": facts.get("status"), "seconds": seconds}
        self._log(REQUESTS, f"{where}: {came} in {seconds:.2f} s{size}{again}{waited}", told)

    def _asked(self, request: httpx.Request) -> dict[str, Any]:
        return {
            "number": request.extensions.get(NUMBER),
            "method": request.method,
            "url": self._url(request),
            "call": self._call(request),
            "attempt": request.extensions.get(ATTEMPT),
            "wait": round(request.extensions[WAIT], 3) if WAIT in request.extensions else None,
        }

    def _place(self, request: httpx.Request) -> dict[str, Any]:
        """Where a request goes; of the machine's own services only the host."""
        url = request.url
        return {
            "method": request.method,
            "scheme": url.scheme,
            "host": self._redactor(url.host, _TEXT),
            "port": url.port or (443 if url.scheme == "https" else 80),
            "path": "" if request.extensions.get(DIRECT) else self._redactor(url.path, BODY),
            "call": self._call(request),
            "attempt": request.extensions.get(ATTEMPT),
        }

    def _call(self, request: httpx.Request) -> str:
        return self._redactor(request.headers.get(self._call_header, ""), _TEXT) if self._call_header else ""

    def _url(self, request: httpx.Request) -> str:
        """Without values of the query, without user and password. Of the machine's own services, whose paths may be
        what they know their callers by, only the host."""
        url = request.url
        host = f"{url.scheme}://{url.netloc.decode('ascii').rpartition('@')[2]}"
        if request.extensions.get(DIRECT):
            return self._redactor(f"{host}/...", BODY)
        parts = [part.partition("=") for part in url.query.decode("ascii", "replace").split("&")]
        names = "&".join(dict.fromkeys(name if equals else "..." for name, equals, _ in parts if name))
        return self._redactor(f"{host}{url.path}", BODY) + (f"?{self._redactor(names, BODY)}" if names else "")

    def _told(self, request: httpx.Request, answer: Answer) -> dict[str, Any]:
        quoted = {
            name.lower(): self._quoted(request, _cut(name.lower(), value), _TEXT)
            for name, value in answer.headers.items()
            if _is_shown(name.lower()) or name.lower() == self._retry_header.lower()
        }
        ids = [value for name, value in quoted.items() if _REQUEST_ID.search(name)]
        is_success = 200 <= answer.status < 300
        body = "" if is_success else answer.body[:_LARGEST].decode("utf-8", "replace")
        return {
            "status": answer.status,
            "size": len(answer.body),
            "request_id": ids[0] if ids else None,
            "headers": quoted,
            "body": self._quoted(request, body, BODY),
        }

    def _quoted(self, request: httpx.Request, text: str, limit: int) -> str:
        """What a server said, without what it was sent: whatever signs the request, and URLs in its query."""
        plain = _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text).replace("\\/", "/")
        return self._redactor(plain, limit, also=_sent(request, self._call_header.lower()))


def is_quota(header: str) -> bool:
    """Whether a header of this name, of an answer, tells how much more may be asked."""
    return _QUOTA.search(header.lower()) is not None


def _is_shown(header: str) -> bool:
    return header in _SHOWN or is_quota(header) or _REQUEST_ID.search(header) is not None


def _cut(header: str, value: str) -> str:
    """A `Location` may be no whole URL, and carry in its query what a URL would."""
    return re.split(r"[?#]", value, maxsplit=1)[0] if header == "location" else value


def _sent(request: httpx.Request, call_header: str) -> Iterable[str]:
    for name, value in request.headers.items():
        if name.lower() not in _PLAIN and name.lower() != call_header:
            yield from (value, *_TOKEN.findall(value)) if len(value) >= 24 else ()
    for part in request.url.query.decode("ascii", "replace").split("&"):
        forms = [part.partition("=")[2]]
        forms += [unquote(forms[0]), unquote(unquote(forms[0]))]
        if "://" in forms[-1]:
            yield from forms
