"""The applier: makes the calls of a plan, reads every task back, and says what became of each change."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from types import MappingProxyType
from typing import TYPE_CHECKING

from reconciler.engine.batch import Batch
from reconciler.engine.clouds import log_bug
from reconciler.engine.work import BatchContext, Lane, Work
from reconciler.exceptions import bug
from reconciler.planning.report import Outcome, Result
from reconciler.tasks.observation import Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from reconciler.engine.clouds import Clouds
    from reconciler.planning.change import Change
    from reconciler.tasks.resource_type import Action, Catalogue, ResourceType

__all__ = ["BATCH_SIZE", "Applier"]

BATCH_SIZE = 10
"""Changes that go through their steps together: as many ids as the clouds read back, or cancel, in one call."""

READ_TOGETHER = 500
"""The same where so many ids are no one call: read back together, they may cost a list of a few pages instead."""


class Applier:
    """Executes changes. Those of one scope with the same steps go in batches; targets go side by side.

    `calls_in_flight` bounds the calls of one target that are under way at once, `batches_in_flight` the batches that
    they come from or are read back for. With `stop_on_error` the first change that fails or has no verdict keeps new
    batches from starting. `locked` says of targets why they are sent nothing at all.
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
        on_result: Callable[[Result], None] = lambda _: None,
    ) -> None:
        self._clouds = clouds
        self._catalogue = catalogue
        self._context = context
        self._batches_in_flight = batches_in_flight
        self._calls_in_flight = calls_in_flight
        self._stop_on_error = stop_on_error
        self._locked = locked
        self._on_result = on_result
        self._held_back = ""
        """Why nothing more is sent to any target."""

    async def apply(self, changes: Sequence[Change]) -> tuple[Result, ...]:
        """Carry out `changes`, once each, and return one result for each, in their order.

        Never raises for what a cloud does. Interrupted, it drains the batches in flight and leaves the rest.
        """
        results: dict[str, Result] = {}
        async with asyncio.TaskGroup() as group:
            for target, batches in self._batches(changes).items():
                lane = Lane(
                    target,
                    asyncio.Semaphore(self._batches_in_flight),
                    asyncio.Semaphore(self._calls_in_flight),
                    self._locked.get(target, ""),
                )
                for resource, steps, members in batches:
                    group.create_task(self._run(lane, resource, steps, members, results))
        return tuple(results[change.id] for change in changes)

    def _batches(
        self, changes: Iterable[Change]
    ) -> dict[str, list[tuple[ResourceType, tuple[Action, ...], list[Change]]]]:
        alike: dict[tuple[str, str, tuple[Action, ...]], list[Change]] = defaultdict(list)
        for change in changes:
            alike[change.target, change.resource, change.steps].append(change)
        batches: dict[str, list[tuple[ResourceType, tuple[Action, ...], list[Change]]]] = defaultdict(list)
        for (target, resource, steps), members in alike.items():
            row = self._catalogue.resource_types[resource]
            size = self._size(row)
            for start in range(0, len(members), size):
                batches[target].append((row, steps, members[start : start + size]))
        return batches

    def _size(self, resource: ResourceType) -> int:
        """Changes to a batch. An error stops the next batch, so that they are small where one is to stop the run."""
        return BATCH_SIZE if self._stop_on_error or resource.listing.calls(BATCH_SIZE) == 1 else READ_TOGETHER

    async def _run(
        self,
        lane: Lane,
        resource: ResourceType,
        steps: tuple[Action, ...],
        members: list[Change],
        results: dict[str, Result],
    ) -> None:
        works = [Work(change) for change in members]
        async with lane.batches:
            try:
                outcome = await self._results(lane, resource, steps, works)
            except Exception as error:  # noqa: BLE001 - a bug settles its own changes, and the report is written
                log_bug(f"target {lane.target}", error)
                self._context.bug = f"bug in reconciler: {bug(error)}; please report it: -v shows more"
                outcome = [_cut_off(work, self._context.bug) for work in works]
        for result in outcome:
            if result.error is not None:
                lane.learn(result.error)
            if self._stop_on_error and result.outcome in {Outcome.FAILED, Outcome.UNKNOWN}:
                self._held_back = self._held_back or f"an earlier change did not succeed ({result.id})"
            results[result.id] = result
            self._on_result(result)

    async def _results(
        self, lane: Lane, resource: ResourceType, steps: tuple[Action, ...], works: list[Work]
    ) -> list[Result]:
        client = await self._clouds.client(lane.target)
        if isinstance(client, Fault):
            return [_not_attempted(work.change, str(client), client) for work in works]
        held_back = self._context.reason_to_stop() or lane.held_back or self._held_back
        if held_back:
            return [_not_attempted(work.change, held_back) for work in works]
        operations = [resource.operation(step) for step in steps]
        batch = Batch(client, resource, works, self._context, lane)
        return await batch.run([operation for operation in operations if operation is not None])


def _cut_off(work: Work, why: str) -> Result:
    """The result of a change whose batch raised: what is known of it, else whether a call may have been sent."""
    if work.result is not None:
        return work.result
    outcome = Outcome.NOT_ATTEMPTED if work.started_ms is None else Outcome.UNKNOWN
    now = work.now.status.value if work.now else None
    return Result.of(
        work.change, outcome, why, now=now, error=work.answer, calls=work.calls, started_ms=work.started_ms
    )


def _not_attempted(change: Change, why: str, fault: Fault | None = None) -> Result:
    return Result.of(change, Outcome.NOT_ATTEMPTED, why, error=fault)
