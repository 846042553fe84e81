"""What a command was asked to write, and how: to stdout, and to the files of its flags."""

from __future__ import annotations

import logging
import os
import shutil
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli.logs import say, start_logging
from reconciler.cli.options import (
    Elsewhere,
    color_option,
    filter_options,
    format_option,
    log_options,
    report_option,
    view_option,
)
from reconciler.cli.places import PRIVATE, PUBLIC, check_place, content, write, write_private
from reconciler.cli.saved_file import named_tasks
from reconciler.cli.signals import held
from reconciler.exceptions import ExitCode, ReconcilerError, UsageError, bug, innermost
from reconciler.planning.limits import Overrides
from reconciler.planning.report import Report
from reconciler.reports import FORMATS, METRICS, Measured, TaskView
from reconciler.reports.diagnostics import outcome_of
from reconciler.reports.registry import View, pieces, render

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from reconciler.planning.plan import Plan

_STOPS = (KeyboardInterrupt, click.Abort)

_NO_FILES: Mapping[str, Path | None] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Output:
    """What a command was asked to write, and how. `reports` are further outputs: format by file; `paths` those of
    the configuration, where there is one."""

    format: str
    color: bool
    verbose: bool
    reports: Mapping[Path, str]
    paths: tuple[str, ...] | None = None
    tasks: TaskView = TaskView.AUTO

    @classmethod
    def of(
        cls,
        output_format: str,
        color: str,
        *,
        verbose: bool = False,
        view: str = TaskView.AUTO,
        reports: Sequence[str] = (),
        files: Mapping[str, Path | None] = _NO_FILES,
        paths: Sequence[Path] | None = None,
    ) -> Output:
        """Check the flags of a command, before it does anything; `files` are those of other flags than `--report`.

        Raises UsageError for a `--report` that is not FORMAT=FILE, for two flags that name one file, and for a file
        that cannot be written.
        """
        wanted = _reports(reports)
        for flag, path in [*files.items(), *(("--report", path) for path in wanted)]:
            if path is not None:
                check_place(flag, path)
        named = [path.absolute() for path in (*files.values(), *wanted) if path is not None]
        if twice := next((path for path in named if named.count(path) > 1 and path != Path(os.devnull)), None):
            raise UsageError(f"{twice} is named twice", "give each output a file of its own")
        given = None if paths is None else tuple(map(str, paths))
        return cls(output_format, _wants_color(color), verbose, wanted, given, TaskView(view))

    @property
    def columns(self) -> int | None:
        """Cells of a line of the terminal; None where stdout is none, and lines may be as long as they are."""
        return shutil.get_terminal_size().columns if sys.stdout.isatty() else None

    def show(
        self, item: Plan | Report, now: int, saved_to: Sequence[Path] = (), measured: Measured | None = None
    ) -> ExitCode:
        """Write a plan or report to every file of `--report`, then to stdout.

        What can be written is written; what cannot is said on stderr, and makes the exit code ERROR instead of OK.
        """
        saved = tuple(map(str, saved_to))
        with held():
            code = self.save(item, now, saved, measured)
            try:
                write(render(item, self.format, self.view(now, saved)), self.format)
            except BrokenPipeError:
                # Whoever cut a plan off (`| head`) has seen enough of it. What was done is a different matter.
                if isinstance(item, Report):
                    say("Error: cannot write to stdout: its reader has gone", logging.ERROR)
                return ExitCode.ERROR
            except ReconcilerError as error:
                return _said(error)
        return code

    def view(self, now: int, saved_to: tuple[str, ...] = ()) -> View:
        """What renderings on stdout depend on."""
        return View(now, self.color, saved_to, self.paths, self.tasks, self.columns, job=_job(self))

    def save(
        self, item: Plan | Report, now: int, saved: tuple[str, ...] = (), measured: Measured | None = None
    ) -> ExitCode:
        """Write a plan or report to every file of `--report` only, as `show` does."""
        code = ExitCode.OK
        with held():
            for path, name in self.reports.items():
                view = replace(self.view(now, saved), color=False, columns=None, measured=measured)
                if name == METRICS:
                    view = replace(view, before=content(path))
                rendered = pieces(item) if name == "json" else partial(render, item, name, view)
                code = keep(path, rendered, PUBLIC if name == METRICS else PRIVATE) or code
        return code

    def save_failure(self, measured: Measured, now: int) -> ExitCode:
        """Write to the files of metrics, of those of `--report`, how a run ended that came to no plan and no report."""
        code = ExitCode.OK
        with held():
            for path in (path for path, name in self.reports.items() if name == METRICS):
                from reconciler.reports.metrics import render_failure  # noqa: PLC0415 - only where it is asked for

                code = keep(path, partial(render_failure, measured, now, content(path)), PUBLIC) or code
        return code

    @contextmanager
    def failing(self, command: str) -> Iterator[None]:
        """Where this context ends with an error, say so in the files of metrics: nothing else will be written to them,
        and whoever collects them would see the last run that went well for ever."""
        try:
            yield
        except BaseException as error:
            cause = innermost(error) if isinstance(error, BaseExceptionGroup) else error
            code = ExitCode.INTERRUPTED if isinstance(cause, _STOPS) else getattr(cause, "exit_code", ExitCode.ERROR)
            self.save_failure(Measured(command, outcome=outcome_of(ExitCode(code))), int(time.time()))
            raise


