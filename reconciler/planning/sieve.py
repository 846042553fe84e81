"""The sieve: what the policies make of the tasks of one listing, page by page. Pure.

What some policy selects is kept; of all others only counts are. They stay exact where pages shift and a task is seen
twice: each sighting leaves the hash of its id and the kind of task it was; where a hash stands twice, the later counts.
A hash of all that it says tells whether rows of one pass contradict each other (`reconciler.tasks.sink.Sink` says what
is believed of them).

Hashes are Python's own of texts, keyed anew for each process. Where somebody fixes that key (PYTHONHASHSEED), and finds
two ids of one hash, the two count as one, which does not add up: a list that is not believed to be whole. Nothing more
is selected by it.
"""

from __future__ import annotations

from array import array
from collections import Counter
from dataclasses import dataclass
from itertools import chain
from operator import and_
from typing import TYPE_CHECKING, Any

from reconciler.selectors.compile import compile_selector, seen_by
from reconciler.selectors.syntax import AllOf, Everything, Truth
from reconciler.selectors.trace import fields_of, gaps
from reconciler.tasks.sink import view_of
from reconciler.tasks.task import Status

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from reconciler.selectors.compile import Predicate
    from reconciler.selectors.syntax import Selector, Test
    from reconciler.tasks.sink import View
    from reconciler.tasks.task import Field, Task, Value

    _Condition = tuple[tuple[str, ...], Predicate]

_BUCKETS = 64  # a power of two
"""Sightings are looked through bucket by bucket, so that little is held besides them."""

_KINDS = (1 << 31) - 1
"""In a sighting the lower bits are the number of its kind, the others a hash of all that it says."""

_SECONDS = 19
"""Characters of a time as text up to its seconds: two that agree in the rest are ordered as their texts are."""

_MOST_KNOWN = 4096
"""Values of a field whose truths are remembered."""

_LONGEST_KNOWN = 256
"""Characters of such a value."""


@dataclass(frozen=True, slots=True)
class Rule:
    """The selector of a policy or a protection as conditions that must all hold, each with the fields that it looks
    at."""

    name: str
    conditions: Sequence[_Condition]
    gaps: Mapping[str, Test]
    """By name of a field, a condition that is unknown without it."""

    @classmethod
    def of(cls, name: str, selector: Selector, now: int | None) -> Rule:
        """`now` is the clock of ages, in seconds since the epoch (UTC); None: they are unknown."""
        conditions = [(fields_of(part), compile_selector(part, now)) for part in _parts(selector)]
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

    @property
    def all(self) -> Sequence[Rule]:
        return (*self.policies, *self.protections)

    @property
    def fields(self) -> frozenset[str]:
        """All that is asked about a task."""
        counted = {self.count_by.held} if self.count_by else set[str]()
        return self.others.union(counted, *(fields for rule in self.all for fields, _ in rule.conditions))


@dataclass(frozen=True, slots=True)
class _Kind:
    """What a sighting counts as. `truths` has two bits for each rule: a lower one where it is not false, and a higher
    one, in the upper half, where it is true; so that AND of such numbers is the AND of Kleene's logic. `missing` has a
    bit for each gap of the policies, where it is not known whether one holds."""

    status: Status
    truths: int = 0
    missing: int = 0
    group: int = 0
    contradicted: bool = False


class _Known(dict[Any, int]):
    """What follows from the values of a field as they came, worked out once for each; but not for so many, or so long
    ones, that they would be held instead of tasks."""

    def __init__(self, work_out: Callable[[Any], int]) -> None:
        self._work_out = work_out
        self._read: Callable[[Any], Any] | None = None
        self.missed = 0

    def of(self, column: Sequence[Any], read: Callable[[Any], Any]) -> map[int]:
        if self._read is not read:
            self.clear()
            self._read = read
        return map(self.__getitem__, column)

    def __missing__(self, found: Any) -> int:  # noqa: ANN401 - whatever came
        assert self._read is not None  # noqa: S101 - told to mypy
        self.missed += 1
        number = self._work_out(self._read(found))
        if len(self) < _MOST_KNOWN and not (isinstance(found, str) and len(found) > _LONGEST_KNOWN):
            self[found] = number
        return number


