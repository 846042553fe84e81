"""Facts about a mistake in a file: what, where, and what to do."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Diagnostic", "DocumentPath", "Location", "Problem", "Severity", "suggestion"]

DocumentPath = tuple[str | int, ...]
"""Keys and indexes from the root of a document to a value."""


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, order=True)
class Location:
    """A place in a file; line and column count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Problem:
    """A mistake found in parsed data, before its position is known.

    `path` leads to the offending value; with `at_key` the key that holds it is meant. `hint` says what to do.
    """

    path: DocumentPath
    message: str
    hint: str = ""
    allowed: tuple[str, ...] = ()
    at_key: bool = False
    severity: Severity = Severity.ERROR


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """A mistake with its place.

    `path` names the value in dotted form (`policies.no-stale.match.statuss`); `excerpt` is the source line.
    """

    severity: Severity
    message: str
    location: Location | None = None
    path: str = ""
    hint: str = ""
    allowed: tuple[str, ...] = ()
    excerpt: str = ""
    excerpt_length: int = 1


def suggestion(word: str, allowed: Iterable[str]) -> str | None:
    """The allowed word that `word` was probably meant to be, or None."""
    return next(iter(difflib.get_close_matches(word, list(allowed), n=1, cutoff=0.6)), None)
