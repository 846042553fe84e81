"""Executors that tests name on the command line."""

import multiprocessing
import os
import signal
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any


def processes() -> Executor:
    return ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn"))


def threads() -> Executor:
    return ThreadPoolExecutor(4)


def nothing() -> None:
    """No executor."""


def broken() -> Executor:
    raise LookupError("no workers today")


class _Mute(Executor):
    """Workers whose answers are none."""

    def submit(self, *_: Any, **__: Any) -> Future[Any]:  # noqa: ANN401 - it looks at nothing
        future: Future[Any] = Future()
        future.set_result(None)
        return future


def mute() -> Executor:
    return _Mute()


def interrupted(order: bytes, shared: bytes) -> bytes:
    """Work in whose midst somebody presses Ctrl-C."""
    os.kill(os.getpid(), signal.SIGINT)
    return order + shared


def elsewhere() -> Executor:
    """Workers in whose environment a variable has another value."""
    return ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"), initializer=_other_url)


def _other_url() -> None:
    os.environ["URL"] = "http://127.0.0.1:9"
