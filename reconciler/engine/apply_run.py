"""A run that changes something: apply, and report."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from reconciler import __version__
from reconciler.backends.entries import RunStart
from reconciler.diagnostics import Severity
from reconciler.engine.applier import Applier
from reconciler.engine.run_journal import RunJournal
from reconciler.engine.work import BatchContext, Patience
from reconciler.exceptions import BackendError
from reconciler.planning.judgement import Judgements
from reconciler.planning.policy_plan import Note
from reconciler.planning.report import FailOn, Outcome, Report, Result
from reconciler.tasks.timestamps import Timestamp

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from reconciler.backends.journal import Journal
    from reconciler.engine.clouds import Clouds
    from reconciler.engine.hold import Held
    from reconciler.engine.interruption import Interruption
    from reconciler.engine.world import World
    from reconciler.planning.change import Change
    from reconciler.planning.guards import GuardCheck
    from reconciler.planning.plan import Plan
    from reconciler.planning.policy_plan import PolicyPlan
    from reconciler.tasks.observation import Observation

__all__ = ["ApplyOptions", "carry_out"]


def _nothing(_: object) -> None:
    return None


@dataclass(frozen=True, slots=True)
class ApplyOptions:
    """How a run behaves. `fail_on` is what counts as a failure besides the usual."""

    stop_on_error: bool = False
    fail_on: tuple[FailOn, ...] = ()
    patience: Patience = field(default_factory=Patience)
    on_result: Callable[[Result], None] = _nothing
    on_listed: Callable[[Observation], None] = _nothing
    monotonic: Callable[[], float] = time.monotonic


async def carry_out(
    world: World,
    plan: Plan,
    ahead: Sequence[Change],
    dropped: Sequence[Result],
    clouds: Clouds,
    held: Held,
    interruption: Interruption,
    options: ApplyOptions,
    *,
    reviewed: Plan,
) -> Report:
    """Make the calls for the changes of `plan` that go `ahead`, and report on all; `dropped` has those that do not.

    `reviewed` is the plan that was agreed to: what its digest is of, whatever `plan` knows better by now. One that no
    guard lets pass is only reported. Never raises for what a cloud does.
    """
    started, digest = int(time.time()), reviewed.digest
    run_id = await _begin(held.journal, digest, plan.configuration.digest)
    interruption.drain()
    run = RunJournal(held.journal, run_id, interruption, held.lease, held.groups)
    notes, faults = list(plan.diagnostics), []
    notes += [Note(Severity.ERROR, held.why_not(target), target) for target in sorted(held.locked)]
    if plan.breached:
        why = "a guard refuses this many changes"
        results = [Result.of(change, Outcome.NOT_ATTEMPTED, why) for change in plan.changes]
        notes += [_breach(policy, check) for policy, check in plan.breaches]
    else:
        context = BatchContext(
            Judgements(world.configuration, world.catalogue, world.now, clouds.is_off),
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
            locked={change.target: held.why_not(change.target) for change in ahead},
            on_result=options.on_result,
        )
        results = [*await applier.apply(ahead), *dropped]
        faults = [fault for fault in (context.journal_fault, context.bug) if fault]
        notes += [Note(Severity.ERROR, fault) for fault in faults]
    report = Report(
        run_id=run.run_id,
        tool_version=__version__,
        plan_digest=digest,
        started_at=Timestamp(started),
        finished_at=Timestamp(time.time()),
        results=tuple(sorted(results, key=_order_of(plan))),
        targets=reviewed.targets,
        blocked=len(plan.blocked),
        errored=plan.errored or bool(faults),
        refused=plan.breached,
        locked=tuple(sorted(held.locked)),
        blocked_fails=plan.blocked_fails,
        fail_on=options.fail_on,
        interrupted=interruption.exit_code,
        diagnostics=tuple(notes),
    )
    try:
        await run.conclude(report.results)
        await run.finish(report)
    except BackendError as error:
        notes.append(Note(Severity.ERROR, error.message))
        report = replace(report, errored=True, interrupted=interruption.exit_code, diagnostics=tuple(notes))
    return report


async def _begin(journal: Journal, digest: str, fingerprint: str) -> str:
    start = RunStart("apply", __version__, digest, fingerprint)
    return await asyncio.to_thread(journal.begin_run, start)


def _breach(policy: PolicyPlan | None, check: GuardCheck) -> Note:
    much = f"{check.changes} changes ({check.share} %)" if check.target else f"{check.changes} changes"
    limit = f"{check.guard.value} {check.limit}" + ("" if policy else " of run_limits")
    message = f"{much} are more than {limit}; {check.flag} lets them pass"
    if policy is None:
        return Note(Severity.ERROR, message, check.target, check.resource)
    return Note(Severity.ERROR, message, check.target, policy.resource, policy.name)


def _order_of(plan: Plan) -> Callable[[Result], int]:
    order = {change.id: number for number, change in enumerate(plan.changes)}
    return lambda result: order[result.id]
