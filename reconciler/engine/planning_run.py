"""Planning against the clouds: list what the policies look at, and plan."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from reconciler import __version__
from reconciler.engine.clouds import Clouds
from reconciler.exceptions import UsageError
from reconciler.planning.listing import statuses_wanted
from reconciler.planning.plan import Overrides
from reconciler.planning.planner import Planner
from reconciler.tasks.timestamps import LATEST

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from reconciler.config.model import Configuration
    from reconciler.planning.plan import Plan
    from reconciler.providers.base import Provider
    from reconciler.tasks.catalogue import Catalogue
    from reconciler.tasks.observation import Observation, Scope

__all__ = ["World", "by_clock", "make_plan", "observe", "plan_from", "restrict"]


@dataclass(frozen=True, slots=True)
class World:
    """What a run works with: the configuration, the installed providers, and the clock.

    `now` is seconds since the epoch (UTC), fixed for the run, so that all ages agree. `clock_set`: somebody chose it,
    so that the clouds have no say about it.
    """

    configuration: Configuration
    catalogue: Catalogue
    providers: Mapping[str, Provider]
    now: int
    clock_set: bool = False


def restrict(configuration: Configuration, targets: Sequence[str], policies: Sequence[str]) -> Configuration:
    """The part of a configuration that `--target` and `--policy` globs name (none given: all).

    Protections always stay. A glob that names nothing raises UsageError, so that a typo is not "nothing to do".
    """

    def named(globs: Sequence[str], names: Mapping[str, object], flag: str) -> set[str]:
        for glob in globs:
            if not any(fnmatchcase(name, glob) for name in names):
                raise UsageError(f"--{flag} {glob}: no {flag} of the configuration has such a name")
        return {name for name in names if not globs or any(fnmatchcase(name, glob) for glob in globs)}

    kept_targets = named(targets, configuration.targets, "target")
    kept_policies = named(policies, configuration.policies, "policy")
    narrowed = {
        name: replace(policy, targets=tuple(target for target in policy.targets if target in kept_targets))
        for name, policy in configuration.policies.items()
        if name in kept_policies
    }
    return replace(configuration, policies={name: policy for name, policy in narrowed.items() if policy.targets})


async def make_plan(
    world: World,
    *,
    expires_in: int,
    overrides: Overrides = Overrides(),  # noqa: B008 - frozen, without state
    on_listed: Callable[[Observation], None] = lambda _: None,
) -> Plan:
    """List every scope and plan. `expires_in` is in seconds. Never raises for what a cloud does."""
    observations = await observe(world, on_listed)
    return plan_from(world, observations, expires_in=expires_in, overrides=overrides)


async def observe(world: World, on_listed: Callable[[Observation], None] = lambda _: None) -> dict[Scope, Observation]:
    """List every scope that the policies look at. Never raises for what a cloud does."""
    wanted = statuses_wanted(world.configuration, world.catalogue)
    async with Clouds(
        world.configuration, world.catalogue, world.providers, (scope.target for scope in wanted)
    ) as clouds:
        return await clouds.observe(wanted, on_listed)


def by_clock(world: World, observations: Mapping[Scope, Observation]) -> Mapping[Scope, Observation]:
    """`observations`, without what they say of the clock where somebody set it."""
    if not world.clock_set:
        return observations
    return {scope: replace(seen, skews=()) for scope, seen in observations.items()}


def plan_from(
    world: World, observations: Mapping[Scope, Observation], *, expires_in: int, overrides: Overrides
) -> Plan:
    """The plan that `observations` lead to."""
    expires_at = min(world.now + expires_in, LATEST)
    return Planner(world.configuration, world.catalogue, world.now).plan(
        by_clock(world, observations), tool_version=__version__, expires_at=expires_at, overrides=overrides
    )
