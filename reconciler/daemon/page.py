"""The page of a daemon, and what it remembers in the database: how queues went over time, beside the runs there."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reconciler.backends.backlog import Backlog, read_backlog, write_backlog
from reconciler.backends.connect import connect
from reconciler.backends.history import History, RunFilter
from reconciler.daemon.cycle import LOGGER
from reconciler.exceptions import BackendError
from reconciler.reports.html.elements import Markup
from reconciler.reports.html.status import Standing, done, render_status_html, seen
from reconciler.tasks.task import Status

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from reconciler.backends.entries import RunRecord
    from reconciler.config.model import DatabaseUrl
    from reconciler.daemon.cycle import Cycle
    from reconciler.planning.plan import Plan

_SHOWN = 7 * 86_400_000
"""Milliseconds of the past that are drawn."""

_RUNS = 10


@dataclass(slots=True)
class Page:
    """Made anew after each cycle, so that no plan is held for it. `text` is empty before the first."""

    text: str = ""
    _seen: Markup = field(default_factory=Markup)
    _series: Mapping[str, Sequence[Backlog]] = field(default_factory=dict)
    _runs: Sequence[RunRecord] = ()
    _silent: bool = False

    async def remember(self, plan: Plan | None, backend: DatabaseUrl) -> None:
        """Write down what a plan saw, and read what was seen before. Where the database fails, the page has less."""
        try:
            self._series, self._runs = await asyncio.to_thread(_remembered, plan, backend)
            self._silent = False
        except BackendError as error:
            if not self._silent:
                LOGGER.warning("the page shows no past: %s", error.message)
            self._silent = True

    def show(self, cycle: Cycle, failures: Mapping[str, int], next_at: float | None) -> None:
        """Make the page of a cycle that ended."""
        if cycle.plan is not None:
            self._seen = seen(cycle.plan, failures)
        self.text = render_status_html(
            Standing(
                cycle.number,
                cycle.outcome,
                cycle.counts or "no plan",
                int(cycle.began),
                int(cycle.ended),
                None if next_at is None else int(next_at),
                cycle.error,
                cycle.outdated,
                self._seen,
                done(cycle.report) if cycle.report else Markup(),
                self._runs,
                self._series,
            )
        )


def _remembered(plan: Plan | None, url: DatabaseUrl) -> tuple[Mapping[str, Sequence[Backlog]], Sequence[RunRecord]]:
    now = time.time_ns() // 1_000_000
    backend = connect(url)
    if plan is not None:
        write_backlog(backend, _backlog(plan, now), now)
    return read_backlog(backend, now - _SHOWN, now), History(backend).runs(RunFilter(limit=_RUNS))


def _backlog(plan: Plan, now: int) -> Iterator[Backlog]:
    for resource in sorted({scope.resource for scope in plan.scopes}):
        scopes = [scope for scope in plan.scopes if scope.resource == resource]
        oldest = [1000 * scope.oldest_pending for scope in scopes if scope.oldest_pending is not None]
        pending = sum(scope.tasks.get(Status.PENDING.value, 0) for scope in scopes)
        yield Backlog(resource, now, pending, min(oldest, default=None), all(scope.complete for scope in scopes))
