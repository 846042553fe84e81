"""Ctrl-C at any moment of asynchronous work."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys

from reconciler.cli.running import run_work

EARLY = """
import asyncio, signal
from reconciler.cli.running import run_work

signal.signal(signal.SIGINT, signal.default_int_handler)
ORDINARY = asyncio.new_event_loop

def made_while_the_user_presses_ctrl_c():
    signal.raise_signal(signal.SIGINT)
    return ORDINARY()

asyncio.events.new_event_loop = made_while_the_user_presses_ctrl_c

async def work():
    print("begun", flush=True)
    await asyncio.sleep(60)

try:
    run_work(work())
except KeyboardInterrupt:
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
