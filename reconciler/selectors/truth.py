"""Kleene's three truth values."""

from __future__ import annotations

from enum import IntEnum

__all__ = ["Truth"]


class Truth(IntEnum):
    """Ordered so that AND is `min`, OR is `max` and NOT is `2 - value`."""

    FALSE = 0
    UNKNOWN = 1
    TRUE = 2
