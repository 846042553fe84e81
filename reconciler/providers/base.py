"""What the program needs of a provider. One package per cloud implements it; nothing above knows which."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Generic, Protocol, Self, TypeVar, runtime_checkable

from reconciler.redaction import Shown

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from reconciler.config.model import Target
    from reconciler.providers.transport.caller import Tally
    from reconciler.providers.transport.surroundings import Surroundings
    from reconciler.tasks.observation import Fault, Observation
    from reconciler.tasks.resource_type import Operation, ProviderOptions, ResourceType
    from reconciler.tasks.sink import Sink
    from reconciler.tasks.task import Task

T = TypeVar("T")

ACCESS_KEY_KEYS: Mapping[str, str] = MappingProxyType(
    {
        "access_key_id": "the access key id (AK)",
        "secret_access_key": "the secret access key (SK)",
        "security_token": "the security token that belongs to a temporary access key",
    }
)
"""Keys of a target's `credentials` for an access key, with what is read there."""


@dataclass(frozen=True, slots=True)
class Readings:
    """What asking for ids brought: `tasks` by id (a task that is not there has status `gone`); an id that is in
    neither mapping was not answered and is unknown. `faults` holds why an id could not be read."""

    tasks: Mapping[str, Task]
    faults: Mapping[str, Fault]

    @classmethod
    def united(cls, parts: Iterable[Readings]) -> Readings:
        """What several calls brought, each for ids of its own."""
        tasks: dict[str, Task] = {}
        faults: dict[str, Fault] = {}
        for part in parts:
            tasks |= part.tasks
            faults |= part.faults
        return cls(tasks, faults)


