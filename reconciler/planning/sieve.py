"""The sieve: what the policies make of the tasks of one listing, page by page. Pure.

What some policy selects is kept; of all others only counts are. They stay exact where pages shift and a task is seen
twice: each sighting leaves the hash of its id and the kind of task it was; where a hash stands twice, the later counts.
A hash of all that it says tells whether rows of one pass contradict each other (`reconciler.tasks.sink.Sink` says what
is believed of them).
"""

from __future__ import annotations

from array import array
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reconciler.selectors.syntax import Truth
from reconciler.tasks.task import Status

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from reconciler.selectors.compile import Predicate
    from reconciler.tasks.task import Task

_BUCKETS = 64
"""Sightings are looked through bucket by bucket, so that little is held besides them."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What the tasks of a scope are held against: policies and protections, by name."""

    policies: Sequence[tuple[str, Predicate]]
    protections: Sequence[tuple[str, Predicate]]
    off: bool = False
    """Ages are unknown, since clocks disagree."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """What a sighting counts as. The numbers are bits, by the places of the policies."""

    status: Status
    selected: int = 0
    unknown: int = 0
    contradicted: bool = False


@dataclass(slots=True)
class _Sightings:
    """Hashes of ids, numbers of kinds, and hashes of all values, in the order in which they were seen."""

    ids: array[int] = field(default_factory=lambda: array("q"))
    kinds: array[int] = field(default_factory=lambda: array("L"))
    values: array[int] = field(default_factory=lambda: array("q"))

    @classmethod
    def of(cls, kinds: dict[int, int]) -> _Sightings:
        return cls(array("q", kinds), array("L", kinds.values()))

    def latest(self) -> dict[int, int]:
        return dict(zip(self.ids, self.kinds, strict=True))


_GONE = 0
"""The first kind: of ids that are not there."""


class Sieve:
    """A sink (`reconciler.tasks.sink.Sink`) that keeps what the policies select.

    `rules` is asked once, with the first page: the answer that it came in has told the cloud's clock.
    """

    def __init__(self, rules: Callable[[], Rules]) -> None:
        self._ask: Callable[[], Rules] | None = rules
        self._rules = Rules((), ())
        self._kinds = [_Kind(Status.GONE)]
        self._numbers: dict[tuple[int, int, int, bool], int] = {}
        self._seen = _buckets()
        self._counts: list[tuple[_Kind, int]] = []
        self._kept: dict[str, tuple[Task, int]] = {}
        # Of the pass under way:
        self._pass = _buckets()
        self._selected: dict[str, tuple[Task, int]] = {}
        self._contradicted: set[int] = set()
        self.text = 0
        self.busy: set[str] = set()
        """The protections that hold some task."""

    @property
    def is_by_clock(self) -> bool:
        """Whether tasks were judged by their ages."""
        return self._ask is None and not self._rules.off

    def see(self, tasks: Sequence[Task]) -> None:
        if self._ask is not None:
            self._rules, self._ask = self._ask(), None
        false, _, true = Truth
        policies = [(1 << place, selects) for place, (_, selects) in enumerate(self._rules.policies)]
        numbers, buckets, gone = self._numbers, self._pass, Status.GONE
        for task in tasks:
            values, status = task.values, task.status
            selected = unknown = 0
            if status is gone:
                number = _GONE
            else:
                for bit, selects in policies:
                    truth = selects(values)
                    if truth is not false:
                        if truth is true:
                            selected |= bit
                        else:
                            unknown |= bit
                # By identity: the hash of an enum member is computed in Python.
                number = numbers.get((id(status), selected, unknown, False)) or self._number(status, selected, unknown)
            key = hash(task.id)
            bucket = buckets[key % _BUCKETS]
            bucket.ids.append(key)
            bucket.kinds.append(number)
            bucket.values.append(hash(frozenset(values.items())))
            if selected and self._selected.setdefault(task.id, (task, selected))[0] is task:
                self.text += task.text
        for name, holds in self._rules.protections:
            if name not in self.busy and any(
                holds(task.values) is not false for task in tasks if task.status is not gone
            ):
                self.busy.add(name)

    def _number(self, status: Status, selected: int, unknown: int, contradicted: bool = False) -> int:
        self._kinds.append(_Kind(status, selected, unknown, contradicted))
        self._numbers[id(status), selected, unknown, contradicted] = len(self._kinds) - 1
        return len(self._kinds) - 1

    def end_pass(self) -> tuple[int, int]:
        kept: list[dict[str, tuple[Task, int]]] = [{} for _ in range(_BUCKETS)]
        for task_id, entry in self._kept.items():
            kept[hash(task_id) % _BUCKETS][task_id] = entry
        self._kept = {}
        distinct = 0
        for place, bucket in enumerate(self._pass):
            kinds = bucket.latest()
            distinct += len(kinds)
            if len(kinds) < len(bucket.ids):
                self._resolve(bucket, kinds)
            self._kept |= {task_id: entry for task_id, entry in kept[place].items() if hash(task_id) not in kinds}
            before = self._seen[place]
            self._seen[place] = _Sightings.of(before.latest() | kinds if before.ids else kinds)
        self._kept |= {
            task_id: entry for task_id, entry in self._selected.items() if hash(task_id) not in self._contradicted
        }
        numbers: Counter[int] = Counter()
        for sightings in self._seen:
            numbers.update(sightings.kinds)
        self._counts = [(self._kinds[number], count) for number, count in numbers.items() if number != _GONE]
        contradicted = len(self._contradicted)
        self._pass, self._selected, self._contradicted, self.text = _buckets(), {}, set(), 0
        return distinct, contradicted

    def _resolve(self, bucket: _Sightings, kinds: dict[int, int]) -> None:
        """Find the ids whose rows differ, and give them the kind of which nothing but perhaps the status is known."""
        said = dict(zip(bucket.ids, bucket.values, strict=True))
        statuses: dict[int, set[Status]] = {}
        for key, number, values in zip(bucket.ids, bucket.kinds, bucket.values, strict=True):
            statuses.setdefault(key, set()).add(self._kinds[number].status)
            if kinds[key] != number or said[key] != values:
                self._contradicted.add(key)
        all_of_them = (1 << len(self._rules.policies)) - 1
        for key in self._contradicted & kinds.keys():
            status = next(iter(statuses[key])) if len(statuses[key]) == 1 else Status.UNKNOWN
            known = self._numbers.get((id(status), 0, all_of_them, True))
            kinds[key] = known or self._number(status, 0, all_of_them, contradicted=True)
        if self._contradicted:
            self.busy.update(name for name, _ in self._rules.protections)

    # What was found, after the last pass.

    @property
    def statuses(self) -> dict[Status, int]:
        """How many tasks there are in each status."""
        counts: Counter[Status] = Counter()
        for kind, count in self._counts:
            counts[kind.status] += count
        return dict(counts)

    @property
    def total(self) -> int:
        return sum(self.statuses.values())

    @property
    def contradicted(self) -> int:
        return sum(count for kind, count in self._counts if kind.contradicted)

    @property
    def undecided(self) -> int:
        """Tasks of which it cannot be said whether some policy selects them."""
        return sum(count for kind, count in self._counts if kind.unknown)

    def unknown(self, policy: str) -> int:
        """Tasks of which it cannot be said whether this policy selects them."""
        bit = self._bit(policy)
        return sum(count for kind, count in self._counts if kind.unknown & bit)

    def selected(self, policy: str) -> list[Task]:
        """The tasks that it selects."""
        bit = self._bit(policy)
        return [task for task, by in self._kept.values() if by & bit]

    def _bit(self, policy: str) -> int:
        places = {name: place for place, (name, _) in enumerate(self._rules.policies)}
        return 1 << places[policy] if policy in places else 0


def _buckets() -> list[_Sightings]:
    return [_Sightings() for _ in range(_BUCKETS)]
