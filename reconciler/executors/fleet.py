"""A session whose accounts others work on: units go out to an executor, parts of a plan or a report come back."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from reconciler.config.checkout import checked_out
from reconciler.diagnostics import Severity
from reconciler.documents.files import PLAN_FILE, whole
from reconciler.engine.apply_run import requests_by_target
from reconciler.engine.saved_plan import check_agreed, limits_given
from reconciler.engine.session import Session, timed
from reconciler.engine.shared_run import shared_run
from reconciler.engine.world import check_overrides
from reconciler.exceptions import BackendError, InvalidPlan, UsageError
from reconciler.executors.dispatch import dispatched
from reconciler.executors.fleet_run import FleetRun, by_unit
from reconciler.executors.partition import longest_first, partition_digest, units
from reconciler.executors.work import Answer, Opening, Order, sent
from reconciler.planning.limits import Overrides
from reconciler.planning.part import Shard
from reconciler.planning.plan import Sources
from reconciler.planning.planner import written_notes
from reconciler.planning.policy_plan import Note, Source
from reconciler.planning.report import Report
from reconciler.providers.transport.caller import Tally
from reconciler.tasks.observation import Fault, Meaning, Observation

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence
    from pathlib import Path
    from typing import Self

    from reconciler.config.model import Configuration
    from reconciler.engine.apply_run import ApplyOptions
    from reconciler.engine.approval import Approval
    from reconciler.engine.interruption import Interruption
    from reconciler.engine.shared_run import SharedRun
    from reconciler.executors.partition import Unit
    from reconciler.executors.pool import Pool
    from reconciler.planning.plan import Plan

NO_OVERRIDES = Overrides()


def _nothing(_: object) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Unheld:
    """What a fleet holds of locks."""

    locked: Mapping[str, object] = field(default_factory=dict)


class Fleet:
    """As a `Session`, made by `Fleet.open`; what it lists and calls, workers do, each for one account at a time.

    A unit that comes to nothing is the error of its targets; the others go on. Applying needs PostgreSQL, which all
    workers share. Calls are locked, and written down, by whoever makes them.
    """

    def __init__(self, session: Session, opening: Opening, files: bytes, pool: Callable[[], Pool]) -> None:
        self._session = session
        self._opening = opening
        self._files = files
        self._open_pool = pool
        self._pool: Pool | None = None
        self._shared: object = None
        self._left_out: Mapping[str, Fault] = {}
        self.took: dict[str, float] = {}
        """Seconds that the last plan took to `list`, and what was done with one to `apply`."""
        self.traffic: dict[tuple[str, str], Tally] = {}
        """The requests that the workers made so far, by target and service."""

    @classmethod
    def open(
        cls,
        paths: Sequence[Path],
        pool: Callable[[], Pool],
        *,
        target: Sequence[str] = (),
        policy: Sequence[str] = (),
        task: frozenset[str] = frozenset(),
        now: int | None = None,
        lock_timeout: int = 0,
        interruption: Interruption | None = None,
    ) -> Fleet:
        """As `Session.open`. `pool` is opened with the context, and gives the executor."""

        def opened() -> Session:
            return Session.open(paths, target=target, policy=policy, task=task, now=now, interruption=interruption)

        session, checkout = checked_out(paths, opened)
        names = tuple(sorted(task))
        fingerprint = session.configuration.fingerprint
        opening = Opening(tuple(target), tuple(policy), names, lock_timeout, now, fingerprint)
        return cls(session, opening, sent(checkout), pool)

    def again(self) -> Fleet:
        """Another one of the same configuration, as it was read for this one."""
        return Fleet(self._session.again(), self._opening, self._files, self._open_pool)

    async def __aenter__(self) -> Self:
        self._pool = await asyncio.to_thread(self._open_pool)
        self._shared = await asyncio.to_thread(self._pool.hand, self._files)
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self._pool is not None:
            await asyncio.to_thread(self._pool.close)

    @property
    def configuration(self) -> Configuration:
        """What is worked with: all targets, and those policies that it is narrowed to."""
        return self._session.configuration

    @property
    def now(self) -> int:
        """The clock, in seconds since the epoch (UTC)."""
        return self._session.now

    def leave_out(self, faults: Mapping[str, Fault]) -> None:
        """Send nothing to these targets, for these reasons: what is listed there counts as failed."""
        self._left_out = {**self._left_out, **faults}

    @asynccontextmanager
    async def hold(self) -> AsyncIterator[Unheld]:
        """Nothing is held here: who makes calls takes the locks, of the unit that they are for."""
        yield Unheld()

    # -- planning --------------------------------------------------------------------------------------------------
    async def plan(
        self,
        overrides: Overrides = NO_OVERRIDES,
        *,
        expires_in: int | None = None,
        on_listed: Callable[[Observation], None] = _nothing,
    ) -> Plan:
        """As `Session.plan`: one plan, whose guards are held against what all units ask for together."""
        check_overrides(overrides, self.configuration)
        found = units(self.configuration)
        with timed(self.took, "list"):
            if not found:
                return await self._session.plan(overrides, expires_in=expires_in)
            orders = [
                Order(self._opening, unit.targets, shard, overrides, expires_in, left_out=self._faults(unit.targets))
                for unit, shard in zip(found, self._shards(found), strict=True)
            ]
            parts: list[Plan] = []
            async for order, answer in self._answers(orders):
                part = await self._part(found[order.shard.index], order, answer)
                for scope in part.scopes:
                    on_listed(Observation(scope.key, (), scope.requests, scope.completeness, scope.error))
                parts.append(part)
            return self._whole(parts)

    def _shards(self, found: Sequence[Unit]) -> list[Shard]:
        digest = partition_digest(self.configuration, self._session.chosen, [[unit] for unit in found])
        return [Shard(index, len(found), digest) for index in range(len(found))]

    async def _part(self, unit: Unit, order: Order, answer: Answer) -> Plan:
        """The part that a worker made or, where it is none of this unit, one in which nothing could be listed."""
        error = answer.error
        try:
            if not error:
                plan = PLAN_FILE.read(answer.document)
                scopes = {scope.key for scope in plan.scopes}
                if plan.part is not None and plan.part.shard == order.shard and scopes == {*unit.scopes}:
                    return plan
                error = f"worker {answer.worker} answered with another part than it was asked for"
        except InvalidPlan as invalid:
            error = f"worker {answer.worker}: {invalid.message}"
        session = self._session.part(order.targets, order.shard)
        session.leave_out(dict.fromkeys(order.targets, Fault(Meaning.UNREACHABLE, error)))
        async with session:
            return await session.plan(order.overrides, expires_in=order.expires_in)

    def _whole(self, parts: Sequence[Plan]) -> Plan:
        """The plan that the parts are of, with what is written as it is written here."""
        plan = whole(parts)
        assert not isinstance(plan, Report)  # noqa: S101 - told to mypy
        configuration = self.configuration
        places = {name: policy.location for name, policy in configuration.policies.items()}
        notes = dict.fromkeys((*written_notes(configuration), *plan.diagnostics))
        return replace(
            plan,
            configuration=Sources(configuration.fingerprint, tuple(map(str, configuration.files))),
            policies=tuple(
                replace(policy, source=Source(place.file, place.line) if (place := places.get(policy.name)) else None)
                for policy in plan.policies
            ),
            diagnostics=tuple(notes),
        )

    # -- applying --------------------------------------------------------------------------------------------------
    async def apply(
        self,
        plan: Plan | None,
        approval: Approval,
        options: ApplyOptions,
        *,
        overrides: Overrides = NO_OVERRIDES,
    ) -> Report:
        """As `Session.apply` of a saved plan, each unit by the worker that has it: one run, and one report."""
        if not self.configuration.settings.backend.startswith("postgresql"):
            raise UsageError(
                "with --executor, calls are made by several processes, which need a database that all of them share",
                "set settings.backend to a PostgreSQL database that the workers reach as well",
            )
        made = plan or await self.plan(overrides, on_listed=options.on_listed)
        saved = approval.bounded(made)
        check_overrides(overrides, self.configuration)
        limits = limits_given(saved, approval, overrides)
        check_agreed(saved, approval, self.configuration.fingerprint, int(time.time()))
        acted = self._session.concerned(saved)
        excluded = saved.excluded if plan is None else len(saved.changes) - len(acted.changes)
        with timed(self.took, "apply"):
            lock_timeout = self._opening.lock_timeout
            async with shared_run(
                self.configuration,
                saved,
                acted.changes,
                approval,
                commit=self._session.commit,
                excluded=excluded,
                wait=lock_timeout,
            ) as run:
                self._session.interruption.drain()
                parts = await self._parts(run, acted)
                until = None if options.stop_at is None else time.time() + options.stop_at - options.monotonic()
                orders = [
                    Order(
                        self._opening,
                        unit.targets,
                        shard,
                        limits,
                        plan=PLAN_FILE.text(part).encode(),
                        part=run.part(unit.key),
                        until=until,
                        stop_on_error=options.stop_on_error,
                        left_out=self._faults(unit.targets),
                    )
                    for (unit, part), shard in zip(parts, self._shards([unit for unit, _ in parts]), strict=True)
                ]
                going = FleetRun(run, acted, options, self._session.interruption, self._answers)
                report = await going.carry_out(orders, [part for _, part in parts])
                report = replace(report, plan_digest=saved.digest, targets=saved.targets, excluded=excluded)
                try:
                    await run.finish(report, requests_by_target(self.traffic))
                except BackendError as error:
                    note = Note(Severity.ERROR, error.message)
                    report = replace(report, errored=True, diagnostics=(*report.diagnostics, note))
                return report

    async def _parts(self, run: SharedRun, plan: Plan) -> list[tuple[Unit, Plan]]:
        """What each account has to do, the longest first, where there is something."""
        return by_unit(plan, longest_first(units(self.configuration), await run.last_requests()))

    async def _answers(
        self, orders: Sequence[Order], stopping: Callable[[], bool] = lambda: False
    ) -> AsyncIterator[tuple[Order, Answer]]:
        """Each order with its answer, as they come."""
        if self._pool is None:
            raise UsageError("the fleet is not open", "use it as an asynchronous context manager")
        async with aclosing(dispatched(orders, self._pool, self._shared, stopping)) as answers:
            async for order, answer in answers:
                for target, service, requests, throttled, retried in answer.traffic:
                    tally = self.traffic.setdefault((target, service), Tally())
                    tally.add(Tally(requests, throttled, retried))
                yield order, answer

    def _faults(self, targets: Sequence[str]) -> tuple[tuple[str, str, str], ...]:
        found = ((name, self._left_out[name]) for name in targets if name in self._left_out)
        return tuple((name, fault.meaning.value, str(fault)) for name, fault in found)


Front = Session | Fleet
"""What commands plan and apply with."""
