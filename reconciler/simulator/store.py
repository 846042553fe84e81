"""The tasks of one vendor's cloud, and how they move on."""

import heapq
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from threading import RLock
from typing import Any

from reconciler.simulator.clock import VirtualClock, duration, moment


class Phase(StrEnum):
    """Where a task stands, in one vocabulary for every vendor."""

    PENDING = "pending"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"


TERMINAL = frozenset({Phase.SUCCEEDED, Phase.FAILED, Phase.CANCELED})


@dataclass(frozen=True, slots=True)
class Spellings:
    """How one kind of task writes its phases. The first spelling of a phase is the usual one."""

    pending: tuple[str, ...]
    running: tuple[str, ...]
    succeeded: tuple[str, ...]
    failed: tuple[str, ...]
    canceled: tuple[str, ...]

    def of(self, phase: Phase) -> tuple[str, ...]:
        """Every spelling of `phase`."""
        spellings: tuple[str, ...] = getattr(self, phase.value)
        return spellings

    def spelled(self, status: str) -> str:
        """The vendor's word for a phase; any other text stays as it is, so that a seed can invent statuses."""
        return self.of(Phase(status))[0] if status in set(Phase) else status

    def phase(self, status: str) -> Phase | None:
        """The phase that a vendor's word means, None for an unknown one."""
        return next((phase for phase in Phase if status in self.of(phase)), None)


@dataclass(frozen=True, slots=True)
class Task:
    """One task as the cloud holds it. `fields` are in the vendor's own names and go out as they are."""

    kind: str
    owner: str
    id: str
    status: str
    created_at: datetime
    order: int
    started_at: datetime | None = None
    finished_at: datetime | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Row:
    """A task to be added, with ages relative to the clock. `id` empty: the cloud makes one.

    `created`, `started` and `finished` are ages (a duration) or moments; `starts_at` and `ends_at` lie ahead, as a
    duration from now or a moment. `owner` is a project id or an account, empty for the first one.
    """

    kind: str
    id: str = ""
    status: str = Phase.PENDING.value
    created: str | int | float | datetime = 0
    started: str | int | float | datetime | None = None
    finished: str | int | float | datetime | None = None
    starts_at: str | int | float | datetime | None = None
    ends_at: str | int | float | datetime | None = None
    ends_as: str = Phase.SUCCEEDED.value
    owner: str = ""
    fields: Mapping[str, Any] = field(default_factory=dict)


def when(text: str | int | float | datetime, now: datetime, direction: int) -> datetime:
    """A moment from a moment, or from a distance to `now`: before it for direction -1, after it for +1."""
    if isinstance(text, datetime):
        return moment(text)
    if isinstance(text, str):
        with suppress(ValueError):
            return moment(text)
    return now + direction * duration(text)


def _age(task: Task) -> tuple[datetime, int]:
    return task.created_at, task.order


