"""What clients over HTTP have in common: the way to a target's services, and what every client does alike.

A cloud says how a request is signed (`auth`), what its quotas and its codes are, and how it lists, reads and acts; see
`docs/how-to/provider.md` for a whole one.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Self, TypeVar

from reconciler.exceptions import CredentialsError
from reconciler.providers.asked_keys import Ask, renewed
from reconciler.providers.base import Readings
from reconciler.providers.credential_source import Fixed
from reconciler.providers.credentials import AccessKey
from reconciler.providers.examination import examined, note, overhearing
from reconciler.providers.records import impossible_ids
from reconciler.providers.transport.answers import Redactor, json_object, malformed
from reconciler.providers.transport.caller import Caller, Draft, Tally
from reconciler.providers.transport.clocks import Clocks
from reconciler.providers.transport.codes import NO_CODES, Codes
from reconciler.providers.transport.pacing import PACES, Quota, always
from reconciler.providers.transport.trace import Tracer, watched
from reconciler.providers.transport.wire import Wire
from reconciler.tasks.observation import Completeness, Fault, Observation, Scope

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    import httpx

    from reconciler.config.model import Target
    from reconciler.providers.asked_keys import AskedKey
    from reconciler.providers.base import Look
    from reconciler.providers.credential_source import C, CredentialSource
    from reconciler.providers.credentials import ResolvedCredentials
    from reconciler.providers.shapes import Shapes
    from reconciler.providers.transport.caller import Auth, Retries
    from reconciler.providers.transport.pacing import Pace
    from reconciler.providers.transport.surroundings import Surroundings
    from reconciler.providers.transport.trace import Watch
    from reconciler.tasks.resource_type import Operation, ResourceType
    from reconciler.tasks.sink import Sink
    from reconciler.tasks.task import Task

OK = 200

_LONG_ID = 12
"""Characters of a key id from which its last ones tell it apart and do not give it away."""

T = TypeVar("T")
R = TypeVar("R", bound="ResolvedCredentials[Any]")


class HttpClient(Generic[R]):
    """Paced, signed calls of one target. Sends nothing until it is asked to. `observe`, `read_some` and `act` are a
    cloud's own; see `reconciler.providers.base.Client`.

    `quotas` are those that the vendor documents, by whatever they are counted by; `codes` is what its errors mean;
    `margin` is how many seconds before their end credentials are renewed; `retry_header` is where the vendor says, in
    milliseconds, when to come again; `call_header` is the header that names the call where the URL does not.
    """

    quotas: ClassVar[Mapping[str, Quota]]
    codes: ClassVar[Codes] = NO_CODES
    margin: ClassVar[float] = 15 * 60.0
    retry_header: ClassVar[str] = ""
    call_header: ClassVar[str] = ""

    def __init__(
        self,
        target: Target,
        resolved: R,
        urls: Iterable[str],
        *,
        concurrency: int,
        surroundings: Surroundings,
    ) -> None:
        """`urls` are the services whose clocks count, beside those that hand the credentials out."""
        self.target = target
        self.resolved = resolved
        self.surroundings = surroundings
        self.now = surroundings.now
        self.concurrency = concurrency
        self.redactor = Redactor(resolved.secrets, target.masked)
        self.traffic: dict[str, Tally] = {}
        self.shapes: dict[tuple[str, str], Shapes] = {}
        self._paces: dict[tuple[str, str], Pace] = {}
        self._clocks = surroundings.shared.of(Clocks, partial(Clocks, self.now))
        self._urls = frozenset(urls) | resolved.issuers
        tracer = Tracer(self.redactor, self.call_header, self.retry_header)
        wire = Wire(surroundings.environment, on_answer=self._noted, tracer=tracer)
        self.ask = Ask(wire, self.redactor, surroundings, self.codes)
        self._caller = Caller(
            auth=self.auth(),
            concurrency=concurrency,
            redactor=self.redactor,
            surroundings=surroundings,
            wire=wire,
            retry_header=self.retry_header,
        )

    def auth(self) -> Auth:
        """What signs each request at the moment it is sent."""
        raise NotImplementedError

    def standing(self, held: C) -> CredentialSource[C]:
        """Credentials that stand somewhere: read again when they are refused, if they may have been replaced since."""
        again = self.resolved.again
        if again is None:
            return Fixed(held)

        async def fetch() -> C:
            read = again()
            if not isinstance(read, type(held)):
                raise CredentialsError(f"{self.resolved.source}: another kind of credentials than before")
            return read

        return renewed(fetch, self.ask, self.margin, first=held)

    def asked(self, asked: AskedKey) -> CredentialSource[AccessKey]:
        """Keys that somebody hands out, to all clients of a run that ask the same."""
        return renewed(partial(asked.key, self.ask), self.ask, self.margin, shared_by=asked)

    def _noted(self, response: httpx.Response) -> None:
        self._clocks.note(response)
        note(response)

    @property
    def skews(self) -> tuple[int, ...]:
        return self._clocks.skews(self._urls)

    @property
    def watch(self) -> Watch:
        """Who is to be told how many pages a list has, and of each that came."""
        return watched()

    @property
    def requests(self) -> int:
        return self._caller.requests

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._caller.close()

    async def account(self) -> str | Fault:
        """The account that quotas and tasks belong to; a cloud that can tell it asks for it."""
        return self.resolved.owner(self.target)

    @property
    def credentials(self) -> str:
        held = self.resolved.credentials
        key = f"key ...{held.id[-4:]} " if isinstance(held, AccessKey) and len(held.id) >= _LONG_ID else ""
        return f"{key}from {self.resolved.source}"

    async def owner(self) -> str | Fault:
        """Who the credentials belong to; a cloud that can tell it is asked."""
        return ""

    async def look(self, resource: ResourceType) -> Look:
        tally = Tally()
        with overhearing() as answers:
            tasks = await self.first_page(resource, tally)
        return examined(resource, tasks, answers, self.redactor, self.codes.means, tally.requests)

    async def first_page(self, resource: ResourceType, tally: Tally) -> Collection[Task] | Fault | None:
        """The tasks of one small page of a list, or of the whole where a cloud has no other way; None where there is
        nothing to ask about."""
        found = await self.observe(resource, None)
        tally.requests += found.requests
        return found.fault if found.fault and not found.tasks else found.tasks

    async def observe(
        self, resource: ResourceType, statuses: frozenset[str] | None, sink: Sink | None = None
    ) -> Observation:
        """See `reconciler.providers.base.Client`."""
        raise NotImplementedError

    async def send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        judge: Callable[[httpx.Response], T | Fault],
        *,
        service: str,
        group: str,
        retries: Retries,
        tally: Tally,
        quota: str = "",
        body: bytes = b"",
        permitted: Callable[[], bool] = always,
    ) -> T | Fault:
        """Send a request and return what `judge` makes of the answer.

        `url` is sent byte for byte. All clients of `group` share the pace of a `quota` (default: that of the service),
        which the target's `rate_limits` set by service.
        """
        pace = self._paces.get((group, quota or service)) or self._pace(group, quota or service, service)
        draft, sent = Draft(method, url, headers, body), Tally()
        try:
            verdict = await self._caller.send(draft, judge, pace=pace, retries=retries, tally=sent, permitted=permitted)
        finally:
            tally.add(sent)
            self.traffic.setdefault(service, Tally()).add(sent)
        return self.resolved.explained(verdict) if isinstance(verdict, Fault) else verdict

    def _pace(self, group: str, bucket: str, service: str) -> Pace:
        allowed, rate = self.quotas[bucket], self.target.rate_limits.get(service)
        found = self._paces[group, bucket] = PACES.pace(
            group,
            bucket,
            allowed if rate is None else allowed.at(rate),
            monotonic=self.surroundings.monotonic,
            sleep=self.surroundings.sleep,
        )
        return found

    def body(
        self, response: httpx.Response, task: str = "", read: Callable[[bytes], Any] | None = None
    ) -> dict[str, Any] | Fault:
        """The JSON object of an answer of success, or a fault that says what came instead.

        `task` is the key of a single task in it: an error in there is the task's, not the call's. `read` is what reads
        the JSON of a list.
        """
        if response.status_code != OK or self.codes.refuses(response):
            return self.refusal(response)
        return json_object(response, self.redactor, self.codes.means, task, read)

    def refusal(self, response: httpx.Response, operation: Operation | None = None) -> Fault:
        """What an answer means that is no success, of a call of `operation` where one is given."""
        return self.codes.refusal(response, self.redactor, operation, now=self.now)

    def not_accepted(self, response: httpx.Response, operation: Operation) -> Fault | None:
        """Why an answer does not say that the operation was accepted; None where it does."""
        if self.codes.refuses(response):
            return self.refusal(response, operation)
        if response.status_code in operation.accepted:
            return None
        if response.is_success:
            accepted = " or ".join(map(str, sorted(operation.accepted)))
            return malformed(f"HTTP {response.status_code} instead of {accepted}", response)
        return self.refusal(response, operation)

    def observation(
        self,
        resource: ResourceType,
        tally: Tally,
        tasks: Iterable[Task] | Fault,
        doubt: Fault | None = None,
        unfound: tuple[str, ...] = (),
    ) -> Observation:
        """What a listing brought; `doubt` says why there may be other tasks."""
        scope = Scope(self.target.name, resource.name)
        if isinstance(tasks, Fault):
            return Observation(scope, (), tally.requests, Completeness.FAILED, tasks)
        completeness = Completeness.UNSTABLE if doubt else Completeness.COMPLETE
        return Observation(scope, tuple(tasks), tally.requests, completeness, doubt, unfound=unfound)

    async def read(self, resource: ResourceType, ids: Sequence[str]) -> Readings:
        refused = impossible_ids(resource, ids)
        asked = [task_id for task_id in dict.fromkeys(ids) if task_id not in refused]
        size = resource.listing.ids_per_call
        calls = [self.read_some(resource, asked[start : start + size]) for start in range(0, len(asked), size)]
        return Readings.united((Readings({}, refused), *await asyncio.gather(*calls)))

    async def read_some(self, resource: ResourceType, ids: Sequence[str]) -> Readings:
        """Ask for these ids, as many as one call takes at most, all of the form that the API takes."""
        raise NotImplementedError

    async def perform(
        self,
        resource: ResourceType,
        operation: Operation,
        ids: Sequence[str],
        permitted: Callable[[], bool] = always,
    ) -> Mapping[str, Fault | None]:
        refused: dict[str, Fault | None] = {**impossible_ids(resource, ids)}
        asked = [task_id for task_id in ids if task_id not in refused]
        return refused | (await self.act(resource, operation, asked, permitted) if asked else {})

    async def act(
        self, resource: ResourceType, operation: Operation, ids: Sequence[str], permitted: Callable[[], bool]
    ) -> dict[str, Fault | None]:
        """Call `operation` for these ids, one at least, all of the form that the API takes."""
        raise NotImplementedError
