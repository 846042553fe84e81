"""How messages repeat what a user wrote."""

from __future__ import annotations

from typing import Final

from reconciler.config.environment import Expanded, Unexpanded
from reconciler.redaction import presentable

__all__ = ["quoted", "shown"]

_LONGEST: Final = 80
"""Characters."""


def shown(value: object) -> str:
    """A key or value as it was written, fit for printing, cut where it is long: `${NAME}` for what a variable gave."""
    if isinstance(value, Expanded | Unexpanded):
        value = value.written
    # Stripped before it is cut: half a URL would not be recognised as one that carries a password.
    text = presentable(str(value) if not isinstance(value, int) or value.bit_length() < 1000 else "a large number")
    return f"{text[:_LONGEST]}…" if len(text) > _LONGEST else text


def quoted(value: object) -> str:
    """The same in backticks."""
    return f"`{shown(value)}`"
