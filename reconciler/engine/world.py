"""What a run works with, and the plan that listings lead to."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING

from reconciler import __version__
from reconciler.config.loader import load_configuration
from reconciler.diagnostics import Severity, suggestion
from reconciler.engine.authorship import commit_of
from reconciler.exceptions import CredentialsError, UsageError
from reconciler.planning.change import EVERY_TASK, Chosen
from reconciler.planning.judgement import Judgements, statuses_wanted
from reconciler.planning.planner import Planner
from reconciler.planning.policy_plan import Note
from reconciler.planning.sieve import Sieve
from reconciler.planning.url_cuts import doubts
from reconciler.providers.registry import catalogue
from reconciler.providers.secret_sources import check_secrets, check_sources
from reconciler.providers.transport.endpoint import ENDPOINT_HOSTS, is_permitted, permitted_hosts
from reconciler.tasks.observation import Completeness, Observation, clock_fault, clocks_off
from reconciler.tasks.sink import Shared
from reconciler.tasks.timestamps import LATEST, Timestamp

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from pathlib import Path

    from reconciler.config.model import Configuration
    from reconciler.engine.clouds import Clouds
    from reconciler.planning.guards import Portion
    from reconciler.planning.limits import Overrides
    from reconciler.planning.part import Shard
    from reconciler.planning.plan import Plan
    from reconciler.planning.rules import Rules
    from reconciler.planning.snapshot import Snapshot
    from reconciler.tasks.observation import Scope
    from reconciler.tasks.resource_type import Catalogue
    from reconciler.tasks.sink import Sink


_ELSEWHERE = "only the hosts that are listed there may be named; have it added where the job is set up"
_LISTED_AGAIN = 2
"""Times that a scope is listed again since clocks were found to disagree."""


@dataclass(frozen=True, slots=True)
class World:
    """What a run works with: the configuration, the resource types, and the clock.

    What it does is narrowed to the tasks that are `chosen`. `now` is seconds since the epoch (UTC), fixed for the run,
    so that all ages agree. `clock_set`: somebody chose it, so that the clouds have no say about it. `shard`: the
    configuration is narrowed to a part of the accounts, the others are other processes'; where no plan of all is made,
    `portion` is what of the limits is its own.
    """

    configuration: Configuration
    catalogue: Catalogue
    now: int
    clock_set: bool = False
    chosen: Chosen = EVERY_TASK
    shard: Shard | None = None
    portion: Portion | None = None
    commit: str | None = None
    """The commit that the configuration was read from, where that is known: by now there may be another one."""


def load_world(
    paths: Sequence[Path],
    targets: Sequence[str] = (),
    policies: Sequence[str] = (),
    *,
    now: int | None = None,
    snapshot: Snapshot | None = None,
    chosen: Chosen = EVERY_TASK,
) -> World:
    """Read the configuration, narrowed by the globs. `now` is the time that ages are counted from, where it is set.

    With a `snapshot`, whose time is the clock otherwise, variables may be missing and endpoints lead anywhere: nobody
    uses the network. Raises InvalidConfiguration and UsageError.
    """
    installed = catalogue()
    configuration = load_configuration(paths, installed, environment=os.environ, strict=snapshot is None)
    if snapshot is None:
        _check_places(configuration, os.environ)
    moment = now if now is not None else int(time.time()) if snapshot is None else snapshot.taken_at
    return World(
        restrict(configuration, targets, policies),
        installed,
        moment,
        clock_set=now is not None,
        chosen=chosen,
        commit=commit_of(configuration),
    )


def _check_places(configuration: Configuration, environment: Mapping[str, str]) -> None:
    """Raises UsageError for a target or a receiver that names what it must not; clients check it, too."""
    permitted_hosts(environment)
    for receiver in configuration.settings.notify.values():
        whose = f"settings.notify.{receiver.name}"
        if receiver.url and not is_permitted(receiver.url, environment):
            raise UsageError(f"{whose}: the host of its webhook is not among {ENDPOINT_HOSTS}", _ELSEWHERE)
        try:
            check_secrets(whose, receiver.secrets, environment)
        except CredentialsError as error:
            raise UsageError(error.message, error.hint) from error
    for target in configuration.targets.values():
        for service, url in target.endpoints.items():
            if not is_permitted(url, environment):
                raise UsageError(
                    f"target {target.name}: the host of endpoint {service} is not among {ENDPOINT_HOSTS}", _ELSEWHERE
                )
        try:
            check_sources(target, environment)
        except CredentialsError as error:
            raise UsageError(error.message, error.hint) from error


def matching(globs: Sequence[str], names: Iterable[str]) -> tuple[str, ...]:
    """The names that one of the globs fits; without globs, all."""
    return tuple(name for name in names if not globs or any(fnmatchcase(name, glob) for glob in globs))


def named_targets(globs: Sequence[str], configuration: Configuration) -> tuple[str, ...]:
    """The names of the targets that one of the globs fits, or whose family it is; without globs, all."""
    targets = configuration.targets.items()
    return tuple(name for name, target in targets if matching(globs, [name]) or target.family in globs)


def restrict(configuration: Configuration, targets: Sequence[str], policies: Sequence[str]) -> Configuration:
    """The part of a configuration that `--target` and `--policy` globs name (none given: all).

    Protections always stay. A glob that names nothing raises UsageError, so that a typo is not "nothing to do".
    """

    found = {f"--target {glob}": named_targets([glob], configuration) for glob in targets}
    found |= {f"--policy {glob}": matching([glob], configuration.policies) for glob in policies}
    for flag, names in found.items():
        if not names:
            raise UsageError(f"{flag}: no {flag[2:8]} of the configuration has such a name")
    kept_targets = {*named_targets(targets, configuration)}
    kept_policies = {*matching(policies, configuration.policies)}
    policies_kept = {name: policy for name, policy in configuration.policies.items() if name in kept_policies}
    return looking_at(kept_targets, replace(configuration, policies=policies_kept))


def looking_at(targets: Collection[str], configuration: Configuration) -> Configuration:
    """The configuration with policies that look at these targets alone."""
    narrowed = {
        name: policy.within(lambda scope: scope.target in targets) for name, policy in configuration.policies.items()
    }
    return replace(configuration, policies={name: policy for name, policy in narrowed.items() if policy})


def check_overrides(overrides: Overrides, configuration: Configuration) -> None:
    """Raise UsageError for a limit of a policy that there is not: who gives it means another one."""
    for name in sorted({*overrides.max_actions_of, *overrides.max_percent_of} - configuration.policies.keys()):
        near = suggestion(name, configuration.policies)
        message = f"a limit is given for policy {name!r}, which is not there"
        raise UsageError(message, f"did you mean {near}?" if near else "")


def by_clock(world: World, observations: Mapping[Scope, Observation]) -> Mapping[Scope, Observation]:
    """`observations`, without what they say of the clock where somebody set it."""
    if not world.clock_set:
        return observations
    return {scope: replace(seen, skews=()) for scope, seen in observations.items()}


async def sifted(
    world: World,
    clouds: Clouds,
    wanted: Mapping[Scope, frozenset[str] | None],
    on_listed: Callable[[Observation], None],
    *,
    rules: Callable[[Scope, bool], Rules] | None = None,
    beside: Mapping[Scope, Sink] = MappingProxyType({}),
) -> tuple[dict[Scope, Observation], dict[Scope, Sieve]]:
    """List scopes, keeping only what the policies select. `wanted` gives the vendor statuses each needs (None: all).

    Other `rules` may be given, which are told whether no age is known there, and sinks that are shown the same.
    Whether ages count is known with the first answer. Where a later one tells otherwise, the scopes of that target are
    listed again, and count as failed where that happens time and again.
    """

    def off(target: str) -> bool:
        return not world.clock_set and clouds.is_off(target)

    judgements = Judgements(world.configuration, world.catalogue, world.now, off)

    def asked(scope: Scope) -> Rules:
        if rules is not None:
            return rules(scope, off(scope.target))
        return judgements.rules(scope, world.configuration.policies_on(scope))

    def sinks() -> dict[Scope, Sink]:
        return {scope: Shared(made, beside[scope]) if scope in beside else made for scope, made in sieves.items()}

    def misjudged() -> dict[Scope, int]:
        """The scopes whose tasks were judged by their ages though the clocks disagree, and by how much these do."""
        clocks = clocks_off(by_clock(world, observations).values())
        by_age = (scope for scope, made in sieves.items() if made.is_by_clock)
        return {scope: clocks[scope.target] for scope in by_age if scope.target in clocks}

    sieves = {scope: Sieve(partial(asked, scope)) for scope in wanted}
    observations = await clouds.observe(wanted, on_listed, sinks())
    for _ in range(_LISTED_AGAIN):
        if not (again := misjudged()):
            break
        sieves |= {scope: Sieve(partial(asked, scope)) for scope in again}
        for scope, seen in (await clouds.observe({scope: wanted[scope] for scope in again}, sinks=sinks())).items():
            observations[scope] = replace(seen, requests=seen.requests + observations[scope].requests)
    for scope, skew in misjudged().items():
        seen, fault = observations[scope], clock_fault(skew)
        observations[scope] = Observation(scope, (), seen.requests, Completeness.FAILED, fault, seen.skews)
    return observations, sieves


def planner_of(world: World) -> Planner:
    """A planner of the configuration of a run, by its clock."""
    shard = None if world.portion else world.shard
    return Planner(world.configuration, world.catalogue, world.now, world.chosen, shard, world.portion)


def plan_from(
    world: World,
    observations: Mapping[Scope, Observation],
    sieves: Mapping[Scope, Sieve] = MappingProxyType({}),
    *,
    expires_in: int | None,
    overrides: Overrides,
) -> Plan:
    """The plan that `observations` lead to, whose tasks stand in them or went into `sieves`. `expires_in` is in seconds
    (None: `settings.plan_ttl`)."""
    lifetime = world.configuration.settings.plan_ttl if expires_in is None else expires_in
    expires_at = min(world.now + lifetime, LATEST)
    return planner_of(world).plan(
        by_clock(world, observations), sieves, tool_version=__version__, expires_at=expires_at, overrides=overrides
    )


def plan_offline(world: World, snapshot: Snapshot, *, expires_in: int | None, overrides: Overrides) -> Plan:
    """The plan that the clouds would have led to as `snapshot` shows them, with a note that says so.

    A scope that the snapshot lacks counts as failed; one of which it holds too few statuses as incomplete. Verdicts
    that hang on the query of a URL, which no snapshot holds, are noted.
    """
    observations = snapshot.observations(statuses_wanted(world.configuration, world.catalogue))
    check_overrides(overrides, world.configuration)
    plan = plan_from(world, observations, expires_in=expires_in, overrides=overrides)
    note = Note(
        Severity.WARNING,
        f"this plan was made from a snapshot of {Timestamp(snapshot.taken_at)}, not from the clouds as they are now",
    )
    return replace(plan, diagnostics=(note, *doubts(world.configuration, observations, world.now), *plan.diagnostics))
