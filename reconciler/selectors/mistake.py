"""A mistake in a selector on its way from the value that is wrong to the list of problems, and its words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from reconciler.diagnostics import MAX_PROBLEMS, Problem, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.diagnostics import DocumentPath


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


Lists = Callable[[str], Sequence[tuple[int, str]]]
"""What reads a list from a file, by the path as it is written: its entries, each with its line. Raises Mistake."""


def no_lists(_: str) -> Sequence[tuple[int, str]]:
    """Where no file is read."""
    raise Mistake("no file can be read here", "write the list itself")


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


_LONGEST = 60  # characters of a value that a message repeats


def shown(value: object) -> str:
    """A scalar in backticks, as YAML would write it, cut where it is long."""
    match value:
        case None:
            text = "null"
        case bool():
            text = "true" if value else "false"
        case int() if value.bit_length() > 256:
            text = "a very large number"  # Python refuses to print those of thousands of digits
        case str():
            text = value if value.isprintable() else repr(value)[1:-1]
        case int() | float():
            text = str(value)
        case _:
            text = type(value).__name__
    return f"`{text[:_LONGEST]}...`" if len(text) > _LONGEST else f"`{text}`"


def described(value: object) -> str:
    """What kind of value this is, with the value itself where it is a scalar."""
    match value:
        case None:
            return "empty"
        case bool():
            return f"the flag {shown(value)}"
        case int() | float():
            return f"the number {shown(value)}"
        case str():
            return f"the text {shown(value)}" if value else "an empty text"
        case list() | tuple():
            return "a list"
        case dict():
            return "a mapping"
        case _:
            return f"a value of type {shown(value)}"
