"""A run that changes something: plan (or check a saved plan), apply, report."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from reconciler import __version__
from reconciler.backends.entries import RunStart
from reconciler.engine.applier import Applier
from reconciler.engine.clouds import Clouds
from reconciler.engine.planning_run import plan_from, statuses_wanted
from reconciler.engine.report import Outcome, Report, Result
from reconciler.engine.run_journal import RunJournal
from reconciler.engine.saved_plan import Fallen, Justified, check_fresh, explained, fallen_result, justify, left_out
from reconciler.engine.work import BatchContext, Patience
from reconciler.exceptions import BackendError
from reconciler.planning.guards import guard_verdicts
from reconciler.planning.judgement import Judgements
from reconciler.planning.observed import observed
from reconciler.planning.plan import Note, Overrides
from reconciler.selectors.describe import fields_of
from reconciler.tasks.observation import Scope

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from reconciler.backends.fencing import Fence
    from reconciler.backends.journal import Journal
    from reconciler.engine.interruption import Interruption
    from reconciler.engine.planning_run import World
    from reconciler.planning.plan import Change, GuardVerdict, Observed, Plan, PolicyVerdict
    from reconciler.tasks.observation import Observation
    from reconciler.tasks.resource_type import ResourceType
    from reconciler.tasks.task import Task

__all__ = ["ApplyOptions", "apply_plan", "apply_saved_plan"]


def _nothing(_: object) -> None:
    return None


@dataclass(frozen=True, slots=True)
class ApplyOptions:
    """How a run behaves.

    `fail_on` names outcomes (or `blocked`) that count as failures besides the usual ones. With a `fence`, calls are
    sent only while its leases are held.
    """

    stop_on_error: bool = False
    fail_on: tuple[str, ...] = ()
    fence: Fence | None = None
    patience: Patience = field(default_factory=Patience)
    on_result: Callable[[Result], None] = _nothing
    on_listed: Callable[[Observation], None] = _nothing
    wall_clock: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.monotonic


async def apply_plan(
    world: World, plan: Plan, journal: Journal, interruption: Interruption, options: ApplyOptions
) -> Report:
    """Carry out a plan that was made just now, and report; one that no guard lets pass is only reported.

    Never raises for what a cloud does.
    """
    targets = {change.target for change in plan.changes}
    async with Clouds(world.configuration, world.catalogue, world.providers, targets) as clouds:
        return await _carry_out(world, plan, Justified(plan.changes, ()), clouds, journal, interruption, options)


async def apply_saved_plan(
    world: World,
    saved: Plan,
    overrides: Overrides,
    journal: Journal,
    interruption: Interruption,
    options: ApplyOptions,
) -> Report:
    """Carry out what the policies still ask for of a saved plan.

    Everything is listed again; guards are checked again, with `overrides` instead of the recorded ones. Where the
    world is narrowed to some targets and policies, changes that belong to others are not attempted, and their
    targets are not spoken to. Raises StalePlanError where the plan was made from another configuration, or has
    expired.
    """
    check_fresh(saved, world.configuration.fingerprint, world.now)
    wanted = statuses_wanted(world)
    aside = left_out(saved, {name: policy.targets for name, policy in world.configuration.policies.items()})
    targets = {scope.target for scope in wanted} | {
        change.target
        for change in saved.changes
        if change.target in world.configuration.targets and change.id not in aside
    }
    async with Clouds(world.configuration, world.catalogue, world.providers, targets) as clouds:
        observations = await clouds.observe(wanted, options.on_listed)
        fresh = plan_from(world, observations, expires_in=0, overrides=overrides)
        justified = justify(saved, fresh)
        plan = replace(
            fresh,
            changes=saved.changes,
            overrides=saved.overrides,
            policies=tuple(_guarded(verdict, justified.ahead, world, overrides) for verdict in fresh.policies),
            notes=(*fresh.notes, *_scope_notes(saved, len(aside))),
        )
        return await _carry_out(world, plan, justified, clouds, journal, interruption, options)


def _scope_notes(saved: Plan, aside: int) -> list[Note]:
    """What a reader should know of a saved plan of which nothing, or not all, was to be applied."""
    if not saved.changes:
        return [Note("warning", "the saved plan holds no changes: there was nothing to apply")]
    if not aside:
        return []
    count = f"{aside} of the plan's {len(saved.changes)} changes were left out by --target or --policy"
    return [Note("warning", f"{count}: apply the plan without them to finish it")]


async def _carry_out(
    world: World,
    plan: Plan,
    justified: Justified,
    clouds: Clouds,
    journal: Journal,
    interruption: Interruption,
    options: ApplyOptions,
) -> Report:
    started = int(options.wall_clock())
    run = RunJournal(journal, await _begin(journal, plan), options.fence)
    notes, journal_fault = list(plan.notes), ""
    if plan.breached:
        why = "a guard refuses this many changes"
        results = [Result(change, Outcome.NOT_ATTEMPTED, change.status, detail=why) for change in plan.changes]
        notes += [_breach(policy, verdict) for policy in plan.policies for verdict in policy.breaches]
    else:
        context = BatchContext(
            Judgements(world.configuration, world.catalogue, world.now),
            run,
            interruption,
            options.monotonic,
            options.patience,
        )
        applier = Applier(
            clouds,
            world.catalogue,
            context,
            batches_in_flight=max(1, world.configuration.settings.concurrency // 4),
            calls_in_flight=world.configuration.settings.concurrency,
            stop_on_error=options.stop_on_error,
            on_result=options.on_result,
        )
        results = [
            *await applier.apply(justified.ahead),
            *await _settle(justified.fallen, clouds, world),
        ]
        journal_fault = context.journal_fault
        notes += [Note("error", journal_fault)] if journal_fault else []
    report = Report(
        run_id=run.run_id,
        tool_version=__version__,
        plan_digest=plan.digest,
        started_at=started,
        finished_at=int(options.wall_clock()),
        results=tuple(sorted(results, key=_order_of(plan))),
        blocked=len(plan.blocked),
        errored=plan.errored or bool(journal_fault),
        refused=plan.breached,
        blocked_fails=any(policy.blocked and policy.fails_on_blocked for policy in plan.policies),
        fail_on=options.fail_on,
        interrupted=interruption.exit_code,
        notes=tuple(notes),
    )
    try:
        await run.conclude(report.results)
        await run.finish(report)
    except BackendError as error:
        report = replace(report, errored=True, notes=(*report.notes, Note("error", error.message)))
    return report


async def _begin(journal: Journal, plan: Plan) -> str:
    start = RunStart("apply", __version__, plan.digest, plan.fingerprint)
    return await asyncio.to_thread(journal.begin_run, start)


def _breach(policy: PolicyVerdict, verdict: GuardVerdict) -> Note:
    much = f"{verdict.changes} changes ({verdict.needed} %)" if verdict.target else f"{verdict.changes} changes"
    message = f"{much} are more than {verdict.guard.value} {verdict.limit}; {verdict.flag} lets them pass"
    return Note("error", message, verdict.target, policy.resource, policy.name)


def _order_of(plan: Plan) -> Callable[[Result], int]:
    order = {change.id: number for number, change in enumerate(plan.changes)}
    return lambda result: order[result.change.id]


def _guarded(verdict: PolicyVerdict, ahead: Sequence[Change], world: World, overrides: Overrides) -> PolicyVerdict:
    """`verdict` with its guards checked for the changes that go ahead, which may be fewer than could be planned."""
    basis = {guard.target: guard.basis for guard in verdict.guards if guard.target is not None}
    counts = Counter(change.target for change in ahead if verdict.name in change.policies)
    limits = world.configuration.policies[verdict.name].limits
    guards = guard_verdicts(limits, overrides, {target: counts[target] for target in basis}, basis)
    return replace(verdict, guards=guards)


async def _settle(fallen: Sequence[Fallen], clouds: Clouds, world: World) -> list[Result]:
    """Read the tasks of changes that fell out, to say whether they are satisfied or missed."""
    by_scope: dict[Scope, list[Fallen]] = defaultdict(list)
    for entry in fallen:
        if not entry.unread:
            by_scope[Scope(entry.change.target, entry.change.resource)].append(entry)
    results = [fallen_result(entry, None, clouds.fault(entry.change.target)) for entry in fallen if entry.unread]
    for scope, entries in by_scope.items():
        client = clouds.client(scope.target)
        resource = world.catalogue.resource_types.get(scope.resource)
        if client is None or resource is None:
            results += [fallen_result(entry, None, clouds.fault(scope.target)) for entry in entries]
            continue
        ids = [entry.change.task_id for entry in entries]
        readings = await client.read(resource, ids)
        for entry in entries:
            task = readings.tasks.get(entry.change.task_id)
            fault = readings.faults.get(entry.change.task_id)
            result = fallen_result(entry, task.status if task else None, fault)
            results.append(explained(result, _seen(entry.change, task, resource, world)) if task else result)
    return results


def _seen(change: Change, task: Task, resource: ResourceType, world: World) -> Observed:
    """The fields that the plan shows of a task, and those that its policies name, as they are now."""
    policies = [world.configuration.policies[name] for name in change.policies if name in world.configuration.policies]
    named = (*change.observed, *(field for policy in policies for field in fields_of(policy.match)))
    return observed(task, resource, [name for name in named if name in resource.fields])
