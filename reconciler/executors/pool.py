"""The executors that work is handed out to: a Dask cluster, or whatever a factory of the user's makes."""

from __future__ import annotations

import importlib
import signal
import socket
from concurrent.futures import BrokenExecutor, Executor
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Protocol

from reconciler import __version__
from reconciler.exceptions import ReconcilerError, UsageError, bug
from reconciler.redaction import presentable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future

    Work = Callable[[bytes, bytes], bytes]

DASK = "dask"
_DISTRIBUTION = "media-reconciler"


class Pool(Protocol):
    """Workers. `window` is how many orders they are handed at once: a few more than they can work on."""

    window: int

    @property
    def gone(self) -> str:
        """Why nothing that was submitted will ever be answered; empty while it may be."""
        ...

    def hand(self, data: bytes) -> object:
        """What stands for `data`, which all orders have in common, when they are submitted."""
        ...

    def submit(self, work: Work, order: bytes, shared: object) -> Future[bytes]: ...

    def close(self) -> None: ...


def pool_of(name: str, scheduler: str | None) -> Callable[[], Pool]:
    """What opens the pool that `--executor` names: `dask`, or `package.module:factory`, a callable without arguments
    that gives a `concurrent.futures.Executor`. Raises UsageError."""
    if name == DASK:
        if scheduler is None:
            raise UsageError("--executor dask needs --scheduler", "give the address of a cluster, tls://HOST:8786")
        try:
            importlib.import_module("distributed")
        except ImportError as error:
            raise UsageError("--executor dask needs a package", "pip install media-reconciler[dask]") from error
        return lambda: _Dask(scheduler)
    module, _, factory = name.partition(":")
    try:
        made = getattr(importlib.import_module(module), factory)
    except Exception as error:  # a module of the user's raises whatever it likes
        told = str(error) if isinstance(error, ImportError | AttributeError | ValueError) else bug(error)
        raise UsageError(
            f"--executor {presentable(name)}: {presentable(told)}",
            "give dask, or package.module:factory, which is found where Python finds modules",
        ) from error
    return lambda: _Made(made)


class _Made:
    """The executor of a factory. One that is broken, as by a process of it that was killed, is made anew."""

    def __init__(self, factory: Callable[[], Executor]) -> None:
        self._factory = factory
        self._executor = self._make()
        workers = getattr(self._executor, "_max_workers", 0)
        self.window = 2 * workers if isinstance(workers, int) and workers > 0 else _WINDOW

    def _make(self) -> Executor:
        try:
            with _keeping_interrupts():
                executor = self._factory()
        except Exception as error:
            raise UsageError(f"--executor: the factory raised {bug(error)}", _WANTED) from error
        if not isinstance(executor, Executor):
            raise UsageError(f"--executor: the factory gave {type(executor).__name__}", _WANTED)
        return executor

    @property
    def gone(self) -> str:
        return ""

    def hand(self, data: bytes) -> object:
        return data

    def submit(self, work: Work, order: bytes, shared: object) -> Future[bytes]:
        assert isinstance(shared, bytes)  # noqa: S101 - told to mypy: from `hand`
        try:
            return self._submitted(work, order, shared)
        except BrokenExecutor:
            self._executor = self._make()
            return self._submitted(work, order, shared)

    def _submitted(self, work: Work, order: bytes, shared: bytes) -> Future[bytes]:
        with _keeping_interrupts():
            return self._executor.submit(work, order, shared)

    def close(self) -> None:
        self._executor.shutdown(wait=False, cancel_futures=True)


@contextmanager
def _keeping_interrupts() -> Iterator[None]:
    """Processes that are started meanwhile get no SIGINT.

    Ctrl-C goes to all processes of a terminal, and would end them in the midst of calls. Whoever hands out the work
    gets it as well, and asks them to finish these.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


_WANTED = "it must give a concurrent.futures.Executor"
_WINDOW = 16
"""Of an executor that does not say how many workers it has."""


class _Dask:
    """A cluster that is there. Its workers are asked first whether they have this version of the package.

    https://distributed.dask.org/en/stable/client.html
    """

    def __init__(self, scheduler: str) -> None:
        distributed: Any = importlib.import_module("distributed")  # of an extra, and without types
        try:
            # A client that finds nobody leaves a thread behind which goes on to ask.
            host, port = distributed.comm.get_address_host_port(scheduler)
            socket.create_connection((host, port), _PATIENCE).close()
            self._client = distributed.Client(scheduler, timeout=_PATIENCE, set_as_default=False)
        except (OSError, TimeoutError, ValueError) as error:
            raise ReconcilerError(
                f"the scheduler {presentable(scheduler)} cannot be reached: {presentable(str(error))}",
                "is it running there, and does --scheduler say tls:// where it wants certificates?",
            ) from error
        try:
            self._check_versions()
            self._executor = self._client.get_executor(pure=False, retries=0)
            threads = sum(self._client.nthreads().values())
        except BaseException:  # cut off as well: nobody else would close it
            self.close()
            raise
        self.window = max(_WINDOW, 2 * threads)

    def _check_versions(self) -> None:
        # By a function of Python's own: one of ours would not be there where the package is not.
        from importlib.metadata import version  # noqa: PLC0415 - as the class says

        found = self._client.run(version, _DISTRIBUTION, on_error="return")
        if not found:
            raise ReconcilerError("the cluster has no workers", "start some, and run the command again")
        odd = {
            worker: "has no reconciler" if isinstance(answer, Exception) else f"has reconciler {answer}"
            for worker, answer in sorted(found.items())
            if answer != __version__
        }
        if odd:
            told = "; ".join(f"worker {presentable(str(worker))} {what}" for worker, what in [*odd.items()][:_NAMED])
            more = f"; and {len(odd) - _NAMED} more" if len(odd) > _NAMED else ""
            raise ReconcilerError(
                f"{told}{more}", f"install media-reconciler[dask]=={__version__} in the environment of all workers"
            )

    @property
    def gone(self) -> str:
        closed = self._client.status in {"closing", "closed"}
        return "the scheduler does not answer any more" if closed else ""

    def hand(self, data: bytes) -> object:
        # The result of a task is made anew where the worker that has it is lost. What is scattered is not, and the
        # scheduler keeps it on one worker alone.
        handed: object = self._client.submit(bytes, data, pure=False)
        return handed

    def submit(self, work: Work, order: bytes, shared: object) -> Future[bytes]:
        future: Future[bytes] = self._executor.submit(work, order, shared)
        return future

    def close(self) -> None:
        with suppress(OSError, TimeoutError, RuntimeError):
            self._client.close(timeout=_PATIENCE)


_PATIENCE = 10
"""Seconds that a scheduler has to answer."""
_NAMED = 5
