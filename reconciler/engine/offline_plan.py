"""Planning from a snapshot instead of the clouds: no network, no credentials, no asyncio."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.diagnostics import Severity
from reconciler.engine.planning_run import plan_from
from reconciler.planning.judgement import statuses_wanted
from reconciler.planning.plan import Note
from reconciler.planning.url_cuts import doubts
from reconciler.tasks.timestamps import Timestamp

if TYPE_CHECKING:
    from reconciler.engine.planning_run import World
    from reconciler.planning.plan import Overrides, Plan
    from reconciler.planning.snapshot import Snapshot

__all__ = ["plan_offline"]


def plan_offline(world: World, snapshot: Snapshot, *, expires_in: int | None, overrides: Overrides) -> Plan:
    """The plan that the clouds would have led to as `snapshot` shows them, with a note that says so.

    A scope that the snapshot lacks counts as failed; one of which it holds too few statuses as incomplete. Verdicts
    that hang on the query of a URL, which no snapshot holds, are noted.
    """
    observations = snapshot.observations(statuses_wanted(world.configuration, world.catalogue))
    plan = plan_from(world, observations, expires_in=expires_in, overrides=overrides)
    note = Note(
        Severity.WARNING,
        f"this plan was made from a snapshot of {Timestamp(snapshot.taken_at)}, not from the clouds as they are now",
    )
    return replace(plan, diagnostics=(note, *doubts(world.configuration, observations, world.now), *plan.diagnostics))
