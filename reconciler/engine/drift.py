"""What became of a task since it was planned, field by field, in the words of a report. Pure."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from reconciler.planning.field_differences import difference_words, field_differences
from reconciler.redaction import bounded

if TYPE_CHECKING:
    from reconciler.planning.plan import Observed

__all__ = ["LONGEST", "drift"]

LONGEST = 500
"""Characters of a description, besides the count of the fields that it leaves out."""

_FIELD = 300
_NAME = 60


def drift(before: Observed, now: Observed) -> str:
    """`status: pending -> running; started_at: set to 2026-01-02T03:04:05Z`: the fields that differ.

    The status comes first, then the fields by name. Empty where nothing differs. Fit for a terminal whatever the
    values hold, and the same for the same values, in whatever order they are given.
    """
    fields = groupby(field_differences(before, now), key=lambda difference: difference.field)
    parts = [
        bounded(f"{bounded(name, _NAME)}: {', '.join(map(difference_words, differences))}", _FIELD)
        for name, differences in fields
    ]
    kept: list[str] = []
    for part in parts:
        if kept and len("; ".join((*kept, part))) > LONGEST:
            kept.append(f"and {len(parts) - len(kept)} more")
            break
        kept.append(part)
    return "; ".join(kept)
