"""The clients of a run: one for each target, opened once, so that limits and connections are shared."""

from __future__ import annotations

import asyncio
import logging
from contextlib import AsyncExitStack, contextmanager
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from reconciler.exceptions import ProviderError, bug, innermost, traceback_lines
from reconciler.providers.base import Counting, Examining, Look, Readings
from reconciler.providers.columns import Records
from reconciler.providers.transport.trace import about
from reconciler.redaction import bounded, masked
from reconciler.tasks.observation import CLOCKS_APART, Completeness, Fault, Meaning, Observation, Scope
from reconciler.tasks.sink import Collected

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence, Set
    from typing import Self

    from reconciler.config.model import Configuration, Target
    from reconciler.providers.base import Client, Provider
    from reconciler.providers.transport.caller import Tally
    from reconciler.tasks.resource_type import Catalogue, Operation, ResourceType
    from reconciler.tasks.sink import Sink
    from reconciler.tasks.task import Task

LOGGER = logging.getLogger("reconciler.engine")


class Clouds:
    """An async context that holds one client for each target, made when it is first asked for.

    A target whose client cannot be made (no credentials, say) fails alone, with the same fault each time.
    """

    def __init__(self, configuration: Configuration, catalogue: Catalogue, providers: Mapping[str, Provider]) -> None:
        self._configuration = configuration
        self._catalogue = catalogue
        self._providers = providers
        self._clients: dict[str, Guarded | Fault] = {}
        self._without: Mapping[str, Fault] = {}
        self._opening = asyncio.Lock()
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        try:
            await self._stack.aclose()
        except Exception as error:  # noqa: BLE001 - what was done with a client counts, not how it was closed
            log_bug("closing clients", error)

    async def client(self, target: str) -> Guarded | Fault:
        """The client of a target, or why it has none."""
        if target in self._without:
            return self._without[target]
        async with self._opening:
            if target not in self._clients:
                self._clients[target] = await self._open(self._configuration.targets[target])
        return self._clients[target]

    async def _open(self, target: Target) -> Guarded | Fault:
        try:
            client = self._providers[target.provider].client(
                target, concurrency=self._configuration.settings.concurrency
            )
            return Guarded(target, await self._stack.enter_async_context(client))
        except ProviderError as error:
            return _masked(error.fault, target)
        except Exception as error:  # noqa: BLE001 - what goes wrong in one client is the error of its target
            return unexpected(target.name, error)

    async def account(self, target: str) -> str | Fault:
        """The project or account of a target, as its cloud names it, or why it does not."""
        client = await self.client(target)
        return client if isinstance(client, Fault) else await client.account()

    @property
    def left_out(self) -> Set[str]:
        """The targets that have no client, whatever their clouds would say."""
        return self._without.keys()

    def leave_out(self, faults: Mapping[str, Fault]) -> None:
        """From here on the targets named have no client, for these reasons."""
        self._without = {**self._without, **faults}

    @contextmanager
    def without(self, faults: Mapping[str, Fault]) -> Iterator[None]:
        """Meanwhile the targets named have no client, for these reasons."""
        before = self._without
        self.leave_out(faults)
        try:
            yield
        finally:
            self._without = before

    @property
    def traffic(self) -> dict[tuple[str, str], Tally]:
        """The requests that were made, by target and service."""
        clients = {name: client for name, client in self._clients.items() if isinstance(client, Guarded)}
        return {(name, service): sent for name, client in clients.items() for service, sent in client.traffic.items()}

    def is_off(self, target: str) -> bool:
        """Whether the cloud of a target has shown so far that this machine's clock, or its own, is off."""
        client = self._clients.get(target)
        skews = () if client is None or isinstance(client, Fault) else client.skews
        return any(abs(skew) > CLOCKS_APART for skew in skews)

    async def observe(
        self,
        wanted: Mapping[Scope, frozenset[str] | None],
        on_listed: Callable[[Observation], None] = lambda _: None,
        sinks: Mapping[Scope, Sink] = MappingProxyType({}),
    ) -> dict[Scope, Observation]:
        """List scopes side by side. `wanted` gives the vendor statuses each needs (None: all).

        The tasks of a scope that has a sink go there; those of others stand in their observations.
        """

        async def one(scope: Scope, statuses: frozenset[str] | None) -> Observation:
            client = await self.client(scope.target)
            if isinstance(client, Fault):
                return Observation(scope, (), 0, Completeness.FAILED, client)
            row = self._catalogue.resource_types[scope.resource]
            observation = replace(await client.observe(row, statuses, sinks.get(scope)), skews=client.skews)
            on_listed(observation)
            return observation

        async with asyncio.TaskGroup() as group:
            listings = {scope: group.create_task(one(scope, statuses)) for scope, statuses in wanted.items()}
        return {scope: listing.result() for scope, listing in listings.items()}


