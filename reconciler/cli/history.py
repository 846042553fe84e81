"""`reconciler history [RUN]`, `reconciler history verify`, and `reconciler history unlock [GROUP]`."""

from __future__ import annotations

import os
import re
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.backends.connect import database_file
from reconciler.backends.history import History, RunFilter
from reconciler.backends.upgrade import NoJournal
from reconciler.backends.verification import nothing_there
from reconciler.cli.options import argument, flag, format_option, verbose_flag
from reconciler.cli.places import is_agreed, somebody_is_there, write
from reconciler.config.loader import load_configuration
from reconciler.exceptions import BackendError, ExitCode, InvalidError, RefusedError, UsageError
from reconciler.planning.plan import RunOutcome
from reconciler.planning.report import Outcome
from reconciler.providers.registry import catalogue
from reconciler.reports.cells import counted
from reconciler.reports.run_history import (
    PRUNING,
    UNFINISHED,
    UNLOCKING,
    VERIFICATION,
    Pruning,
    Unlocking,
    render_change_line,
    render_run_json,
    render_run_text,
    render_runs_json,
    render_runs_text,
    render_verdict_text,
    run_label,
)
from reconciler.tasks.timestamps import Timestamp, format_timestamp, parse_duration, parse_timestamp

if TYPE_CHECKING:
    from reconciler.backends.entries import RunRecord

_OUTCOMES = (*(outcome.value for outcome in RunOutcome if outcome is not RunOutcome.CHANGES), UNFINISHED)
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)")
_RUN = re.compile(r"[0-9a-f]{1,32}")

_RUNS = 50
"""Runs that are shown where no limit is given."""

_UNLOCK = "unlock"
"""No run has this id: they are hexadecimal."""

_VERIFY = "verify"
_HEAD = re.compile(r"(?:sha256:)?([0-9a-f]{64})", re.ASCII)

_TIME_DIGITS = 12
"""A run's id begins with the time at which the run began: milliseconds, in so many hexadecimal digits."""

_YOUNGEST_PRUNED = 86_400
"""Seconds. A run that still goes on would lose its journal, and none goes on for longer than this."""


