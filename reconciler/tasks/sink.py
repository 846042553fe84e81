"""Where the tasks of a listing go, page by page, and how a page can be looked at without making all of its tasks."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Collection, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, Protocol

from reconciler.tasks.task import Status, Task

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.tasks.task import Value

Column = tuple[Sequence[Any], Callable[[Any], Any]]
"""What each row of a page has in one place, hashable and as it came, and what makes of it a value, None: there is none.
What is alike as it came makes alike values."""


class View(Protocol):
    """A page by its columns, of the fields that are asked about."""

    @property
    def ids(self) -> Sequence[str]: ...

    @property
    def statuses(self) -> Column:
        """Leads to a `Status`, `gone` where the row says that there is no such task."""
        ...

    def column(self, field: str) -> Column:
        """What the rows say of a field."""
        ...

    def hashes(self) -> Iterable[int]:
        """For each row a hash of all that it says of the fields, and of whether it is there."""
        ...

    def task(self, place: int) -> Task:
        """The task that a row shows, with all of its fields."""
        ...


class Rows(Collection[Task]):
    """What a page shows, made into tasks as somebody goes through them."""

    @abstractmethod
    def view(self, fields: frozenset[str]) -> View:
        """The page by its columns, where only these fields matter."""

    @abstractmethod
    def joined(self, more: Sequence[Rows]) -> Rows | None:
        """These rows and those of `more` pages as one; None where they cannot be. None of the pages is empty."""


class _Made:
    """Tasks that are made, by their columns. A `View`."""

    def __init__(self, tasks: Collection[Task], fields: frozenset[str]) -> None:
        self._tasks = list(tasks)
        self._fields = sorted(fields)
        self.ids = [task.id for task in self._tasks]
        self.statuses: Column = ([task.status.value for task in self._tasks], Status)

    def column(self, field: str) -> Column:
        return [task.values.get(field) for task in self._tasks], _as_it_is

    def hashes(self) -> Iterable[int]:
        fields = self._fields
        return (hash((task.status.value, *map(spelt, map(task.values.get, fields)))) for task in self._tasks)

    def task(self, place: int) -> Task:
        return self._tasks[place]


def spelt(found: object) -> object:
    """What is hashed of what stands in a column. Numbers as text: their own hashes are no secret of this process, so
    that a server could choose two of one hash."""
    return found if found is None or type(found) is str else repr(found)


def _as_it_is(found: Value | None) -> Value | None:
    return found


def view_of(tasks: Collection[Task], fields: frozenset[str]) -> View:
    """A page by its columns, where only these fields matter."""
    return tasks.view(fields) if isinstance(tasks, Rows) else _Made(tasks, fields)


class Sink(Protocol):
    """Takes the tasks of one listing as its pages come, so that nobody has to hold them all.

    A list is gone through in passes, of which a later one is the newer: a task that it shows replaces an earlier
    sighting. Within a pass no order is meant; rows of one id that differ contradict each other.

    Which of these is right cannot be told, and that a value is not known is not to say that it is missing. So such a
    task is believed in one thing, the status, and only where its rows agree on it: it counts there, no selector selects
    it (not even `match: all` or `exists: false`), and every protection holds it.
    """

    @property
    def text(self) -> int:
        """Characters of text that are held of the pass under way."""
        ...

    @property
    def total(self) -> int:
        """How many tasks there are, after the last pass."""
        ...

    @property
    def contradicted(self) -> int:
        """Of how many of them the rows contradict each other."""
        ...

    def see(self, tasks: Collection[Task]) -> None:
        """Take what a page shows. A task of status `gone` says that there is none of that id."""
        ...

    def end_pass(self) -> tuple[int, int]:
        """End a pass; how many ids it showed, and of how many of them the rows contradict each other."""
        ...


class Collected:
    """A sink that holds the latest sighting of each task."""

    def __init__(self) -> None:
        self.text = 0
        self._pass: list[Task] = []
        self._tasks: dict[str, Task] = {}
        self._contradicted: dict[str, list[Task]] = {}

    @property
    def tasks(self) -> tuple[Task, ...]:
        """All that is there and no row contradicts, after the last pass."""
        return tuple(self._tasks.values())

    @property
    def rows(self) -> tuple[Task, ...]:
        """The rows that contradict each other."""
        return tuple(chain.from_iterable(self._contradicted.values()))

    @property
    def total(self) -> int:
        return len(self._tasks) + len(self._contradicted)

    @property
    def contradicted(self) -> int:
        return len(self._contradicted)

    def see(self, tasks: Collection[Task]) -> None:
        made = list(tasks)
        self.text += sum(task.text for task in made)
        self._pass += made

    def end_pass(self) -> tuple[int, int]:
        found, contradicted = by_id(self._pass)
        self._pass, self.text = [], 0
        for task_id in (*found, *contradicted):
            self._tasks.pop(task_id, None)
            self._contradicted.pop(task_id, None)
        self._tasks |= {task_id: task for task_id, task in found.items() if task.status is not Status.GONE}
        self._contradicted |= contradicted
        return len(found) + len(contradicted), len(contradicted)


class Shared:
    """A sink that shows all to several others. What there is, the first of them says."""

    def __init__(self, first: Sink, *others: Sink) -> None:
        self._first = first
        self._others = others

    @property
    def text(self) -> int:
        return self._first.text + sum(sink.text for sink in self._others)

    @property
    def total(self) -> int:
        return self._first.total

    @property
    def contradicted(self) -> int:
        return self._first.contradicted

    def see(self, tasks: Collection[Task]) -> None:
        for sink in (self._first, *self._others):
            sink.see(tasks)

    def end_pass(self) -> tuple[int, int]:
        for sink in self._others:
            sink.end_pass()
        return self._first.end_pass()


def by_id(tasks: Iterable[Task]) -> tuple[dict[str, Task], dict[str, list[Task]]]:
    """The tasks that one answer shows, by id; and apart from them, by id, rows that contradict each other.

    Of these as many as it takes to see it: two, and one of each status.
    """
    rows: dict[str, list[Task]] = {}
    for task in tasks:
        known = rows.setdefault(task.id, [task])
        if len(known) == 1:
            if known[0].values != task.values or known[0].status is not task.status:
                known.append(task)
        elif all(row.status is not task.status for row in known):
            known.append(task)
    contradicted = {task_id: known for task_id, known in rows.items() if len(known) > 1}
    return {task_id: known[0] for task_id, known in rows.items() if len(known) == 1}, contradicted
