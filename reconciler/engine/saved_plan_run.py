"""A run of a saved plan: see its tasks again, keep what the policies still ask for, apply that."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING

from reconciler import __version__
from reconciler.config.model import Absent, OnBlocked
from reconciler.diagnostics import Severity
from reconciler.engine.apply_run import carry_out
from reconciler.engine.saved_plan import check_fresh, check_unexpired, dropped_result, explained, justify, within
from reconciler.engine.work import NOTHING, Work
from reconciler.engine.world import by_clock, planner_of, sifted
from reconciler.planning.change import EVERY_TASK
from reconciler.planning.judgement import statuses_wanted
from reconciler.planning.limits import Guard
from reconciler.planning.policy_plan import Note
from reconciler.planning.reasons import observed, shown_fields
from reconciler.tasks.observation import Completeness, Fault, Meaning, Observation, Scope
from reconciler.tasks.task import Status

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from reconciler.config.model import Policy
    from reconciler.engine.apply_run import Applying
    from reconciler.engine.clouds import Clouds
    from reconciler.engine.saved_plan import Dropped
    from reconciler.engine.world import World
    from reconciler.planning.change import Change, Chosen, Observed
    from reconciler.planning.limits import Overrides
    from reconciler.planning.plan import Plan
    from reconciler.planning.report import Report, Result
    from reconciler.tasks.resource_type import ResourceType
    from reconciler.tasks.task import Task, TaskKey


async def apply_saved_plan(run: Applying, saved: Plan, overrides: Overrides) -> Report:
    """Carry out what the policies still ask for of a saved plan.

    Its tasks are read again, or their scopes listed; guards are checked again on what was seen, with `overrides`
    instead of the recorded ones. Where the world is narrowed to some targets and policies, changes that belong to
    others are not attempted, and their targets are not spoken to. Raises StalePlanError where the plan was made from
    another configuration, or has expired.
    """
    world, clouds = run.world, run.clouds
    check_fresh(saved, world.configuration.fingerprint, world.now)
    wanted = statuses_wanted(world.configuration, world.catalogue)
    reviewed, mine = saved, _of_shard(saved, world)
    saved = narrowed(mine, world)
    by_id = _ids_to_read(world, saved, overrides)
    listed = {scope: statuses for scope, statuses in wanted.items() if scope not in by_id}
    observations, sieves = await sifted(world, clouds, listed, run.options.on_listed)
    for seen in await asyncio.gather(*(_read_scope(world, clouds, scope, ids) for scope, ids in by_id.items())):
        observations[seen.scope] = seen
        run.options.on_listed(seen)
    now = max(world.now, int(time.time()))  # a long listing may outlast the plan
    for seen in observations.values():  # a clock that was set back does not revive it
        check_unexpired(saved, now + seen.ahead)
    tasks = chain(*(seen.tasks for seen in observations.values()), *(sieve.tasks for sieve in sieves.values()))
    # What is left out was left out above.
    planner, seen_now = planner_of(replace(world, chosen=EVERY_TASK)), _seen_again(saved, tasks, world)
    draft = planner.draft(
        by_clock(world, observations),
        sieves,
        tool_version=__version__,
        expires_at=world.now,
        asking={change.key: change.policies for change in saved.changes},
    )
    asked = justify(saved, draft, seen_now)
    kept = {change.key for change in asked.ahead}
    # The guards are held against what is still asked for, and may let less of it pass, for fewer policies.
    fresh = planner.guarded(draft, kept, overrides)
    still = replace(saved, changes=tuple(change for change in saved.changes if change.key in kept))
    later = frozenset().union(*planner.deferred.values())
    justified = justify(still, fresh, seen_now, later, _unheeded(saved, overrides))
    unlisted = {scope.key: scope.error for scope in fresh.scopes}
    dropped = await _settle((*asked.dropped, *justified.dropped), run, unlisted)
    # What a part leaves out is for whoever coordinates the run to say.
    alone = run.held.part is None
    notes = _scope_notes(mine, saved, world.chosen) if alone else []
    plan = replace(
        fresh,
        changes=saved.changes,
        overrides=saved.overrides,
        diagnostics=(*fresh.diagnostics, *notes),
    )
    # The saved plan may have been made for fewer targets than this run looked at, and the report is of that plan.
    left_out = len(mine.changes) - len(saved.changes) if alone else 0
    return await carry_out(run, plan, justified.ahead, dropped, reviewed=reviewed, excluded=left_out)


def _unheeded(saved: Plan, overrides: Overrides) -> str:
    """Why limits that the plan was made with do not count, if so."""
    flags = saved.overrides.unheeded(overrides).flags
    return f"the plan has {flags}, which counts with --approved-digest or given again" if flags else ""


def _of_shard(saved: Plan, world: World) -> Plan:
    """The plan with the changes that are this process's to make, where others make theirs."""
    if world.shard is None:
        return saved
    mine = {scope.target for scope in world.configuration.scopes()}
    return replace(saved, changes=tuple(change for change in saved.changes if change.target in mine))