@dataclass(frozen=True, slots=True)
class Look(Shown):
    """What one small page of a list shows, held against the form that its row has of it.

    `rows` were shown, by so many `requests`; None where there is nothing to ask about, as of an empty inventory.
    """

    rows: int | None
    requests: int
    fault: Fault | None = None
    unknown_code: bool = False
    """The code of the fault is in no table."""
    statuses: tuple[str, ...] = ()
    """Those of no table."""
    keys: tuple[str, ...] = ()
    """Those of rows that the vendor does not document."""
    quotas: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Headers that tell of a quota."""


class Client(Protocol):
    """Talks to one target. Used as an async context manager; safe for concurrent calls in one event loop."""

    @property
    def requests(self) -> int:
        """Requests sent so far: retries, logins and look-ups included."""
        ...

    @property
    def skews(self) -> tuple[int, ...]:
        """Seconds by which the clocks of the target's services are ahead of this machine's, by the `Date` of every
        answer in this run, those of logins included: the least and the greatest; empty where none had one."""
        ...

    async def __aenter__(self) -> Client: ...

    async def __aexit__(self, *exc: object) -> None: ...

    async def account(self) -> str | Fault:
        """The project or account that the target's quotas and tasks belong to, as the cloud names it.

        Equal for all targets that lead to the same tasks, however they spell endpoints, region or project: they exclude
        each other by it. Holds no secret. Never raises for what the cloud does.
        """
        ...

    async def observe(
        self, resource: ResourceType, statuses: frozenset[str] | None, sink: Sink | None = None
    ) -> Observation:
        """List a scope. `statuses` are the vendor statuses wanted (None: all); the provider may show more.

        What is seen goes into `sink`, page by page, and each pass is ended there; without one, and in a provider of
        short lists always, the tasks stand in the observation. Never raises for what the cloud does: a failure is an
        `Observation` with a fault.
        """
        ...

    async def read(self, resource: ResourceType, ids: Sequence[str]) -> Readings:
        """Ask for exactly these ids, as many to a call as the API takes. Never raises for what the cloud does."""
        ...

    async def perform(
        self,
        resource: ResourceType,
        operation: Operation,
        ids: Sequence[str],
        permitted: Callable[[], bool] = ...,
    ) -> Mapping[str, Fault | None]:
        """Call `operation` once for these ids (at most `operation.batch_size`) and say what each was answered.

        None means accepted. Refusals that certainly had no effect because of a quota are retried inside, within
        the client's deadline; a lost answer or a 5xx is *not* retried here: the caller reads the task first.
        `permitted` is asked right before each sending, which may be long after the call where a quota makes it
        wait; once it says no, nothing is sent, and the answer is UNREACHABLE.
        """
        ...


class Provider(Protocol):
    """One cloud: its resource types, what its targets may say in YAML, and how to make a client."""

    name: str
    options: ProviderOptions
    resource_types: Mapping[str, ResourceType]

    def client(self, target: Target, *, concurrency: int) -> Client:
        """A client of `target`.

        Raises CredentialsError, naming what was tried, when no credentials are found.
        """
        ...


class InstalledProvider(Provider, Protocol):
    """What an entry point of the group `reconciler.providers` names."""

    def for_run(self) -> Provider:
        """The provider for one run: its clients share what need not be got twice, such as a token."""
        ...


class HttpProvider(Generic[T]):
    """A provider whose clients share what a run need not get twice, such as a token.

    A package that declares one loads nothing that talks to the cloud until a client is made.
    """

    new_client: Callable[..., T]
    """Takes a target, and `concurrency` and `surroundings` by name."""

    def __init__(self, surroundings: Surroundings | None = None) -> None:
        self._surroundings = surroundings

    def for_run(self) -> Self:
        """With surroundings that all its clients share."""
        return type(self)(_surroundings())

    def client(self, target: Target, *, concurrency: int, surroundings: Surroundings | None = None) -> T:
        """A client of `target`. Raises CredentialsError; sends nothing yet."""
        around = surroundings or self._surroundings or _surroundings()
        return self.new_client(target, concurrency=concurrency, surroundings=around)


def _surroundings() -> Surroundings:
    from reconciler.providers.transport.surroundings import Surroundings  # noqa: PLC0415 - a catalogue needs none

    return Surroundings()


@dataclass(frozen=True, slots=True)
class AccountCall:
    """A call of the client that belongs to no resource type, such as looking up an id. `reason` says what it is for.

    `action` is the vendor's name for the right to make it.
    """

    request: str
    action: str
    reason: str


class PolicyLanguage(Protocol):
    """The vendor's policy documents. `kind` is what the vendor calls one, `documentation` the page that defines it."""

    kind: str
    documentation: str

    def account_calls(self, target: Target) -> tuple[AccountCall, ...]:
        """The calls that every run makes on `target` before it can list anything."""
        ...

    def document(self, actions: Sequence[str]) -> Mapping[str, object]:
        """A document, as data for JSON, that allows exactly `actions` (sorted, at least one)."""
        ...

    def instead(self, row: ResourceType) -> str:
        """What a user can grant for a call on `row` that has no published action. One sentence."""
        ...

    def notes(self, target: Target, services: Collection[str]) -> tuple[str, ...]:
        """What must be known to use the document for `target`, whose tasks are of these services. A sentence or two
        each."""
        ...


@runtime_checkable
class Granting(Protocol):
    """A provider that has a policy language. Optional: `permissions` says of others that it cannot tell."""

    policy_language: PolicyLanguage


@runtime_checkable
class Counting(Protocol):
    """A client that can say what became of its requests. Optional; `HttpClient` is one."""

    @property
    def traffic(self) -> Mapping[str, Tally]:
        """Requests so far, by service, logins and look-ups left out."""
        ...


@runtime_checkable
class Examining(Protocol):
    """A client that `doctor` can ask more than any other. Optional; `HttpClient` is one."""

    @property
    def credentials(self) -> str:
        """Where they come `from`, and of a key the last characters of its id. Shows no secret."""
        ...

    async def owner(self) -> str | Fault:
        """Who the credentials belong to, in the cloud's own words; empty where it is not asked. Changes nothing."""
        ...

    async def look(self, resource: ResourceType) -> Look:
        """Ask for one small page of a list. Never raises for what the cloud does."""
        ...
