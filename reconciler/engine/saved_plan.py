"""Applying a saved plan: it is untrusted input, so it can shrink, but never grow and never be forged. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING

from reconciler.exceptions import StalePlanError
from reconciler.planning.field_differences import difference_words, field_differences
from reconciler.planning.limits import Overrides
from reconciler.planning.report import Outcome, Result
from reconciler.redaction import bounded
from reconciler.tasks.observation import CLOCKS_APART, Completeness
from reconciler.tasks.task import TERMINAL, Status
from reconciler.tasks.timestamps import format_timestamp

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from reconciler.engine.approval import Approval
    from reconciler.planning.change import Change, Chosen, Observed
    from reconciler.planning.plan import Plan
    from reconciler.tasks.resource_type import Action
    from reconciler.tasks.task import TaskKey

_MOVING = frozenset({"status", "provider_status", "progress", "started_at", "finished_at", "error_code"})
"""Fields that change while a task goes on. Whether a status still lets it be changed is for the policies to say."""

_LATER: Mapping[object, Collection[object]] = {
    Status.PENDING: {Status.RUNNING, *TERMINAL},
    Status.RUNNING: TERMINAL,
}
"""What a task of a status may be seen in afterwards."""


def check_fresh(saved: Plan, fingerprint: str, now: int) -> None:
    """Raise StalePlanError unless the plan was made from this configuration and has not expired."""
    if saved.configuration.digest != fingerprint:
        raise StalePlanError(
            "the plan was made from other targets, policies or protections than the configuration has now",
            "make a new plan from this checkout, have it reviewed, and apply that",
        )
    if saved.created_at > now + CLOCKS_APART:
        raise StalePlanError(
            f"the plan was made at {format_timestamp(saved.created_at)}, which is ahead of this clock",
            "set the clock right, or make a new plan: whether this one has expired cannot be told",
        )
    check_unexpired(saved, now)


def check_unexpired(saved: Plan, now: int) -> None:
    """Raise StalePlanError where the plan has expired."""
    if now >= saved.expires_at:
        raise StalePlanError(
            f"the plan expired at {format_timestamp(saved.expires_at)}",
            "make a new plan; settings.plan_ttl and --expires say how long a plan is good for",
        )


def limits_given(saved: Plan, approval: Approval, given: Overrides) -> Overrides:
    """The limits of the command line that count: those `given` now, and those that the plan was approved with."""
    return (saved.overrides if approval.digest is not None else Overrides()).given_again(given)


def check_agreed(saved: Plan, approval: Approval, fingerprint: str, now: int) -> None:
    """Raise StalePlanError or RefusedError unless this plan, of this configuration, may be carried out by now."""
    approval.check_time(now)
    check_fresh(saved, fingerprint, now)
    approval.check_digest(saved)
    if saved.changes:
        approval.check_given(saved)


@dataclass(frozen=True, slots=True)
class Dropped:
    """A change of a saved plan that does not go ahead, and why.

    `unread`: its task is not looked at, because its scope could not be listed or a guard refuses it.
    """

    change: Change
    why: str
    unread: bool = False


@dataclass(frozen=True, slots=True)
class Justified:
    """The changes of a saved plan: those that go ahead, and those that fell out."""

    ahead: tuple[Change, ...]
    dropped: tuple[Dropped, ...]


def within(saved: Plan, targets_of: Mapping[str, Collection[str]], chosen: Chosen) -> Plan:
    """The plan with the changes that --task, --target and --policy leave in this run.

    `targets_of` gives the targets of each policy that the run is narrowed to. Plan and configuration agree in their
    fingerprint, so that a policy of the plan which is not among them was left out, not removed.
    """
    planned = {policy.name for policy in saved.policies}

    def selected(change: Change) -> bool:
        return any(change.target in targets_of.get(name, ()) for name in change.policies)

    return replace(
        saved,
        changes=tuple(
            change
            for change in saved.changes
            if change.key in chosen and (selected(change) or not planned & {*change.policies})
        ),
    )


def justify(
    saved: Plan,
    fresh: Plan,
    seen: Mapping[TaskKey, Observed],
    later: Collection[TaskKey] = frozenset(),
    unheeded: str = "",
) -> Justified:
    """Keep the changes of `saved` that the policies still ask for, of the tasks that were reviewed.

    `fresh` was planned just now from the same configuration; `seen` are the fields of each task as it is now, those
    that the saved plan shows among them; `later` are tasks that policies leave to later runs; `unheeded` is why limits
    that the plan was made with do not count. The steps are those still needed, and never others than the reviewed ones.
    What goes ahead is taken from the fresh plan, so that nothing in the file but the choice of tasks is believed: a
    change that no policy asks for is never carried out, nor one that others ask for than was shown, nor one of a task
    that is another than was shown.
    """
    asked = {change.key: change for change in fresh.changes}
    skipped = {entry.key: entry for entry in (*fresh.blocked, *fresh.protected)}
    unseen = {scope.key for scope in fresh.scopes if scope.completeness is Completeness.FAILED}
    refused = {entry.key: entry for entry in fresh.refused}
    reported = {entry.key: entry for entry in fresh.reported}
    restraints = {policy.name: policy.restraint for policy in fresh.policies}
    breaching = {policy.name for policy in fresh.policies if policy.breaches}
    limits = f": {unheeded}" if unheeded else ""
    ahead: list[Change] = []
    dropped: list[Dropped] = []
    for change in {change.key: change for change in saved.changes}.values():
        wanted = asked.get(change.key)
        if change.key in refused:
            why = f"{refused[change.key].guard.value} {refused[change.key].limit} refuses so many changes{limits}"
            dropped.append(Dropped(change, why, unread=True))
        elif wanted is not None and not breaching.isdisjoint(change.policies) and not _shares(change, wanted):
            dropped.append(Dropped(change, f"a guard refuses the policies that the plan names{limits}", unread=True))
        elif change.key in later and (wanted is None or not _shares(change, wanted)):
            why = f"it is left to a later run, since the limits allow fewer changes now{limits}"
            dropped.append(Dropped(change, why))
        elif wanted is not None and not _shares(change, wanted):
            dropped.append(Dropped(change, "none of the policies that the plan names asks for it any more"))
        elif wanted is not None and not _ends_with(change.steps, wanted.steps):
            dropped.append(Dropped(change, f"it would now take other steps than reviewed: {', '.join(wanted.steps)}"))
        elif wanted is not None and _started(change.observed, seen[change.key]):
            dropped.append(Dropped(change, "it started meanwhile, and the plan shows the cancel of a task that waits"))
        elif wanted is not None and not _agrees(change.observed, seen[change.key]):
            dropped.append(Dropped(change, "it is not what the plan shows of it"))
        elif wanted is not None:
            ahead.append(wanted)
        elif change.key in reported:
            why = next((restraints[name] for name in change.policies if restraints.get(name)), "")
            dropped.append(Dropped(change, f"the policy only reports it now{why and f': it is {why}'}"))
        elif (change.target, change.resource) in unseen:
            dropped.append(Dropped(change, f"{change.resource} on {change.target} could not be listed", unread=True))
        elif change.key in skipped:
            dropped.append(Dropped(change, skipped[change.key].reason))
        else:
            dropped.append(Dropped(change, "no policy asks for it any more"))
    return Justified(tuple(ahead), tuple(dropped))


def _shares(change: Change, other: Change) -> bool:
    """Whether some policy asks for both."""
    return not {*change.policies}.isdisjoint(other.policies)


def _agrees(reviewed: Observed, now: Observed) -> bool:
    """Whether a task still is what was reviewed, save what a task's own progress brings with it.

    Whatever its status is said to have been: else a plan that lies about that could show nothing else of the task. No
    task comes from an end, nor from running to waiting.
    """
    before, after = reviewed.get("status"), now.get("status")
    if before != after and after not in _LATER.get(before, ()):
        return False
    return all(reviewed.get(name) == now.get(name) for name in {*reviewed, *now} if name not in _MOVING)


def _started(reviewed: Observed, now: Observed) -> bool:
    """Whether a task runs that did not when it was reviewed: to cancel it ends work that nobody was shown."""
    return now.get("status") == Status.RUNNING.value != reviewed.get("status")


def _ends_with(reviewed: tuple[Action, ...], needed: tuple[Action, ...]) -> bool:
    return bool(needed) and reviewed[-len(needed) :] == needed


def dropped_result(dropped: Dropped, now: Status, *, end: Status) -> Result:
    """The result of a change that did not go ahead, by what reading the task says. `end`: where its last step leads."""
    change = dropped.change
    if now in {end, Status.GONE}:
        return Result.of(change, Outcome.SATISFIED, f"already {now.value} without this run", now=now.value)
    return Result.of(change, Outcome.MISSED, dropped.why, now=now.value)


def explained(result: Result, seen: Observed) -> Result:
    """`result` with what changed in the fields that the reviewer saw; `seen` are those of the task as read now.

    Only a missed change asks for that.
    """
    if result.outcome is not Outcome.MISSED:
        return result
    moved = drift(result.observed, seen)
    return replace(result, detail=f"{result.detail} ({moved})") if moved else result


LONGEST = 500
"""Characters of a description, besides the count of the fields that it leaves out."""

_FIELD = 300
_NAME = 60


def drift(before: Observed, now: Observed) -> str:
    """`status: pending -> running; started_at: set to 2026-01-02T03:04:05Z`: the fields that differ.

    The status comes first, then the fields by name. Empty where nothing differs. Fit for a terminal whatever the
    values hold, and the same for the same values, in whatever order they are given.
    """
    fields = groupby(field_differences(before, now), key=lambda difference: difference.field)
    parts = [
        bounded(f"{bounded(name, _NAME)}: {', '.join(map(difference_words, differences))}", _FIELD)
        for name, differences in fields
    ]
    kept: list[str] = []
    for part in parts:
        if kept and len("; ".join((*kept, part))) > LONGEST:
            kept.append(f"and {len(parts) - len(kept)} more")
            break
        kept.append(part)
    return "; ".join(kept)
