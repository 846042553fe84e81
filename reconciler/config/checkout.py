"""The files of a configuration, as one that reads it keeps them for others: on machines where they are not."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from reconciler.config.files import KEPT, SHOWN_AS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import TypeVar

    T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Checkout:
    """Plain data, which may travel: the text of the files, and no value of any variable.

    `paths` are those that were given, below `root`; `files` by their path below it. `here` was the current directory.
    """

    here: str
    root: str
    paths: tuple[str, ...]
    files: Mapping[str, bytes]

    @contextmanager
    def unpacked(self) -> Iterator[list[Path]]:
        """The paths of a copy, for as long as the context lasts: in it messages call the files what they were called
        where they come from. Raises OSError."""
        with TemporaryDirectory(prefix="reconciler-", ignore_cleanup_errors=True) as directory:
            root = Path(directory).resolve()
            for name, held in self.files.items():
                file = root / name
                if not file.resolve().is_relative_to(root):
                    raise OSError(f"{name} lies outside of the checkout")
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(held)
            for name in self.paths:
                if name not in self.files:
                    (root / name).mkdir(parents=True, exist_ok=True)
            token = SHOWN_AS.set((str(root), self.root, self.here))
            try:
                yield [root / name for name in self.paths]
            finally:
                SHOWN_AS.reset(token)


def checked_out(paths: Sequence[Path], load: Callable[[], T]) -> tuple[T, Checkout]:
    """What `load` returns, which reads the configuration in `paths`, with the files that it has read."""
    read: dict[str, bytes] = {}
    token = KEPT.set(read)
    try:
        loaded = load()
    finally:
        KEPT.reset(token)
    given = [os.path.abspath(path) for path in paths or (Path(),)]  # noqa: PTH100 - as the files are named
    directories = [path if path not in read else os.path.dirname(path) for path in given]  # noqa: PTH120 - as above
    root = os.path.commonpath([*directories, *map(os.path.dirname, read)])
    files = {os.path.relpath(path, root): held for path, held in read.items()}
    names = tuple(os.path.relpath(path, root) for path in given)
    return loaded, Checkout(os.getcwd(), root, names, files)  # noqa: PTH109 - as above
