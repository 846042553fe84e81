"""What differs between two sets of fields, field by field and as data, and each difference in words. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from reconciler.redaction import Shown, bounded

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

FieldValue = str | int | tuple[str, ...]

_FIRST = ("standing", "status", "provider_status")
_WORDS = 120
"""Characters of a value in words."""
_ITEMS = 100
"""Items of a list that are compared one by one: a plan file may hold any number, and no task has so many."""


@dataclass(frozen=True, slots=True)
class FieldDifference(Shown):
    """One field that differs. None: it is not there. `item`: the values are one item of a list, not the whole."""

    field: str
    before: FieldValue | None
    now: FieldValue | None
    item: bool = False


def field_differences(
    before: Mapping[str, FieldValue], now: Mapping[str, FieldValue], *, sets: Collection[str] = ()
) -> tuple[FieldDifference, ...]:
    """The fields that differ: the standing and the status first, then by name. Does not depend on their order.

    `sets` names the lists in which the order of the items means nothing.
    """
    if before == now:
        return ()
    names = sorted({*before, *now}, key=_place)
    return tuple(
        difference
        for name in names
        if before.get(name) != now.get(name)
        for difference in _differences(name, before.get(name), now.get(name), as_sets=name in sets)
    )


def difference_words(difference: FieldDifference) -> str:
    """`pending -> running`, `set to x`, `no longer set (was x)`, `x added`. Fit for a terminal, whatever it holds."""
    old, new = difference.before, difference.now
    if old is None:
        return f"{value_words(new)} added" if difference.item else f"set to {value_words(new)}"
    if new is None:
        return f"{value_words(old)} removed" if difference.item else f"no longer set (was {value_words(old)})"
    first, second = value_words(old), value_words(new)
    return f"{first} -> {second}" if first != second else f"changed (begins with {second})"


def value_words(value: FieldValue | None) -> str:
    """A value on one line, bounded."""
    return bounded(", ".join(map(value_words, value)) if isinstance(value, tuple) else str(value), _WORDS)


def _place(name: str) -> tuple[int, str]:
    return (_FIRST.index(name) if name in _FIRST else len(_FIRST), name)


def _differences(
    name: str, before: FieldValue | None, now: FieldValue | None, *, as_sets: bool
) -> Iterator[FieldDifference]:
    if not isinstance(before, tuple) or not isinstance(now, tuple):  # nothing to look into
        yield FieldDifference(name, before, now)
        return
    if as_sets and set(before) == set(now):
        return
    items = _items(before[:_ITEMS], now[:_ITEMS], as_sets=as_sets)
    if not items:  # they differ further down
        yield FieldDifference(name, before, now)
    for old, new in items:
        yield FieldDifference(name, old, new, item=True)


@lru_cache(maxsize=4_096)  # the same few lists of policies stand in thousands of changes
def _items(
    before: tuple[str, ...], now: tuple[str, ...], *, as_sets: bool
) -> tuple[tuple[str | None, str | None], ...]:
    """The items of two lists that differ, each as before and now: in their order, or what is gone first."""
    # Slow to import, and needed only where lists differ.
    from deepdiff import DeepDiff  # noqa: PLC0415

    made = set if as_sets else list
    found = []
    for kind, levels in DeepDiff(made(before), made(now), view="tree").items():
        for level in levels:
            old = None if kind.endswith("item_added") else level.t1
            new = None if kind.endswith("item_removed") else level.t2
            found.append((level.path(output_format="list"), old, new))
    return tuple((old, new) for _, old, new in sorted(found, key=_item_place))


def _item_place(found: tuple[list[int], str | None, str | None]) -> tuple[list[int], bool, str, str]:
    path, old, new = found
    return (path, old is None, old or "", new or "")