class TaskStore:
    """The tasks of one vendor, by kind and owner. Safe to use from any thread."""

    def __init__(
        self,
        spellings: Mapping[str, Spellings],
        new_id: Callable[[str, int], str],
        clock: VirtualClock,
        lock: RLock,
        default_owner: str,
        handle: Callable[[Task], str],
    ) -> None:
        """`handle` names what tasks share: an asset, a URL. They are found by it without a search."""
        self.spellings = spellings
        self.default_owner = default_owner
        self._new_id = new_id
        self._handle = handle
        self._clock = clock
        self._lock = lock
        self._tasks: dict[tuple[str, str], dict[str, Task]] = {}
        self._listed: dict[tuple[str, str], list[str]] = {}
        self._handles: dict[tuple[str, str, str], dict[str, None]] = {}
        self._numbers: Counter[tuple[str, str]] = Counter()
        self._sequence = 0
        self._due: list[tuple[datetime, int, tuple[str, str], str, str]] = []

    # -- what tests and seeds use ---------------------------------------------------------------------------

    def add(self, kind: str, **row: Any) -> Task:  # noqa: ANN401 - the keys of Row; all others are vendor fields
        """Add a task: the attributes of `Row` by name, every other keyword is one of the vendor's fields."""
        known = {name: row.pop(name) for name in Row.__dataclass_fields__ if name in row and name != "fields"}
        known["id"] = str(known.get("id", ""))
        return self.insert(Row(kind=kind, fields={**row.pop("fields", {}), **row}, **known))

    def insert(self, row: Row) -> Task:
        """Add the task that `row` describes. Raises KeyError for an unknown kind, ValueError for a taken id."""
        spellings = self.spellings[row.kind]
        with self._lock:
            now = self._clock.now
            self._sequence += 1
            bucket = (row.kind, row.owner or self.default_owner)
            tasks = self._tasks.setdefault(bucket, {})
            identifier = row.id or self._free_id(bucket, tasks)
            if identifier in tasks:
                raise ValueError(f"{row.kind} already has a task {identifier!r}")
            task = Task(
                kind=row.kind,
                owner=bucket[1],
                id=identifier,
                status=spellings.spelled(row.status),
                created_at=when(row.created, now, -1),
                order=self._sequence,
                fields=row.fields,
            )
            self._put(self._dated(task, row, now))
            self._listed.pop(bucket, None)
            for at, status in ((row.starts_at, Phase.RUNNING.value), (row.ends_at, row.ends_as)):
                if at is not None:
                    heapq.heappush(self._due, (when(at, now, 1), self._sequence, bucket, identifier, status))
            return tasks[identifier]

    def tasks(self, kind: str, owner: str = "") -> list[Task]:
        """The tasks of a kind, newest first: the order in which the lists answer."""
        with self._lock:
            self._settle()
            bucket = (kind, owner or self.default_owner)
            tasks = self._tasks.get(bucket, {})
            listed = self._listed.get(bucket)
            if listed is None:  # only an insertion changes the order, so a cancelled task costs no sort
                newest = sorted(tasks.values(), key=_age, reverse=True)
                listed = [task.id for task in newest]
            elif len(listed) != len(tasks):
                listed = [identifier for identifier in listed if identifier in tasks]
            self._listed[bucket] = listed
            return [tasks[identifier] for identifier in listed]

    def sharing(self, kind: str, handle: str, owner: str = "") -> list[Task]:
        """The tasks of one handle, newest first."""
        with self._lock:
            self._settle()
            owner = owner or self.default_owner
            found = [
                self._tasks[kind, owner][identifier] for identifier in self._handles.get((kind, owner, handle), ())
            ]
            return sorted(found, key=_age, reverse=True)

    def get(self, kind: str, identifier: str | int, owner: str = "") -> Task | None:
        """The task of that id, or None."""
        with self._lock:
            self._settle()
            return self._tasks.get((kind, owner or self.default_owner), {}).get(str(identifier))

    def status(self, kind: str, identifier: str | int, owner: str = "") -> str | None:
        """The vendor's status of a task, None where there is no such task."""
        task = self.get(kind, identifier, owner)
        return task.status if task else None

    def set_status(self, kind: str, identifier: str | int, status: str, owner: str = "") -> Task:
        """Move a task to a phase (`pending`, `running`, …) or to any text as its vendor status."""
        with self._lock:
            return self._put(self._moved(self._present(kind, identifier, owner), status, self._clock.now))

    def change(self, kind: str, identifier: str | int, owner: str = "", **fields: Any) -> Task:  # noqa: ANN401 - vendor fields
        """Set vendor fields of a task."""
        with self._lock:
            task = self._present(kind, identifier, owner)
            return self._put(replace(task, fields={**task.fields, **fields}))

    def remove(self, kind: str, identifier: str | int, owner: str = "") -> bool:
        """Make a task disappear; False where there was none."""
        with self._lock:
            task = self._tasks.get((kind, owner or self.default_owner), {}).pop(str(identifier), None)
            if task is not None:
                self._forget(task)
            return task is not None

    def phase(self, task: Task) -> Phase | None:
        """The phase of a task, None for a status outside the vendor's table."""
        return self.spellings[task.kind].phase(task.status)

    def __iter__(self) -> Iterator[Task]:
        with self._lock:
            self._settle()
            return iter([task for tasks in self._tasks.values() for task in tasks.values()])

    # -- inside ---------------------------------------------------------------------------------------------

    def _present(self, kind: str, identifier: str | int, owner: str) -> Task:
        task = self.get(kind, identifier, owner)
        if task is None:
            raise KeyError(f"{kind} has no task {identifier!r}")
        return task

    def _free_id(self, bucket: tuple[str, str], tasks: Mapping[str, Task]) -> str:
        """The next id of a kind: never one that was in use before."""
        while True:
            self._numbers[bucket] += 1
            identifier = self._new_id(bucket[0], self._numbers[bucket])
            if identifier not in tasks:
                return identifier

    def _put(self, task: Task) -> Task:
        tasks = self._tasks[task.kind, task.owner]
        if task.id in tasks:
            self._forget(tasks[task.id])
        tasks[task.id] = task
        self._handles.setdefault((task.kind, task.owner, self._handle(task)), {})[task.id] = None
        return task

    def _forget(self, task: Task) -> None:
        """Take a task out of the index of handles."""
        self._handles[task.kind, task.owner, self._handle(task)].pop(task.id, None)

    def _dated(self, task: Task, row: Row, now: datetime) -> Task:
        """Fill in the start and the end that the status implies and the row does not give."""
        phase = self.phase(task)
        started = when(row.started, now, -1) if row.started is not None else None
        finished = when(row.finished, now, -1) if row.finished is not None else None
        if started is None and phase in {Phase.RUNNING, Phase.SUCCEEDED, Phase.FAILED}:
            started = task.created_at
        if finished is None and phase in TERMINAL:
            finished = max(task.created_at, min(now, task.created_at + timedelta(minutes=1)))
        return replace(task, started_at=started, finished_at=finished)

    def _moved(self, task: Task, status: str, at: datetime) -> Task:
        status = self.spellings[task.kind].spelled(status)
        match self.spellings[task.kind].phase(status):
            case Phase.PENDING:
                return replace(task, status=status, started_at=None, finished_at=None)
            case Phase.RUNNING:
                return replace(task, status=status, started_at=at, finished_at=None)
            case Phase.SUCCEEDED | Phase.FAILED:
                return replace(task, status=status, started_at=task.started_at or at, finished_at=at)
            case Phase.CANCELED:
                return replace(task, status=status, finished_at=at)
            case None:
                return replace(task, status=status)

    def _settle(self) -> None:
        """Carry out what the schedules ask for up to now. A task that ended otherwise stays as it is."""
        while self._due and self._due[0][0] <= self._clock.now:
            at, _, bucket, identifier, status = heapq.heappop(self._due)
            task = self._tasks.get(bucket, {}).get(identifier)
            if task is None or self.phase(task) in TERMINAL:
                continue
            if status == Phase.RUNNING and self.phase(task) is not Phase.PENDING:
                continue
            self._put(self._moved(task, status, at))
