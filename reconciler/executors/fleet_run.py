"""A run whose changes the workers of a fleet make, each those of one account."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from reconciler.diagnostics import Severity
from reconciler.documents.files import REPORT_FILE
from reconciler.engine.apply_run import refusals
from reconciler.engine.work import NOTHING, Work
from reconciler.exceptions import BackendError, InvalidPlan
from reconciler.planning.policy_plan import Note
from reconciler.planning.report import Outcome, Report, Result
from reconciler.tasks.timestamps import Timestamp

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Sequence

    from reconciler.engine.apply_run import ApplyOptions
    from reconciler.engine.interruption import Interruption
    from reconciler.engine.shared_run import SharedRun
    from reconciler.executors.partition import Unit
    from reconciler.executors.work import Answer, Order
    from reconciler.planning.plan import Plan

_WRONG = frozenset({Outcome.FAILED, Outcome.UNKNOWN})


@dataclass(slots=True)
class FleetRun:
    """Hands out the orders of a run that has begun, and puts together what comes back.

    `answers` gives each order with its answer; it stops handing out where the callable that it is given says so.
    """

    run: SharedRun
    plan: Plan
    options: ApplyOptions
    interruption: Interruption
    answers: Callable[[Sequence[Order], Callable[[], bool]], AsyncIterator[tuple[Order, Answer]]]
    held_back: str = ""
    """Why nothing more is handed out."""
    faults: list[str] = field(default_factory=list)
    """What could not be written down."""
    results: dict[str, Result] = field(default_factory=dict)

    async def carry_out(self, orders: Sequence[Order], parts: Sequence[Plan]) -> Report:
        """The report of all. `parts` are the plans of the orders, by the index of their shard. Never raises for what
        becomes of an order, or of the database."""
        started = Timestamp(time.time())
        reports: list[Report] = []
        telling = asyncio.ensure_future(self._tell_to_stop())
        try:
            async for order, answer in self.answers(orders, self._is_stopping):
                part = parts[order.shard.index]
                if answer.over and self._is_stopping():
                    self._settle(await self._without_report(order, part, self._why))
                    continue
                report = await self._report(order, answer, part)
                reports.append(report)
                self._settle(report.results)
                await self._judge(report)
        finally:
            telling.cancel()
        left = [Work(one).cut_off(self._why) for one in self.plan.changes if one.id not in self.results]
        await self._conclude(left)
        self._settle(left)
        told = dict.fromkeys(note for report in reports for note in report.diagnostics)
        faults = [Note(Severity.ERROR, fault) for fault in dict.fromkeys(self.faults)]
        return Report(
            run_id=self.run.run_id,
            tool_version=self.plan.tool_version,
            plan_digest=self.plan.digest,
            started_at=started,
            finished_at=Timestamp(time.time()),
            results=tuple(self.results[change.id] for change in self.plan.changes),
            blocked=self.plan.blocked_for_acting,
            errored=bool(faults) or self.plan.errored or any(report.errored for report in reports),
            refused=self.plan.breached or any(report.refused for report in reports),
            locked=tuple(sorted({name for report in reports for name in report.locked})),
            blocked_fails=self.plan.blocked_fails,
            fail_on=self.options.fail_on,
            interrupted=self.interruption.exit_code,
            diagnostics=(*told, *refusals(self.plan), *faults),
        )

    def _is_stopping(self) -> bool:
        return self.interruption.asked or bool(self.held_back)

    @property
    def _why(self) -> str:
        """Why what is left is not done."""
        why = "the run was interrupted" if self.interruption.asked else self.held_back
        return why or "no policy looks at its target any more"

    async def _tell_to_stop(self) -> None:
        """Hand on to those who work that somebody asked to stop."""
        await self.interruption.wait()
        with suppress(BackendError):  # they end with their own signal, or with their units
            await self.run.stop()

    async def _judge(self, report: Report) -> None:
        """Hold back what is left once a change did not succeed, where that is wished for."""
        wrong = next((one for one in report.results if one.outcome in _WRONG), None)
        if self.options.stop_on_error and wrong is not None and not self.held_back:
            self.held_back = f"an earlier change did not succeed ({wrong.id})"
            with suppress(BackendError):
                await self.run.stop()

    def _settle(self, results: Iterable[Result]) -> None:
        for result in results:
            self.results[result.id] = result
            self.options.on_result(result)

    async def _report(self, order: Order, answer: Answer, part: Plan) -> Report:
        """What the worker reports; where that is not about its part, what is known of it here."""
        error = answer.error
        try:
            if not error:
                report = REPORT_FILE.read(answer.document)
                given, told = ({one.key for one in made} for made in (part.changes, report.results))
                if report.run_id == self.run.run_id and told == given:
                    return report
                error = f"worker {answer.worker} reports on other changes than it was given"
        except InvalidPlan as invalid:
            error = f"worker {answer.worker}: {invalid.message}"
        results = await self._without_report(order, part, error)
        now = Timestamp(time.time())
        return Report(
            run_id=self.run.run_id,
            tool_version=part.tool_version,
            plan_digest=part.digest,
            started_at=now,
            finished_at=now,
            results=results,
            errored=not answer.locked,
            locked=order.targets if answer.locked else (),
            diagnostics=tuple(Note(Severity.ERROR, error, target) for target in order.targets),
        )

    async def _without_report(self, order: Order, part: Plan, why: str) -> tuple[Result, ...]:
        """By the journal alone: what was intended may have been sent. Where it does not answer, all may have been."""
        try:
            sent = await self.run.called(order.targets)
        except BackendError as fault:
            self.faults.append(fault.message)
            return tuple(Result.of(one, Outcome.UNKNOWN, why) for one in part.changes)
        results = tuple(Work(one, sent.get(one.key, NOTHING)).cut_off(why) for one in part.changes)
        await self._conclude(results)
        return results

    async def _conclude(self, results: Sequence[Result]) -> None:
        try:
            await self.run.conclude(results)
        except BackendError as fault:
            self.faults.append(fault.message)


_LISTS = ("scopes", "changes", "blocked", "protected", "refused", "reported")
"""What a plan says of single targets."""


def by_unit(plan: Plan, units: Sequence[Unit]) -> list[tuple[Unit, Plan]]:
    """What a plan says of the targets of each unit of which it changes something, in the order of the units."""
    unit_of = {name: unit.key for unit in units for name in unit.targets}
    found: defaultdict[str, defaultdict[str, list[Any]]] = defaultdict(lambda: defaultdict(list))
    for name in _LISTS:
        for one in getattr(plan, name):
            if one.target in unit_of:
                found[unit_of[one.target]][name].append(one)

    def part(unit: Unit) -> Plan:
        of_it: dict[str, Any] = {name: tuple(found[unit.key][name]) for name in _LISTS}
        return replace(plan, **of_it)

    return [(unit, part(unit)) for unit in units if found[unit.key]["changes"]]
