"""A table of figures, and what measures them: whole commands in turns, each in CPU seconds, wall seconds and memory."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

RECONCILER = str(Path(sys.executable).with_name("reconciler"))
PEERS = str(Path(sys.prefix) / "bench" / "bin" / "python")
"""The interpreter of the environment that holds the peers and what draws; `make bench` makes it."""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text under a header. `note` says in a few sentences what was done and what the bound is."""

    title: str
    note: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def markdown(self) -> str:
        lines = [self.header, ("---",) * len(self.header), *self.rows]
        return f"## {self.title}\n\n{self.note}\n\n" + "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU and wall seconds of one run, the most memory that it held, in MiB, and what it printed."""

    cpu: float
    wall: float
    memory: float
    output: str = ""


_MEASURED = """
import os, sys
pid = os.posix_spawnp(sys.argv[2], sys.argv[2:], os.environ)
_, status, usage = os.wait4(pid, 0)
os.write(int(sys.argv[1]), f"{status} {usage.ru_utime + usage.ru_stime} {usage.ru_maxrss}".encode())
"""
"""Runs a command and tells what it took. The system counts as memory of a command what whoever starts it held then."""


def run(command: Sequence[str], directory: Path | None = None, environment: Mapping[str, str] | None = None) -> Cost:
    """Run a command to its end, its children included, compiled as what is installed is. Raises CalledProcessError
    where it ends with anything but 0."""
    variables = {name: text for name, text in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    told, telling = os.pipe()
    began = time.perf_counter()
    finished = subprocess.run(  # noqa: S603 - our own programs
        [sys.executable, "-IS", "-c", _MEASURED, str(telling), *command],
        cwd=directory,
        env={**variables, **(environment or {})},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        pass_fds=[telling],
    )
    wall = time.perf_counter() - began
    os.close(telling)
    with os.fdopen(told) as file:
        status, cpu, memory = file.read().split()
    if code := os.waitstatus_to_exitcode(int(status)):
        raise subprocess.CalledProcessError(code, command, finished.stdout)
    # Kilobytes on Linux, bytes on macOS.
    return Cost(float(cpu), wall, int(memory) / (1024 * 1024 if sys.platform == "darwin" else 1024), finished.stdout)


def in_turns(rounds: int, *runs: Callable[[], Cost]) -> list[Cost]:
    """The median of each figure over so many rounds. All take turns, so that what else runs weighs on all alike."""
    made = [[each() for each in runs] for _ in range(rounds)]
    return [
        Cost(
            statistics.median(turn[number].cpu for turn in made),
            statistics.median(turn[number].wall for turn in made),
            statistics.median(turn[number].memory for turn in made),
            made[-1][number].output,
        )
        for number in range(len(runs))
    ]


def within(call: Callable[[], object]) -> Cost:
    """What a call costs within this process. Its memory is not known."""
    wall, cpu = time.perf_counter(), time.process_time()
    call()
    return Cost(time.process_time() - cpu, time.perf_counter() - wall, 0)


@contextmanager
def server(*arguments: str) -> Iterator[str]:
    """A module of this folder as a process that prints its URL; killed at the end."""
    command = [sys.executable, "-m", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own programs
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            assert url.startswith("http://127.0.0.1:"), "the server did not start"
            yield url
        finally:
            process.kill()


def times(ours: float, theirs: float) -> str:
    """How many times as much, to two figures."""
    ratio = ours / theirs
    return f"{ratio:.0f} x" if ratio >= 10 else f"{ratio:.1f} x" if ratio >= 2 else f"{ratio:.2f} x"
