"""The clients of a run: one for each target, opened once, so that limits and connections are shared."""

from __future__ import annotations

import asyncio
import logging
from contextlib import AsyncExitStack
from dataclasses import replace
from traceback import format_tb
from typing import TYPE_CHECKING

from reconciler.exceptions import ProviderError
from reconciler.tasks.fault import Fault, Meaning
from reconciler.tasks.observation import CLOCKS_APART, Completeness, Observation, Scope

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from reconciler.config.model import Configuration
    from reconciler.providers.base import Client, Provider
    from reconciler.tasks.catalogue import Catalogue

__all__ = ["Clouds"]

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
                self._clients[name] = await self._stack.enter_async_context(client)
            except ProviderError as error:
                self._faults[name] = error.fault
            except Exception as error:  # noqa: BLE001 - what goes wrong in one client is the error of its target
                self._faults[name] = _unexpected(name, error)
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._stack.aclose()

    def client(self, target: str) -> Client | None:
        """The client of a target; None where it could not be made."""
        return self._clients.get(target)

    def off(self) -> frozenset[str]:
        """The targets whose clouds have shown so far that this machine's clock, or theirs, is off."""
        skews = ((name, client.skew) for name, client in self._clients.items())
        return frozenset(name for name, skew in skews if skew is not None and abs(skew) > CLOCKS_APART)

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
            try:
                listed = await client.observe(self._catalogue.resource_types[scope.resource], statuses)
            except Exception as error:  # noqa: BLE001 - as above
                listed = Observation(scope, (), 0, Completeness.FAILED, _unexpected(scope.target, error))
            observation = replace(listed, skew=client.skew)
            on_listed(observation)
            return observation

        async with asyncio.TaskGroup() as group:
            listings = {scope: group.create_task(one(scope, statuses)) for scope, statuses in wanted.items()}
        return {scope: listing.result() for scope, listing in listings.items()}


def _unexpected(target: str, error: Exception) -> Fault:
    """The fault of a target whose client has a bug. Without the error's own words, which may hold values."""
    LOGGER.info("target %s:\n%s", target, "".join(format_tb(error.__traceback__)).rstrip())
    return Fault(Meaning.PERMANENT, f"bug in reconciler: {type(error).__name__}; please report it: -v shows where")
