"""The first lines and the last: signals and standard streams, before all else is imported and after all is done."""

from __future__ import annotations

import gc
import io
import os
import sys
from typing import TYPE_CHECKING, NoReturn

from reconciler.cli import signals

if TYPE_CHECKING:
    from collections.abc import Sequence

    from _typeshed import ReadableBuffer


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the program and exit. `arguments`: instead of those of the process, by a caller that goes on afterwards."""
    if arguments is None:
        # httpx has a command line of its own, with rich and Pygments, and does without where it cannot be imported.
        sys.modules["httpx._main"] = None  # type: ignore[assignment] # this is how to say so
        gc.disable()  # until the command is imported: nothing of that is garbage, and looking takes a tenth of a start
    with signals.handled(for_good=arguments is None):
        from reconciler.cli.program import run  # noqa: PLC0415 - a signal that comes meanwhile is not lost

        _open_streams()
        code = run(list(sys.argv[1:] if arguments is None else arguments))
        code = signals.pending() or code
    if arguments is None:
        gc.freeze()  # the process ends: nobody needs what is freed one by one
    sys.exit(code)


class _Lossy(io.FileIO):
    """A file to which writing never fails: what it does not take is lost.

    That of stderr. Nobody is left to tell, and neither what is done nor the exit code may depend on it.
    """

    def write(self, data: ReadableBuffer, /) -> int:
        try:
            return super().write(data) or memoryview(data).nbytes
        except OSError:
            return memoryview(data).nbytes


def _open_streams() -> None:
    """Make stderr lossy, and leave no standard descriptor to the next file that is opened, to be written over."""
    if sys.stdin is None or sys.stderr is None:
        while (descriptor := os.open(os.devnull, os.O_RDWR)) < 3:
            pass
        os.close(descriptor)
    if sys.stderr is sys.__stderr__:
        encoding = "utf-8" if sys.stderr is None else sys.stderr.encoding
        lossy = io.BufferedWriter(_Lossy(2, "w", closefd=False))
        sys.stderr = io.TextIOWrapper(lossy, encoding, "backslashreplace", line_buffering=True)
