"""Refusals: what an answer that is no success means to us, by the vendor's code and not by the HTTP status."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeVar

from reconciler.providers.transport.answers import json_object, malformed
from reconciler.providers.transport.clocks import clock_skew
from reconciler.tasks.observation import CLOCKS_APART, Fault, Meaning

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    import httpx

    from reconciler.providers.transport.answers import Redactor
    from reconciler.tasks.resource_type import Operation

V = TypeVar("V")

_BY_HTTP_STATUS: Mapping[int, Meaning] = {
    401: Meaning.CREDENTIALS,
    408: Meaning.UNAVAILABLE,
    429: Meaning.THROTTLED,
}


class Said(NamedTuple):
    """What an error says of itself, empty where it is silent; and whether it has the form that the vendor documents."""

    code: str
    message: str
    request_id: str
    documented: bool


class Codes:
    """The codes of a vendor, compared without case, that mean the same in every call, and how its errors say them.

    A code stands for all that begin with it and a dot: `Throttling` for `Throttling.User`. `hints` add to the vendor's
    message what is to be done; `clock` is what is in the codes by which a wrong clock is refused. `in_success` is for a
    vendor whose errors come with HTTP 200: whatever says a code there is one, and means what it says.
    """

    def __init__(
        self,
        meanings: Mapping[Meaning, Iterable[str]],
        hints: Mapping[str, str],
        said: Callable[[httpx.Response], Said],
        *,
        clock: str,
        in_success: bool = False,
    ) -> None:
        self._meanings = {code.casefold(): meaning for meaning, codes in meanings.items() for code in codes}
        self._hints = {code.casefold(): hint for code, hint in hints.items()}
        self.said = said
        self._clock = clock.casefold()
        self._in_success = in_success

    def refuses(self, response: httpx.Response) -> bool:
        """Whether an answer of success is the refusal of a vendor who sends them so."""
        return self._in_success and response.is_success and bool(self.said(response).code)

    def means(self, code: str) -> Meaning | None:
        """What a code means in every call; None for one of no table."""
        return _looked_up(self._meanings, code)

    def refusal(
        self,
        response: httpx.Response,
        redactor: Redactor,
        operation: Operation | None = None,
        *,
        now: Callable[[], datetime],
    ) -> Fault:
        """The fault in an answer that is no success; of a call of `operation`, whose own codes come first.

        Refused credentials are explained by how far this machine's clock is from the server's.
        """
        status = response.status_code
        if not (response.is_client_error or response.is_server_error or self.refuses(response)):
            return _undocumented(response, redactor, f"HTTP {status}, which is not documented")
        code, message, request_id, documented = self.said(response)
        if not documented and not response.is_server_error and status not in _BY_HTTP_STATUS:
            return _undocumented(response, redactor, "an error without a code")
        refusals, unlisted = (operation.refusals, operation.unlisted) if operation else ({}, Meaning.PERMANENT)
        particular = {name.casefold(): meaning for name, meaning in refusals.items()}.get(code.casefold())
        otherwise = unlisted if status == 400 else _BY_HTTP_STATUS.get(status, Meaning.PERMANENT)
        meaning = particular or self.means(code) or otherwise
        if response.is_server_error and meaning is not Meaning.THROTTLED:
            meaning = Meaning.UNAVAILABLE
        told = redactor(message) if message else f"HTTP {status} without a message"
        explained = [told, _looked_up(self._hints, code)]
        if meaning is Meaning.CREDENTIALS:
            off = clock_skew(response, message, now(), CLOCKS_APART)
            explained.insert(1, off)  # the likelier reason, whatever the code says
            if self._clock in code.casefold() and not off:
                explained.append(clock_skew(response, message, now()))
        return Fault(
            meaning,
            "; ".join(part for part in explained if part),
            redactor(code, 60) or None,
            status,
            redactor(request_id, 80) or None,
        )


NO_CODES = Codes({}, {}, lambda _: Said("", "", "", documented=True), clock="no code")
"""Of a vendor whose errors have none: the HTTP status decides."""


def _undocumented(response: httpx.Response, redactor: Redactor, what: str) -> Fault:
    answer = json_object(response, redactor)
    return answer if isinstance(answer, Fault) else malformed(what, response)


def _looked_up(table: Mapping[str, V], code: str) -> V | None:
    """What `table` says of a code, or of the code before its last dot."""
    key = code.casefold()
    while key and key not in table:
        key = key.rpartition(".")[0]
    return table.get(key)
