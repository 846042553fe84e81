"""From paths and flags to what a run works with."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.config.loader import load_configuration
from reconciler.engine.planning_run import World, restrict
from reconciler.exceptions import CredentialsError, UsageError
from reconciler.providers.registry import catalogue, providers
from reconciler.providers.secret_sources import check_sources
from reconciler.providers.transport.endpoint import ENDPOINT_HOSTS, is_permitted
from reconciler.selectors.durations import parse_duration
from reconciler.tasks.timestamps import parse_timestamp

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from reconciler.config.model import Configuration
    from reconciler.planning.snapshot import Snapshot

__all__ = ["at_this_moment", "duration_flag", "load_world"]


def load_world(
    paths: Sequence[Path],
    *,
    targets: Sequence[str] = (),
    policies: Sequence[str] = (),
    now: str | None = None,
    snapshot: Snapshot | None = None,
) -> World:
    """Read the configuration, narrowed by the globs.

    Every variable that it names must be set, and endpoints lead to permitted hosts, as those who use the network need
    it: without a `snapshot`.
    `now` is an RFC 3339 time that ages are counted from instead of the clock's, or of the time of the snapshot.
    """
    strict = snapshot is None
    installed = catalogue()
    configuration = load_configuration(paths, installed, environment=os.environ, strict=strict)
    if strict:
        _check_places(configuration, os.environ)
    of_run = {name: provider.for_run() for name, provider in providers().items()}
    narrowed = restrict(configuration, targets, policies)
    moment = snapshot.taken_at if snapshot is not None and now is None else _moment(now)
    return World(narrowed, installed, of_run, moment, clock_set=now is not None)


def at_this_moment(world: World) -> World:
    """`world` by the clock as it is now, which may be long after it was loaded; a clock that was set stays."""
    return world if world.clock_set else replace(world, now=_moment(None))


def _check_places(configuration: Configuration, environment: Mapping[str, str]) -> None:
    """Raises UsageError for a target that names what it must not. Clients check it too, each for itself and later."""
    for target in configuration.targets.values():
        for service, url in target.endpoints.items():
            if not is_permitted(url, environment):
                raise UsageError(
                    f"target {target.name}: the host of endpoint {service} is not among {ENDPOINT_HOSTS}",
                    "endpoints may lead to the hosts that are listed there only; have it added where the job is set up",
                )
        try:
            check_sources(target, environment)
        except CredentialsError as error:
            raise UsageError(error.message, error.hint) from error


def _moment(now: str | None) -> int:
    if now is None:
        return int(time.time())
    try:
        return parse_timestamp(now)
    except ValueError as error:
        raise UsageError(f"--now {now}: {error}") from error


def duration_flag(name: str, text: str | None, default: int) -> int:
    """Seconds of a duration given on the command line; `0s` is allowed. Raises UsageError."""
    if text is None:
        return default
    if text in {"0", "0s"}:
        return 0
    try:
        return parse_duration(text)
    except ValueError as error:
        raise UsageError(f"{name} {text}: {error}") from error