@click.command("history")
@argument("run", required=False)
@argument("group", required=False)
@flag(
    "--config",
    "paths",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="Configuration file or directory whose settings.backend to read (repeatable).  [default: .]",
)
@flag("--backend", metavar="URL", help="Read this database, and no configuration.")
@flag("--since", metavar="DURATION|TIME", help="Only runs begun within a duration (7d), or from an RFC 3339 time on.")
@flag("--until", metavar="DURATION|TIME", help="Only runs begun longer ago than a duration, or before a time.")
@flag("--target", "targets", multiple=True, metavar="NAME", help="Only runs that touched this target (repeatable).")
@flag("--policy", "policies", multiple=True, metavar="NAME", help="Only runs with changes of this policy (repeatable).")
@flag(
    "--task",
    "tasks",
    multiple=True,
    metavar="ID",
    help="Only runs with a change of this task: its id, or target/resource/id (repeatable).",
)
@flag(
    "--outcome",
    type=click.Choice([*_OUTCOMES, *(outcome.value for outcome in Outcome)]),
    metavar="OUTCOME",
    help="Only runs that ended so (unfinished: going on, or killed), or with a change that did, such as failed.",
)
@flag(
    "--limit",
    type=click.IntRange(min=1),
    metavar="N",
    help="The latest N runs.  [default: 50; of jsonl: all]",
)
@flag("--prune", metavar="OLDER_THAN", help="Forget the runs begun longer ago than this (90d), which is 1d or more.")
@flag("--head", metavar="HASH", help="verify: that the history goes on from what an earlier verification said.")
@flag("--auto-approve", is_flag=True, help="Do not ask before pruning or unlocking.")
@format_option("text", "json", "jsonl")
@verbose_flag("Show long values whole.")
def command(
    run: str | None,
    group: str | None,
    paths: tuple[Path, ...],
    backend: str | None,
    since: str | None,
    until: str | None,
    targets: tuple[str, ...],
    policies: tuple[str, ...],
    tasks: tuple[str, ...],
    outcome: str | None,
    limit: int | None,
    prune: str | None,
    head: str | None,
    auto_approve: bool,
    output_format: str,
    verbose: int,
) -> int:
    """Show past runs, the latest first; or one RUN, with each call it made and what became of each change.

    As jsonl, each change of the runs: who made it, when, from which commit and for which policies, how that was
    approved, each call, and what became of it. Filters that name a target, a policy, a task or what became of a change
    go by change.

    RUN is the id of a run, or as many of its first digits as tell it from the others. `unlock` in its place frees the
    lock of an account by hand, after a question that names its holder: GROUP says which, where several are
    held: the name of a target, or of the lock. A lock ends by itself 30 seconds after its holder was killed.

    `verify` holds the history against its chain of hashes, and ends with 1 where what a finished run wrote was changed,
    added or removed afterwards. Keep the head that it prints in another place, such as the log of the CI: with --head
    it tells whether all until then is as it was. The runs
    are read from settings.backend of the configuration in the current directory: --config names another one, --backend
    the database itself. Needs no credentials, and no network but for a PostgreSQL database.
    """
    unlock, filters = run == _UNLOCK, (since, until, targets, policies, tasks, outcome)
    _check_together(run, prune, filtered=any(filters))
    if head is not None and run != _VERIFY:
        raise UsageError(f"--head goes with `history {_VERIFY}`")
    if group is not None and not unlock:
        raise UsageError(f"{group}: only `history {_UNLOCK}` takes a second argument")
    now, json = int(time.time()), output_format == "json"
    lines = output_format == "jsonl"
    if lines and (run is not None or prune is not None):
        raise UsageError("--format jsonl is of the changes of all runs: it goes neither with RUN nor with --prune")
    of_run = outcome in _OUTCOMES
    wanted = RunFilter(
        since=_moment("--since", since, now),
        until=_moment("--until", until, now),
        targets=targets,
        tasks=tasks,
        policies=policies,
        outcome=("" if outcome == UNFINISHED else outcome) if of_run else None,
        change_outcome=None if of_run else outcome,
        limit=limit if lines else limit or _RUNS,
    )
    before = None if prune is None else now - _age(prune)
    if (unlock or prune) and not auto_approve and not somebody_is_there():
        asked = _UNLOCK if unlock else "--prune"
        raise UsageError(f"{asked} needs approval, and there is no terminal to ask on", "pass --auto-approve")
    known = _head(head)
    history = _open(_configured(paths) if backend is None else backend)
    if run == _VERIFY:
        return _verify(history, known, json=json)
    if unlock:
        return _unlock(history, group, auto_approve=auto_approve, json=json)
    if before is not None:
        return _prune(history, before, auto_approve=auto_approve, json=json)
    if run is not None:
        _show(history, run, json=json, verbose=bool(verbose))
        return ExitCode.OK
    if lines:
        for change in history.changes(wanted) if history else ():
            write(render_change_line(change), "jsonl")
        return ExitCode.OK
    limit = limit or _RUNS
    runs = history.runs(replace(wanted, limit=limit + 1)) if history else []
    more = len(runs) > limit
    if json:
        write(render_runs_json(runs[:limit], more=more), "json")
    elif runs or any(filters):
        write(render_runs_text(runs[:limit], more=more))
    else:
        write("There are no runs yet.\n")
    return ExitCode.OK


def _check_together(run: str | None, prune: str | None, *, filtered: bool) -> None:
    if run is not None and (prune is not None or filtered):
        raise UsageError("RUN shows one run: filters and --prune do not go with it")
    if prune is not None and filtered:
        raise UsageError("--prune goes by age alone: filters do not go with it")


def _moment(name: str, text: str | None, now: int) -> int | None:
    """Milliseconds since the epoch of a duration back from `now`, or of a time."""
    if text is None:
        return None
    try:
        return 1000 * (now - parse_duration(text))
    except ValueError:
        pass
    try:
        return 1000 * parse_timestamp(text)
    except ValueError as error:
        raise UsageError(f"{name} {text}: neither a duration like `7d`, nor a time: {error}") from error


def _age(text: str) -> int:
    """Seconds of --prune."""
    try:
        seconds = parse_duration(text)
    except ValueError as error:
        raise UsageError(f"--prune {text}: {error}") from error
    if seconds < _YOUNGEST_PRUNED:
        raise UsageError(f"--prune {text}: less than 1d", "a run that is still going on must not lose its journal")
    return seconds


def _configured(paths: tuple[Path, ...]) -> str:
    """The URL in settings.backend. What only the network needs may be missing from the configuration."""
    settings = load_configuration(paths, catalogue(), environment=os.environ, strict=False).settings
    if written := settings.unset.get("backend"):
        names = " and ".join(_VARIABLE.findall(written))
        raise InvalidError(
            f"settings.backend cannot be read: {names} is not set", "set it, or name the database with --backend"
        )
    return settings.backend


