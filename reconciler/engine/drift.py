"""What became of a task since it was planned, field by field, in the words of a report. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.redaction import bounded

if TYPE_CHECKING:
    from reconciler.planning.plan import Observed

__all__ = ["LONGEST", "drift"]

LONGEST = 500
"""Characters of a description, besides the count of the fields that it leaves out."""

_FIELD = 300
_VALUE = 120
_NAME = 60
_ITEMS = 100
"""Items of a list that are compared: a plan file may hold any number, and no task has so many."""

_Value = str | int | tuple[str, ...]
_FIRST = ("status", "provider_status")


def drift(before: Observed, now: Observed) -> str:
    """`status: pending -> running; started_at: set to 2026-01-02T03:04:05Z`: the fields that differ.

    The status comes first, then the fields by name. Empty where nothing differs. Fit for a terminal whatever the
    values hold, and the same for the same values, in whatever order they are given.
    """
    fields = sorted({*before, *now}, key=_place)
    parts = [
        bounded(f"{bounded(name, _NAME)}: {_change(before.get(name), now.get(name))}", _FIELD)
        for name in fields
        if before.get(name) != now.get(name)
    ]
    kept: list[str] = []
    for part in parts:
        if kept and len("; ".join((*kept, part))) > LONGEST:
            kept.append(f"and {len(parts) - len(kept)} more")
            break
        kept.append(part)
    return "; ".join(kept)


def _place(name: str) -> tuple[int, str]:
    return (_FIRST.index(name) if name in _FIRST else len(_FIRST), name)


def _change(before: _Value | None, now: _Value | None) -> str:
    """What happened to a field that differs; None: the task does not have it."""
    if before is None:
        return f"set to {_text(now)}"
    if now is None:
        return f"no longer set (was {_text(before)})"
    # Slow to import, and needed only where a task has moved on.
    from deepdiff import DeepDiff  # noqa: PLC0415

    differences = DeepDiff(_comparable(before), _comparable(now), view="tree")
    found = [
        (level.path(output_format="list"), _difference(kind, level.t1, level.t2))
        for kind, levels in differences.items()
        for level in levels
    ]
    return ", ".join(words for _, words in sorted(found)) or f"changed after the first {_ITEMS}"


def _comparable(value: _Value) -> str | int | list[str]:
    return list(value[:_ITEMS]) if isinstance(value, tuple) else value


def _difference(kind: str, before: object, now: object) -> str:
    """One difference between two values. `kind` is deepdiff's name for it."""
    match kind:
        case "iterable_item_added":
            return f"{_text(now)} added"
        case "iterable_item_removed":
            return f"{_text(before)} removed"
        case _:
            old, new = _text(before), _text(now)
            return f"{old} -> {new}" if old != new else f"changed (begins with {new})"


def _text(value: object) -> str:
    return bounded(", ".join(map(_text, value)) if isinstance(value, list | tuple) else str(value), _VALUE)
