"""Guards: how much a policy may do in one run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.planning.plan import Guard, GuardVerdict, Overrides

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.config.model import Limits

__all__ = ["PERCENT_FLOOR", "guard_verdicts"]

PERCENT_FLOOR = 10
"""`max_percent` is enforced in scopes with at least so many listed tasks: below, one task is already 10 percent."""


def guard_verdicts(
    limits: Limits, overrides: Overrides, changes: Mapping[str, int], basis: Mapping[str, int]
) -> tuple[GuardVerdict, ...]:
    """Hold what a policy would do against its limits. Both mappings are by target name.

    `changes` counts the policy's changes (blocked and protected tasks excluded), `basis` the listed tasks whose
    status its selector admits.
    """
    total = sum(changes.values())
    verdicts = [
        _verdict(Guard.MAX_ACTIONS, limits.max_actions, overrides.max_actions, total, sum(basis.values()), total)
    ]
    for target in sorted(changes):
        count, listed = changes[target], basis[target]
        needed = -(-100 * count // listed) if listed else 0
        enforced = needed if listed >= PERCENT_FLOOR else 0
        verdicts.append(
            _verdict(Guard.MAX_PERCENT, limits.max_percent, overrides.max_percent, count, listed, enforced, target)
        )
    return tuple(verdicts)


def _verdict(
    guard: Guard, own: int, override: int | None, changes: int, basis: int, needed: int, target: str | None = None
) -> GuardVerdict:
    limit = own if override is None else override
    return GuardVerdict(
        guard=guard,
        limit=limit,
        changes=changes,
        basis=basis,
        needed=needed,
        breached=needed > limit,
        target=target,
        overridden=override is not None and needed > own and needed <= override,
    )