def _open(url: str) -> History | None:
    """The history; None where no run has written one yet."""
    file = database_file(url)
    if file is not None:
        try:
            file.lstat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise BackendError(f"{file}: {error.strerror}", "Check the owner and mode of its directory.") from error
    try:
        return History.open(url)
    except NoJournal:
        return None


def _show(history: History | None, name: str, *, json: bool, verbose: bool) -> None:
    if history is None:
        raise UsageError(f"there is no run {name!r}: there are no runs yet")
    run = _named(history, name)
    actions, outcomes = history.actions(run.run_id), history.outcomes(run.run_id)
    if json:
        write(render_run_json(run, actions, outcomes), "json")
    else:
        write(render_run_text(run, actions, outcomes, verbose=verbose))


def _named(history: History, name: str) -> RunRecord:
    """The one run whose id is `name`, or begins with it. Raises UsageError."""
    runs: list[RunRecord] = []
    if _RUN.fullmatch(name):
        earliest = int(name[:_TIME_DIGITS].ljust(_TIME_DIGITS, "0"), 16)
        later = history.runs(RunFilter(since=earliest, limit=None))
        runs = [run for run in later if run.run_id.startswith(name)]
    if not runs:
        raise UsageError(f"there is no run {name!r}", "the same command without RUN lists the runs and their ids")
    if len(runs) > 1:
        some = ", ".join(run_label(run) for run in runs[:3]) + (", ..." if len(runs) > 3 else "")
        raise UsageError(f"{counted(len(runs), 'run')} begin with {name!r}", f"give more digits: {some}")
    return runs[0]


def _prune(history: History | None, before: int, *, auto_approve: bool, json: bool) -> int:
    """Forget the runs begun before a time (seconds since the epoch), once that is agreed to."""
    moment = format_timestamp(before)
    count = _older(history, before)
    if history is not None and count:
        question = f"Do you want to forget {counted(count, 'run')} begun before {moment}, with all their calls?"
        if not auto_approve and not is_agreed(question):
            raise RefusedError("pruning was not approved", "nothing was forgotten")
        pruned, left = history.prune(1000 * before), _older(history, before)
    else:
        pruned, left = 0, 0
    if json:
        write(PRUNING.text(Pruning(Timestamp(before), pruned, left)), "json")
        return ExitCode.OK
    kept = f"{counted(left, 'run')} stayed: the next apply has to settle calls of theirs first.\n" if left else ""
    write(f"Forgot {counted(pruned, 'run')} begun before {moment}.\n{kept}")
    return ExitCode.OK


def _older(history: History | None, before: int) -> int:
    runs = history.runs(RunFilter(limit=None)) if history else []
    return sum(run.started_ms < 1000 * before for run in runs)


def _head(text: str | None) -> str:
    """The digits of --head; empty where none is given."""
    found = _HEAD.fullmatch(text or "")
    if text is not None and found is None:
        raise UsageError(f"--head {text}: not a hash as `history {_VERIFY}` prints it: sha256: and 64 digits")
    return found[1] if found else ""


def _verify(history: History | None, head: str, *, json: bool) -> int:
    """Hold the history against its chain."""
    verdict = history.verify(head) if history else nothing_there(head)
    if json:
        write(VERIFICATION.text(verdict), "json")
    else:
        write(render_verdict_text(verdict))
    return ExitCode.OK if verdict.verified else ExitCode.ERROR


def _unlock(history: History | None, group: str | None, *, auto_approve: bool, json: bool) -> int:
    """Free a lock, once that is agreed to."""
    held = history.locks() if history else []
    named = [holding for holding in held if group in {None, holding.group, *holding.targets}]
    if group is not None and not named:
        others = f"held are {', '.join(holding.label for holding in held)}" if held else "no lock is held"
        raise UsageError(f"there is no lock of {group!r}", others)
    if len(named) > 1:
        raise UsageError(
            f"{counted(len(named), 'lock')} are held", f"say which: {', '.join(one.label for one in named)}"
        )
    if history is not None and named:
        [holding] = named
        question = f"Do you want to free {holding.label}, held by {holding}?"
        if not auto_approve and not is_agreed(
            f"{question} If that apply still runs, it can do no more without its lock."
        ):
            raise RefusedError("unlocking was not approved", "the lock stays as it is")
        if not history.unlock(holding):
            raise RefusedError(f"{holding.label} has changed hands meanwhile", "nothing was freed: look again")
    if json:
        write(UNLOCKING.text(Unlocking(tuple(named))), "json")
        return ExitCode.OK
    write("".join(f"Freed {one.label}, held by {one}.\n" for one in named) or "No lock is held.\n")
    return ExitCode.OK
