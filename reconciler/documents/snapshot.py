"""Snapshots as files: what `plan --save-snapshot` writes and `plan --snapshot` and policy tests read.

A snapshot holds what selectors see, in the form of the resource types of this version: a field that they do not have is
refused rather than left out, since a task without it would be another task.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import msgspec
from msgspec import Meta

from reconciler.documents.document import Format
from reconciler.documents.pieces import document_of
from reconciler.documents.strict_json import MAX_BYTES, escaped
from reconciler.exceptions import InvalidPlan
from reconciler.planning.canonical import json_bytes
from reconciler.planning.change import Name, ResourceName
from reconciler.planning.snapshot import Snapshot, SnapshotScope
from reconciler.planning.url_cuts import cut
from reconciler.redaction import bounded, presentable
from reconciler.tasks.observation import CLOCKS_APART, Completeness, Fault, Observation, Scope
from reconciler.tasks.task import FieldType, Status, Task, id_order
from reconciler.tasks.timestamps import Timestamp, format_timestamp, parse_timestamp

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from reconciler.tasks.resource_type import Catalogue, ResourceType
    from reconciler.tasks.task import Field, Value

_AGAIN = "take it again with `plan --save-snapshot`"
_APART = ("id", "status")
"""Fields that stand beside `values`."""

Word = Annotated[str, Meta(min_length=1)]
Written = Word | int | Annotated[tuple[Word, ...], Meta(min_length=1)]


@dataclass(frozen=True, slots=True)
class TaskRecord:
    """One task."""

    id: Word
    """The id that the cloud gave the task."""
    status: Status
    """Follows from `provider_status`; `unknown` for a vendor status that is not documented."""
    values: Mapping[str, Written]
    """The other fields that the task has; times in RFC 3339, queries of URLs replaced by a short hash."""


@dataclass(frozen=True, slots=True)
class ScopeRecord:
    """One (target, resource type), and what listing it brought."""

    target: Name
    resource: ResourceName
    completeness: Completeness
    """`unstable`: other tasks may have been there. `failed`: nothing is known of the scope."""
    error: Fault | None
    """Why it was not listed whole."""
    statuses: tuple[Word, ...] | None
    """The vendor statuses that were listed; null for all."""
    tasks: tuple[TaskRecord, ...]
    """Ordered by time of creation and id."""
    clock_skew: int | None = None
    """Seconds that the cloud's clock was ahead of that of `taken_at`; null where they agree."""
    unfound: tuple[Word, ...] = ()
    """Entries of the inventory that the cloud does not know."""


@dataclass(frozen=True, slots=True)
class SnapshotRecord:
    """What a run listed."""

    tool_version: str
    taken_at: Timestamp
    """When the listing began."""
    scopes: tuple[ScopeRecord, ...]


SNAPSHOT_FILE = Format(
    "reconciler.snapshot",
    "2.0",
    SnapshotRecord,
    "Snapshot of media-reconciler: what `plan --save-snapshot` listed",
    _AGAIN,
    exact=False,
    shown=cut,
)


