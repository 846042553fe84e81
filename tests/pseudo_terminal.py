"""A person at a real terminal: the program in a process of its own, on a pseudo-terminal that a test types on."""

import contextlib
import os
import pty
import select
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from tests.preloaded import program
from tests.terminal import Finished

_CTRL_C = "\x03"

_PATIENCE = 60
"""Seconds after which a program that says nothing is taken for stuck."""

_PRESS_AGAIN = 3
"""Seconds after which a person presses a key again."""

# The terminal becomes the one that controls the process, so that Ctrl-C on it arrives as a signal, which must not be
# ignored because the process that runs the tests ignores it, as the workers of pytest-xdist do.
_LAUNCHER = """
import fcntl, os, signal, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execv(sys.argv[1], sys.argv[1:])
"""


@dataclass
class Session:
    """A running `reconciler WORDS`: stdin and stderr are a terminal, stdout is a file unless it was asked otherwise."""

    process: subprocess.Popen[bytes]
    output: TextIO
    _terminal: int
    _seen: str = field(default="")

    def until(self, text: str) -> str:
        """Wait until the terminal shows `text`, and return all that it showed so far."""
        while text not in self._seen:
            assert self._read(), f"the program ended without showing {text!r}, but {self._seen!r}"
        return self._seen

    def type(self, text: str) -> None:
        os.write(self._terminal, text.encode())

    def interrupt(self) -> None:
        """Press Ctrl-C until the program reacts.

        Python looks for signals, and then begins to wait for input: one that arrives in between is seen only when
        something else ends the wait. Pressing again does.
        """
        self.type(_CTRL_C)
        self.until("^C")  # the terminal's own echo
        while not self._readable(_PRESS_AGAIN):
            self.type(_CTRL_C)
            self._read()

    def end(self) -> Finished:
        """Wait until the program has ended, and return what it printed and its exit code."""
        while self._read():
            pass
        code = self.process.wait(_PATIENCE)
        self.output.seek(0)
        return Finished(code, self.output.read(), self._seen)

    def _readable(self, seconds: float) -> bool:
        return bool(select.select([self._terminal], [], [], seconds)[0])

    def _read(self) -> bool:
        """Take in what the terminal shows next; False once nobody is left to write to it."""
        assert self._readable(_PATIENCE), f"the program is stuck after {self._seen!r}"
        try:
            chunk = os.read(self._terminal, 65_536)
        except OSError:  # Linux's way to say that the other end is closed
            return False
        self._seen += chunk.decode("utf-8", "replace")
        return bool(chunk)


@contextmanager
def session(directory: Path, *words: str, stdout_too: bool = False) -> Iterator[Session]:
    """Start `reconciler WORDS` in `directory`, with this process's environment, and end it for sure afterwards.

    With `stdout_too` the terminal shows stdout as well, and `Finished.out` is empty.
    """
    ours, theirs = pty.openpty()
    with (directory / ".stdout").open("w+", encoding="utf-8") as output:
        process = subprocess.Popen(
            [sys.executable, "-ISc", _LAUNCHER, str(program()), *words],
            cwd=directory,
            env={**os.environ, "TERM": "xterm", "COLUMNS": "200"},
            stdin=theirs,
            stdout=theirs if stdout_too else output,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        try:
            yield Session(process, output, ours)
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            process.wait(_PATIENCE)
            os.close(ours)
