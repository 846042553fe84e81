"""The clients of a run: one for each target, opened once, so that limits and connections are shared."""

from __future__ import annotations

import asyncio
import logging
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.exceptions import ProviderError, bug, innermost, traceback_lines
from reconciler.providers.base import Readings
from reconciler.redaction import masked
from reconciler.tasks.fault import Fault, Meaning
from reconciler.tasks.observation import CLOCKS_APART, Completeness, Observation, Scope

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Self

    from reconciler.config.model import Configuration, Target
    from reconciler.providers.base import Client, Provider
    from reconciler.tasks.catalogue import Catalogue
    from reconciler.tasks.resource_type import Operation, ResourceType

__all__ = ["Clouds", "log_bug"]

LOGGER = logging.getLogger("reconciler.engine")


class Clouds:
    """An async context that holds a client for each of the targets named.

    A target whose client cannot be made (no credentials, say) fails alone: `fault(target)` says why.
    """

    def __init__(
        self,
        configuration: Configuration,
        catalogue: Catalogue,
        providers: Mapping[str, Provider],
        targets: Iterable[str],
    ) -> None:
        self._configuration = configuration
        self._catalogue = catalogue
        self._providers = providers
        self._targets = sorted(set(targets))
        self._clients: dict[str, Client] = {}
        self._faults: dict[str, Fault] = {}
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Clouds:
        await self._stack.__aenter__()
        for name in self._targets:
            target = self._configuration.targets[name]
            try:
                client = self._providers[target.provider].client(
                    target, concurrency=self._configuration.settings.concurrency
                )
                self._clients[name] = _Guarded(target, await self._stack.enter_async_context(client))
            except ProviderError as error:
                self._faults[name] = _masked(error.fault, target)
            except Exception as error:  # noqa: BLE001 - what goes wrong in one client is the error of its target
                self._faults[name] = _unexpected(name, error)
        return self

    async def __aexit__(self, *exc: object) -> None:
        try:
            await self._stack.aclose()
        except Exception as error:  # noqa: BLE001 - what was done with a client counts, not how it was closed
            log_bug("closing clients", error)

    def client(self, target: str) -> Client | None:
        """The client of a target; None where it could not be made."""
        return self._clients.get(target)

    def is_off(self, target: str) -> bool:
        """Whether the cloud of a target has shown so far that this machine's clock, or its own, is off."""
        client = self._clients.get(target)
        return client is not None and any(abs(skew) > CLOCKS_APART for skew in client.skews)

    def fault(self, target: str) -> Fault | None:
        """Why a target has no client."""
        return self._faults.get(target)

    async def observe(
        self,
        wanted: Mapping[Scope, frozenset[str] | None],
        on_listed: Callable[[Observation], None] = lambda _: None,
    ) -> dict[Scope, Observation]:
        """List scopes side by side. `wanted` gives the vendor statuses each needs (None: all)."""

        async def one(scope: Scope, statuses: frozenset[str] | None) -> Observation:
            client = self.client(scope.target)
            if client is None:
                return Observation(scope, (), 0, Completeness.FAILED, self.fault(scope.target))
            listed = await client.observe(self._catalogue.resource_types[scope.resource], statuses)
            observation = replace(listed, skews=client.skews)
            on_listed(observation)
            return observation

        async with asyncio.TaskGroup() as group:
            listings = {scope: group.create_task(one(scope, statuses)) for scope, statuses in wanted.items()}
        return {scope: listing.result() for scope, listing in listings.items()}


class _Guarded:
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
    def skews(self) -> tuple[int, ...]:
        return self._client.skews

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        return None

    async def account(self) -> str | Fault:
        try:
            account = await self._client.account()
            return _masked(account, self._row) if isinstance(account, Fault) else account
        except Exception as error:  # noqa: BLE001 - as the class says
            return _unexpected(self._target, error)

    async def observe(self, resource: ResourceType, statuses: frozenset[str] | None) -> Observation:
        try:
            found = await self._client.observe(resource, statuses)
            return replace(found, fault=_masked(found.fault, self._row)) if found.fault else found
        except Exception as error:  # noqa: BLE001 - as the class says
            fault = _unexpected(self._target, error)
            return Observation(Scope(self._target, resource.name), (), 0, Completeness.FAILED, fault)

    async def read(self, resource: ResourceType, ids: Sequence[str]) -> Readings:
        try:
            found = await self._client.read(resource, ids)
            return Readings(found.tasks, {key: _masked(fault, self._row) for key, fault in found.faults.items()})
        except Exception as error:  # noqa: BLE001 - as the class says
            return Readings({}, dict.fromkeys(ids, _unexpected(self._target, error)))

    async def perform(
        self,
        resource: ResourceType,
        operation: Operation,
        ids: Sequence[str],
        permitted: Callable[[], bool] = lambda: True,
    ) -> Mapping[str, Fault | None]:
        try:
            answers = await self._client.perform(resource, operation, ids, permitted)
            return {key: _masked(fault, self._row) if fault else None for key, fault in answers.items()}
        except Exception as error:  # noqa: BLE001 - as the class says
            # Perhaps it was sent: to be read, as after a lost answer.
            return dict.fromkeys(ids, replace(_unexpected(self._target, error), meaning=Meaning.LOST))


def _masked(fault: Fault, target: Target) -> Fault:
    return replace(fault, message=masked(fault.message, target.masked))


def _unexpected(target: str, error: Exception) -> Fault:
    cause = innermost(error)
    if isinstance(cause, ProviderError):
        return cause.fault
    log_bug(f"target {target}", error)
    return Fault(Meaning.PERMANENT, f"bug in reconciler: {bug(error)}; please report it: -v shows more")


def log_bug(where: str, error: Exception) -> None:
    """Write the way to an exception that nobody expected to the log, without any value."""
    for line in traceback_lines(error):
        LOGGER.info("%s: %s", where, line)
