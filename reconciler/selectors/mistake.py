"""A mistake in a selector on its way from the value that is wrong to the list of problems."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from reconciler.diagnostics import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.diagnostics import DocumentPath

__all__ = ["Mistake", "noting"]


class Mistake(ValueError):  # noqa: N818 - the user's mistake, turned into a Problem; not a failure of the program
    """What is wrong, what to do instead and what is allowed. Whoever catches it knows where it is."""

    def __init__(self, message: str, hint: str = "", allowed: tuple[str, ...] = (), *, at_key: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.allowed = allowed
        self.at_key = at_key


@contextmanager
def noting(problems: list[Problem], path: DocumentPath) -> Iterator[None]:
    """Turn a Mistake into a problem at `path`, and go on: what is beside it can be checked all the same."""
    try:
        yield
    except Mistake as mistake:
        problems.append(Problem(path, mistake.message, mistake.hint, mistake.allowed, mistake.at_key))
