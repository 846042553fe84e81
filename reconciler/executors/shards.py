"""One of several processes that know nothing of each other: its accounts, and its part of what all may do."""

from __future__ import annotations

import os
from itertools import accumulate
from typing import TYPE_CHECKING

from reconciler.backends.connect import connect
from reconciler.backends.history import last_requests
from reconciler.executors.partition import partition_digest, shard_of, split, units
from reconciler.planning.guards import Portion, Share
from reconciler.planning.part import Shard

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reconciler.engine.session import Session
    from reconciler.tasks.observation import Scope


def shard_of_session(session: Session, text: str, *, joined: bool, applies: bool) -> Session:
    """The session of the accounts of a shard, as `shard_of` reads it. Others must be given the same configuration.

    `joined`: what it plans is a part of a plan of all, which the limits are held against. Else nobody joins it, and a
    limit on actions is divided by scopes, so that all shards together keep it. Where it `applies`, the accounts are
    parted by what they took lately, as a database tells that all shards share. Raises UsageError, and BackendError.
    """
    index, total = shard_of(text, os.environ)
    weights = _weights(session.configuration.settings.backend) if applies else {}
    shards = split(units(session.configuration), total, weights)
    digest = partition_digest(session.configuration, session.chosen, shards)
    scopes = [[scope for unit in part for scope in unit.scopes] for part in shards]
    portion = None if joined else _portion(session, scopes, index)
    return session.part({scope.target for scope in scopes[index]}, Shard(index, total, digest), portion)


_DAY = 86_400_000
"""Milliseconds."""


def _weights(url: str) -> Mapping[str, int]:
    """The requests of each target in its latest run that ended before the day began (UTC): the same for all shards of a
    day, and for one that is started again when others have ended. What day it is the database says, to all the same."""
    if not url.startswith("postgresql"):
        return {}
    backend = connect(url)

    def asked() -> Mapping[str, int]:
        with backend.reading() as connection:
            now = backend.now(connection)
        return last_requests(backend, now - now % _DAY)

    try:
        return backend.persistently(asked)
    finally:
        backend.engine.dispose()


def _portion(session: Session, scopes: Sequence[Sequence[Scope]], index: int) -> Portion:
    def share(counts: Sequence[int]) -> Share:
        ends = [*accumulate(counts, initial=0)]
        return Share(ends[index], counts[index], ends[-1])

    policies = session.configuration.policies
    of_policies = {
        name: share([len({*policy.scopes}.intersection(part)) for part in scopes])
        for name, policy in policies.items()
        if not policy.suspend
    }
    return Portion(of_policies, share([len(part) for part in scopes]))
