"""One platform's REST API over HTTP: asked within bounds, quoted with care, and never followed elsewhere."""

from __future__ import annotations

import json
import logging
from contextlib import closing
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING

import httpx

from reconciler import __version__
from reconciler.exceptions import ProviderError, UsageError
from reconciler.providers.transport.answers import Redactor
from reconciler.providers.transport.endpoint import base_url, is_loopback
from reconciler.providers.transport.trace import Answer, Tracer
from reconciler.review.failures import ReviewError, Said, Unsettled, passing

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

    from reconciler.review.failures import Patience

BODY_LIMIT = 64 * 2**20
"""Bytes of an answer that are read at most: a page of 100 comments of GitHub's longest has some 26 MB."""

_TIMEOUT = httpx.Timeout(30.0, connect=10.0)
_NEVER_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)
_LOG = logging.getLogger("reconciler.review")

# httpx logs every request at level INFO; what is of use of that is logged here.
logging.getLogger("httpx").setLevel(logging.WARNING)


@dataclass(frozen=True, slots=True)
class Response:
    """A successful one. `next` is the address of the next page in its `Link` header, or empty."""

    content: object
    headers: Mapping[str, str]
    next: str = ""


class Api:
    """Close after use: a context manager.

    `hints` say by HTTP status what to do about a refusal. `token` is masked in everything that is quoted. Raises
    UsageError for a `base` that is neither https nor on this machine.
    """

    def __init__(
        self, base: str, *, headers: Mapping[str, str], token: str, hints: Mapping[int, str], patience: Patience
    ) -> None:
        try:
            self._base = httpx.URL(base_url(base))
        except ProviderError as error:
            raise UsageError(f"--api: {error.fault.message}", "pass the address of the API, with https") from None
        self._hints = hints
        self._patience = patience
        self._redactor = Redactor([token])
        self._tracer = Tracer(self._redactor)
        sent = {"User-Agent": f"media-reconciler/{__version__}", "Accept-Encoding": "identity", **headers}
        try:
            self._client = httpx.Client(
                headers=sent,
                timeout=_TIMEOUT,
                follow_redirects=False,  # the token is for this host
                trust_env=not is_loopback(self._base.host),  # no proxy stands before this machine
            )
        except (ImportError, ValueError, OSError) as error:  # a proxy or certificates that cannot be used
            raise ReviewError(f"the proxy or certificates of the environment cannot be used: {error}") from None

    def __enter__(self) -> Api:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def read(self, path: str, **query: str | int) -> Response:
        """GET a path; asked again for as long as that may help. Raises ReviewError."""
        url = self._address(path)
        return self._read(url.copy_merge_params(query) if query else url)

    def follow(self, link: str) -> Response:
        """GET the address of a next page. Raises ReviewError, also for one elsewhere: the token would go along."""
        try:
            url = httpx.URL(link)
        except httpx.InvalidURL:
            url = httpx.URL()
        same = (url.scheme, url.host, url.port) == (self._base.scheme, self._base.host, self._base.port)
        if not same or url.userinfo or not url.path.startswith(f"{self._base.path.rstrip('/')}/"):
            raise ReviewError(f"the next page of the answer is said to be elsewhere: {self._redactor(link, 80)}")
        return self._read(url)

    def write(self, method: str, path: str, content: Mapping[str, str] | None = None) -> Response:
        """Send it once. Raises Unsettled where it may or may not have had its effect, else ReviewError."""
        return self._exchange(method, self._address(path), content)

    def _address(self, path: str) -> httpx.URL:
        return httpx.URL(f"{str(self._base).rstrip('/')}{path}")

    def _read(self, url: httpx.URL) -> Response:
        for attempt in count():
            try:
                return self._exchange("GET", url, None)
            except Unsettled as failure:
                self._patience.wait(failure, attempt)
        raise AssertionError  # pragma: no cover - count() has no end

    def _exchange(self, method: str, url: httpx.URL, content: Mapping[str, str] | None) -> Response:
        asked = f"{method} {url.path}"
        try:
            request = self._client.build_request(method, url, json=content)
            with self._tracer.telling(request) as answers:
                response = self._client.send(request, stream=True)
                with closing(response):
                    body = self._body(response, asked)
                answers.append(Answer(response.status_code, response.headers, body))
        except httpx.DecodingError:
            raise ReviewError(f"{asked}: the answer is in an encoding that was not asked for") from None
        except httpx.HTTPError as error:
            sent = not isinstance(error, _NEVER_SENT)
            why = self._redactor(str(error) or type(error).__name__, 120)
            end = "no answer came" if sent else "cannot be reached"
            raise Unsettled(f"{url.host}: {end} ({asked}): {why}", sent=sent) from None
        _LOG.info("%s: HTTP %d", asked, response.status_code)
        return self._judged(response, body, asked)

    def _body(self, response: httpx.Response, asked: str) -> bytes:
        kept = bytearray()
        for chunk in response.iter_bytes():
            kept += chunk
            if len(kept) > BODY_LIMIT:
                raise ReviewError(f"{asked}: the answer is larger than {BODY_LIMIT // 2**20} MiB")
            if self._patience.spent:
                raise httpx.ReadTimeout("the answer takes too long")
        return bytes(kept)

    def _judged(self, response: httpx.Response, body: bytes, asked: str) -> Response:
        status = response.status_code
        if not 200 <= status < 300:
            raise self._failure(response, body, asked)
        if status == httpx.codes.NO_CONTENT:
            return Response(None, response.headers)
        try:
            content = json.loads(body)
        except (ValueError, RecursionError):
            media = self._redactor(response.headers.get("Content-Type", "no type"), 60)
            raise ReviewError(f"{asked}: no JSON in the answer ({media})", "is --api the address of the API?") from None
        return Response(content, response.headers, response.links.get("next", {}).get("url", ""))

    def _failure(self, response: httpx.Response, body: bytes, asked: str) -> ReviewError:
        status = response.status_code
        if 300 <= status < 400:
            target = self._redactor(response.headers.get("Location", "nowhere"), 120)
            return ReviewError(
                f"{asked}: HTTP {status}, a redirect to {target}, which is not followed",
                "was the repository renamed or moved? Pass its name as it is now: --repository",
                status,
            )
        said = Said.of(body)
        words = self._redactor(said.text, 240)
        message = f"{asked}: HTTP {status}{': ' if words else ''}{words}"
        delay = passing(status, response.headers, said, self._patience.now)
        if delay is not None:
            return Unsettled(message, "try again later", status, delay=delay.seconds, sent=delay.sent)
        return ReviewError(message, self._hints.get(status, ""), status)
