"""Ctrl-C at any moment of asynchronous work."""

import asyncio
import contextlib
import json
import signal
import subprocess
import sys
import threading

import pytest

from reconciler.cli.running import run_work
from reconciler.cli.signals import Interrupted, handled, held, interruptible, pending
from tests.terminal import HEAD, Terminal

EARLY = """
import asyncio, signal
from reconciler.cli.running import run_work
from reconciler.cli.signals import Interrupted, handled, interruptible

ORDINARY = asyncio.new_event_loop

def made_while_the_user_presses_ctrl_c():
    signal.raise_signal(signal.SIGINT)
    return ORDINARY()

asyncio.events.new_event_loop = made_while_the_user_presses_ctrl_c

async def work():
    print("begun", flush=True)
    await asyncio.sleep(60)

with handled(for_good=False):
    try:
        with interruptible():
            run_work(work())
    except Interrupted:
        print("interrupted", flush=True)
"""


def test_an_interruption_while_the_loop_is_made_waits_for_the_work_to_begin() -> None:
    """Neither a loop half made nor work that was never begun leaves a warning on the terminal."""
    finished = subprocess.run(
        [sys.executable, "-W", "error", "-c", EARLY], capture_output=True, text=True, check=False, timeout=60
    )
    assert (finished.returncode, finished.stderr) == (0, "")
    assert finished.stdout == "begun\ninterrupted\n"


def test_signals_are_as_before_afterwards() -> None:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())

    async def mask() -> set[int]:
        await asyncio.sleep(0)
        return set(signal.pthread_sigmask(signal.SIG_BLOCK, ()))

    assert run_work(mask()) == before
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == before


def test_what_is_held_is_done_wholly_and_then_interrupted() -> None:
    done = []

    def carry_out() -> None:
        with held():
            signal.raise_signal(signal.SIGTERM)
            done.append("all of it")
        done.append("and more")

    with handled(for_good=False), interruptible(), pytest.raises(Interrupted) as stop:
        carry_out()
    assert (done, stop.value.exit_code) == (["all of it"], 143)


def test_outside_of_what_is_interruptible_a_signal_waits() -> None:
    with handled(for_good=False):
        signal.raise_signal(signal.SIGTERM)
        assert pending() == 143
        with pytest.raises(Interrupted), interruptible():
            raise AssertionError("nothing is begun any more")
    assert pending() == 0


def test_hangups_that_are_ignored_stay_ignored() -> None:
    """As `nohup` asks for."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with handled(for_good=False):
            signal.raise_signal(signal.SIGHUP)
            assert pending() == 0
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_signal_that_somebody_swallows_is_raised_again() -> None:
    """As `input()` swallows what is raised while it flushes stderr."""

    def swallow() -> None:
        with contextlib.suppress(Interrupted):
            signal.raise_signal(signal.SIGINT)
        threading.Event().wait(60)

    with handled(for_good=False), interruptible(), pytest.raises(Interrupted):
        swallow()


def test_a_signal_that_leaves_a_lock_taken_ends_the_program_all_the_same() -> None:
    """As httpcore's locks are left, whose `__enter__` is a function: a signal may come when it has the lock, and before
    the block is entered which would give it back."""
    lock = threading.Lock()

    def take() -> None:
        lock.acquire()
        signal.raise_signal(signal.SIGTERM)

    def work() -> None:
        try:
            take()
        finally:
            lock.acquire()

    with handled(for_good=False), interruptible(), pytest.raises(Interrupted):
        work()


def test_a_signal_that_was_held_back_and_is_swallowed_then_is_raised_again() -> None:
    def swallow() -> None:
        with contextlib.suppress(Interrupted), held():
            signal.raise_signal(signal.SIGINT)
        threading.Event().wait(60)

    with handled(for_good=False), interruptible(), pytest.raises(Interrupted):
        swallow()


def test_what_comes_out_is_not_written_out() -> None:
    """A plan may be large, and Python asks for the `repr` of a result where it looks for the handler of SIGINT."""

    class Large:
        written = 0

        def __repr__(self) -> str:
            Large.written += 1
            return "Large()"

    async def work() -> Large:
        return Large()

    assert threading.current_thread() is threading.main_thread()
    assert isinstance(run_work(work()), Large)
    assert Large.written == 0


MANY = """
import resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (64, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
from reconciler.cli.main import main
main()
"""


def test_each_of_many_targets_has_a_connection_whatever_the_usual_limit_is(terminal: Terminal) -> None:
    """Targets of one account, on ports of their own: none of them shares a connection."""
    count = 80
    targets = "".join(HEAD[HEAD.index("  huawei:") :].replace("huawei:", f"t{number}:") for number in range(count))
    policy = "{resource: huaweicloud.mpc.snapshot, match: {status: pending}, ensure: absent}"
    terminal.write(f"version: 1\ntargets:\n{targets}policies:\n  p: {policy}\n")
    words = [sys.executable, "-c", MANY, "plan", "--format", "json"]
    finished = subprocess.run(words, cwd=terminal.directory, capture_output=True, text=True, check=False)
    plan = json.loads(finished.stdout)
    assert [scope["error"] for scope in plan["scopes"]] == [None] * count
