"""What a long run says while it works: a line that moves on a terminal, log lines with -v."""

from __future__ import annotations

import contextlib
import json
import logging
import sys
from typing import TYPE_CHECKING

from reconciler.redaction import presentable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.progress import Progress as Bar
    from rich.progress import TaskID

    from reconciler.planning.report import Result
    from reconciler.tasks.observation import Observation

_LOG = logging.getLogger("reconciler")


class _JsonLines(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        facts = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": presentable(record.getMessage()),
        }
        return json.dumps(facts, ensure_ascii=False)


class _Lines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return f"{self.formatTime(record, '%H:%M:%S')} {record.levelname.lower()}: {presentable(record.getMessage())}"


def start_logging(log_format: str, *, verbose: bool) -> None:
    """Log to stderr: warnings, and with `verbose` every listing and every result."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonLines() if log_format == "json" else _Lines())
    _LOG.handlers[:] = [handler]
    _LOG.setLevel(logging.INFO if verbose else logging.WARNING)
    _LOG.propagate = False


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
        )

    def settled(self, result: Result) -> None:
        """A change has its outcome."""
        _LOG.info("%s: %s %s", result.id, result.outcome.value, result.detail)
        self._advance("Applying")

    def _advance(self, what: str) -> None:
        if self._bar is not None and self._line is not None:
            self._bar.update(self._line, advance=1, description=what)