class Recording:
    """A sink (`reconciler.tasks.sink.Sink`) that holds the records of tasks as they will be written, a fraction of the
    tasks' own size; and none at all once they are more than is ever read back."""

    def __init__(self, resource: ResourceType, told_apart: Callable[[Task], Task] = lambda task: task) -> None:
        self._resource = resource
        self._told_apart = told_apart
        self._pass: dict[str, tuple[int | None, bytes] | None] = {}
        self._records: dict[str, tuple[int | None, bytes]] = {}
        self._contradicted: set[str] = set()
        self.size = self.text = 0

    @property
    def is_too_large(self) -> bool:
        return self.size > MAX_BYTES

    @property
    def total(self) -> int:
        return len(self._records)

    @property
    def contradicted(self) -> int:
        return len(self._contradicted)

    def see(self, tasks: Collection[Task]) -> None:
        for task in () if self.is_too_large else tasks:
            record = (None, b"") if task.status is Status.GONE else (task.created_at, self._record(task))
            known = self._pass.setdefault(task.id, record)
            if known is record:
                self.size += len(record[1])
            elif known != record:
                self._pass[task.id] = None
                self._contradicted.add(task.id)

    def _record(self, task: Task) -> bytes:
        values = _values_record(self._told_apart(task), self._resource)
        return json_bytes(document_of(TaskRecord(task.id, task.status, values), cut))

    def end_pass(self) -> tuple[int, int]:
        ended = len(self._pass), sum(record is None for record in self._pass.values())
        for task_id, record in self._pass.items():
            if (before := self._records.pop(task_id, None)) is not None:
                self.size -= len(before[1])
            if record is not None:
                self._contradicted.discard(task_id)
                if record[1]:
                    self._records[task_id] = record
        self._pass = {}
        if self.is_too_large:
            self._records = {}
        return ended

    def pieces(self) -> Iterator[bytes]:
        """The list as it stands in the file."""
        records = self._records.items()
        order = sorted((created is None, created or 0, id_order(task_id)) for task_id, (created, _) in records)
        before = b"["
        for _, _, (*_, task_id) in order:
            text = escaped(msgspec.json.format(self._records[task_id][1], indent=2).decode())
            yield before + f"\n{text}".replace("\n", "\n        ").encode()
            before = b","
        yield b"\n      ]" if order else b"[]"


def render_snapshot(snapshot: Snapshot, catalogue: Catalogue) -> str:
    """The text of a snapshot file of tasks that are held."""
    recordings = {}
    for scope, kept in snapshot.scopes.items():
        recordings[scope] = Recording(catalogue.resource_types[scope.resource])
        recordings[scope].see(kept.observation.tasks)
        recordings[scope].end_pass()
    return b"".join(snapshot_pieces(snapshot, recordings)).decode()


def snapshot_pieces(snapshot: Snapshot, recordings: Mapping[Scope, Recording]) -> Iterator[bytes]:
    """A snapshot file, piece by piece, with the tasks of its scopes as they were recorded; the same for the same tasks,
    in whatever order they came."""
    scopes = tuple(_scope_record(kept) for _, kept in sorted(snapshot.scopes.items()))
    record = SnapshotRecord(snapshot.tool_version, Timestamp(snapshot.taken_at), scopes)
    # No text holds this: a quote within one is escaped.
    between = SNAPSHOT_FILE.text(record).encode().split(b'"tasks": []')
    for scope, text in zip(sorted(snapshot.scopes), between, strict=False):
        yield text + b'"tasks": '
        failed = snapshot.scopes[scope].observation.completeness is Completeness.FAILED
        yield from (b"[]",) if failed else recordings[scope].pieces()
    yield between[-1]


def _scope_record(kept: SnapshotScope) -> ScopeRecord:
    seen = kept.observation
    return ScopeRecord(
        target=seen.scope.target,
        resource=seen.scope.resource,
        completeness=seen.completeness,
        error=seen.fault,
        statuses=None if kept.statuses is None else tuple(sorted(kept.statuses)),
        tasks=(),
        clock_skew=seen.skew if seen.skew is not None and abs(seen.skew) > CLOCKS_APART else None,
        unfound=seen.unfound,
    )


def _values_record(task: Task, resource: ResourceType) -> dict[str, Written]:
    found = {
        name: _written(value, field)
        for name, value in sorted(task.values.items())
        if name not in _APART and (field := resource.field_named(name))
    }
    return {name: value for name, value in found.items() if value is not None}


def _written(value: Value, field: Field) -> Written | None:
    if not isinstance(value, int) or field.type is not FieldType.TIMESTAMP:
        return value
    try:
        return format_timestamp(value)
    except OverflowError:  # the hours around the years 1 and 10000, which RFC 3339 has no words for in UTC
        return None


