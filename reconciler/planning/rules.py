"""What the tasks of a scope are held against, and how a page of them is: column by column, since most rows are decided
by few values, and only the others are asked one by one."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from reconciler.selectors.compile import KNOWN, compile_column, compile_selector
from reconciler.selectors.syntax import AllOf, Everything
from reconciler.selectors.trace import fields_of, gaps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from reconciler.selectors.syntax import Selector, Test
    from reconciler.tasks.sink import Column, View
    from reconciler.tasks.task import Field, Task, Value

    _Entry = tuple[Callable[[Any], bool | None], int, int, int, int, int]
    """A condition: what it asks, the lower bits of its rules, and what it leaves of truths where that holds, does not,
    is unknown, and where the field is missing."""

_MOST_KNOWN = 4096
"""Values of a field whose truths are remembered."""

_MOST_OPEN = 1024
"""Sets of rules of which is remembered what they ask."""

_LONGEST_KNOWN = 256
"""Characters of such a value."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A part of a selector, by the clock of ages `now`. Those that say the same are one, whichever rules have them."""

    selector: Selector
    now: int | None
    fields: tuple[str, ...] = field(compare=False)
    """What it looks at."""
    holds: Callable[[Any], bool | None] = field(compare=False)
    """Asked about the value of its only field, or those of all of them by name. None: that is unknown."""
    negated: bool = field(compare=False)
    """It is true where that does not hold."""
    missing: bool | None = field(compare=False)
    """Whether it is true of a task that does not have its only field."""

    @classmethod
    def of(cls, selector: Selector, now: int | None) -> Condition:
        predicate, fields = compile_selector(selector, now), fields_of(selector)
        missing = KNOWN[predicate({})]
        if len(fields) == 1:
            return cls(selector, now, fields, *compile_column(selector, *fields, now), missing)
        return cls(selector, now, fields, lambda values: KNOWN[predicate(values)], False, missing)


@dataclass(frozen=True, slots=True)
class Rule:
    """The selector of a policy or a protection as conditions that must all hold."""

    name: str
    conditions: Sequence[Condition]
    gaps: Mapping[str, Test]
    """By name of a field, a condition that is unknown without it."""

    @classmethod
    def of(cls, name: str, selector: Selector, now: int | None) -> Rule:
        """`now` is the clock of ages, in seconds since the epoch (UTC); None: they are unknown."""
        conditions = [Condition.of(part, now) for part in _parts(selector)]
        return cls(name, conditions, {test.name: test for test, _ in gaps(selector)})


def _parts(selector: Selector) -> Iterator[Selector]:
    match selector:
        case Everything():
            return
        case AllOf(parts):
            for part in parts:
                yield from _parts(part)
        case _:
            yield selector


@dataclass(frozen=True, slots=True)
class Rules:
    """What the tasks of a scope are held against. `others` are fields that matter besides those of the selectors."""

    policies: Sequence[Rule]
    protections: Sequence[Rule]
    others: frozenset[str] = frozenset()
    off: bool = False
    """Ages are unknown, since clocks disagree."""
    count_by: Field | None = None
    """The field by whose values selected tasks are counted, and not kept."""
    best: Callable[[Iterable[Task]], list[Task]] | None = None
    """Of many selected tasks those that are kept; none: all of them."""
    many: int = 2048
    """How many are too many."""
    few: int = 256
    """So many values of a field are remembered even where there are few tasks."""
    together: int = 3
    """Pages whose rows are looked at together: that takes less than one at a time, in between all else that each asks
    for. More would not take less again, and a page may be large, so that they are few."""

    @property
    def all(self) -> Sequence[Rule]:
        return (*self.policies, *self.protections)

    @property
    def fields(self) -> frozenset[str]:
        """All that is asked about a task."""
        counted = {self.count_by.held} if self.count_by else set[str]()
        return self.others.union(counted, *(condition.fields for rule in self.all for condition in rule.conditions))


