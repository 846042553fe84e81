"""Files that a configuration may consist of or name: regular ones, inside the directories given.

Whoever proposes a configuration decides what its files are called, what its links lead to and which files it names;
what the job can read besides is none of their business. So nothing else is opened, let alone quoted.
"""

from __future__ import annotations

import os
import stat
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.redaction import presentable

if TYPE_CHECKING:
    from collections.abc import Iterable

_KERNEL = ("/proc", "/sys", "/dev")
"""What is a regular file there is made up by the kernel, such as the variables of a process."""


KEPT: ContextVar[dict[str, bytes] | None] = ContextVar("kept", default=None)
"""Where somebody keeps what is read, by path."""

SHOWN_AS: ContextVar[tuple[str, str, str] | None] = ContextVar("shown_as", default=None)
"""Of files that stand for those of another machine: where they lie, where those did, and what was the current directory
there. Messages tell of the others."""


class RefusedFile(ValueError):  # noqa: N818 - a finding about a file, not a failure of the program
    """A file that is not read, whatever it holds. Its text is the reason, for the user."""


@dataclass(frozen=True, slots=True)
class Roots:
    """Real paths of the directories given (of a file that is given, the one that holds it) and of the files given."""

    directories: tuple[str, ...]
    files: tuple[str, ...] = ()

    @classmethod
    def of(cls, paths: Iterable[Path]) -> Roots:
        """The roots of what was given on the command line; a link that leads out of its place gives none."""
        given = [path for path in paths or (Path(),) if not leads_away(path)]
        files = [path for path in given if not os.path.isdir(path)]  # noqa: PTH112 - never raises
        directories = [path.parent if path in files else path for path in given]
        return cls(tuple(dict.fromkeys(map(_real, directories))), tuple(map(_real, files)))

    def hold(self, path: Path | str) -> bool:
        """Whether `path`, all links resolved, is one of the directories or lies below one."""
        return any(_inside(_real(path), root) for root in self.directories)

    def read(self, file: Path, most: int) -> bytes:
        """The first `most` bytes of `file`. Raises OSError, and RefusedFile where it is not one to be read."""
        real = os.path.realpath(file)
        roots = [root for root in self.directories if _inside(real, root)]
        if not roots or any(_inside(real, root) for root in _KERNEL):
            raise RefusedFile("it lies outside of the directory given, or is a link that leads out of it")
        if real not in self.files and all(_hidden_below(root, real) for root in roots):
            raise RefusedFile("it is hidden, or lies in a hidden directory")
        if not stat.S_ISREG(os.stat(real).st_mode):  # noqa: PTH116 - a pipe or a device could hold the run forever
            raise RefusedFile("it is not a regular file")
        with open(real, "rb") as stream:  # noqa: PTH123 - as above
            held = stream.read(most)
        if (reads := KEPT.get()) is not None:
            reads[os.path.abspath(file)] = held  # noqa: PTH100 - a link keeps its name
        return held


def leads_away(path: Path) -> bool:
    """Whether a path that was given leads elsewhere than it says: by a link, out of the directory that it names.

    A relative path stays below the current directory, unless it goes up by itself. Of an absolute one, only the last
    part is looked at: directories of the system are links often enough.
    """
    try:
        if not path.is_absolute() and ".." not in path.parts and not _inside(os.path.realpath(path), _real(Path())):
            return True
        return path.is_symlink() and not _inside(_real(path), _real(path.parent))
    except (OSError, ValueError):  # ValueError: a NUL in the path
        return False  # whoever reads it says what is wrong


def _real(path: Path | str) -> str:
    """All links resolved, as far as there is anything: a path that leads nowhere has one as well."""
    try:
        return os.path.realpath(path)
    except ValueError:  # a NUL in the path
        return str(path)


def _inside(real: str, root: str) -> bool:
    return real == root or real.startswith(root.rstrip("/") + "/")


def _hidden_below(root: str, real: str) -> bool:
    """Whether a name below `root` is hidden. Those of Kubernetes' volumes begin with two dots, and are not meant."""
    names = Path(real).relative_to(root).parts
    return any(name.startswith(".") and not name.startswith("..") for name in names)


def shown_path(path: Path) -> str:
    """`path` as messages print it: relative to the current directory where it lies below it."""
    absolute = Path(os.path.abspath(path))  # noqa: PTH100 - resolve() would show a symlink's target instead
    here = Path.cwd()
    if (others := SHOWN_AS.get()) is not None and absolute.is_relative_to(others[0]):
        absolute, here = others[1] / absolute.relative_to(others[0]), Path(others[2])
    return presentable((absolute.relative_to(here) if absolute.is_relative_to(here) else absolute).as_posix())


def reason_of(error: OSError | ValueError) -> str:
    """Why a file cannot be read, for the user."""
    if isinstance(error, OSError):
        return error.strerror or "it cannot be opened"
    return str(error) if isinstance(error, RefusedFile) else "the name is not valid"
