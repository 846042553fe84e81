"""What a selector says, as data: the tree that parsing makes and compiling takes apart; and how true it can be."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reconciler.tasks.url_parts import UrlPart

Operand = str | int | bool | tuple[str, ...] | tuple[int, ...]
"""Text, whole number (timestamps: seconds since the epoch, UTC; durations: seconds), flag of `exists`, or a list."""


# Names only: all else that there is to know of an operator is its row in `operators.py`. No docstring: it would stand
# in the schema of what `why` writes.
class Operator(StrEnum):
    EQ = "eq"
    NE = "ne"
    IN = "in"
    NOT_IN = "not_in"
    GLOB = "glob"
    NOT_GLOB = "not_glob"
    REGEX = "regex"
    NOT_REGEX = "not_regex"
    CONTAINS = "contains"
    NOT_CONTAINS = "not_contains"
    EXISTS = "exists"
    GT = "gt"
    GTE = "gte"
    LT = "lt"
    LTE = "lte"
    OLDER_THAN = "older_than"
    NEWER_THAN = "newer_than"
    BEFORE = "before"
    AFTER = "after"


@dataclass(frozen=True, slots=True)
class Everything:
    """`match: all`."""


@dataclass(frozen=True, slots=True)
class Test:
    """One condition on one field, or on a part of the URL in it.

    `missing` is what a task counts as that does not have it: whether the condition holds. None: that is unknown.
    """

    field: str
    operator: Operator
    operand: Operand
    missing: bool | None = None
    part: UrlPart | None = None

    @property
    def name(self) -> str:
        """The field, or the part of it, as selectors name it."""
        return f"{self.field}.{self.part}" if self.part else self.field


@dataclass(frozen=True, slots=True)
class AllOf:
    parts: tuple[Selector, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    parts: tuple[Selector, ...]


@dataclass(frozen=True, slots=True)
class Negation:
    part: Selector


Selector = Everything | Test | AllOf | AnyOf | Negation


class Truth(IntEnum):
    """Ordered so that AND is `min`, OR is `max` and NOT is `2 - value`."""

    FALSE = 0
    UNKNOWN = 1
    TRUE = 2
