"""The sieve: what the policies make of the tasks of one listing, page by page. Pure.

What some policy selects is kept; of all others only counts are. They stay exact where pages shift, where a task is seen
twice, and where rows of one pass contradict each other (`reconciler.tasks.sink.Sink` says what is believed of them).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from itertools import compress, repeat
from operator import and_, attrgetter
from typing import TYPE_CHECKING, Any

from reconciler.planning.rules import Asked, Known, Rules, columns
from reconciler.planning.sightings import Sightings
from reconciler.tasks.sink import Rows, view_of
from reconciler.tasks.task import Status, part_in

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from reconciler.planning.rules import Condition
    from reconciler.selectors.syntax import Test
    from reconciler.tasks.sink import View
    from reconciler.tasks.task import Task, Value

_SECONDS = 19
"""Characters of a time as text up to its seconds: two that agree in the rest are ordered as their texts are."""

_DIGITS = str.maketrans("123456789", "000000000")

_GONE = 0
"""The first kind: of ids that are not there."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """What a sighting counts as, with the truths of all rules (`reconciler.planning.rules.Asked`). `missing` has a bit
    for each gap of the policies, where it is not known whether one holds."""

    status: Status
    truths: int = 0
    missing: int = 0
    group: int = 0
    contradicted: bool = False


class Sieve:
    """A sink (`reconciler.tasks.sink.Sink`) that keeps what the policies select.

    `rules` is asked once, with the first page: the answer that it came in has told the cloud's clock.
    """

    def __init__(self, rules: Callable[[], Rules]) -> None:
        self._ask: Callable[[], Rules] | None = rules
        self._rules = Rules((), ())
        self._fields: frozenset[str] = frozenset()
        self._count = self._everything = self._policies = 0
        self._kinds = [_Kind(Status.GONE)]
        self._numbers: dict[_Kind, int] = {}
        self._groups: dict[Value | None, int] = {}
        self._sightings = Sightings()
        self._counts: list[tuple[_Kind, int]] = []
        self._kept: dict[str, tuple[Task, int]] = {}
        # How tasks are judged:
        self._statuses = Known(lambda status: self._number(_Kind(status)) if status is not Status.GONE else _GONE)
        self._few: list[Asked] = []
        self._many: list[Asked] = []
        self._judged: dict[tuple[int, int, int, int], int] = {}
        self._gaps: Mapping[str, Test] = {}
        self._missing: dict[str, tuple[int, Known]] = {}
        self._grouped = Known(self._group)
        self._rows = 0
        self._pending = -1
        self.oldest_pending: int | None = None
        """When the oldest task was created that was seen pending: seconds since the epoch (UTC); None: not known."""
        # Of the pass under way:
        self._held: list[Rows] = []
        self._selected: dict[str, tuple[Task, int]] = {}
        self.text = 0

    @property
    def is_by_clock(self) -> bool:
        """Whether tasks were judged by their ages."""
        return self._ask is None and not self._rules.off

    def see(self, tasks: Collection[Task]) -> None:
        if self._ask is not None:
            self._begin(self._ask())
        if not isinstance(tasks, Rows):
            self._look(tasks)
            return
        self._held.append(tasks)
        if len(self._held) >= self._rules.together:
            self._let_go()

    def _let_go(self) -> None:
        """Look at the pages that are held, and hold them no longer."""
        held, self._held = [page for page in self._held if page], []
        together = held[0].joined(held[1:]) if held else None
        for tasks in held if together is None else [together]:
            self._look(tasks)

    def _look(self, tasks: Collection[Task]) -> None:
        if not tasks:
            return
        view = view_of(tasks, self._fields)
        numbers = list(self._statuses.of(*view.statuses))
        self._note_oldest(view, numbers)
        self._judge(view, numbers)
        says = view.hashes()
        if _GONE in numbers:  # one that is not there says nothing else
            says = [number and said for number, said in zip(numbers, says, strict=True)]
        self._sightings.add(view.ids, says, numbers)
        self._rows += len(numbers)
        self._forget()
        best = self._best(self._selected)
        if best is not self._selected:
            self._selected, self.text = best, sum(task.text for task, _ in best.values())

    def _note_oldest(self, view: View, numbers: Sequence[int]) -> None:
        """Note when the oldest of the pending tasks was created.

        Times of one form are compared as they came, and the least of them is read: reading takes as long as all else.
        """
        if self._pending not in numbers:
            return
        column, read = view.column("created_at")
        shown = [found for found, number in zip(column, numbers, strict=True) if number == self._pending and found]
        oldest = read(min(shown)) if _of_one_form(shown) else None
        created = [oldest] if isinstance(oldest, int) else map(read, shown)
        known = [time for time in (self.oldest_pending, *created) if isinstance(time, int)]
        self.oldest_pending = min(known, default=None)

    def _begin(self, rules: Rules) -> None:
        self._rules, self._ask = rules, None
        self._fields = rules.fields
        self._count = len(rules.all)
        self._everything = (1 << 2 * self._count) - 1
        self._policies = (1 << len(rules.policies)) - 1
        self._pending = self._number(_Kind(Status.PENDING)) if "created_at" in self._fields else -1
        self._gaps = {name: test for rule in rules.policies for name, test in rule.gaps.items()}
        self._missing = {name: self._gaps_in(name) for name in {test.field for test in self._gaps.values()}}
        conditions: defaultdict[tuple[str, ...], dict[Condition, int]] = defaultdict(dict)
        for place, rule in enumerate(rules.all):
            for condition in rule.conditions:
                alike = conditions[condition.fields]
                alike[condition] = alike.get(condition, 0) | 1 << place
        self._few = [Asked(fields, alike, self._count) for fields, alike in conditions.items() if fields]
        (self._everything,) = Asked((), conditions[()], self._count).narrowed([self._everything], [{}])

    def _gaps_in(self, field: str) -> tuple[int, Known]:
        """The policies that have gaps in a field, and which of the gaps there are with a value of it."""
        rules = enumerate(self._rules.policies)
        having = sum(1 << place for place, rule in rules if any(test.field == field for test in rule.gaps.values()))
        gaps = [(1 << bit, test.part) for bit, test in enumerate(self._gaps.values()) if test.field == field]
        without, parts = sum(bit for bit, _ in gaps), [(bit, part) for bit, part in gaps if part]

        def lacks(value: Value | None) -> int:
            if value is None:
                return without
            return sum(bit for bit, part in parts if part_in(value, part) is None) if parts else 0

        return having, Known(lacks)

    def _forget(self) -> None:
        """Remember no values of fields that have nearly as many of them as there are tasks."""
        for asked in [asked for asked in self._few if asked.known.missed > max(self._rules.few, self._rows // 2)]:
            asked.known.clear()
            self._few.remove(asked)
            self._many.append(asked)

    def _judge(self, view: View, numbers: list[int]) -> None:
        """Put the number of its kind for each row that some rule may be true of; keep those of which a policy's is."""
        truths: Iterable[int] = repeat(self._everything, len(numbers))
        for asked in self._few:
            truths = map(and_, truths, asked.known.of(*columns(view, asked.fields)))
        each = list(truths)
        found = dict(compress(enumerate(each), each))
        if _GONE in numbers:
            found = {place: one for place, one in found.items() if numbers[place] != _GONE}
        for asked in sorted(self._many, key=attrgetter("leaves")):
            asked.narrow(view, found)
        missing, groups = self._lacking(view, found), self._keep(view, found)
        for place, one in found.items():
            judged = (numbers[place], one, missing.get(place, 0), groups.get(place, 0))
            number = self._judged.get(judged)
            if number is None:
                number = self._number(_Kind(self._kinds[numbers[place]].status, *judged[1:]))
                self._judged[judged] = number
            numbers[place] = number

    def _keep(self, view: View, found: Mapping[int, int]) -> dict[int, int]:
        """Keep the tasks that some policy selects, or say the groups of these rows, by their places."""
        selected = [place for place, truths in found.items() if truths >> self._count & self._policies]
        if selected and self._rules.count_by is not None:
            column, read = view.column(self._rules.count_by.held)
            return dict(zip(selected, self._grouped.of([column[place] for place in selected], read), strict=True))
        for place in selected:
            task = view.task(place)
            if self._selected.setdefault(task.id, (task, found[place]))[0] is task:
                self.text += task.text
        return {}

    def _group(self, value: Value | None) -> int:
        by = self._rules.count_by
        values = {} if by is None or value is None else {by.held: value}
        group = by.value_in(values) if by else None
        if group not in self._groups:
            self._groups[group] = len(self._groups)
            self.text += len(str(group))
        return self._groups[group]

    def _lacking(self, view: View, found: Mapping[int, int]) -> dict[int, int]:
        """Which gaps have those rows of which it is not known whether a policy selects them, by their places."""
        unsure = {place: each for place, truths in found.items() if (each := self._unsure_of(truths) & self._policies)}
        missing = dict.fromkeys(unsure, 0)
        for name, (policies, known) in self._missing.items() if unsure else ():
            places = [place for place, each in unsure.items() if each & policies]
            column, read = view.column(name)
            for place, lacks in zip(places, known.of([column[place] for place in places], read), strict=True):
                missing[place] |= lacks
        return missing

    def _number(self, kind: _Kind) -> int:
        if kind not in self._numbers:
            self._kinds.append(kind)
            self._numbers[kind] = len(self._kinds) - 1
        return self._numbers[kind]

    def among(self, ids: Iterable[str]) -> set[str]:
        """Those of these ids that were seen, in passes that are over."""
        return {task_id for task_id, number in self._sightings.among(ids).items() if number != _GONE}

    def end_pass(self) -> tuple[int, int]:
        self._let_go()
        shown = self._sightings.shown(self._kept)
        distinct, contradicted = self._sightings.end_pass(self._contradiction)
        kept = {task_id: entry for task_id, entry in self._kept.items() if hash(task_id) not in shown}
        kept |= {task_id: entry for task_id, entry in self._selected.items() if hash(task_id) not in contradicted}
        self._kept = self._best(kept)
        numbers = Counter(self._sightings.numbers)
        self._counts = [(self._kinds[number], count) for number, count in numbers.items() if number != _GONE]
        self._selected, self.text = {}, 0
        return distinct, len(contradicted)

    def _contradiction(self, numbers: Iterable[int]) -> int:
        """The kind of an id whose rows differ: of it nothing is known but perhaps the status."""
        shown = {self._kinds[number].status for number in numbers}
        status = shown.pop() if len(shown) == 1 else Status.UNKNOWN
        return self._number(_Kind(status, (1 << self._count) - 1, contradicted=True))

    def _best(self, tasks: dict[str, tuple[Task, int]]) -> dict[str, tuple[Task, int]]:
        """Those that are kept, once there are many."""
        if self._rules.best is None or len(tasks) < self._rules.many:
            return tasks
        return {task.id: tasks[task.id] for task in self._rules.best(task for task, _ in tasks.values())}

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
        others = [truths for task_id in besides for _, truths in (self._kept[task_id],)]
        return self._unknown(self._policies) + sum(not self._unsure_of(truths) & self._policies for truths in others)

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
        return truths & ~(truths >> self._count)

    @property
    def matched(self) -> int:
        """How many tasks some policy selects."""
        return sum(self.groups.values())

    @property
    def groups(self) -> dict[Value | None, int]:
        """How many of these have each value of the field that they are counted by."""
        names: list[Value | None] = [*self._groups] or [None]
        counts: Counter[Value | None] = Counter()
        for kind, count in self._counts:
            if kind.truths >> self._count & self._policies:
                counts[names[kind.group]] += count
        return dict(counts)

    @property
    def tasks(self) -> list[Task]:
        """The tasks that some policy selects."""
        return [task for task, _ in self._kept.values()]

    def selected(self, policy: str) -> list[Task]:
        """The tasks that it selects."""
        bit = self._bit(policy) << self._count
        return [task for task, truths in self._kept.values() if truths & bit]

    def _bit(self, policy: str) -> int:
        return sum(1 << place for place, rule in enumerate(self._rules.policies) if rule.name == policy)


def _of_one_form(times: Sequence[Any]) -> bool:
    """Whether these are ordered as they came."""
    kinds = set(map(type, times))
    if kinds == {int}:
        return len(str(min(times))) == len(str(max(times)))
    if kinds != {str} or len(set(map(len, times))) > 1:
        return False
    whole = "".join(times)
    if whole.isascii() and whole.isdigit():
        return True
    return len({time[:_SECONDS].translate(_DIGITS) + time[_SECONDS:] for time in times}) == 1
