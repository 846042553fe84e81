"""One request, sent until it has a verdict: in its turn, within bounds, signed anew each time; and several at once."""

from __future__ import annotations

import asyncio
import logging
import re
from dataclasses import dataclass, replace
from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar

import httpx

from reconciler import __version__
from reconciler.exceptions import ProviderError
from reconciler.providers.transport.clocks import http_date
from reconciler.providers.transport.messages import Request
from reconciler.providers.transport.pacing import LOOK, ROUNDING, always
from reconciler.providers.transport.trace import ATTEMPT, WAIT, watched
from reconciler.providers.transport.wire import NEVER_SENT, UnreadableAnswer, Wire
from reconciler.tasks.observation import Fault, Meaning

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable, Mapping
    from datetime import datetime

    from reconciler.providers.transport.answers import Redactor
    from reconciler.providers.transport.pacing import Pace
    from reconciler.providers.transport.surroundings import Surroundings

USER_AGENT = f"media-reconciler/{__version__}"
HEADERS = (
    ("Accept", "*/*"), ("Accept-Encoding", "identity"), ("Connection", "keep-alive"), ("User-Agent", USER_AGENT)
)  # fmt: skip
"""Of every request that does not say otherwise."""
LOGGER = logging.getLogger("reconciler.transport")
LEAST_PAUSE = 0.5
"""Seconds that everybody waits after a throttled request, whatever the server says."""

ANSWERED = frozenset({Meaning.GONE, Meaning.CHANGED, Meaning.PERMISSION, Meaning.PERMANENT})
"""Refusals that no quota had a part in."""

T = TypeVar("T")


@dataclass(slots=True)
class Tally:
    """Counts the requests made on behalf of something, retries included: among them those that a quota refused
    (`throttled`), and those that asked again (`retried`)."""

    requests: int = 0
    throttled: int = 0
    retried: int = 0

    def add(self, other: Tally) -> None:
        """Count what another one counted as well."""
        self.requests += other.requests
        self.throttled += other.throttled
        self.retried += other.retried


