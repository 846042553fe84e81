"""The log on stderr, and the file of `--trace`: whatever is logged goes to one of them or to nobody."""

from __future__ import annotations

import json
import logging
import sys
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import IO, TYPE_CHECKING

from reconciler.cli.places import begin_private, check_place, is_stdout
from reconciler.cli.signals import held
from reconciler.exceptions import UsageError
from reconciler.providers.transport.trace import EVENTS, what_about
from reconciler.redaction import presentable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_LOG = logging.getLogger("reconciler")
_LEVELS = (logging.WARNING, logging.INFO, logging.DEBUG)


def _facts(record: logging.LogRecord) -> Mapping[str, object]:
    """What a record is about, and what it says beside its message."""
    around = {name: presentable(text) for name, text in what_about().items()}
    return {**around, **getattr(record, "facts", {})}


class _JsonLines(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        said = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": presentable(record.getMessage()),
        }
        return json.dumps({**said, **_facts(record)}, ensure_ascii=False)


class _Lines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return f"{self.formatTime(record, '%H:%M:%S')} {record.levelname.lower()}: {presentable(record.getMessage())}"


class _Stderr(logging.Handler):
    """Writes to what is stderr now: above the line that moves, where there is one."""

    def emit(self, record: logging.LogRecord) -> None:
        sys.stderr.write(f"{self.format(record)}\n")


class _TraceFile(logging.Handler):
    """One JSON object a line, each written at once: what is there survives however the program ends."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self.file: IO[bytes] | None = None

    def emit(self, record: logging.LogRecord) -> None:
        if self.file is None:
            return
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        line = json.dumps({"time": time, **_facts(record)}, ensure_ascii=False)
        try:
            with held():
                self.file.write(f"{line}\n".encode("utf-8", "backslashreplace"))
        except OSError as error:  # what is asked and done does not depend on who listens
            self.file = None
            why = f"cannot write {presentable(str(self.path))}: {error.strerror}; it ends here"
            say(f"Warning: --trace: {why}")


def say(text: str, level: int = logging.WARNING, message: str = "", **facts: object) -> None:
    """Write to stderr, whatever the level of the log; where that is JSON, an object of it, which has the `message`
    instead, where there is one, and these facts."""
    if any(isinstance(handler.formatter, _JsonLines) for handler in _LOG.handlers):
        _LOG.log(level, "%s", message or text, extra={"facts": facts})
    else:
        sys.stderr.write(f"{text}\n")


def start_logging(log_format: str, *, verbosity: int, trace: Path | None = None) -> None:
    """Log to stderr: warnings, from `verbosity` 1 on every listing and every result, from 2 on every request.

    Raises UsageError where the file of `trace` could not be written, or is stdout. It is written while `tracing`.
    """
    handler = _Stderr()
    handler.setFormatter(_JsonLines() if log_format == "json" else _Lines())
    _LOG.handlers[:] = [handler]
    _LOG.setLevel(_LEVELS[min(verbosity, 2)])
    _LOG.propagate = False
    EVENTS.propagate = False
    EVENTS.handlers[:] = []
    EVENTS.setLevel(logging.CRITICAL)
    if trace is not None:
        check_place("--trace", trace)
        if is_stdout(trace):
            raise UsageError("--trace: stdout is for what the command writes", "name a file, or /dev/stderr")
        EVENTS.handlers[:] = [_TraceFile(trace)]
        EVENTS.setLevel(logging.DEBUG)


@contextmanager
def tracing() -> Iterator[None]:
    """Write the file of `--trace`, if there is to be one, within this context: files that the command reads were read,
    and the network is next. Raises ReconcilerError where the file cannot be begun."""
    handler = next((each for each in EVENTS.handlers if isinstance(each, _TraceFile)), None)
    if handler is None:
        yield
        return
    with begin_private(handler.path) as file:
        handler.file = file
        try:
            yield
        finally:
            handler.file = None
