"""What a plan tells a reader besides, in sentences: what is not known, not found, or not protected."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING

from reconciler.diagnostics import Severity
from reconciler.planning.change import Count, Name
from reconciler.planning.policy_plan import Note
from reconciler.redaction import Shown, bounded
from reconciler.selectors.operators import MISSING
from reconciler.selectors.trace import gaps
from reconciler.tasks.task import OBSERVABLE, Status, id_order

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from reconciler.selectors.syntax import Selector
    from reconciler.tasks.task import Task


@dataclass(frozen=True, slots=True)
class Gap(Shown):
    """That tasks lack a field, so that it is not known whether they match, or whether `only` lets them go."""

    policy: Name
    only: bool
    field: str
    tasks: Count
    line: str
    """What to write for that to be known."""

    @property
    def told(self) -> str:
        them, lack = ("it", "lacks") if self.tasks == 1 else ("them", "lack")
        what = "surplus task" if self.only else "task"
        lacking = (
            f"{self.tasks} {what}{'' if self.tasks == 1 else 's'} {lack} `{self.field}`, so it is not known whether"
        )
        if self.only:
            return f"{lacking} `only` lets {them} go: `only: {{{self.line}}}` does"
        return f"{lacking} the policy is about {them}: `{self.line}` includes {them}"


@dataclass(frozen=True, slots=True)
class Watch(Shown):
    """What a protection was held against: so many tasks. `busy`: it holds some of them, or may hold others."""

    protection: Name
    tasks: Count
    statuses: tuple[Status, ...] = ()
    """The only ones in which tasks were looked at; none: all."""
    busy: bool = False

    @property
    def idle(self) -> bool:
        """Whether it holds none of what was listed."""
        return self.tasks > 0 and not self.busy

    @property
    def told(self) -> str:
        listed = "the 1 task listed" if self.tasks == 1 else f"the {self.tasks} tasks listed"
        narrow = f" ({', '.join(self.statuses)}, no others)" if self.statuses else ""
        return f"protection {self.protection} protects none of {listed}{narrow}"


@dataclass(frozen=True, slots=True)
class Unfound(Shown):
    """The ids that a policy names, and that are not among what was listed. `open`: not all that there is was."""

    policy: Name
    ids: tuple[str, ...]
    statuses: tuple[Status, ...] = ()
    """The only ones in which tasks were looked at; none: all."""
    open: bool = False

    @property
    def told(self) -> str:
        listed = f"tasks listed ({', '.join(self.statuses)})" if self.statuses else "tasks listed"
        ids = "1 of the ids that it names is" if len(self.ids) == 1 else f"{len(self.ids)} of the ids that it names are"
        return f"{ids} not among the {listed}: {some(self.ids, 10)}"


@dataclass(frozen=True, slots=True)
class Conclusions(Shown):
    """What can be said only of all that was listed. `unasked` are tasks that were named, and that no policy asks for;
    `unseen` those of them that were not listed."""

    gaps: tuple[Gap, ...] = ()
    watches: tuple[Watch, ...] = ()
    unfound: tuple[Unfound, ...] = ()
    unasked: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()

    def notes(self) -> Iterator[Note]:
        by_policy: defaultdict[str, list[str]] = defaultdict(list)
        for gap in self.gaps:
            by_policy[gap.policy].append(gap.told)
        for one in self.unfound:
            if one.ids and not one.open:
                by_policy[one.policy].append(one.told)
        for name, messages in sorted(by_policy.items()):
            yield from (Note(Severity.WARNING, message, policy=name) for message in messages)
        for watch in self.watches:
            if watch.idle:
                yield Note(Severity.WARNING, watch.told)
        for names, how in (
            ([name for name in self.unasked if name not in {*self.unseen}], "asked for by no policy"),
            (self.unseen, "not among what was listed for the policies"),
        ):
            if names:
                be = "is" if len(names) == 1 else "are"
                told = f"{len(names)} of the tasks that were named {be} {how}: {some(names, 10)}"
                yield Note(Severity.WARNING, told)

    @classmethod
    def joined(cls, parts: Sequence[Conclusions]) -> Conclusions:
        """What can be said of all, where each part has listed others."""
        gaps: dict[tuple[str, bool, str], Gap] = {}
        for gap in chain.from_iterable(part.gaps for part in parts):
            before = gaps.get((gap.policy, gap.only, gap.field))
            gaps[gap.policy, gap.only, gap.field] = replace(gap, tasks=gap.tasks + (before.tasks if before else 0))
        watches: dict[str, Watch] = {}
        for watch in chain.from_iterable(part.watches for part in parts):
            if known := watches.get(watch.protection):
                statuses = tuple(status for status in OBSERVABLE if status in {*known.statuses, *watch.statuses})
                tasks, busy = known.tasks + watch.tasks, known.busy or watch.busy
                watches[watch.protection] = Watch(watch.protection, tasks, statuses, busy)
            else:
                watches[watch.protection] = watch
        unfound: dict[str, Unfound] = {}
        for one in chain.from_iterable(part.unfound for part in parts):
            if found := unfound.get(one.policy):
                ids = _in_all([found.ids, one.ids])
                statuses = looked_at({*found.statuses, *one.statuses}) if found.statuses and one.statuses else ()
                unfound[one.policy] = Unfound(one.policy, ids, statuses, found.open or one.open)
            else:
                unfound[one.policy] = one
        return cls(
            tuple(gap for _, gap in sorted(gaps.items())),
            tuple(watch for _, watch in sorted(watches.items())),
            tuple(one for _, one in sorted(unfound.items())),
            _in_all([part.unasked for part in parts]),
            _in_all([part.unseen for part in parts]),
        )


def looked_at(statuses: Collection[Status]) -> tuple[Status, ...]:
    """These statuses in their order; none where they are all that there are."""
    found = tuple(status for status in OBSERVABLE if status in statuses)
    return found if len(found) < len(OBSERVABLE) else ()


def _in_all(lists: Sequence[Sequence[str]]) -> tuple[str, ...]:
    others = [{*names} for names in lists[1:]]
    return tuple(name for names in lists[:1] for name in names if all(name in other for other in others))


def gaps_of(policy: str, selector: Selector, lacking: Mapping[str, int], *, only: bool = False) -> Iterator[Gap]:
    """Why it is not known of tasks whether they match, or may go: by field, the number of tasks without it."""
    conditions = {test.name: (test.operator, counts_as) for test, counts_as in gaps(selector)}
    for name, count in sorted(lacking.items()):
        operator, counts_as = conditions[name]
        yield Gap(policy, only, name, count, f"{name}: {{{operator}: ..., {MISSING}: {str(counts_as).lower()}}}")


def undecided_told(tasks: Sequence[Task]) -> str:
    """That a quota cannot count these."""
    kept = f"{len(tasks)} matching {'task is' if len(tasks) == 1 else 'tasks are'} kept for want of a group or time"
    return f"{kept}: {some(sorted((task.id for task in tasks), key=id_order))}"


def unfound_told(entries: Sequence[str]) -> str:
    """That these of an inventory are unknown to the cloud."""
    what = "entry of the inventory was" if len(entries) == 1 else "entries of the inventory were"
    return f"{len(entries)} {what} found nowhere: {some(entries)}"


def some(texts: Sequence[str], most: int = 3) -> str:
    """So many of them, each at a bounded length."""
    return ", ".join(bounded(text, 200) for text in texts[:most]) + (", ..." if len(texts) > most else "")