class Sieve:
    """A sink (`reconciler.tasks.sink.Sink`) that keeps what the policies select.

    `rules` is asked once, with the first page: the answer that it came in has told the cloud's clock.
    """

    def __init__(self, rules: Callable[[], Rules]) -> None:
        self._ask: Callable[[], Rules] | None = rules
        self._rules = Rules((), ())
        self._fields: frozenset[str] = frozenset()
        self._lower = self._everything = 0
        self._kinds = [_Kind(Status.GONE)]
        self._numbers: dict[_Kind, int] = {}
        self._groups: dict[Value | None, int] = {}
        self._seen = _buckets()
        self._counts: list[tuple[_Kind, int]] = []
        self._kept: dict[str, tuple[Task, int]] = {}
        # How tasks are judged:
        self._statuses = _Known(lambda status: self._number(_Kind(status)) if status is not Status.GONE else _GONE)
        self._by_value: dict[tuple[str, ...], _Known] = {}
        self._left: list[tuple[int, int, Sequence[_Condition]]] = []
        self._open: dict[int, Sequence[tuple[int, int, Sequence[_Condition]]]] = {}
        self._judged: dict[tuple[int, int, int, int], int] = {}
        self._gaps: Mapping[str, Test] = {}
        self._rows = 0
        self._pending = -1
        self.oldest_pending: int | None = None
        """When the oldest task was created that was seen pending: seconds since the epoch (UTC); None: not known."""
        # Of the pass under way:
        self._pass = _buckets()
        self._appends = [bucket.append for bucket in self._pass]
        self._selected: dict[str, tuple[Task, int]] = {}
        self._contradicted: set[int] = set()
        self.text = 0

    @property
    def is_by_clock(self) -> bool:
        """Whether tasks were judged by their ages."""
        return self._ask is None and not self._rules.off

    def see(self, tasks: Collection[Task]) -> None:
        if self._ask is not None:
            self._begin(self._ask())
        if not tasks:
            return
        view = view_of(tasks, self._fields)
        numbers = list(self._statuses.of(*view.statuses))
        self._note_oldest(view, numbers)
        truths = [self._everything] * len(numbers)
        for (field,), known in self._by_value.items():
            truths = list(map(and_, truths, known.of(*view.column(field))))
        for place, truth in enumerate(truths):
            if truth and numbers[place] != _GONE:
                numbers[place] = self._judge(view, place, numbers[place], truth)
        says = view.hashes()
        if _GONE in numbers:  # one that is not there says nothing else
            says = [number and said for number, said in zip(numbers, says, strict=True)]
        for key, number, said in zip(map(hash, view.ids), numbers, says, strict=True):
            append = self._appends[key & _BUCKETS - 1]
            append(key)
            append(said & ~_KINDS | number)
        self._rows += len(numbers)
        self._forget()
        self._selected = self._best(self._selected)

    def _note_oldest(self, view: View, numbers: Sequence[int]) -> None:
        """Note when the oldest of the pending tasks was created.

        Times of one form are compared as they came, and the least of them is read: reading takes as long as all else.
        """
        if self._pending not in numbers:
            return
        column, read = view.column("created_at")
        shown = [found for found, number in zip(column, numbers, strict=True) if number == self._pending]
        forms = {(len(found), found[_SECONDS:]) if isinstance(found, str) else type(found) for found in shown}
        oldest = read(min(shown)) if len(forms) == 1 and forms != {type(None)} else None
        created = [oldest] if isinstance(oldest, int) else map(read, shown)
        known = [time for time in (self.oldest_pending, *created) if isinstance(time, int)]
        self.oldest_pending = min(known, default=None)

    def _begin(self, rules: Rules) -> None:
        self._rules, self._ask = rules, None
        self._fields = rules.fields
        self._everything = (1 << 2 * len(rules.all)) - 1
        self._lower = (1 << len(rules.all)) - 1
        self._pending = self._number(_Kind(Status.PENDING)) if "created_at" in self._fields else -1
        self._gaps = {name: test for rule in rules.policies for name, test in rule.gaps.items()}
        alone = {fields for rule in rules.all for fields, _ in rule.conditions if len(fields) == 1}
        self._by_value = {fields: _Known(self._truths_of(*fields)) for fields in sorted(alone)}
        self._leave()

    def _bits(self, place: int) -> tuple[int, int]:
        """The lower and the higher bit of a rule."""
        return 1 << place, 1 << place + len(self._rules.all)

    def _truths_of(self, field: str) -> Callable[[Any], int]:
        """The truths of all rules as far as a value of this field tells."""
        conditions = [
            (self._bits(place), holds)
            for place, rule in enumerate(self._rules.all)
            for fields, holds in rule.conditions
            if fields == (field,)
        ]

        def truths(value: Any) -> int:  # noqa: ANN401 - of the field's type
            values = {} if value is None else {field: value}
            found = self._everything
            for (lower, higher), holds in conditions:
                truth = holds(values)
                if truth is not Truth.TRUE:
                    found &= ~higher if truth is Truth.UNKNOWN else ~(higher | lower)
            return found

        return truths

    def _leave(self) -> None:
        """Note which conditions are to be asked about tasks, since no value that is known decides them."""
        left = (
            (*self._bits(place), [condition for condition in rule.conditions if condition[0] not in self._by_value])
            for place, rule in enumerate(self._rules.all)
        )
        self._left = [entry for entry in left if entry[-1]]
        self._open = {}

    def _forget(self) -> None:
        """Remember no values of a field that has nearly as many of them as there are tasks."""
        few = {fields: known for fields, known in self._by_value.items() if known.missed <= max(256, self._rows // 2)}
        if len(few) < len(self._by_value):
            self._by_value = few
            self._leave()

    def _judge(self, view: View, place: int, number: int, truths: int) -> int:
        """The number of the kind of a task that some rule may be true of; it is kept where a policy's is."""
        missing = group = 0
        rules = self._open.get(truths)
        if rules is None:
            rules = self._open[truths] = [rule for rule in self._left if truths & rule[0]]
        for lower, higher, conditions in rules:
            for fields, holds in conditions:
                truth = holds(view.values(place, fields))
                if truth is not Truth.TRUE:
                    if truth is Truth.FALSE:
                        truths &= ~(higher | lower)
                        break
                    truths &= ~higher
        if truths >> len(self._rules.all) & (1 << len(self._rules.policies)) - 1:
            if (by := self._rules.count_by) is not None:
                value = by.value_in(view.values(place, {by.held}))
                group = self._groups.setdefault(value, len(self._groups))
            else:
                task = view.task(place)
                if self._selected.setdefault(task.id, (task, truths))[0] is task:
                    self.text += task.text
        if truths & ~(truths >> len(self._rules.all)) & (1 << len(self._rules.policies)) - 1:
            values = view.values(place, {test.field for test in self._gaps.values()})
            missing = sum(1 << bit for bit, test in enumerate(self._gaps.values()) if seen_by(test, values) is None)
        judged = (number, truths, missing, group)
        if judged not in self._judged:
            self._judged[judged] = self._number(_Kind(self._kinds[number].status, truths, missing, group))
        return self._judged[judged]

    def _number(self, kind: _Kind) -> int:
        if kind not in self._numbers:
            self._kinds.append(kind)
            self._numbers[kind] = len(self._kinds) - 1
        return self._numbers[kind]

    def among(self, ids: Iterable[str]) -> set[str]:
        """Those of these ids that were seen, in passes that are over."""
        wanted: list[dict[int, str]] = [{} for _ in range(_BUCKETS)]
        for task_id in ids:
            wanted[hash(task_id) % _BUCKETS][hash(task_id)] = task_id
        return {
            asked[key]
            for asked, sightings in zip(wanted, self._seen, strict=True)
            if asked
            for key, number in zip(sightings[::2], sightings[1::2], strict=True)
            if key in asked and number != _GONE
        }

    def end_pass(self) -> tuple[int, int]:
        kept: list[dict[str, tuple[Task, int]]] = [{} for _ in range(_BUCKETS)]
        for task_id, entry in self._kept.items():
            kept[hash(task_id) % _BUCKETS][task_id] = entry
        self._kept = {}
        distinct = 0
        for place, bucket in enumerate(self._pass):
            ids, says = bucket[::2], bucket[1::2]
            self._pass[place] = fresh = array("q")
            self._appends[place] = fresh.append
            kinds = {key: said & _KINDS for key, said in zip(ids, says, strict=True)}
            distinct += len(kinds)
            if len(kinds) < len(ids):
                self._resolve(ids, says, kinds)
            self._kept |= {task_id: entry for task_id, entry in kept[place].items() if hash(task_id) not in kinds}
            before = self._seen[place]
            if before:
                kinds = dict(zip(before[::2], before[1::2], strict=True)) | kinds
            self._seen[place] = array("q", chain.from_iterable(kinds.items()))
        self._kept |= {
            task_id: entry for task_id, entry in self._selected.items() if hash(task_id) not in self._contradicted
        }
        self._kept = self._best(self._kept)
        numbers: Counter[int] = Counter()
        for sightings in self._seen:
            numbers.update(sightings[1::2])
        self._counts = [(self._kinds[number], count) for number, count in numbers.items() if number != _GONE]
        contradicted = len(self._contradicted)
        self._selected, self._contradicted, self.text = {}, set(), 0
        return distinct, contradicted

    def _best(self, tasks: dict[str, tuple[Task, int]]) -> dict[str, tuple[Task, int]]:
        """Those that are kept, once there are many."""
        if self._rules.best is None or len(tasks) < self._rules.many:
            return tasks
        return {task.id: tasks[task.id] for task in self._rules.best(task for task, _ in tasks.values())}

    def _resolve(self, ids: Sequence[int], says: Sequence[int], kinds: dict[int, int]) -> None:
        """Find the ids whose rows differ, and give them the kind of which nothing but perhaps the status is known."""
        last = dict(zip(ids, says, strict=True))
        differing = {key for key, said in zip(ids, says, strict=True) if last[key] != said}
        statuses: dict[int, set[Status]] = {key: set() for key in differing}
        for key, said in zip(ids, says, strict=True):
            if key in differing:
                statuses[key].add(self._kinds[said & _KINDS].status)
        for key, shown in statuses.items():
            status = shown.pop() if len(shown) == 1 else Status.UNKNOWN
            kinds[key] = self._number(_Kind(status, self._lower, contradicted=True))
        self._contradicted |= differing

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
    def busy(self) -> frozenset[str]:
        """The protections that hold some task."""
        held = 0
        for kind, _ in self._counts:
            held |= kind.truths
        first = len(self._rules.policies)
        return frozenset(rule.name for place, rule in enumerate(self._rules.protections, first) if held >> place & 1)

    def undecided(self, besides: Iterable[str] = ()) -> int:
        """Tasks of which it cannot be said whether some policy selects them, and `besides` these, which some selects.
        Each task once."""
        every = (1 << len(self._rules.policies)) - 1
        others = [truths for task_id in besides for _, truths in (self._kept[task_id],)]
        return self._unknown(every) + sum(not self._unsure_of(truths) & every for truths in others)

    def unknown(self, policy: str) -> int:
        """Tasks of which it cannot be said whether this policy selects them."""
        return self._unknown(self._bit(policy))

    def lacking(self, policy: str) -> dict[str, int]:
        """By name of a field that such a task does not have, how many there are. One may lack several."""
        own = {name for rule in self._rules.policies if rule.name == policy for name in rule.gaps}
        counts = {
            name: sum(count for kind, count in self._unsure(self._bit(policy)) if kind.missing >> bit & 1)
            for bit, name in enumerate(self._gaps)
            if name in own
        }
        return {name: count for name, count in counts.items() if count}

    def _unknown(self, policies: int) -> int:
        return sum(count for _, count in self._unsure(policies))

    def _unsure(self, policies: int) -> Iterator[tuple[_Kind, int]]:
        for kind, count in self._counts:
            if self._unsure_of(kind.truths) & policies:
                yield kind, count

    def _unsure_of(self, truths: int) -> int:
        """The rules, by their lower bits, of which it is not known whether they hold."""
        return truths & ~(truths >> len(self._rules.all))

    @property
    def matched(self) -> int:
        """How many tasks some policy selects."""
        return sum(self.groups.values())

    @property
    def groups(self) -> dict[Value | None, int]:
        """How many of these have each value of the field that they are counted by."""
        names: list[Value | None] = [*self._groups] or [None]
        counts: Counter[Value | None] = Counter()
        mask = (1 << len(self._rules.policies)) - 1
        for kind, count in self._counts:
            if kind.truths >> len(self._rules.all) & mask:
                counts[names[kind.group]] += count
        return dict(counts)

    @property
    def tasks(self) -> list[Task]:
        """The tasks that some policy selects."""
        return [task for task, _ in self._kept.values()]

    def selected(self, policy: str) -> list[Task]:
        """The tasks that it selects."""
        bit = self._bit(policy) << len(self._rules.all)
        return [task for task, truths in self._kept.values() if truths & bit]

    def _bit(self, policy: str) -> int:
        return sum(1 << place for place, rule in enumerate(self._rules.policies) if rule.name == policy)


_GONE = 0
"""The first kind: of ids that are not there."""


def _buckets() -> list[array[int]]:
    """Sightings in the order in which they were seen: of each the hash of its id, and what it says."""
    return [array("q") for _ in range(_BUCKETS)]
