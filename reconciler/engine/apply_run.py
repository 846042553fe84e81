"""A run that changes something: makes the calls of a plan, and reports what became of each change."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING

from reconciler import __version__
from reconciler.backends.entries import Planned, PlannedOfPolicy, RunStart
from reconciler.diagnostics import Severity
from reconciler.engine.authorship import author_of
from reconciler.engine.batch import Batch
from reconciler.engine.clouds import log_bug
from reconciler.engine.run_journal import OUTCOMES, RunJournal
from reconciler.engine.work import NOTHING, BatchContext, Lane, Patience, Work
from reconciler.exceptions import BackendError, LockedError, bug
from reconciler.planning.judgement import Judgements
from reconciler.planning.policy_plan import Note
from reconciler.planning.remedies import enough_for
from reconciler.planning.report import FailOn, Outcome, Report, Result
from reconciler.providers.transport.trace import about
from reconciler.tasks.observation import Fault
from reconciler.tasks.timestamps import Timestamp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from reconciler.config.model import Configuration, Policy
    from reconciler.engine.approval import Approval
    from reconciler.engine.clouds import Clouds
    from reconciler.engine.hold import Held
    from reconciler.engine.interruption import Interruption
    from reconciler.engine.work import Attempted
    from reconciler.engine.world import World
    from reconciler.planning.change import Change
    from reconciler.planning.limits import GuardCheck
    from reconciler.planning.plan import Plan
    from reconciler.planning.policy_plan import PolicyPlan
    from reconciler.providers.transport.caller import Tally
    from reconciler.tasks.observation import Observation
    from reconciler.tasks.resource_type import Action, Catalogue, ResourceType
    from reconciler.tasks.task import TaskKey

    _Batched = tuple[ResourceType, tuple[Action, ...], list[Change]]


def _nothing(_: object) -> None:
    return None


@dataclass(frozen=True, slots=True)
class ApplyOptions:
    """How a run behaves. `fail_on` is what counts as a failure besides the usual. Nothing is sent any more once
    `monotonic` has come to `stop_at` (seconds; None: there is no such end).
    """

    stop_on_error: bool = False
    fail_on: tuple[FailOn, ...] = ()
    patience: Patience = field(default_factory=Patience)
    on_result: Callable[[Result], None] = _nothing
    on_listed: Callable[[Observation], None] = _nothing
    monotonic: Callable[[], float] = time.monotonic
    stop_at: float | None = None


@dataclass(frozen=True, slots=True)
class Applying:
    """What carrying out a plan takes: what a session has, and what it `held` when it was told to."""

    world: World
    clouds: Clouds
    held: Held
    interruption: Interruption
    options: ApplyOptions
    approval: Approval


async def carry_out(
    run: Applying,
    plan: Plan,
    ahead: Sequence[Change],
    dropped: Sequence[Result],
    *,
    reviewed: Plan,
    excluded: int,
) -> Report:
    """Make the calls for the changes of `plan` that go `ahead`, and report on all; `dropped` has those that do not.

    `excluded` counts what the run was told to leave out. `reviewed` is the plan that was agreed to: what its digest is
    of, whatever `plan` knows better by now. A part of a run is written down as such: who began the run ends it. Never
    raises for what a cloud does.
    """
    started, held, options = int(time.time()), run.held, run.options
    if held.part is None:
        start = run_start(run.world.configuration, run.world.commit, reviewed, plan.changes, excluded, run.approval)
        run_id = await asyncio.to_thread(held.journal.begin_run, start)
    else:
        run_id = held.part.run_id
    run.interruption.drain()
    journal = RunJournal(held.journal, run_id, run.interruption, held.lease, held.groups, part=held.part is not None)
    notes = list(plan.diagnostics)
    notes += [Note(Severity.ERROR, held.why_not(target), target) for target in sorted(held.locked)]
    notes += refusals(plan)
    if reviewed.breached and not plan.breached:
        left = "what a guard refused when the plan was made is no part of it: plan again for that, with other limits"
        notes.append(Note(Severity.ERROR, left))
    world, concurrency = run.world, run.world.configuration.settings.concurrency
    context = BatchContext(
        Judgements(world.configuration, world.catalogue, world.now, run.clouds.is_off),
        journal,
        run.interruption,
        options.monotonic,
        options.patience,
        partial(_restraint, world.configuration, world.now),
        options.stop_at,
    )
    applier = Applier(
        run.clouds,
        world.catalogue,
        context,
        # While answers are awaited, the intents of the next calls are written, and other batches are read back.
        batches_in_flight=max(1, concurrency // (4 if options.stop_on_error else 2)),
        calls_in_flight=2 * concurrency,
        stop_on_error=options.stop_on_error,
        locked={change.target: held.why_not(change.target) for change in ahead},
        earlier=held.earlier,
        on_result=options.on_result,
    )
    with about(run=run_id), journal.listening():
        results = [*await applier.apply(ahead), *dropped]
    faults = [fault for fault in (context.journal_fault, context.bug) if fault]
    notes += [Note(Severity.ERROR, fault) for fault in faults]
    report = Report(
        run_id=run_id,
        tool_version=__version__,
        plan_digest=reviewed.digest,
        started_at=Timestamp(started),
        finished_at=Timestamp(time.time()),
        results=tuple(sorted(results, key=_order_of(plan))),
        targets=reviewed.targets if world.shard is None else plan.targets,
        shard=world.shard,
        blocked=plan.blocked_for_acting,
        excluded=excluded,
        errored=plan.errored or bool(faults),
        refused=plan.breached or reviewed.breached,
        locked=tuple(sorted(held.locked)),
        blocked_fails=plan.blocked_fails,
        fail_on=options.fail_on,
        interrupted=run.interruption.exit_code,
        diagnostics=tuple(notes),
    )
    try:
        with journal.listening():
            await journal.conclude(dropped)
            if held.part is None:
                await journal.finish(report, requests_by_target(run.clouds.traffic))
    except (BackendError, LockedError) as error:
        if error.message not in faults:
            notes.append(Note(Severity.ERROR, error.message))
        report = replace(report, errored=True, interrupted=run.interruption.exit_code, diagnostics=tuple(notes))
    return report


def requests_by_target(traffic: Mapping[tuple[str, str], Tally]) -> dict[str, int]:
    """The requests of a session, whatever service they went to."""
    counts: Counter[str] = Counter()
    for (target, _), sent in traffic.items():
        counts[target] += sent.requests
    return dict(sorted(counts.items()))


def run_start(
    configuration: Configuration,
    commit: str | None,
    reviewed: Plan,
    changes: Sequence[Change],
    excluded: int,
    approval: Approval,
) -> RunStart:
    """What is written down when a run begins that is to make these `changes` of the plan that was agreed to. `commit`:
    what the configuration was read from."""
    planned = _planned(reviewed, changes, excluded, configuration.policies)
    digest, fingerprint = reviewed.digest, reviewed.configuration.digest
    return RunStart("apply", __version__, digest, fingerprint, planned, author_of(), commit, approval.kind)


def _planned(reviewed: Plan, changes: Sequence[Change], excluded: int, policies: Mapping[str, Policy]) -> Planned:
    """What is written down of the plan that was agreed to, of which these changes are left in the run."""
    asking = Counter(name for change in changes for name in change.policies)
    found = {
        policy.name: PlannedOfPolicy(asking[policy.name], policy.refused, policy.deferred, policy.reported)
        for policy in reviewed.policies
    }
    summary, nothing = reviewed.summary, PlannedOfPolicy()
    written = {name: str(policy.location) for name, policy in policies.items() if policy.location}
    return Planned(
        len(changes),
        summary.refused,
        summary.deferred,
        summary.reported,
        excluded,
        {name: replace(one, source=written.get(name, "")) for name, one in found.items() if one != nothing},
    )


def _restraint(configuration: Configuration, began: int, change: Change, passed: float) -> str:
    """Why a change may not be called so many seconds after the run began; empty while some policy of it acts."""
    policies = [configuration.policies[name] for name in change.policies if name in configuration.policies]
    if any(policy.acts(began + int(passed)) for policy in policies):
        return ""
    return f"the window of {', '.join(policy.name for policy in policies)} has closed"


def refusals(plan: Plan) -> Iterator[Note]:
    """What guards refuse of a plan, and what would allow all of it."""
    yield from (breach_note(policy, check) for policy, check in plan.breaches)
    if plan.breached:
        yield Note(Severity.ERROR, f"to allow all that guards refuse, on plan and apply: {enough_for(plan).flags}")


def breach_note(policy: PolicyPlan | None, check: GuardCheck) -> Note:
    """What a guard of a policy refuses, or (None) that of all policies together."""
    much = f"{check.changes} changes ({check.share} %)" if check.target else f"{check.changes} changes"
    limit = f"{check.guard.value} {check.limit}" + ("" if policy else " of run_limits")
    return Note(
        Severity.ERROR,
        f"refused: {much} are more than {limit}",
        check.target,
        check.resource,
        policy.name if policy else None,
    )


def _order_of(plan: Plan) -> Callable[[Result], int]:
    order = {change.id: number for number, change in enumerate(plan.changes)}
    return lambda result: order[result.id]


BATCH_SIZE = 10
"""Changes that go through their steps together: as many ids as the clouds read back, or cancel, in one call."""

READ_TOGETHER = 500
"""The same where so many ids are no one call: read back together, they may cost a list of a few pages instead."""


class Applier:
    """Executes changes. Those of one scope with the same steps go in batches; targets go side by side.

    `calls_in_flight` bounds the calls of one target whose intent is written, `batches_in_flight` the batches that they
    come from or are read back for; how many are sent at once is the client's to say. With `stop_on_error` the first
    change that fails or has no verdict keeps new batches from starting. `locked` says of targets why they are sent
    nothing at all, `earlier` of tasks what this run has done about them before.
    """

    def __init__(
        self,
        clouds: Clouds,
        catalogue: Catalogue,
        context: BatchContext,
        *,
        batches_in_flight: int = 4,
        calls_in_flight: int = 16,
        stop_on_error: bool = False,
        locked: Mapping[str, str] = MappingProxyType({}),
        earlier: Mapping[TaskKey, Attempted] = MappingProxyType({}),
        on_result: Callable[[Result], None] = lambda _: None,
    ) -> None:
        self._clouds = clouds
        self._catalogue = catalogue
        self._context = context
        self._batches_in_flight = batches_in_flight
        self._calls_in_flight = calls_in_flight
        self._stop_on_error = stop_on_error
        self._locked = locked
        self._earlier = earlier
        self._on_result = on_result
        self._held_back = ""
        """Why nothing more is sent to any target."""
        self._unwritten: list[Result] = []
        """Outcomes that the journal has not got yet."""

    async def apply(self, changes: Sequence[Change]) -> tuple[Result, ...]:
        """Carry out `changes`, once each, and return one result for each, in their order.

        Never raises for what a cloud does. Interrupted, it drains the batches in flight and leaves the rest.
        """
        results: dict[str, Result] = {}
        async with asyncio.TaskGroup() as group:
            for target, batches in self._batches(changes).items():
                lane = Lane(target, asyncio.Semaphore(self._calls_in_flight), self._locked.get(target, ""))
                for _ in range(self._batches_in_flight):
                    group.create_task(self._work(lane, batches, results))
        await self._write_outcomes()
        return tuple(results[change.id] for change in changes)

    def _batches(self, changes: Iterable[Change]) -> dict[str, Iterator[_Batched]]:
        """The batches of each target. Each is made when its turn comes."""
        alike: dict[str, dict[tuple[str, tuple[Action, ...]], list[Change]]] = defaultdict(lambda: defaultdict(list))
        for change in changes:
            alike[change.target][change.resource, change.steps].append(change)
        return {target: self._cut(groups) for target, groups in alike.items()}

    def _cut(self, groups: Mapping[tuple[str, tuple[Action, ...]], list[Change]]) -> Iterator[_Batched]:
        for (resource, steps), members in groups.items():
            row = self._catalogue.resource_types[resource]
            size = self._size(row)
            for start in range(0, len(members), size):
                yield row, steps, members[start : start + size]

    async def _work(self, lane: Lane, batches: Iterator[_Batched], results: dict[str, Result]) -> None:
        """Carry out one batch after the other."""
        for resource, steps, members in batches:
            for result in await self._run(lane, resource, steps, members):
                if result.error is not None:
                    lane.learn(result.error)
                if self._stop_on_error and result.outcome in {Outcome.FAILED, Outcome.UNKNOWN}:
                    self._held_back = self._held_back or f"an earlier change did not succeed ({result.id})"
                results[result.id] = result
                self._unwritten.append(result)
                self._on_result(result)
            if len(self._unwritten) >= OUTCOMES:
                await self._write_outcomes()

    async def _write_outcomes(self) -> None:
        """Tell the journal what became of changes. Where it fails nothing more is sent."""
        outcomes, self._unwritten = self._unwritten, []
        try:
            await self._context.journal.conclude(outcomes)
        except (BackendError, LockedError) as error:
            self._context.journal_fault = self._context.journal_fault or error.message

    def _size(self, resource: ResourceType) -> int:
        """Changes to a batch. An error stops the next batch, so that they are small where one is to stop the run."""
        return BATCH_SIZE if self._stop_on_error or resource.listing.calls(BATCH_SIZE) == 1 else READ_TOGETHER

    async def _run(
        self,
        lane: Lane,
        resource: ResourceType,
        steps: tuple[Action, ...],
        members: list[Change],
    ) -> list[Result]:
        works = [Work(change, self._earlier.get(change.key, NOTHING)) for change in members]
        try:
            return await self._results(lane, resource, steps, works)
        except Exception as error:  # noqa: BLE001 - a bug settles its own changes, and the report is written
            log_bug(f"target {lane.target}", error)
            self._context.bug = f"bug in reconciler: {bug(error)}; please report it: -v shows more"
            return [work.cut_off(self._context.bug) for work in works]

    async def _results(
        self, lane: Lane, resource: ResourceType, steps: tuple[Action, ...], works: list[Work]
    ) -> list[Result]:
        client = await self._clouds.client(lane.target)
        if isinstance(client, Fault):
            return [work.cut_off(str(client), client) for work in works]
        held_back = self._context.reason_to_stop() or lane.held_back or self._held_back
        if held_back:
            return [work.cut_off(held_back) for work in works]
        operations = [resource.operation(step) for step in steps]
        batch = Batch(client, resource, works, self._context, lane)
        return await batch.run([operation for operation in operations if operation is not None])