class Known(dict[Any, int]):
    """What follows from what came in a column, worked out once for each; but not for so many, or so long ones, that
    they would be held instead of tasks."""

    def __init__(self, work_out: Callable[[Any], int]) -> None:
        self._work_out = work_out
        self._read: Callable[[Any], Any] | None = None
        self.missed = 0

    def of(self, column: Iterable[Any], read: Callable[[Any], Any]) -> map[int]:
        if self._read is not read:
            self.clear()
            self._read = read
        return map(self.__getitem__, column)

    def __missing__(self, found: Any) -> int:  # noqa: ANN401 - whatever came
        assert self._read is not None  # noqa: S101 - told to mypy
        self.missed += 1
        number = self._work_out(self._read(found))
        if len(self) < _MOST_KNOWN and _length(found) <= _LONGEST_KNOWN:
            self[found] = number
        return number


def _length(found: object) -> int:
    """Characters of text in what came."""
    return len(found) if isinstance(found, str) else sum(map(_length, found)) if isinstance(found, tuple) else 0


class Asked:
    """The conditions on the same fields, with the rules that have them.

    Truths have two bits for each rule: a lower one where it is not false, and a higher one, in the upper half, where it
    is true; so that AND of such numbers is the AND of Kleene's logic. `known` has those of all rules, as far as these
    fields tell.
    """

    def __init__(self, fields: tuple[str, ...], conditions: Mapping[Condition, int], rules: int) -> None:
        """Each condition with the lower bits of its rules, of which there are so many in all."""
        self.fields = fields
        self._mask = 0
        self._conditions: list[_Entry] = []
        for condition, mask in conditions.items():
            self._mask |= mask
            left = {True: -1, False: ~(mask << rules | mask), None: ~(mask << rules)}
            hit, miss = not condition.negated, condition.negated
            self._conditions.append((condition.holds, mask, left[hit], left[miss], left[None], left[condition.missing]))
        self._open = lru_cache(_MOST_OPEN)(self._open_for)
        self.known = Known(lambda value: self.narrowed([(1 << 2 * rules) - 1], [value])[0])
        self._asked = self._left = 0

    @property
    def leaves(self) -> float:
        """Of the rows that were asked, how many are still open for its rules."""
        return self._left / max(1, self._asked)

    def narrowed(self, truths: Iterable[int], values: Iterable[Any]) -> list[int]:
        """What these values leave of truths, row by row."""
        left, own, still = [], self._mask, self._open
        for each, value in zip(truths, values, strict=True):
            for holds, mask, hit, miss, unknown, missing in still(each & own):
                if not each & mask:
                    continue
                if value is None:
                    each &= missing  # noqa: PLW2901 - of this row
                else:
                    each &= hit if (found := holds(value)) else unknown if found is None else miss  # noqa: PLW2901
            left.append(each)
        return left

    def narrow(self, view: View, truths: dict[int, int]) -> None:
        """Ask about the rows of which some rule is open, by their places; those are left of which one still is."""
        own = self._mask
        places = [place for place, each in truths.items() if each & own]
        if not places:
            return
        column, read = columns(view, self.fields)
        left = self.narrowed([truths[place] for place in places], map(read, map(column.__getitem__, places)))
        self._asked += len(places)
        for place, each in zip(places, left, strict=True):
            if each & own:
                self._left += 1
            if each:
                truths[place] = each
            else:
                del truths[place]

    def _open_for(self, rules: int) -> Sequence[_Entry]:
        return [entry for entry in self._conditions if entry[1] & rules]


def columns(view: View, fields: tuple[str, ...]) -> Column:
    """What each row has in a field; or in several, which leads to their values by name."""
    if len(fields) == 1:
        return view.column(*fields)
    found, reads = zip(*map(view.column, fields), strict=True)
    return list(zip(*found, strict=True)), _reader(fields, reads)


@lru_cache(maxsize=256)  # the same reader for the same columns, which is how `Known` tells
def _reader(fields: tuple[str, ...], reads: tuple[Callable[[Any], Any], ...]) -> Callable[[Any], dict[str, Value]]:
    def values(came: tuple[Any, ...]) -> dict[str, Value]:
        read = ((name, read(found)) for name, read, found in zip(fields, reads, came, strict=True))
        return {name: value for name, value in read if value is not None}

    return values