@dataclass(frozen=True, slots=True)
class Flags:
    """What the flags say that all commands share which work on the targets of a configuration: see `run_flags`."""

    targets: tuple[str, ...]
    verbose: int
    log_format: str
    trace: Path | None
    output_format: str = "text"
    policies: tuple[str, ...] = ()
    reports: tuple[str, ...] = ()
    color: str = "never"
    view: str = TaskView.AUTO
    tasks: tuple[str, ...] = ()
    tasks_file: Path | None = None
    shard: str | None = None
    executor: str | None = None
    scheduler: str | None = None
    max_actions: tuple[tuple[str | None, int], ...] = ()
    max_percent: tuple[tuple[str | None, int], ...] = ()

    @classmethod
    def of(cls, **given: Any) -> Flags:  # noqa: ANN401 - click's own
        """Take what click read, and start the log as it says."""
        flags = cls(**given)
        start_logging(flags.log_format, verbosity=flags.verbose, trace=flags.trace)
        return flags

    @property
    def elsewhere(self) -> Elsewhere:
        return Elsewhere(self.shard, self.executor, self.scheduler)

    @property
    def overrides(self) -> Overrides:
        """Raises UsageError for two numbers of one policy, or of all."""
        actions, percent = _by_policy("--max-actions", self.max_actions), _by_policy("--max-percent", self.max_percent)
        return Overrides(
            actions.get(None),
            percent.get(None),
            {name: number for name, number in actions.items() if name is not None},
            {name: number for name, number in percent.items() if name is not None},
        )

    @property
    def chosen(self) -> frozenset[str]:
        """The tasks that `--task` and `--tasks-file` name; none: all. Raises UsageError for a file that names none."""
        return frozenset((*self.tasks, *(named_tasks(self.tasks_file) if self.tasks_file else ())))

    def output(self, files: Mapping[str, Path | None] = _NO_FILES, paths: Sequence[Path] | None = None) -> Output:
        """As `Output.of`."""
        named = {**files, "--trace": self.trace}
        return Output.of(
            self.output_format,
            self.color,
            verbose=bool(self.verbose),
            view=self.view,
            reports=self.reports,
            files=named,
            paths=paths,
        )


def run_flags(
    *formats: str, policies: bool = True, reports: bool = False, color: bool = True
) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """The flags that commands share which work on targets; a command takes them as `**shared`, for `Flags.of`."""

    def flagged(command: Callable[..., int]) -> Callable[..., int]:
        command = log_options(command)
        command = color_option(command) if color else command
        command = view_option(report_option(command)) if reports else command
        command = format_option(*formats)(command) if formats else command
        return filter_options(command, policies=policies)

    return flagged


def _job(output: Output) -> tuple[str, str] | None:
    """The job of a CI system that this is, for those who read its page."""
    if "html" not in {output.format, *output.reports.values()}:
        return None
    from reconciler.engine.authorship import recognised  # noqa: PLC0415 - for pages only
    from reconciler.review.job import origin_of  # noqa: PLC0415 - for pages only

    place = recognised(os.environ)
    return origin_of(place, os.environ).job if place else None


def _by_policy(flag: str, given: Sequence[tuple[str | None, int]]) -> dict[str | None, int]:
    found: dict[str | None, int] = {}
    for policy, number in given:
        if policy in found:
            raise UsageError(f"{flag}: two numbers are given for {policy or 'every policy'}", "give one of them")
        found[policy] = number
    return found


def keep(path: Path, rendered: Callable[[], str | Iterable[bytes]], mode: int = PRIVATE) -> ExitCode:
    """Write what is `rendered` to a file. Where that fails it is said on stderr, and the exit code is ERROR."""
    try:
        write_private(path, rendered, mode)
    except ReconcilerError as error:
        return _said(error)
    except Exception as error:  # noqa: BLE001 - what was done must be told, whichever format has a bug
        return _said(ReconcilerError(f"{path} was not written: internal error: {bug(error)}"))
    return ExitCode.OK


def _said(error: ReconcilerError) -> ExitCode:
    say(f"Error: {error.message}", logging.ERROR)
    return ExitCode.ERROR


def _reports(texts: Sequence[str]) -> dict[Path, str]:
    found: dict[Path, str] = {}
    for path, name in map(_report, texts):
        if path in found:
            raise UsageError(f"--report: {path} is named twice", "give each format a file of its own")
        found[path] = name
    return found


def _report(text: str) -> tuple[Path, str]:
    name, separator, path = text.partition("=")
    if not separator or not path or name not in FORMATS:
        raise UsageError(f"--report {text}: expected FORMAT=FILE, with one of {', '.join(FORMATS)}")
    return Path(path), name


def _wants_color(choice: str) -> bool:
    """The flag first, then NO_COLOR (https://no-color.org), FORCE_COLOR and the terminal."""
    if choice != "auto":
        return choice == "always"
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
