"""Signals that end the program: SIGINT, SIGTERM and SIGHUP, from its first line on, as PID 1 too.

PID 1 has no default reactions: a signal without a handler is lost there, so handlers stand before anything else is
imported. The first signal is raised as `Interrupted` where the program is `interruptible`, so that locks are given back
and one document says how it ended; elsewhere, and in sections that are `held`, it waits. Asynchronous work `listens`. A
second signal ends the process at once.
"""

from __future__ import annotations

import os
import select
import signal
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

_CODES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 143}
"""The exit code of each. A terminal that goes away asks for the same as SIGTERM."""

_AGAIN = 0.2
"""Seconds after which a signal is raised again that somebody swallowed, as C code does that `input()` runs through."""

_TIDY = 15
"""How often that is left be while the stack unwinds, so for 3 s: what tidies up may wait for a lock that the signal had
left taken, as one does whose `__enter__` is a function."""

_LAST_WORDS = b"\nSecond signal: stopping at once. Calls in flight have no verdict.\n"


class Interrupted(BaseException):
    """Somebody asked the program to end. No KeyboardInterrupt, of which click and asyncio make something else."""

    def __init__(self, exit_code: int) -> None:
        super().__init__(exit_code)
        self.exit_code = exit_code


class _State:
    """There is one, as there is one set of handlers in a process. `received`: the exit code that the first signal asks
    for, 0 before; `again`: how often it was to be raised again; `heeded`: the program does what it asks for; `raising`:
    whether it may be raised where the program stands; `listener`: who is told instead."""

    received = 0
    again = 0
    heeded = False
    raising = False
    listener: Callable[[int], object] | None = None


_STATE = _State()


def pending() -> int:
    """The exit code that a signal asked for; 0 where none came, or it was heeded."""
    return 0 if _STATE.heeded else _STATE.received


def check() -> None:
    """Raise Interrupted where a signal is pending."""
    if pending():
        if _STATE.raising:
            signal.setitimer(signal.ITIMER_REAL, _AGAIN, _AGAIN)
        raise Interrupted(_STATE.received)


def heed() -> None:
    """Say that the program ends as the signal asks, by itself and with an exit code of its own."""
    _STATE.heeded = True


@contextmanager
def handled(*, for_good: bool) -> Iterator[None]:
    """Handle signals within this context. Afterwards the process is about to end (`for_good`), and one more signal
    ends it at once; or the handlers from before come back. Does nothing outside the main thread, which gets no signals.
    """
    before = {}
    with suppress(ValueError):
        for number in _CODES:
            # `nohup` asks for hangups to be ignored. Shells ignore SIGINT for what they start in the background, where
            # a supervisor may send it all the same.
            if number is not signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
                before[number] = signal.signal(number, _receive)
        before[signal.SIGALRM] = signal.signal(signal.SIGALRM, _raise_again)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, _leave if for_good and number in _CODES else handler)
        _STATE.received, _STATE.again, _STATE.heeded = 0, 0, False


@contextmanager
def interruptible() -> Iterator[None]:
    """Within this context a signal, also one that came before, is raised as Interrupted; nobody else listens to it."""
    before = _STATE.raising, _STATE.listener
    _STATE.raising, _STATE.listener = True, None
    try:
        check()
        yield
    finally:
        _STATE.raising, _STATE.listener = before
        signal.setitimer(signal.ITIMER_REAL, 0)


@contextmanager
def held() -> Iterator[None]:
    """Keep a signal back until the end of this context: what is done within is done wholly."""
    before, came = _STATE.raising, _STATE.received
    _STATE.raising = False
    try:
        yield
    finally:
        _STATE.raising = before
    if before and not came:
        check()


@contextmanager
def listening(listener: Callable[[int], object]) -> Iterator[None]:
    """Tell `listener` the exit code that a signal asks for, also of one that came before. It is called between any two
    steps of the program."""
    _STATE.listener = listener
    try:
        if _STATE.received:
            listener(_STATE.received)
        yield
    finally:
        _STATE.listener = None


def _receive(number: int, _: FrameType | None) -> None:
    code = _CODES[signal.Signals(number)]
    if not _STATE.received:
        _STATE.received = code
        if _STATE.listener is not None:
            _STATE.listener(code)
        elif _STATE.raising:
            check()
    elif number != signal.SIGHUP:  # a terminal that is closed sends it twice: from the shell, then from the kernel
        with suppress(OSError, ValueError):  # stderr may be closed, or full
            if select.select([], [2], [], 0)[1]:
                os.write(2, _LAST_WORDS)
        os._exit(code)


def _raise_again(_: int, __: FrameType | None) -> None:
    """Raise a signal that got lost on its way; one that is on its way is what the stack unwinds for, for a while."""
    _STATE.again += 1
    if _STATE.raising and (_STATE.again > _TIDY or not isinstance(sys.exception(), Interrupted)):
        check()


def _leave(number: int, _: FrameType | None) -> None:
    os._exit(_CODES[signal.Signals(number)])
