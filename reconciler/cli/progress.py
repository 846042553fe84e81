"""What a long run says while it works: a line that moves on a terminal, log lines with -v."""

from __future__ import annotations

import contextlib
import logging
import sys
import time
from collections import deque
from typing import TYPE_CHECKING

from reconciler.planning.report import Outcome
from reconciler.providers.transport.trace import watching

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.progress import Progress as Bar
    from rich.progress import TaskID

    from reconciler.engine.doctor import Examined
    from reconciler.engine.interruption import Interruption
    from reconciler.planning.report import Result
    from reconciler.tasks.observation import Fault, Observation

_LOG = logging.getLogger("reconciler")

SCOPES = "scopes"
"""Steps that are of very different length."""

_RECENTLY = 10.0
"""Seconds by whose requests the pace is told."""
_SETTLING = 3.0
"""Seconds before pace and time left are told, which would jump about."""
_FEW = 20
"""Steps before the time left is told: they come in batches."""
_WIDTH = 16
_LONG = 2.0
"""Seconds of a wait that is told; shorter ones are the pace."""


class Gauge:
    """What is known of one stage: its steps, pages and requests so far, and what follows for the rest of it.

    Implements `reconciler.providers.transport.trace.Watch`. `estimate` are the seconds that it takes by what was known
    before it began, 0 where nothing was; `monotonic` is in seconds.
    """

    def __init__(
        self,
        unit: str,
        total: int,
        stopping: Callable[[], bool] = lambda: False,
        monotonic: Callable[[], float] = time.monotonic,
        *,
        estimate: int = 0,
    ) -> None:
        self._unit = unit
        self._total = total
        self._stopping = stopping
        self._monotonic = monotonic
        self._estimate = estimate
        self._answers: deque[float] = deque(maxlen=10_000)
        self._first: float | None = None
        self._resumes = float("-inf")
        self._expected = 0
        self._seen = 0
        self._done = 0
        self._done_from: float | None = None
        self._left_out = 0

    def answered(self) -> None:
        now = self._monotonic()
        self._first = now if self._first is None else self._first
        self._answers.append(now)

    def waits(self, seconds: float) -> None:
        self._resumes = self._monotonic() + seconds

    def expects(self, pages: int) -> None:
        self._expected += pages

    def page(self) -> None:
        self._seen += 1

    def step(self, *, left_out: bool = False) -> None:
        """One of the steps is done, or will not be taken."""
        if left_out:
            self._left_out += 1
            return
        self._done += 1
        self._done_from = self._monotonic() if self._done_from is None else self._done_from

    @property
    def share(self) -> float:
        """How much of the stage is done, from 0 to 1: of a listing by its pages, where they tell more than scopes."""
        steps = self._done / self._total if self._total else 1.0
        by_pages = self._unit == SCOPES and self._expected > self._total
        return min(1.0, max(steps, self._seen / self._expected if by_pages else 0.0))

    def text(self) -> str:
        """The stage in some fifty characters."""
        parts = [f"{self._done}/{self._total} {self._unit}"]
        if self._left_out:
            parts.append(f"{self._left_out} not attempted")
        if self._expected:
            parts.append(f"{self._seen}/{max(self._seen, self._expected)} pages")
        elif self._seen:
            parts.append(f"{self._seen} {'page' if self._seen == 1 else 'pages'}")
        return ", ".join([*parts, *self._way()])

    def _way(self) -> Iterator[str]:
        """How it goes on."""
        now = self._monotonic()
        if self._stopping():
            yield "stopping: calls under way end"
        elif (wait := self._resumes - now) > _LONG:
            yield f"waiting {wait:.0f} s for a quota"
        elif self._first is not None and now - self._first >= _SETTLING:
            window = min(_RECENTLY, now - self._first)
            recent = sum(moment >= now - window for moment in self._answers.copy())  # which grows meanwhile
            yield f"{60 * recent / window:,.0f}/min"
            if (left := self._left(now, recent / window)) is not None:
                yield f"about {_spelt(left)} left"

    def _left(self, now: float, pace: float) -> float | None:
        """Seconds that the rest takes if it goes on so; None where that cannot be told."""
        if self._expected > self._seen:
            return (self._expected - self._seen) / pace if pace else None
        rest = self._total - self._done - self._left_out
        if self._unit == SCOPES or not rest:
            return None
        if self._done_from is None or self._done < _FEW:
            rest_by_estimate = self._estimate - (now - (self._first or now))
            return rest_by_estimate if rest_by_estimate > 0 else None
        begun = (
            self._done_from if self._expected or self._first is None else self._first
        )  # what was listed took its time
        return rest * (now - begun) / self._done


