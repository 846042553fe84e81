"""How messages name a value that a user wrote: short, printable, never failing."""

from __future__ import annotations

__all__ = ["described", "shown"]

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