def narrowed(saved: Plan, world: World) -> Plan:
    """The plan with the changes that a run of this world is about."""
    return within(saved, {name: policy.targets for name, policy in world.configuration.policies.items()}, world.chosen)


def _scope_notes(reviewed: Plan, saved: Plan, chosen: Chosen) -> list[Note]:
    """What a reader should know of a plan of which nothing, or not all, was to be applied."""
    if not reviewed.changes:
        return [Note(Severity.WARNING, "the saved plan holds no changes: there was nothing to apply")]
    notes = []
    if absent := sorted(chosen.others_than(change.key for change in reviewed.changes)):
        be = "is" if len(absent) == 1 else "are"
        told = ", ".join(absent[:_TOLD]) + (", ..." if len(absent) > _TOLD else "")
        notes.append(f"{len(absent)} of the tasks that were named {be} no change of the plan: {told}")
    if left_out := len(reviewed.changes) - len(saved.changes):
        of_all = f"{left_out} of the plan's {len(reviewed.changes)} changes"
        count = f"{of_all} {'was' if left_out == 1 else 'were'} left out by --task, --target or --policy"
        notes.append(f"{count}: apply the plan without them to finish it")
    return [Note(Severity.WARNING, note) for note in notes]


_TOLD = 10
"""Tasks that one line names."""


async def _settle(dropped: Sequence[Dropped], run: Applying, unlisted: Mapping[Scope, Fault | None]) -> list[Result]:
    """Read the tasks of changes that fell out, to say whether they are satisfied or missed. `unlisted`: why some scopes
    could not be listed, whose tasks are not read."""
    by_scope: dict[Scope, list[Dropped]] = defaultdict(list)
    results = []
    for entry in dropped:
        scope = Scope(entry.change.target, entry.change.resource)
        if entry.unread:
            results.append(_left(entry, run, unlisted.get(scope)))
        else:
            by_scope[scope].append(entry)
    read = await asyncio.gather(*(_settle_scope(scope, entries, run) for scope, entries in by_scope.items()))
    return [*results, *chain.from_iterable(read)]


async def _settle_scope(scope: Scope, entries: Sequence[Dropped], run: Applying) -> list[Result]:
    world, clouds = run.world, run.clouds
    # What the file names may be nowhere.
    client = await clouds.client(scope.target) if scope.target in world.configuration.targets else None
    resource = world.catalogue.resource_types.get(scope.resource)
    if client is None or isinstance(client, Fault) or resource is None:
        fault = client if isinstance(client, Fault) else None
        return [_left(entry, run, fault) for entry in entries]
    readings = await client.read(resource, [entry.change.task_id for entry in entries])
    results = []
    for entry in entries:
        task = readings.tasks.get(entry.change.task_id)
        if task is None:
            results.append(_left(entry, run, readings.faults.get(entry.change.task_id)))
            continue
        operation = resource.operation(entry.change.steps[-1])
        work, end = _work(entry, run), operation.ends if operation else Status.GONE
        result = work.left_as(task, resource) or replace(dropped_result(entry, task.status, end=end), calls=work.calls)
        results.append(explained(result, _seen(entry.change, task, resource, world)))
    return results