class Draft(NamedTuple):
    """What is to be sent. `url` is sent byte for byte, so its query must be encoded already."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes = b""

    def request(self, facts: dict[str, object]) -> httpx.Request:
        """One for each try: what signs writes into it, and no try may have the signature of another."""
        return Request(self.method, self.url, (*HEADERS, *self.headers.items()), self.body, facts)


class Auth(Protocol):
    """What signs requests: see `reconciler.providers.credential_source.RenewingAuth`.

    No `httpx.Auth`, whose flow gets the credentials and signs in one go. A request takes its turn in between: a renewal
    may take longer than a window of the quota, and a signature says when it was made.
    """

    async def current(self) -> Any:  # noqa: ANN401 - whatever it signs with
        """Credentials that are good for a while. Raises ProviderError."""
        ...

    def sign(self, request: httpx.Request, credential: Any) -> Any:  # noqa: ANN401 - as above
        """Sign with these, or with newer ones that are there by now; returns them. Raises ProviderError."""
        ...

    def refused(self, response: httpx.Response) -> bool:
        """Whether an answer refuses the credentials, so that the request had no effect."""
        ...

    async def renewed(self, refused: Any) -> Any | None:  # noqa: ANN401 - as above
        """Others than those that were refused, if there are any. Raises ProviderError."""
        ...


class Caller:
    """Sends the requests of one client. At most `concurrency` are under way, their retries included.

    `retry_header` is where the vendor says, in milliseconds, when to come again, beside `Retry-After`.
    """

    def __init__(
        self,
        *,
        auth: Auth,
        concurrency: int,
        redactor: Redactor,
        surroundings: Surroundings,
        wire: Wire | None = None,
        retry_header: str = "",
    ) -> None:
        self._wire = wire or Wire(surroundings.environment)
        self._auth = auth
        self._slots = asyncio.Semaphore(concurrency)
        self._redactor = redactor
        self._surroundings = surroundings
        self._retry_header = retry_header

    @property
    def requests(self) -> int:
        """Requests sent so far: retries, logins and look-ups included."""
        return self._wire.sent

    async def close(self) -> None:
        await self._wire.aclose()

    async def send(
        self,
        draft: Draft,
        judge: Callable[[httpx.Response], T | Fault],
        *,
        pace: Pace,
        retries: Retries,
        tally: Tally,
        permitted: Callable[[], bool] = always,
    ) -> T | Fault:
        """Send a request and return what `judge` makes of the answer, or the fault of the last try.

        The wait for a turn is no part of the deadline before the first try, since a long queue is no failure. Once
        `permitted` says no, nothing more is sent. What was refused for its credentials, and so had no effect, takes
        another turn with others, once.
        """
        clock = self._surroundings.monotonic
        waited_from = clock()
        async with self._slots:
            started: float | None = None
            refused: Fault | None = None
            others: object = None
            may_renew = True
            for attempt in count():
                asked_at = clock()
                credential = others if others is not None or not permitted() else await self._got(self._auth.current())
                waited_from += clock() - asked_at  # a login is no wait for a turn
                hint, rejected, others, is_shared = None, None, None, False
                verdict: T | Fault
                if isinstance(credential, Fault):
                    verdict, started = credential, asked_at if started is None else started
                    delay = self._delay(verdict, attempt, hint, retries)
                else:
                    sent_at = await pace.turn(permitted)
                    if isinstance(sent_at, Fault):
                        if refused is None or not permitted():
                            return sent_at
                        return replace(refused, message=f"{refused.message}; {sent_at.message}")
                    started = sent_at if started is None else started
                    tally.requests += 1
                    tally.retried += attempt > 0
                    facts: dict[str, object] = {ATTEMPT: attempt + 1, WAIT: sent_at - waited_from}
                    try:
                        verdict, hint, rejected = await self._try(draft, judge, credential, facts)
                    except BaseException:  # cut off, say: it is not on its way any more
                        pace.ended(sent_at, let_through=False)
                        raise
                    watched().answered()
                    if not isinstance(verdict, Fault):
                        pace.ended(sent_at, let_through=True)
                        return verdict
                    delay = self._delay(verdict, attempt, hint, retries)
                    if verdict.meaning is Meaning.THROTTLED:
                        tally.throttled += 1
                        delay, is_shared = pace.throttled(sent_at, delay, told=bool(hint)), True
                    else:
                        pace.ended(sent_at, let_through=verdict.meaning in ANSWERED)
                if rejected is not None and may_renew:
                    others = await self._got(self._auth.renewed(rejected))
                    if isinstance(others, Fault):
                        verdict, others = others, None
                    elif others is not None:
                        may_renew, waited_from = False, clock()
                        continue
                waited_from = clock()
                late = waited_from + delay > started + retries.patience(verdict.meaning)
                if verdict.meaning not in retries.on or late or attempt + 1 >= retries.tries:
                    return verdict
                url = httpx.URL(draft.url)
                where = self._redactor(f"{draft.method} {url.host}{url.path}")
                LOGGER.info("%s: %s; again in %.1f s", where, self._redactor(verdict), delay)
                refused = verdict
                if not is_shared:  # that pause is everybody's
                    await self._pause(delay, permitted)
        raise AssertionError("unreachable")  # pragma: no cover - count() does not end

    async def _pause(self, seconds: float, permitted: Callable[[], bool]) -> None:
        """Wait, but not much longer than is permitted."""
        end = self._surroundings.monotonic() + seconds
        while permitted() and (left := end - self._surroundings.monotonic()) > ROUNDING:
            await self._surroundings.sleep(min(left, LOOK))

    def _delay(self, fault: Fault, attempt: int, hint: float | None, retries: Retries) -> float:
        """The server's wish is the least: one that always says "at once" is not asked as often as it likes."""
        least = LEAST_PAUSE if fault.meaning is Meaning.THROTTLED else 0.0
        return max(retries.delay(attempt, self._surroundings.uniform), hint or 0.0, least)

    async def _got(self, asked: Coroutine[object, object, Any]) -> Any:  # noqa: ANN401 - whatever signs takes
        """The credentials that were asked for, or the fault that there are none: so nothing was sent."""
        try:
            return await asked
        except ProviderError as error:
            return error.fault
        except (httpx.TransportError, UnreadableAnswer) as error:
            return Fault(Meaning.UNREACHABLE, f"no credentials: {self._redactor(error)}")

    async def _try(
        self,
        draft: Draft,
        judge: Callable[[httpx.Response], T | Fault],
        credential: Any,  # noqa: ANN401 - as above
        facts: dict[str, object],
    ) -> tuple[T | Fault, float | None, Any]:
        """One try: the verdict; where it is a fault the delay that the server asked for, and the credentials if it
        refused them."""
        request, hint, rejected = draft.request(facts), None, None
        verdict: T | Fault
        try:
            used = self._auth.sign(request, credential)
            response = await self._wire.handle_async_request(request)
        except ProviderError as error:  # credentials that cannot be sent, or no way for the wire
            verdict = error.fault
        except UnreadableAnswer as error:
            verdict = Fault(Meaning.MALFORMED, f"unexpected answer: {error}")
        except httpx.TransportError as error:
            meaning = Meaning.UNREACHABLE if isinstance(error, NEVER_SENT) else Meaning.LOST
            verdict = Fault(meaning, f"{request.url.host}: {self._redactor(error)}")
        else:
            verdict = judge(response)
            if not isinstance(verdict, Fault):
                return verdict, None, None
            hint = hinted_delay(response.headers, self._surroundings.now, self._retry_header)
            rejected = used if self._auth.refused(response) else None
        self._wire.tracer.judged(request, verdict)
        return verdict, hint, rejected


