"""A snapshot: what was listed, kept so that it can be planned from again without any cloud."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from reconciler.planning.url_cuts import cut
from reconciler.tasks.observation import Completeness, Fault, Meaning, Observation, Scope

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.tasks.resource_type import Catalogue
    from reconciler.tasks.task import Task, Value


@dataclass(frozen=True, slots=True)
class SnapshotScope:
    """One scope as it was listed. `statuses` are the vendor statuses that were asked for; None: all there are."""

    observation: Observation
    statuses: frozenset[str] | None

    def lacks(self, wanted: frozenset[str] | None) -> bool:
        """Whether a listing of the statuses `wanted` (None: all) could show more than this one did."""
        return self.statuses is not None and (wanted is None or not wanted <= self.statuses)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a run listed. `taken_at` is seconds since the epoch (UTC), and the clock of ages where none is given."""

    tool_version: str
    taken_at: int
    scopes: Mapping[Scope, SnapshotScope]

    def observations(self, wanted: Mapping[Scope, frozenset[str] | None]) -> dict[Scope, Observation]:
        """What listing the scopes `wanted`, each for these vendor statuses (None: all), would have brought."""
        return {scope: self._observation(scope, statuses) for scope, statuses in wanted.items()}

    def gap(self, scope: Scope, wanted: frozenset[str] | None) -> Fault | None:
        """Why the snapshot cannot stand for such a listing, in itself; None where it can.

        That a listing failed or would not settle when the snapshot was taken is no gap: it says so of itself.
        """
        kept = self.scopes.get(scope)
        if kept is None:
            return Fault(Meaning.UNREACHABLE, "not in the snapshot")
        if kept.observation.completeness is not Completeness.FAILED and kept.lacks(wanted):
            listed = ", ".join(sorted(kept.statuses or ())) or "none"
            return Fault(Meaning.UNREACHABLE, f"the snapshot holds some statuses only: {listed}")
        return None

    def _observation(self, scope: Scope, wanted: frozenset[str] | None) -> Observation:
        gap = self.gap(scope, wanted)
        if gap is None:
            return self.scopes[scope].observation
        if scope not in self.scopes:
            return Observation(scope, (), 0, Completeness.FAILED, gap)
        return Observation(scope, self.scopes[scope].observation.tasks, 0, Completeness.UNSTABLE, gap)


def snapshot_of(
    observations: Mapping[Scope, Observation],
    wanted: Mapping[Scope, frozenset[str] | None],
    catalogue: Catalogue,
    *,
    tool_version: str,
    taken_at: int,
) -> Snapshot:
    """Keep what was listed, and with it which vendor statuses were `wanted` (None: all).

    Where the API cannot filter by status, a listing shows all of them whatever was wanted.
    """

    def listed(scope: Scope) -> frozenset[str] | None:
        return wanted[scope] if catalogue.resource_types[scope.resource].listing.status_parameter else None

    return Snapshot(
        tool_version,
        taken_at,
        {
            scope: SnapshotScope(replace(seen, tasks=tuple(map(told_apart, seen.tasks))), listed(scope))
            for scope, seen in sorted(observations.items())
        },
    )


def told_apart(task: Task) -> Task:
    """The task with each query cut that reads like the mark of one that was cut: it would be taken for that."""
    return replace(task, values={name: _marked(value) for name, value in task.values.items()})


def _marked(value: Value) -> Value:
    match value:
        case str() if "?~" in value:
            return cut(value, whole=True)
        case tuple():
            return tuple(cut(text, whole=True) if "?~" in text else text for text in value)
    return value
