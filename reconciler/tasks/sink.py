"""Where the tasks of a listing go, page by page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from reconciler.tasks.task import Status, Task

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class Sink(Protocol):
    """Takes the tasks of one listing as its pages come, so that nobody has to hold them all.

    A list is gone through in passes, of which a later one is the newer: a task that it shows replaces an earlier
    sighting. Within a pass no order is meant; rows of one id that differ contradict each other.
    """

    @property
    def text(self) -> int:
        """Characters of text that are held of the pass under way."""
        ...

    @property
    def total(self) -> int:
        """How many tasks there are, after the last pass."""
        ...

    def see(self, tasks: Sequence[Task]) -> None:
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

    @property
    def tasks(self) -> tuple[Task, ...]:
        """All that is there, after the last pass."""
        return tuple(self._tasks.values())

    @property
    def total(self) -> int:
        return len(self._tasks)

    def see(self, tasks: Sequence[Task]) -> None:
        self.text += sum(task.text for task in tasks)
        self._pass += tasks

    def end_pass(self) -> tuple[int, int]:
        found, contradicted = by_id(self._pass)
        self._pass, self.text = [], 0
        for task in found.values():
            if task.status is Status.GONE:
                self._tasks.pop(task.id, None)
            else:
                self._tasks[task.id] = task
        return len(found), len(contradicted)


def by_id(tasks: Iterable[Task]) -> tuple[dict[str, Task], frozenset[str]]:
    """The tasks of one answer by id, and the ids whose rows contradict each other.

    Which row is right cannot be told, so what they differ in is left out, the status included.
    """
    found: dict[str, Task] = {}
    contradicted: set[str] = set()
    for task in tasks:
        known = found.setdefault(task.id, task)
        if known is task or (known.values == task.values and known.status is task.status):
            continue
        contradicted.add(task.id)
        alike = {name: value for name, value in known.values.items() if task.values.get(name) == value}
        status = known.status if known.status is task.status else Status.UNKNOWN
        found[task.id] = Task(task.target, task.resource, task.id, status, alike)
    return found, frozenset(contradicted)