async def all_or_fault(calls: Iterable[Coroutine[object, object, T | Fault]]) -> list[T] | Fault:
    """Run reads concurrently. The first fault ends the others: a part of the answer is of no use."""
    running = [asyncio.ensure_future(call) for call in calls]
    try:
        for ended in asyncio.as_completed(running):
            if isinstance(result := await ended, Fault):
                return result
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
    return [result for task in running if not isinstance(result := task.result(), Fault)]


LONGEST_HINT = 120.0
"""Seconds: a longer Retry-After is taken for this much, which is past every deadline anyway."""


_DIGITS = re.compile(r"\s*[0-9]{1,300}\s*", re.ASCII)
"""A number that fits into a float."""


@dataclass(frozen=True, slots=True)
class Retries:
    """Exponential backoff with full jitter: the n-th delay is drawn from 0 to `first * 2**n`, `longest` at most.

    `on` are the meanings worth another try. There are `tries` in all at most, and none starts later than `deadline`
    seconds after the first, nor later than `unreachable` where there is no connection: a quota comes back within a
    minute, a missing network does not.
    """

    on: frozenset[Meaning]
    tries: int = 20
    deadline: float = 90.0
    first: float = 0.5
    longest: float = 20.0
    unreachable: float = 90.0

    def patience(self, meaning: Meaning) -> float:
        """Seconds after the first try within which a fault of this meaning is worth another."""
        return min(self.deadline, self.unreachable) if meaning is Meaning.UNREACHABLE else self.deadline

    def delay(self, attempt: int, uniform: Callable[[float, float], float]) -> float:
        """Seconds to wait after the attempt with this number, counted from 0."""
        return uniform(0.0, min(self.longest, self.first * 2 ** min(attempt, 16)))


READS = Retries(
    frozenset({Meaning.THROTTLED, Meaning.UNAVAILABLE, Meaning.LOST, Meaning.UNREACHABLE}), unreachable=20.0
)
"""A read has no effect, so that asking again is always right."""

WRITES = Retries(frozenset({Meaning.THROTTLED, Meaning.UNREACHABLE}))
"""Only what certainly had no effect: refused by a quota, or never sent. The rest is the caller's to read back."""


def hinted_delay(headers: Mapping[str, str], now: Callable[[], datetime], vendors: str = "") -> float | None:
    """Seconds that the server asks to wait, LONGEST_HINT at most; None where it does not say, or nothing readable.

    From the vendor's own header in milliseconds, if it has one, or `Retry-After` (seconds or an HTTP date).
    """
    milliseconds = _number(headers.get(vendors))
    if milliseconds is not None:
        return min(milliseconds / 1000, LONGEST_HINT)
    text = headers.get("retry-after")
    seconds = _number(text)
    if seconds is None:
        date = http_date(text)
        seconds = None if date is None else (date - now()).total_seconds()
    return None if seconds is None else min(max(seconds, 0.0), LONGEST_HINT)


def _number(text: str | None) -> float | None:
    return float(text) if text and _DIGITS.fullmatch(text) else None