def read_snapshot(text: str, catalogue: Catalogue, source: str = "snapshot") -> Snapshot:
    """The snapshot that `text` holds; `source` names it in messages. Raises InvalidPlan, and nothing else."""
    record = SNAPSHOT_FILE.read(text, source)
    reader = _Reader(catalogue, source)
    scopes: dict[Scope, SnapshotScope] = {}
    for index, one in enumerate(record.scopes):
        where = f"scopes[{index}]"
        kept = reader.scope(one, where)
        if kept.observation.scope in scopes:
            raise reader.refused(where, f"{one.resource} on {one.target} stands twice")
        scopes[kept.observation.scope] = kept
    return Snapshot(presentable(record.tool_version), record.taken_at, scopes)


class _Reader:
    """Gives records the meaning that their resource type has. Every refusal names the file and the place in it."""

    def __init__(self, catalogue: Catalogue, source: str) -> None:
        self._catalogue = catalogue
        self._source = source

    def scope(self, record: ScopeRecord, where: str) -> SnapshotScope:
        scope = Scope(record.target, record.resource)
        resource = self._catalogue.resource_types.get(scope.resource)
        if resource is None:
            raise self.refused(
                where, f"there is no resource type {_quoted(scope.resource)} in this version of reconciler"
            )
        tasks: dict[str, Task] = {}
        for index, one in enumerate(record.tasks):
            if one.id in tasks:
                raise self.refused(where, f"the task id {_quoted(one.id)} stands twice")
            tasks[one.id] = self._task(one, scope, resource, f"{where}.tasks[{index}]")
        if record.completeness is Completeness.FAILED and tasks:
            raise self.refused(where, "it failed, and yet has tasks")
        observation = Observation(
            scope,
            tuple(tasks.values()),
            0,
            record.completeness,
            record.error,
            () if record.clock_skew is None else (record.clock_skew,),
            record.unfound,
        )
        return SnapshotScope(observation, None if record.statuses is None else frozenset(record.statuses))

    def _task(self, record: TaskRecord, scope: Scope, resource: ResourceType, where: str) -> Task:
        if not resource.has_id(record.id):
            raise self.refused(f"{where}.id", f"{_quoted(record.id)} is no id of a {resource.name}")
        values: dict[str, Value] = {"id": record.id}
        for name, written in record.values.items():
            place = f"{where}.values.{bounded(name, 80)}"
            field = resource.field_named(name)
            if field is None or field.part or field.name != name or name in _APART:
                raise self.refused(place, f"not a field of {resource.name} in this version of reconciler")
            values[name] = self._value(written, field, place)
        spoken = values.get("provider_status")
        meant = resource.statuses.get(spoken, Status.UNKNOWN) if isinstance(spoken, str) else Status.UNKNOWN
        if record.status is not meant:
            said = f"the provider status {_quoted(str(spoken))}" if spoken else "no provider status"
            raise self.refused(f"{where}.status", f"{record.status}, but {said} means {meant}")
        if meant is not Status.UNKNOWN:
            values["status"] = meant.value
        return Task(scope.target, scope.resource, record.id, meant, values)

    def _value(self, written: Written, field: Field, where: str) -> Value:
        match field.type, written:
            case (FieldType.STRINGS, tuple()):
                return written
            case (FieldType.STRING | FieldType.STATUS, str()):
                return written
            case (FieldType.INTEGER, int()):
                return written
            case (FieldType.TIMESTAMP, str()):
                try:
                    return parse_timestamp(written)
                except ValueError as error:
                    raise self.refused(where, f"{_quoted(written)}: {error}") from None
            case _:
                raise self.refused(where, f"must be {_NAMES[field.type]}")

    def refused(self, where: str, what: str) -> InvalidPlan:
        return InvalidPlan(
            f"{self._source}: {where}: {what}", f"the file was altered, or another version wrote it; {_AGAIN}"
        )


_NAMES: Mapping[FieldType, str] = {
    FieldType.STRING: "text that is not empty",
    FieldType.STATUS: "text that is not empty",
    FieldType.INTEGER: "a whole number",
    FieldType.STRINGS: "a list of texts",
    FieldType.TIMESTAMP: "a time in RFC 3339",
}


def _quoted(text: str) -> str:
    return f"`{bounded(text, 80)}`"
