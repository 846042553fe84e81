"""Where output goes: the product to stdout, and to files that only their owner reads; everything else to stderr."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import stat
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from reconciler.cli.signals import held
from reconciler.exceptions import ReconcilerError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_DESCRIPTOR = re.compile(r"/dev/(?:(?P<out>stdout)|(?P<err>stderr)|fd/(?P<number>[0-9]{1,9}))")
_NOT_REPLACED = frozenset({errno.EBUSY, errno.EROFS, errno.EACCES, errno.EPERM})
"""Why a file that may be written cannot be replaced: it is a mount point, or the directory is not ours to change."""


class _Stdout:
    """`taken`: a product stands on stdout, or part of one. There is never a second one."""

    taken = False


STDOUT = _Stdout()


def somebody_is_there() -> bool:
    """Whether there is a terminal to ask on; a stream that is closed is none."""
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stderr))


def is_agreed(question: str) -> bool:
    """Ask on the terminal. Only the word `yes` agrees."""
    sys.stderr.write(f"{question} Only 'yes' will be accepted.\n")
    answer: str = click.prompt("Enter a value", default="", show_default=False, err=True)
    return answer.strip() == "yes"


def write(text: str, form: str = "text") -> None:
    """Write a product to stdout. Text for people is in the terminal's encoding, with escapes for what that lacks; every
    other `form` is UTF-8, which is what their readers expect (RFC 8259), whatever the locale.

    Raises BrokenPipeError where the reader went away, ReconcilerError where it cannot be written to: a full disk, say.
    """
    data = _encoded(text, (sys.stdout.encoding if form == "text" else None) or "utf-8")
    with held():
        STDOUT.taken = True
        try:
            sys.stdout.flush()
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            raise ReconcilerError(f"cannot write to stdout: {error.strerror or error}") from error


def _encoded(text: str, encoding: str) -> bytes:
    try:
        return text.encode(encoding)
    except UnicodeEncodeError:
        return text.replace("…", "...").encode(encoding, "backslashreplace")


def check_place(flag: str, path: Path) -> None:
    """Raise UsageError where a file could not be written at `path`, while there is nothing to lose yet."""
    try:
        if number := _descriptor(path):
            if fcntl.fcntl(number, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
                raise OSError(errno.EBADF, "it is open for reading only")
        elif _is_appended(path):
            path.open("ab").close()
        else:
            _check_replaceable(path)
    except OSError as error:
        raise UsageError(f"{flag}: cannot write {path}: {_reason(path, error)}") from error


def _check_replaceable(path: Path) -> None:
    try:
        _, temporary = _temporary(path)
    except OSError as error:
        if error.errno not in _NOT_REPLACED:
            raise
        with _opened(path):
            return
    temporary.unlink()


PRIVATE, PUBLIC = 0o600, 0o644
"""Modes of files: what names tasks and accounts, and what only counts them, for whoever collects that."""


def write_private(path: Path, text: str | Callable[[], str | Iterable[bytes]], mode: int = PRIVATE) -> None:
    """Replace `path` as a whole, readable by its owner only where `mode` does not say otherwise: either all of it is
    there or nothing. What is large is made in pieces, and does not stand in memory as a whole where it replaces a file.

    A link is replaced, not followed. A file that is a mount point, as of `docker run -v`, is written in place. A
    device, such as /dev/stdout, is written to and stays what it is. Raises ReconcilerError where that cannot be done.
    """

    def pieces() -> Iterable[bytes]:
        made = text if isinstance(text, str) else text()
        return (made.encode("utf-8", "backslashreplace"),) if isinstance(made, str) else made

    with held():
        try:
            if number := _descriptor(path):
                data = b"".join(pieces())
                sys.stdout.flush()
                with os.fdopen(os.dup(number), "wb") as stream:
                    stream.write(data)
            elif _is_appended(path):
                data = b"".join(pieces())
                with path.open("ab") as file:
                    file.write(data)
            else:
                _replace(path, pieces, mode)
        except OSError as error:
            raise ReconcilerError(f"cannot write {path}: {_reason(path, error)}") from error


def content(path: Path) -> str:
    """What a file holds that is to be replaced; empty where there is none, or none that can be read."""
    with suppress(OSError, ValueError):
        if stat.S_ISREG(path.lstat().st_mode):
            return path.read_text(encoding="utf-8")
    return ""


def begin_private(path: Path) -> IO[bytes]:
    """An empty file at `path`, as `write_private` would leave one, to be written as things happen: without a buffer, so
    that what was written stays, however the program ends. Raises ReconcilerError."""
    with held():
        try:
            if number := _descriptor(path):
                sys.stdout.flush()
                return os.fdopen(os.dup(number), "wb", buffering=0)
            if _is_appended(path):
                return path.open("ab", buffering=0)
            return _begun(path)
        except OSError as error:
            raise ReconcilerError(f"cannot write {path}: {_reason(path, error)}") from error


def _begun(path: Path) -> IO[bytes]:
    try:
        descriptor, temporary = _temporary(path)
        file = os.fdopen(descriptor, "wb", buffering=0)
        try:
            temporary.replace(path)
        except OSError:
            file.close()
            raise
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        if error.errno not in _NOT_REPLACED:
            raise
        with _opened(path) as there:
            there.truncate(0)
            return os.fdopen(os.dup(there.fileno()), "wb", buffering=0)
    return file


def _replace(path: Path, pieces: Callable[[], Iterable[bytes]], mode: int) -> None:
    try:
        descriptor, temporary = _temporary(path)
        try:
            with os.fdopen(descriptor, "wb") as file:
                os.fchmod(descriptor, mode)
                _fill(file, pieces())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        if error.errno not in _NOT_REPLACED:
            raise
        whole = list(pieces())  # in place: made before anything of what is there is gone
        with _opened(path, mode) as file:
            file.truncate(0)
            _fill(file, whole)


def _fill(file: IO[bytes], pieces: Iterable[bytes]) -> None:
    file.writelines(pieces)
    file.flush()
    os.fsync(file.fileno())


def _temporary(path: Path) -> tuple[int, Path]:
    """A file beside `path` that is to take its place. Raises OSError where something stands there that is no file: it
    would hand what is written to somebody else."""
    with suppress(FileNotFoundError):
        mode = path.lstat().st_mode
        if stat.S_ISDIR(mode):
            raise OSError(errno.EISDIR, os.strerror(errno.EISDIR))
        if not stat.S_ISREG(mode) and not stat.S_ISLNK(mode):
            raise OSError(errno.EINVAL, "it is no regular file")
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".reconciler-")
    return descriptor, Path(name)


def _opened(path: Path, mode: int = PRIVATE) -> IO[bytes]:
    """The file that is there, with this mode. Raises OSError where it is no file, or another user's."""
    descriptor = os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    file = os.fdopen(descriptor, "wb")
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "it is no regular file")
        os.fchmod(descriptor, mode)
    except OSError:
        file.close()
        raise
    return file


def _reason(path: Path, error: OSError) -> str:
    if error.errno == errno.ENOENT:
        return f"there is no directory {path.parent}"
    return error.strerror or str(error)


def _descriptor(path: Path) -> int:
    """The number of the descriptor that /dev/stdout, /dev/stderr or /dev/fd/N names; 0 for any other path.

    Opening those anew would give a position of its own in a file that stdout was sent to, for others to write over.
    """
    match = _DESCRIPTOR.fullmatch(str(path.absolute()))
    return 0 if match is None else 1 if match["out"] else 2 if match["err"] else int(match["number"])


def is_stdout(path: Path) -> bool:
    """Whether it is where the product goes."""
    return _descriptor(path) == 1


def _is_appended(path: Path) -> bool:
    """Whether it is a device, such as /dev/null, or a file in which a GitHub runner collects what steps append."""
    runners = (os.environ.get(name) for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"))
    if any(file and Path(file).absolute() == path.absolute() for file in runners):
        return True
    with suppress(OSError, ValueError):
        return stat.S_ISCHR(path.lstat().st_mode)
    return False
