"""Runs what is asynchronous, so that a signal at any moment is an interruption and nothing else."""

from __future__ import annotations

import asyncio
import resource
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

from reconciler.cli import signals
from reconciler.cli.logs import say, tracing
from reconciler.cli.spans import exporting
from reconciler.engine.interruption import Threads, run
from reconciler.engine.session import Session
from reconciler.exceptions import ExitCode, UsageError
from reconciler.reports.cells import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence
    from pathlib import Path

    from reconciler.cli.options import Elsewhere
    from reconciler.engine.hold import Held
    from reconciler.engine.interruption import Interruption
    from reconciler.executors.fleet import Front

    Result = TypeVar("Result")


_FILES = 65_536
"""Descriptors that are asked for where there is no end to them."""


def _have_files() -> None:
    """Let as many files be open as may be. Each target has a connection of its own, and the usual limit of 1024, meant
    for programs that use select(2), is reached by a thousand of them."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _FILES if hard == resource.RLIM_INFINITY else min(hard, _FILES)
    if most > soft != resource.RLIM_INFINITY:
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def opened(
    paths: Sequence[Path],
    *,
    elsewhere: Elsewhere,
    joined: bool = False,
    applies: bool = True,
    tell: Callable[[str], None] = say,
    on_held: Callable[[Held], None] = lambda _: None,
    **given: Any,  # noqa: ANN401 - what `Session.open` takes
) -> Front:
    """A session, of the part that `--shard` names (see `reconciler.executors.shards`), or one whose accounts the
    workers of `--executor` work on. `tell` is told which part it is. Raises UsageError, and as `Session.open` does."""
    shard, executor, scheduler = elsewhere
    if scheduler is not None and executor != "dask":
        raise UsageError("--scheduler is of --executor dask", "give both, or neither")
    if executor is None:
        session = Session.open(paths, on_held=on_held, **given)
        if shard is None:
            return session
        from reconciler.executors.shards import shard_of_session  # noqa: PLC0415 - for fleets alone

        mine = shard_of_session(session, shard, joined=joined, applies=applies)
        if mine.shard is not None:
            scopes = counted(len(mine.configuration.scopes()), "scope")
            tell(f"{mine.shard.told.capitalize()}: {scopes} of {len(session.configuration.scopes())}.")
        return mine
    if shard is not None:
        raise UsageError("--shard and --executor exclude each other", "an executor parts the accounts by itself")
    from reconciler.executors.fleet import Fleet  # noqa: PLC0415 - as above
    from reconciler.executors.pool import pool_of  # noqa: PLC0415 - as above

    return Fleet.open(paths, pool_of(executor, scheduler), **given)


def run_work(work: Coroutine[None, None, Result], interruption: Interruption | None = None) -> Result:
    """What `work` returns. A signal cuts it off, and is raised as Interrupted once it has tidied up; where it drains by
    itself, it is only asked to stop, through its `interruption`.

    Signals are held back until the work has begun: an event loop that is cut off while it is made leaves warnings about
    itself on the terminal, and work that was never begun leaves another.
    """

    async def begun() -> Result:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        loop.set_default_executor(Threads())
        assert task is not None  # noqa: S101 - for the type checker: this is one

        def stop(code: int) -> None:
            if interruption is not None:
                interruption.ask(ExitCode(code))
            if interruption is not None and interruption.drains:
                signals.heed()
                if sys.stderr.isatty():
                    sys.stderr.write("\n")  # behind the ^C
                say("Stopping: no new calls; waiting for those in flight (once more to stop at once).")
            else:
                task.cancel()

        with signals.listening(lambda code: loop.call_soon_threadsafe(stop, code)):
            return await work

    _have_files()
    try:
        with tracing(), exporting(), signals.held():
            return run(begun())
    except asyncio.CancelledError:
        signals.check()
        raise
