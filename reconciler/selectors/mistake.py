"""A mistake in a selector on its way from the value that is wrong to the list of problems."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from reconciler.diagnostics import MAX_PROBLEMS, Problem, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.diagnostics import DocumentPath

__all__ = ["Misfit", "Mistake", "TooManyError", "UnknownField", "noting"]


class Mistake(ValueError):  # noqa: N818 - the user's mistake, turned into a Problem; not a failure of the program
    """What is wrong, what to do instead and what is allowed. Whoever catches it knows where it is."""

    rule = Rule.SELECTOR

    def __init__(self, message: str, hint: str = "", allowed: tuple[str, ...] = (), *, at_key: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.allowed = allowed
        self.at_key = at_key


class Misfit(Mistake):
    """An operator or a value does not fit the field."""

    rule = Rule.SELECTOR_TYPE


class UnknownField(Mistake):
    """The resource type has no such field."""

    rule = Rule.UNKNOWN_FIELD


class TooManyError(Exception):
    """Ends the pass at once: what is read may have no end. Its text is for the user."""


@contextmanager
def noting(problems: list[Problem], path: DocumentPath) -> Iterator[None]:
    """Turn a Mistake into a problem at `path`, and go on: what is beside it can be checked all the same."""
    if len(problems) >= MAX_PROBLEMS:
        raise TooManyError("too many mistakes: the rest of this match is not checked")
    try:
        yield
    except Mistake as mistake:
        problem = Problem(path, mistake.message, mistake.hint, mistake.allowed, mistake.at_key, rule=mistake.rule)
        problems.append(problem)
