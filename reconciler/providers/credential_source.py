"""Credentials that end: where a client gets them each time, so that a long run outlives them.

They are renewed before they expire, one renewal at a time, and once more when the cloud refuses them.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
from functools import lru_cache
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar
from urllib.parse import quote

from reconciler.exceptions import CredentialsError, ProviderError
from reconciler.providers.transport.surroundings import Turns
from reconciler.tasks.observation import Meaning

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping
    from datetime import datetime, tzinfo

    import httpx

PAUSE = 60.0
"""Seconds between renewals that something other than the end of the credentials asks for: a refusal, a failure."""

SHARE = 0.25
"""Short-lived credentials are renewed in the last quarter of their life, whatever the vendor's margin."""

LOGGER = logging.getLogger("reconciler.credentials")


class Credential(Protocol):
    """What a request is signed or marked with."""

    @property
    def expires_at(self) -> datetime | None: ...

    @property
    def secrets(self) -> tuple[str, ...]: ...


C = TypeVar("C", bound=Credential)


class CredentialSource(Protocol[C]):
    """Where credentials come from. Asked for every request."""

    async def current(self) -> C:
        """Credentials that are good for a while. Raises ProviderError where none can be had."""
        ...

    def latest(self, credential: C) -> C:
        """Newer ones than these, where they were got meanwhile; asks nobody."""
        ...

    async def renewed(self, refused: C) -> C | None:
        """Others than those that the cloud refused; None where there are none."""
        ...


class Fixed(Generic[C]):
    """Credentials that stay as they are."""

    def __init__(self, credential: C) -> None:
        self._credential = credential

    async def current(self) -> C:
        return self._credential

    def latest(self, credential: C) -> C:
        return credential

    async def renewed(self, refused: C) -> C | None:
        del refused
        return None


class Passing(Generic[C]):
    """Credentials that somebody else keeps and renews: asked for each time, and never kept here."""

    def __init__(self, ask: Callable[[], Awaitable[C]]) -> None:
        self._ask = ask
        self._lock = asyncio.Lock()

    async def current(self) -> C:
        async with self._lock:
            return await self._ask()

    def latest(self, credential: C) -> C:
        return credential

    async def renewed(self, refused: C) -> C | None:
        credential = await self.current()
        return credential if credential != refused else None


class Kept(Generic[C]):
    """What is known of credentials that several clients of a run use, one after the other or at once."""

    def __init__(self) -> None:
        self.held: C | None = None
        self.margin = 0.0
        self.failure: ProviderError | None = None
        self.attempts = 0
        self.not_before = float("-inf")
        self.refused_at = float("-inf")
        self.turns = Turns()


class Renewed(Generic[C]):
    """Credentials that `fetch` gets anew: `margin` seconds before they expire, or once they are refused.

    `learn` is told the secrets in them before anything can echo them. While they are still good a renewal that failed
    does no harm: it is tried again a minute later. With `kept`, others may have fetched them, and get what is fetched.
    """

    def __init__(
        self,
        fetch: Callable[[], Awaitable[C]],
        *,
        margin: float,
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
        learn: Callable[[tuple[str, ...]], None],
        first: C | None = None,
        kept: Kept[C] | None = None,
    ) -> None:
        self._fetch = fetch
        self._longest_margin = margin
        self._now = now
        self._monotonic = monotonic
        self._learn = learn
        self._learnt: C | None = None
        self._kept: Kept[C] = kept or Kept()
        if first is not None:
            self._hold(first)

    async def current(self) -> C:
        kept = self._kept
        attempts = kept.attempts
        if kept.held is not None and not self._ends_within(kept.margin):
            return self._known(kept.held)
        if self._monotonic() >= kept.not_before:
            async with kept.turns.lock():
                if kept.attempts == attempts:  # nobody else tried while this one waited
                    await self._renew()
        if kept.failure is not None and (kept.held is None or self._ends_within(0.0)):
            # Raised anew: several requests may wait for it, and each has a traceback of its own.
            raise ProviderError(kept.failure.fault, kept.failure.hint)
        assert kept.held is not None  # noqa: S101 - told to mypy: it was fetched, or there was a failure
        return self._known(kept.held)

    def latest(self, credential: C) -> C:
        held = self._kept.held
        return credential if held is None or held == credential or self._ends_within(0.0) else self._known(held)

    async def renewed(self, refused: C) -> C | None:
        kept = self._kept
        async with kept.turns.lock():
            if kept.held is not None and kept.held != refused:
                return self._known(kept.held)
            if self._monotonic() < kept.refused_at + PAUSE:
                return None  # what was fetched because of a refusal was refused as well
            kept.refused_at = self._monotonic()
            await self._renew()
            if kept.failure is not None:
                raise ProviderError(kept.failure.fault, kept.failure.hint)
            return kept.held if kept.held != refused else None

    async def _renew(self) -> None:
        kept = self._kept
        try:
            self._hold(await self._fetch())
        except ProviderError as error:
            kept.failure = error
            good = kept.held is not None and not self._ends_within(0.0)
            if good:
                LOGGER.warning("credentials could not be renewed yet: %s", error.message)
            # Who cannot be reached is asked again as soon as the caller likes; who refused would refuse again.
            waits = good or error.fault.meaning is not Meaning.UNREACHABLE
            kept.not_before = self._monotonic() + PAUSE if waits else kept.not_before
        else:
            kept.failure = None
            # A service may hand out the same credentials again until they end.
            kept.not_before = self._monotonic() + PAUSE
        # Not reached by who was interrupted: then the next in line tries.
        kept.attempts += 1

    def _hold(self, credential: C) -> None:
        self._kept.held = self._known(credential)
        lifetime = (credential.expires_at - self._now()).total_seconds() if credential.expires_at else 0.0
        self._kept.margin = min(self._longest_margin, max(lifetime, 0.0) * SHARE)

    def _known(self, credential: C) -> C:
        """The credential, once its secrets are masked wherever this client is told them."""
        if credential is not self._learnt:
            self._learn(credential.secrets)
            self._learnt = credential
        return credential

    def _ends_within(self, seconds: float) -> bool:
        held = self._kept.held
        if held is None or held.expires_at is None:
            return False
        return (held.expires_at - self._now()).total_seconds() <= seconds


