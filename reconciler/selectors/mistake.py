"""A mistake in a selector on its way from the value that is wrong to the list of problems."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from reconciler.diagnostics import Problem, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.diagnostics import DocumentPath

__all__ = ["Misfit", "Mistake", "UnknownField", "noting"]


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


@contextmanager
def noting(problems: list[Problem], path: DocumentPath) -> Iterator[None]:
    """Turn a Mistake into a problem at `path`, and go on: what is beside it can be checked all the same."""
    try:
        yield
    except Mistake as mistake:
        problem = Problem(path, mistake.message, mistake.hint, mistake.allowed, mistake.at_key, rule=mistake.rule)
        problems.append(problem)
