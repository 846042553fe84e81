"""One of several processes that know nothing of each other: its accounts, and its part of what all may do."""

from __future__ import annotations

import os
from itertools import accumulate
from typing import TYPE_CHECKING

from reconciler.executors.partition import partition_digest, shard_of, split, units
from reconciler.planning.guards import Portion, Share
from reconciler.planning.part import Shard

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.engine.session import Session
    from reconciler.tasks.observation import Scope


def shard_of_session(session: Session, text: str, *, joined: bool) -> Session:
    """The session of the accounts of a shard, as `shard_of` reads it. Others must be given the same configuration.

    `joined`: what it plans is a part of a plan of all, which the limits are held against. Else nobody joins it, and a
    limit on actions is divided by scopes, so that all shards together keep it. Raises UsageError.
    """
    index, total = shard_of(text, os.environ)
    shards = split(units(session.configuration), total, {})
    digest = partition_digest(session.configuration, session.chosen, shards)
    scopes = [[scope for unit in part for scope in unit.scopes] for part in shards]
    portion = None if joined else _portion(session, scopes, index)
    return session.part({scope.target for scope in scopes[index]}, Shard(index, total, digest), portion)


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
