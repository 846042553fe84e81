"""A field of a task: its name in selectors, its type, and where the provider's record holds it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["EARLIEST", "LARGEST_INTEGER", "LONGEST_TEXT", "MOST_TEXTS", "Field", "FieldType", "Value"]

Value = str | int | tuple[str, ...]
"""A value of a field on arrival: text, a whole number (timestamps: seconds since the epoch, UTC) or a list of texts."""


LARGEST_INTEGER = 10**18 - 1
"""No field holds more: what has more than 18 digits may not fit 64 bits, and is left out on arrival."""

LONGEST_TEXT = 16 * 1024
"""Characters of a text at most. A longer one is left out on arrival: cut, it would compare as if it were whole."""

MOST_TEXTS = 1000
"""Entries of a list at most. A longer list is left out on arrival, for the same reason."""

EARLIEST = 315_532_800
"""Seconds since the epoch of the first moment of 1980, UTC. What is said to be earlier is a vendor's way to write that
it has no time, and no clock's reading: it is no time, never an old one."""


class FieldType(StrEnum):
    """Types of fields. `STATUS` is text with a closed set of values, `STRINGS` a list of texts."""

    STRING = "string"
    INTEGER = "integer"
    TIMESTAMP = "timestamp"
    STRINGS = "strings"
    STATUS = "status"


@dataclass(frozen=True, slots=True)
class Field:
    """One field that selectors may name.

    `source` is the path of keys in the provider's record, empty where the provider's client derives the value.
    `example` is a value as tasks have it (a member, for `STRINGS`), which editors and the reference show.
    """

    name: str
    type: FieldType
    summary: str
    source: tuple[str, ...] = ()
    example: str | int | None = None
