"""What a plan tells a reader besides, in sentences: what is not known, not found, or not protected."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.redaction import bounded
from reconciler.selectors.operators import MISSING
from reconciler.selectors.syntax import Everything
from reconciler.selectors.trace import gaps
from reconciler.tasks.task import OBSERVABLE, id_order

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from reconciler.config.model import Policy
    from reconciler.selectors.syntax import Selector
    from reconciler.tasks.task import Status, Task


def gaps_told(policy: Policy, lacking: Mapping[str, int], staying: Mapping[str, int]) -> Iterator[str]:
    """Why it is not known of tasks whether they match, or may go, and what to write for that to be known: by field, the
    number of tasks without it."""
    for name, count, line in _lines(policy.match, lacking):
        about = f"so it is not known whether the policy is about {_them(count)}"
        yield f"{_lacking(count, 'task', name)}, {about}: `{line}` includes {_them(count)}"
    for name, count, line in _lines(policy.only or Everything(), staying):
        may_go = f"so it is not known whether `only` lets {_them(count)} go"
        yield f"{_lacking(count, 'surplus task', name)}, {may_go}: `only: {{{line}}}` does"


def _lines(selector: Selector, lacking: Mapping[str, int]) -> Iterator[tuple[str, int, str]]:
    """The fields that tasks lack, how many tasks, and the line by which the selector holds for these as well."""
    conditions = {test.name: (test.operator, counts_as) for test, counts_as in gaps(selector)}
    for name, count in sorted(lacking.items()):
        operator, counts_as = conditions[name]
        yield name, count, f"{name}: {{{operator}: ..., {MISSING}: {str(counts_as).lower()}}}"


def _lacking(count: int, noun: str, field: str) -> str:
    return f"1 {noun} lacks `{field}`" if count == 1 else f"{count} {noun}s lack `{field}`"


def _them(count: int) -> str:
    return "it" if count == 1 else "them"


def idle_told(protection: str, count: int, states: Collection[Status]) -> str:
    """That a protection holds none of so many tasks, which were looked at in these states only; none: in all."""
    listed = "the 1 task listed" if count == 1 else f"the {count} tasks listed"
    narrow = f" ({', '.join(state for state in OBSERVABLE if state in states)}, no others)" if states else ""
    return f"protection {protection} protects none of {listed}{narrow}"


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