class Guarded:
    """A client in which a bug is an answer like any other: the error of its target, and of no other one.

    Its faults repeat nothing that variables gave to the target. Implements `reconciler.providers.base.Client`.
    """

    def __init__(self, target: Target, client: Client) -> None:
        self._row = target
        self._target = target.name
        self._client = client

    @property
    def requests(self) -> int:
        return self._client.requests

    @property
    def traffic(self) -> Mapping[str, Tally]:
        return self._client.traffic if isinstance(self._client, Counting) else {}

    @property
    def skews(self) -> tuple[int, ...]:
        return self._client.skews

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        return None

    async def account(self) -> str | Fault:
        try:
            with about(target=self._target):
                account = await self._client.account()
            return _masked(account, self._row) if isinstance(account, Fault) else account
        except Exception as error:  # noqa: BLE001 - as the class says
            return unexpected(self._target, error)

    async def observe(
        self, resource: ResourceType, statuses: frozenset[str] | None, sink: Sink | None = None
    ) -> Observation:
        held = Collected()
        checked = _Checked(held if sink is None else sink, resource)
        try:
            with about(target=self._target, resource=resource.name):
                found = await self._client.observe(resource, statuses, checked)
            if found.tasks:  # a client that holds what it lists
                checked.see(found.tasks)
            checked.close()
            if checked.odd is not None:
                fault = Fault(Meaning.MALFORMED, f"{bounded(checked.odd, 80)!r} can be no id of a {resource.name}")
                return Observation(found.scope, (), found.requests, Completeness.FAILED, fault)
            if found.completeness is Completeness.FAILED:
                found = replace(found, tasks=())
            else:
                elsewhere = 0 if sink is None else sink.total
                found = replace(found, tasks=held.tasks, rows=held.rows, elsewhere=elsewhere)
                if found.complete and checked.contradicted:
                    fault = Fault(Meaning.CHANGED, f"rows of {checked.contradicted} tasks contradict each other")
                    found = replace(found, completeness=Completeness.UNSTABLE, fault=fault)
            return replace(found, fault=_masked(found.fault, self._row)) if found.fault else found
        except Exception as error:  # noqa: BLE001 - as the class says
            fault = unexpected(self._target, error)
            return Observation(Scope(self._target, resource.name), (), 0, Completeness.FAILED, fault)

    @property
    def credentials(self) -> str:
        return masked(self._client.credentials, self._row.masked) if isinstance(self._client, Examining) else ""

    async def owner(self) -> str | Fault:
        """As the cloud tells it; the account that it names for locks is none that anybody would know."""
        try:
            with about(target=self._target):
                owner = await self._client.owner() if isinstance(self._client, Examining) else ""
            return _masked(owner, self._row) if isinstance(owner, Fault) else masked(owner, self._row.masked)
        except Exception as error:  # noqa: BLE001 - as the class says
            return unexpected(self._target, error)

    async def look(self, resource: ResourceType) -> Look:
        try:
            with about(target=self._target, resource=resource.name):
                if isinstance(self._client, Examining):
                    found = await self._client.look(resource)
                else:
                    seen = await self._client.observe(resource, None)
                    found = Look(len(seen.tasks), seen.requests, None if seen.complete else seen.fault)
            return replace(found, fault=_masked(found.fault, self._row)) if found.fault else found
        except Exception as error:  # noqa: BLE001 - as the class says
            return Look(0, 0, unexpected(self._target, error))

    async def read(self, resource: ResourceType, ids: Sequence[str]) -> Readings:
        try:
            with about(target=self._target, resource=resource.name):
                found = await self._client.read(resource, ids)
            return Readings(found.tasks, {key: _masked(fault, self._row) for key, fault in found.faults.items()})
        except Exception as error:  # noqa: BLE001 - as the class says
            return Readings({}, dict.fromkeys(ids, unexpected(self._target, error)))

    async def perform(
        self,
        resource: ResourceType,
        operation: Operation,
        ids: Sequence[str],
        permitted: Callable[[], bool] = lambda: True,
    ) -> Mapping[str, Fault | None]:
        try:
            with about(target=self._target, resource=resource.name):
                answers = await self._client.perform(resource, operation, ids, permitted)
            return {key: _masked(fault, self._row) if fault else None for key, fault in answers.items()}
        except Exception as error:  # noqa: BLE001 - as the class says
            # Perhaps it was sent: to be read, as after a lost answer.
            return dict.fromkeys(ids, replace(unexpected(self._target, error), meaning=Meaning.LOST))


class _Checked:
    """A sink for what a client shows, which passes it on to another while all ids are such as the resource type has."""

    def __init__(self, sink: Sink, resource: ResourceType) -> None:
        self._sink = sink
        self._resource = resource
        self._open = False
        self.odd: str | None = None
        """An id that can be none."""

    @property
    def text(self) -> int:
        return self._sink.text

    @property
    def total(self) -> int:
        return self._sink.total

    @property
    def contradicted(self) -> int:
        return self._sink.contradicted

    def see(self, tasks: Collection[Task]) -> None:
        if self.odd is None and not isinstance(tasks, Records):  # whose ids were looked at
            self.odd = next((task.id for task in tasks if not self._resource.has_id(task.id)), None)
        if self.odd is None:
            self._open = True
            self._sink.see(tasks)

    def end_pass(self) -> tuple[int, int]:
        self._open = False
        return self._sink.end_pass()

    def close(self) -> None:
        """End a pass that the client left open."""
        if self._open:
            self.end_pass()


def _masked(fault: Fault, target: Target) -> Fault:
    return replace(fault, message=masked(fault.message, target.masked))


def unexpected(target: str, error: Exception) -> Fault:
    """What nobody expected of a target, as its fault; the way to it is in the log."""
    cause = innermost(error)
    if isinstance(cause, ProviderError):
        return cause.fault
    log_bug(f"target {target}", error)
    return Fault(Meaning.PERMANENT, f"bug in reconciler: {bug(error)}; please report it: -v shows more")


def log_bug(where: str, error: Exception) -> None:
    """Write the way to an exception that nobody expected to the log, without any value."""
    for line in traceback_lines(error):
        LOGGER.info("%s: %s", where, line)
