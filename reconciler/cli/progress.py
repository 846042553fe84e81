"""What a long run says while it works: a line that moves on a terminal, log lines with -v."""

from __future__ import annotations

import contextlib
import logging
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.progress import Progress as Bar
    from rich.progress import TaskID

    from reconciler.engine.doctor import Examined
    from reconciler.planning.report import Result
    from reconciler.tasks.observation import Fault, Observation

_LOG = logging.getLogger("reconciler")


class Progress:
    """Counts listings and results. Shown on stderr, and only if that is a terminal."""

    def __init__(self) -> None:
        self._bar: Bar | None = None
        self._line: TaskID | None = None
        self._tasks = 0

    @contextlib.contextmanager
    def stage(self, what: str, total: int) -> Iterator[Progress]:
        """Show one stage of `total` steps while the context lasts."""
        if not sys.stderr.isatty() or not total:
            yield self
            return
        from rich.console import Console  # noqa: PLC0415 - slow to import, and rarely needed
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn  # noqa: PLC0415
        from rich.progress import Progress as RichProgress  # noqa: PLC0415

        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with RichProgress(*columns, console=Console(stderr=True), transient=True) as bar:
            self._bar, self._line = bar, bar.add_task(what, total=total)
            try:
                yield self
            finally:
                self._bar, self._line = None, None

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
        self._tasks += observation.total
        self.seen(observation)
        self._advance(f"Listing ({self._tasks:,} {'task' if self._tasks == 1 else 'tasks'})")

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
        self._advance("Applying")

    def examined(self, found: Examined) -> None:
        """A target was examined."""
        _LOG.info("examined %s: %s", found.target, found.verdict.value, extra={"facts": {"target": found.target}})
        self._advance("Examining")

    def _advance(self, what: str) -> None:
        if self._bar is not None and self._line is not None:
            self._bar.update(self._line, advance=1, description=what)


def _told(*, fault: Fault | None, **facts: str) -> dict[str, str]:
    """The fields of a line of the log."""
    return facts | ({"request_id": fault.request_id} if fault and fault.request_id else {})
