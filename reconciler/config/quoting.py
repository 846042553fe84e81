"""How messages repeat what a user wrote."""

from __future__ import annotations

from typing import Final

from reconciler.redaction import presentable

__all__ = ["quoted"]

_LONGEST: Final = 80
"""Characters."""


def quoted(value: object) -> str:
    """A key or value in backticks, fit for printing, cut where it is long."""
    # Stripped before it is cut: half a URL would not be recognised as one that carries a password.
    text = presentable(str(value) if not isinstance(value, int) or value.bit_length() < 1000 else "a large number")
    return f"`{text[:_LONGEST]}…`" if len(text) > _LONGEST else f"`{text}`"
