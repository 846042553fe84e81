"""The tasks of a plan for a terminal: all that is known of each, a line each, or in groups."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, TypeVar

from reconciler.planning.change import Change, Skipped
from reconciler.reports import TaskView
from reconciler.reports.ages import age_of
from reconciler.reports.cells import clipped, counted, padded, shrunk, table, tail, width
from reconciler.reports.wording import SYMBOLS, object_text, status_text, steps_words, value_text
from reconciler.tasks.observation import Scope
from reconciler.tasks.resource_type import Action

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from reconciler.planning.change import Observed
    from reconciler.reports.cells import Palette

    _Task = TypeVar("_Task", Change, Skipped)

_NAME_CELLS = 40
_FIRST = ("created_at", "started_at", "finished_at")
_ELSEWHERE = frozenset({"id", "status", "provider_status", *_FIRST})
_EXAMPLES = 3
_CLAUSE = "; "
"""What stands between the parts of a reason."""
_UNMEASURED = 160
"""Cells of a line where it is not known how many there are."""


def fields(observed: Observed) -> Iterator[tuple[str, str]]:
    """The fields a reviewer reads, in their order: status, times, then the others by name."""
    yield "status", status_text(observed)
    for name in (*(name for name in _FIRST if name in observed), *sorted(observed.keys() - _ELSEWHERE)):
        yield name, value_text(observed[name])


def dated(name: str, value: str | int | tuple[str, ...], now: int) -> str:
    """A field's value on one line, with its age where it is a time."""
    passed = age_of(value, now) if name.endswith("_at") else None
    return value_text(value) + (f" ({passed})" if passed else "")


@dataclass(frozen=True, slots=True)
class _Group:
    """Tasks of one scope that the same names ask for or hold, and that the same is done with. Never empty."""

    tasks: Sequence[Change | Skipped]

    @property
    def named(self) -> tuple[str, ...]:
        first = self.tasks[0]
        return first.policies if isinstance(first, Change) else first.protections or first.policies

    @property
    def reason(self) -> str:
        """The reason that they share, or as much of it, such as what a quota allows; else one of them."""
        first, *others = {task.reason: None for task in self.tasks}
        if not others:
            return first
        said = [set(reason.split(_CLAUSE)) for reason in others]
        shared = [clause for clause in first.split(_CLAUSE) if all(clause in clauses for clauses in said)]
        return _CLAUSE.join(shared) or f"for example: {first}"


def _groups(tasks: Sequence[Change | Skipped]) -> list[_Group]:
    found: dict[object, list[Change | Skipped]] = {}
    for task in tasks:
        key = (task.policies, task.steps) if isinstance(task, Change) else (task.policies, task.protections)
        found.setdefault(key, []).append(task)
    return sorted((_Group(members) for members in found.values()), key=lambda group: -len(group.tasks))


@dataclass(frozen=True, slots=True)
class TaskWriter:
    """Writes the tasks of one plan, each list of them as long as it says. `objects`: the fields that say what the tasks
    of a scope work on. `columns`: cells of a line, if known. `would`: the symbol of changes that are not made."""

    paint: Palette
    now: int
    objects: Mapping[Scope, tuple[str, ...]]
    view: TaskView = TaskView.AUTO
    columns: int | None = None
    would: str = ""

    def sections(
        self, tasks: Sequence[Change | Skipped], heading: Callable[[str, Sequence[Change | Skipped]], str]
    ) -> Iterator[list[str]]:
        """The tasks by scope: the heading of it, then what the view says of each."""
        view = self.view.of(len(tasks))
        for (target, resource), group in groupby(tasks, key=lambda task: (task.target, task.resource)):
            members = list(group)
            yield [heading(f"{target} / {resource}", members)]
            if view is TaskView.FULL:
                yield from map(self._block, members)
            else:
                lines = self._rows if view is TaskView.LIST else self._span
                yield from ([*self._group(one), *lines(one)] for one in _groups(members))

    def _group(self, group: _Group) -> list[str]:
        first, count = group.tasks[0], len(group.tasks)
        names = ", ".join(group.named)
        if isinstance(first, Change):
            lines = [self._doing(first.steps, f"{count}, by {names}")]
        else:
            lines = [f"{_symbol(first)} {counted(count, 'task')}, by {names}"]
        reason = group.reason.removeprefix(f"{names}: ")
        return [f"  {line}" for line in lines] + ([f"      {self.paint.faint(reason)}"] if reason else [])

    def _rows(self, group: _Group) -> Iterator[str]:
        rows = [
            (
                task.task_id,
                status_text(task.observed),
                age_of(task.observed.get("created_at"), self.now) or "age unknown",
                object_text(task.observed, self.objects.get(Scope(task.target, task.resource), ())),
            )
            for task in group.tasks
        ]
        return (
            f"      {line}" for line in table(shrunk(rows, (self.columns or _UNMEASURED) - 6, {3: tail, 0: clipped}))
        )

    def _span(self, group: _Group) -> Iterator[str]:
        created = [one for task in group.tasks if isinstance(one := task.observed.get("created_at"), str)]
        ids = [task.task_id for task in group.tasks[:_EXAMPLES]]
        rows = [
            *([("oldest", dated("created_at", min(created), self.now))] if created else []),
            *([("newest", dated("created_at", max(created), self.now))] if created else []),
            ("for example" if len(ids) < len(group.tasks) else "ids", ", ".join(ids)),
        ]
        return self._named(rows)

    def _block(self, task: Change | Skipped) -> list[str]:
        if isinstance(task, Change):
            heading = self._doing(task.steps, task.task_id)
        else:
            heading = f"{_symbol(task)} {task.task_id}"
        rows = [
            *((clipped(name, _NAME_CELLS), dated(name, value, self.now)) for name, value in fields(task.observed)),
            ("policies", ", ".join(task.policies)),
            *([("protections", ", ".join(task.protections))] if isinstance(task, Skipped) else []),
            ("reason", task.reason),
        ]
        return [f"  {heading}", *self._named([(name, value) for name, value in rows if value])]

    def _named(self, rows: Sequence[tuple[str, str]]) -> Iterator[str]:
        longest = max(width(name) for name, _ in rows)
        return (f"      {self.paint.faint(padded(name, longest))}  {value}" for name, value in rows)

    def _doing(self, steps: tuple[Action, ...], what: str) -> str:
        """A record that is deleted is gone for good; a task that is canceled leaves its record."""
        if self.would:
            return f"{self.would} would {steps_words(steps)} {what}"
        return (self.paint.red if Action.DELETE in steps else self.paint.yellow)(
            f"{SYMBOLS[steps]} {steps_words(steps)} {what}"
        )


def _symbol(task: Skipped) -> str:
    return "=" if task.protections else "!"
