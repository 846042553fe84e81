"""What clients over HTTP have in common: the way to a target's services, and what every client does alike.

A cloud says how a request is signed (`Gateway.auth`), what its quotas are, and how it lists, reads and acts; see
`docs/how-to/provider.md` for a whole one.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Self, TypeVar

from reconciler.exceptions import CredentialsError
from reconciler.providers.credential_source import Fixed
from reconciler.providers.records import impossible_ids
from reconciler.providers.transport.answers import Redactor
from reconciler.providers.transport.ask import Ask, renewed
from reconciler.providers.transport.caller import Caller
from reconciler.providers.transport.clocks import Clocks
from reconciler.providers.transport.pacing import PACES, Quota, always
from reconciler.providers.transport.surroundings import Surroundings
from reconciler.providers.transport.wire import Wire
from reconciler.tasks.fault import Fault
from reconciler.tasks.observation import Completeness, Observation, Scope

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    import httpx

    from reconciler.config.model import Target
    from reconciler.providers.credential_source import C, CredentialSource
    from reconciler.providers.credentials import AccessKey, AskedKey, FoundCredentials
    from reconciler.providers.transport.caller import Tally
    from reconciler.providers.transport.retries import Retries
    from reconciler.tasks.resource_type import Operation, ResourceType
    from reconciler.tasks.task import Task

__all__ = ["Gateway", "HttpClient", "HttpProvider"]

T = TypeVar("T")
F = TypeVar("F", bound="FoundCredentials[Any]")


class Gateway(Generic[F]):
    """Paced, signed calls of one target. Sends nothing until it is asked to.

    `quotas` are those that the vendor documents, by whatever they are counted by; `margin` is how many seconds before
    their end credentials are renewed; `retry_header` is where the vendor says, in milliseconds, when to come again.
    """

    quotas: ClassVar[Mapping[str, Quota]]
    margin: ClassVar[float] = 15 * 60.0
    retry_header: ClassVar[str] = ""

    def __init__(
        self,
        target: Target,
        found: F,
        urls: Iterable[str],
        *,
        concurrency: int,
        surroundings: Surroundings,
    ) -> None:
        """`urls` are the services whose clocks count, beside those that hand the credentials out."""
        self.target = target
        self.found = found
        self.surroundings = surroundings
        self.now = surroundings.now
        self.redactor = Redactor(found.secrets, target.masked)
        self._clocks = surroundings.shared.of(Clocks, partial(Clocks, self.now))
        self._urls = frozenset(urls) | found.issuers
        wire = Wire(surroundings.environment, on_answer=self._clocks.note)
        self.ask = Ask(wire, self.redactor, surroundings)
        self._caller = Caller(
            auth=self.auth(),
            concurrency=concurrency,
            redactor=self.redactor,
            surroundings=surroundings,
            wire=wire,
            retry_header=self.retry_header,
        )

    def auth(self) -> httpx.Auth:
        """What signs each request at the moment it is sent."""
        raise NotImplementedError

    def standing(self, held: C) -> CredentialSource[C]:
        """Credentials that stand somewhere: read again when they are refused, if they may have been replaced since."""
        again = self.found.again
        if again is None:
            return Fixed(held)

        async def fetch() -> C:
            read = again()
            if not isinstance(read, type(held)):
                raise CredentialsError(f"{self.found.source}: another kind of credentials than before")
            return read

        return renewed(fetch, self.ask, self.margin, first=held)

    def asked(self, asked: AskedKey) -> CredentialSource[AccessKey]:
        """Keys that somebody hands out, to all clients of a run that ask the same."""
        return renewed(partial(asked.key, self.ask), self.ask, self.margin, shared_by=asked)

    @property
    def skews(self) -> tuple[int, ...]:
        return self._clocks.skews(self._urls)

    @property
    def requests(self) -> int:
        return self._caller.requests

    async def close(self) -> None:
        await self._caller.close()

    async def account(self) -> str | Fault:
        """The account that quotas and tasks belong to; a cloud that can tell it asks for it."""
        return self.found.owner(self.target)

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
        permitted: Callable[[], bool] = always,
    ) -> T | Fault:
        """Send a request without a body and return what `judge` makes of the answer.

        `url` is sent byte for byte. All clients of `group` share the pace of a `quota` (default: that of the service),
        which the target's `rate_limits` set by service.
        """
        allowed, rate = self.quotas[quota or service], self.target.rate_limits.get(service)
        pace = PACES.pace(
            group,
            quota or service,
            allowed if rate is None else allowed.at_rate(rate),
            monotonic=self.surroundings.monotonic,
            sleep=self.surroundings.sleep,
        )
        request = self._caller.request(method, url, headers)
        verdict = await self._caller.send(request, judge, pace=pace, retries=retries, tally=tally, permitted=permitted)
        return self.found.explained(verdict) if isinstance(verdict, Fault) else verdict


G = TypeVar("G", bound=Gateway[Any])


class HttpClient(Generic[G]):
    """What clients do alike; `observe`, `read` and `act` are a cloud's own. See `reconciler.providers.base.Client`."""

    def __init__(self, target: Target, gateway: G) -> None:
        self.target = target.name
        self.gateway = gateway

    @property
    def skews(self) -> tuple[int, ...]:
        return self.gateway.skews

    @property
    def requests(self) -> int:
        return self.gateway.requests

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self.gateway.close()

    async def account(self) -> str | Fault:
        return await self.gateway.account()

    def observation(
        self,
        resource: ResourceType,
        tally: Tally,
        tasks: Iterable[Task] | Fault,
        doubt: Fault | None = None,
        unfound: tuple[str, ...] = (),
    ) -> Observation:
        """What a listing brought; `doubt` says why there may be other tasks."""
        scope = Scope(self.target, resource.name)
        if isinstance(tasks, Fault):
            return Observation(scope, (), tally.requests, Completeness.FAILED, tasks)
        completeness = Completeness.UNSTABLE if doubt else Completeness.COMPLETE
        return Observation(scope, tuple(tasks), tally.requests, completeness, doubt, unfound=unfound)

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


class HttpProvider(Generic[T]):
    """A provider whose clients share what a run need not get twice, such as a token."""

    new_client: Callable[..., T]
    """Takes a target, and `concurrency` and `surroundings` by name."""

    def __init__(self, surroundings: Surroundings | None = None) -> None:
        self._surroundings = surroundings

    def for_run(self) -> Self:
        """With surroundings that all its clients share."""
        return type(self)(Surroundings())

    def client(self, target: Target, *, concurrency: int, surroundings: Surroundings | None = None) -> T:
        """A client of `target`. Raises CredentialsError; sends nothing yet."""
        around = surroundings or self._surroundings or Surroundings()
        return self.new_client(target, concurrency=concurrency, surroundings=around)