def _quoted(text: str) -> str:
    return text if text.isascii() and text.isalnum() else quote(text, safe="~")  # nearly all are


def canonical_query(parameters: Iterable[tuple[str, str]]) -> str:
    """The query as it is signed *and* sent: sorted, `%20` for a blank, only `-_.~` beyond letters and digits kept.

    Values of a repeated parameter are sorted as text. A gateway that sorts again and one that takes the order as it
    comes then agree; integers sorted as numbers, as some SDK does, only the second accepts.
    """
    pairs = sorted((_quoted(name), _quoted(value)) for name, value in parameters)
    return "&".join([f"{name}={value}" for name, value in pairs])


@lru_cache
def _stamped(moment: datetime, _zone: tzinfo | None, form: str) -> str:  # one moment is equal to itself in any zone
    return moment.strftime(form)


def stamp(moment: datetime, form: str) -> str:
    """A moment up to its seconds, in which many requests leave, as `strftime` writes it."""
    return _stamped(moment.replace(microsecond=0), moment.tzinfo, form)


def signed_headers(request: httpx.Request, chosen: Callable[[str], bool]) -> dict[str, str]:
    """The headers of a request that are `chosen` to be signed, by their names in lower case."""
    named = [(name.lower().decode("ascii"), value) for name, value in request.headers.raw]
    return {name: value.decode("latin-1") for name, value in named if chosen(name)}  # what cannot be sent is told later


def signature(
    secret: str | bytes, heading: str, method: str, path: str, query: str, headers: Mapping[str, str], body_hash: str
) -> str:
    """HMAC-SHA256 of a canonical request, in the form that the vendors took over from AWS (Signature Version 4).

    `headers` are those to be signed, names in lower case; `heading` are the lines before the hash of the request.
    """
    names = sorted(headers)
    spelt = "".join(f"{name}:{headers[name].strip()}\n" for name in names)
    canonical = "\n".join((method, path, query, spelt, ";".join(names), body_hash))
    to_sign = f"{heading}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = secret.encode() if isinstance(secret, str) else secret
    return hmac.new(key, to_sign.encode(), "sha256").hexdigest()  # which keeps the interpreter, unlike `hmac.digest`


class RenewingAuth(Generic[C]):
    """What the vendors' ways to sign have in common: they say how to mark a request, and what refuses the credentials.

    A request that was refused for its credentials had no effect, so that sending it again with others is safe, of a
    call that changes something too.
    """

    def __init__(self, source: CredentialSource[C]) -> None:
        self._source = source

    def mark(self, request: httpx.Request, credential: C) -> None:
        """Sign `request`, or put a token into it."""
        raise NotImplementedError

    def refused(self, response: httpx.Response) -> bool:
        """Whether the gateway refused the credentials, before anything could have an effect."""
        raise NotImplementedError

    async def current(self) -> C:
        """See `CredentialSource`."""
        return await self._source.current()

    async def renewed(self, refused: C) -> C | None:
        """See `CredentialSource`."""
        return await self._source.renewed(refused)

    def sign(self, request: httpx.Request, credential: C) -> C:
        """Mark a request that bears no mark yet, with newer credentials where there are any by now; returns them.

        Raises CredentialsError where the headers cannot be sent, wherever the credentials were found.
        """
        latest = self._source.latest(credential)
        try:
            self.mark(request, latest)
            values = b"".join([value for _, value in request.headers.raw])
            sendable = values.isascii() and values.decode().isprintable()
        except ValueError:  # not ASCII, in words that quote it
            sendable = False
        if not sendable:
            raise CredentialsError("the credentials hold characters that no header may carry")
        return latest
