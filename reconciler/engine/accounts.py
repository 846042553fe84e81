"""Whose the targets of a run are, asked before it takes their locks."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from reconciler.engine.clouds import Clouds
from reconciler.exceptions import ProviderError
from reconciler.tasks.fault import Fault

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from reconciler.config.model import Target
    from reconciler.engine.planning_run import World
    from reconciler.providers.base import Client, Provider

__all__ = ["with_accounts"]


class _Known:
    """A provider that has no client for a target whose account nobody could name: without its lock nothing is done.

    Implements `reconciler.providers.base.Provider`.
    """

    def __init__(self, provider: Provider, faults: Mapping[str, Fault]) -> None:
        self.name = provider.name
        self.options = provider.options
        self.resource_types = provider.resource_types
        self._provider = provider
        self._faults = faults

    def client(self, target: Target, *, concurrency: int) -> Client:
        if target.name in self._faults:
            raise ProviderError(self._faults[target.name])
        return self._provider.client(target, concurrency=concurrency)


async def with_accounts(world: World, names: Collection[str]) -> World:
    """`world`, in which the targets `names` have their account, as the cloud names it.

    A target whose cloud did not tell has no client in it, and its fault says why. Never raises for what a cloud does.
    """
    configuration = world.configuration
    async with Clouds(configuration, world.catalogue, world.providers, names) as clouds:

        async def one(name: str) -> str | Fault | None:
            client = clouds.client(name)
            return clouds.fault(name) if client is None else await client.account()

        answers = dict(zip(names, await asyncio.gather(*map(one, names)), strict=True))
    faults = {name: answer for name, answer in answers.items() if isinstance(answer, Fault)}
    targets = {
        name: replace(target, account=answer) if isinstance(answer := answers.get(name), str) else target
        for name, target in configuration.targets.items()
    }
    return replace(
        world,
        configuration=replace(configuration, targets=MappingProxyType(targets)),
        providers={name: _Known(provider, faults) for name, provider in world.providers.items()},
    )