def _spelt(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


class Progress:
    """Counts listings and results. Shown on stderr, and only if that is a terminal.

    Once the `interruption` was asked for, nothing is promised any more.
    """

    def __init__(self, interruption: Interruption | None = None) -> None:
        self._bar: Bar | None = None
        self._line: TaskID | None = None
        self._gauge = Gauge("", 0)
        self._interruption = interruption

    @contextlib.contextmanager
    def stage(self, what: str, total: int, unit: str = SCOPES, *, estimate: int = 0) -> Iterator[Progress]:
        """Show one stage of `total` steps, which is expected to take `estimate` seconds, while the context lasts."""
        if not sys.stderr.isatty() or not total:
            yield self
            return
        from rich.console import Console  # noqa: PLC0415 - slow to import, and rarely needed
        from rich.progress import Progress as RichProgress  # noqa: PLC0415
        from rich.progress import ProgressColumn, TextColumn  # noqa: PLC0415
        from rich.progress import Task as Line  # noqa: PLC0415
        from rich.progress_bar import ProgressBar  # noqa: PLC0415
        from rich.text import Text  # noqa: PLC0415

        gauge = self._gauge = Gauge(unit, total, self._is_stopping, estimate=estimate)

        # Both are made anew each time that the line is drawn: a wait gets shorter by itself.
        class Drawn(ProgressColumn):
            def render(self, _: Line) -> ProgressBar:
                return ProgressBar(total=1.0, completed=gauge.share, width=_WIDTH)

        class Told(ProgressColumn):
            def render(self, _: Line) -> Text:
                return Text(gauge.text(), no_wrap=True, overflow="ellipsis")

        columns = (TextColumn("{task.description}"), Drawn(), Told())
        with RichProgress(*columns, console=Console(stderr=True), transient=True) as bar, watching(gauge):
            self._bar, self._line = bar, bar.add_task(what)
            try:
                yield self
            finally:
                self._bar, self._line = None, None

    def _is_stopping(self) -> bool:
        return self._interruption is not None and self._interruption.asked

    @contextlib.contextmanager
    def hidden(self) -> Iterator[None]:
        """Leave the terminal to a question that comes before the stage."""
        bar, line = self._bar, self._line
        if bar is None or line is None:
            yield
            return
        bar.stop()
        yield
        bar.reset(line)
        bar.start()

    def listed(self, observation: Observation) -> None:
        """A scope was listed, which is a step of the stage."""
        self.seen(observation)
        self._gauge.step()

    def seen(self, observation: Observation) -> None:
        """A scope was listed on the way to something else."""
        scope = observation.scope
        state = observation.completeness.value
        _LOG.info(
            "listed %s on %s: %d tasks, %d requests, %s",
            scope.resource,
            scope.target,
            observation.total,
            observation.requests,
            state,
            extra={"facts": _told(target=scope.target, resource=scope.resource, fault=observation.fault)},
        )

    def settled(self, result: Result) -> None:
        """A change has its outcome."""
        facts = _told(
            target=result.target,
            resource=result.resource,
            policy=", ".join(result.policies),
            change=result.id,
            outcome=result.outcome.value,
            fault=result.error,
        )
        _LOG.info("%s: %s %s", result.id, result.outcome.value, result.detail, extra={"facts": facts})
        self._gauge.step(left_out=result.outcome is Outcome.NOT_ATTEMPTED)

    def examined(self, found: Examined) -> None:
        """A target was examined."""
        _LOG.info("examined %s: %s", found.target, found.verdict.value, extra={"facts": {"target": found.target}})
        self._gauge.step()


def _told(*, fault: Fault | None, **facts: str) -> dict[str, str]:
    """The fields of a line of the log."""
    return facts | ({"request_id": fault.request_id} if fault and fault.request_id else {})