def _work(entry: Dropped, run: Applying) -> Work:
    return Work(entry.change, run.held.earlier.get(entry.change.key, NOTHING))


def _left(entry: Dropped, run: Applying, fault: Fault | None) -> Result:
    """The result of a change that falls out unread."""
    return _work(entry, run).cut_off(entry.why, fault)


def _seen_again(saved: Plan, seen: Iterable[Task], world: World) -> dict[TaskKey, Observed]:
    """The fields of each task of a change as they are now, of those that were seen."""
    tasks = {task.key: task for task in seen}
    return {
        change.key: _seen(change, tasks[change.key], world.catalogue.resource_types[change.resource], world)
        for change in saved.changes
        if change.key in tasks
    }


def _seen(change: Change, task: Task, resource: ResourceType, world: World) -> Observed:
    """The fields that the plan shows of a task, and those that its policies name, as they are now."""
    policies = [world.configuration.policies[name] for name in change.policies if name in world.configuration.policies]
    named = (*change.observed, *(field for policy in policies for field in policy.fields))
    return observed(task, shown_fields(resource, named))


_ALL = 100
"""Percent: a limit that no share can exceed."""


def _ids_to_read(world: World, saved: Plan, overrides: Overrides) -> dict[Scope, tuple[str, ...]]:
    """The scopes whose tasks need only be read by id, with the ids of the plan there.

    A quota asks about a whole group, a share about a whole scope, and `on_blocked: fail` about tasks that are no
    change: such policies want the list. A share does not where no limit can be exceeded. What the file says of
    requests only decides which way is the cheaper one.
    """
    ids: dict[Scope, list[str]] = defaultdict(list)
    for change in saved.changes:
        ids[Scope(change.target, change.resource)].append(change.task_id)
    cost = {scope.key: scope.requests for scope in saved.scopes}
    chosen = {}
    for scope in world.configuration.scopes():
        listing = world.catalogue.resource_types[scope.resource].listing
        by_task = _no_share(world, overrides) and all(
            _asks_by_task(policy, overrides) for policy in world.configuration.policies_on(scope)
        )
        if by_task and not listing.is_cheaper(cost.get(scope, 0), len(ids[scope])):
            chosen[scope] = tuple(ids[scope])
    return chosen


def _no_share(world: World, overrides: Overrides) -> bool:
    """Whether all policies together may do as much as there is in a scope, where each of them may."""
    percent = world.configuration.settings.run_limits.max_percent
    return percent is None or max(percent, overrides.of_run(Guard.MAX_PERCENT) or 0) >= _ALL


def _asks_by_task(policy: Policy, overrides: Overrides) -> bool:
    given = overrides.of(Guard.MAX_PERCENT, policy.name)
    percent = policy.limits.max_percent if given is None else given
    return isinstance(policy.ensure, Absent) and policy.on_blocked is OnBlocked.REPORT and percent >= _ALL


async def _read_scope(world: World, clouds: Clouds, scope: Scope, ids: Sequence[str]) -> Observation:
    """Read just these tasks. One that was not answered makes the observation incomplete, and is not in it."""
    client = await clouds.client(scope.target)
    if isinstance(client, Fault):
        return Observation(scope, (), 0, Completeness.FAILED, client)
    resource = world.catalogue.resource_types[scope.resource]
    readings = await client.read(resource, ids)
    tasks = tuple(task for task in readings.tasks.values() if task.status is not Status.GONE)
    unread = [task_id for task_id in ids if task_id not in readings.tasks]
    requests = resource.listing.calls(len(ids))
    if not unread:
        return Observation(scope, tasks, requests, skews=client.skews)
    fault = readings.faults.get(unread[0]) or Fault(Meaning.MALFORMED, "no answer about this task")
    return Observation(scope, tasks, requests, Completeness.UNSTABLE, fault, client.skews)
