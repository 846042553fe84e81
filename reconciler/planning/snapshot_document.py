"""The snapshot as a JSON document: what `plan --save-snapshot` writes, and `plan --snapshot` and tests read.

Values are kept whole, since selectors look at all of them; only URLs lose their queries and user parts, as everywhere.
A snapshot that is read is untrusted input: it is checked against its schema and the resource types, and what it says
twice must agree.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.exceptions import InvalidPlan
from reconciler.planning.planner import task_order
from reconciler.planning.records import fault_of, fault_record, rfc3339, seconds_of
from reconciler.planning.schema import check
from reconciler.planning.snapshot import Snapshot, SnapshotScope
from reconciler.planning.snapshot_schema import SNAPSHOT_SCHEMA
from reconciler.planning.strict_json import dump, load
from reconciler.planning.url_cuts import cut
from reconciler.redaction import presentable
from reconciler.selectors.timestamps import format_timestamp, parse_timestamp
from reconciler.tasks.field import FieldType
from reconciler.tasks.observation import CLOCKS_APART, Completeness, Observation, Scope
from reconciler.tasks.status import Status
from reconciler.tasks.task import Task

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reconciler.planning.strict_json import Document
    from reconciler.tasks.catalogue import Catalogue
    from reconciler.tasks.field import Field, Value
    from reconciler.tasks.resource_type import ResourceType

__all__ = ["read_snapshot", "render_snapshot"]

_AGAIN = "take it again with `plan --save-snapshot`"
_APART = ("id", "status")
"""Fields that stand beside `values`."""

_Written = str | int | list[str]


def render_snapshot(snapshot: Snapshot, catalogue: Catalogue) -> str:
    """The text of a snapshot file; the same for the same tasks, in whatever order they were listed."""
    document: Document = {
        "format": "reconciler.snapshot",
        "format_version": "1.1",
        "tool_version": snapshot.tool_version,
        "taken_at": rfc3339(snapshot.taken_at),
        "scopes": [
            _scope_record(kept, catalogue.resource_types[scope.resource])
            for scope, kept in sorted(snapshot.scopes.items())
        ],
    }
    return dump(document)


def _scope_record(kept: SnapshotScope, resource: ResourceType) -> Document:
    seen = kept.observation
    return {
        "target": seen.scope.target,
        "resource": seen.scope.resource,
        "completeness": seen.completeness.value,
        "error": fault_record(seen.fault),
        **({"clock_skew": seen.skew} if seen.skew is not None and abs(seen.skew) > CLOCKS_APART else {}),
        **({"unfound": [cut(entry) for entry in seen.unfound]} if seen.unfound else {}),
        "statuses": None if kept.statuses is None else sorted(kept.statuses),
        "tasks": [
            {"id": task.id, "status": task.status.value, "values": _values_record(task, resource)}
            for task in sorted(seen.tasks, key=task_order)
        ],
    }


def _values_record(task: Task, resource: ResourceType) -> dict[str, _Written]:
    found = {
        name: _written(value, resource.fields[name])
        for name, value in sorted(task.values.items())
        if name not in _APART
    }
    return {name: value for name, value in found.items() if value is not None}


def _written(value: Value, field: Field) -> _Written | None:
    if isinstance(value, tuple):
        return [cut(item) for item in value]
    if isinstance(value, str):
        return cut(value)
    if field.type is not FieldType.TIMESTAMP:
        return value
    try:
        return format_timestamp(value)
    except OverflowError:  # the hours around the years 1 and 10000, which RFC 3339 has no words for in UTC
        return None


def read_snapshot(text: str, catalogue: Catalogue, source: str = "snapshot") -> Snapshot:
    """The snapshot that `text` holds; `source` names it in messages. Raises InvalidPlan, and nothing else."""
    try:
        document = load(text, source)
        check(document, SNAPSHOT_SCHEMA, source)
    except InvalidPlan as error:
        raise InvalidPlan(error.message, error.hint.replace("make the plan again", _AGAIN)) from None
    return _Reader(catalogue, source).snapshot(document)


class _Reader:
    """Reads a document that passed the schema. Every refusal names the file and the place in it."""

    def __init__(self, catalogue: Catalogue, source: str) -> None:
        self._catalogue = catalogue
        self._source = source

    def snapshot(self, document: Document) -> Snapshot:
        scopes: dict[Scope, SnapshotScope] = {}
        for index, record in enumerate(document["scopes"]):
            where = f"scopes[{index}]"
            kept = self._scope(record, where)
            if kept.observation.scope in scopes:
                raise self._refused(where, f"{record['resource']} on {record['target']} stands twice")
            scopes[kept.observation.scope] = kept
        try:
            taken_at = seconds_of(document["taken_at"])
        except ValueError as error:  # month 13 passes the schema
            raise self._refused("taken_at", str(error)) from None
        return Snapshot(presentable(document["tool_version"]), taken_at, scopes)

    def _scope(self, record: Document, where: str) -> SnapshotScope:
        scope = Scope(record["target"], record["resource"])
        resource = self._catalogue.resource_types.get(scope.resource)
        if resource is None:
            raise self._refused(
                where, f"there is no resource type {_quoted(scope.resource)} in this version of reconciler"
            )
        tasks = tuple(
            self._task(task, scope, resource, f"{where}.tasks[{index}]") for index, task in enumerate(record["tasks"])
        )
        if twice := _first_repeated(task.id for task in tasks):
            raise self._refused(where, f"the task id {_quoted(twice)} stands twice")
        completeness = Completeness(record["completeness"])
        if completeness is Completeness.FAILED and tasks:
            raise self._refused(where, "it failed, and yet has tasks")
        statuses = None if record["statuses"] is None else frozenset(record["statuses"])
        unfound = tuple(record.get("unfound", ()))
        skews = (record["clock_skew"],) if "clock_skew" in record else ()
        observation = Observation(scope, tasks, 0, completeness, fault_of(record["error"]), skews, unfound)
        return SnapshotScope(observation, statuses)

    def _task(self, record: Document, scope: Scope, resource: ResourceType, where: str) -> Task:
        task_id = record["id"]
        if not resource.has_id(task_id):
            raise self._refused(f"{where}.id", f"{_quoted(task_id)} is no id of a {resource.name}")
        values: dict[str, Value] = {"id": task_id}
        for name, written in record["values"].items():
            place = f"{where}.values.{_short(name)}"
            field = resource.fields.get(name)
            if field is None or name in _APART:
                raise self._refused(place, f"not a field of {resource.name} in this version of reconciler")
            values[name] = self._value(written, field, place)
        status = Status(record["status"])
        spoken = values.get("provider_status")
        if status is not _meaning(resource, spoken):
            said = f"the provider status {_quoted(str(spoken))}" if spoken else "no provider status"
            raise self._refused(f"{where}.status", f"{status}, but {said} means {_meaning(resource, spoken)}")
        if status is not Status.UNKNOWN:
            values["status"] = status.value
        return Task(scope.target, scope.resource, task_id, status, values)

    def _value(self, written: _Written, field: Field, where: str) -> Value:
        match field.type, written:
            case (FieldType.STRINGS, list()):
                return tuple(written)
            case (FieldType.STRING | FieldType.STATUS, str()) if written:
                return written
            case (FieldType.INTEGER, int()) if not isinstance(written, bool):
                return written
            case (FieldType.TIMESTAMP, str()):
                try:
                    return parse_timestamp(written)
                except ValueError as error:
                    raise self._refused(where, f"{_quoted(written)}: {error}") from None
            case _:
                raise self._refused(where, f"must be {_NAMES[field.type]}")

    def _refused(self, where: str, what: str) -> InvalidPlan:
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


def _meaning(resource: ResourceType, spoken: Value | None) -> Status:
    return resource.statuses.get(spoken, Status.UNKNOWN) if isinstance(spoken, str) else Status.UNKNOWN


def _first_repeated(ids: Iterable[str]) -> str | None:
    seen: set[str] = set()
    for task_id in ids:
        if task_id in seen:
            return task_id
        seen.add(task_id)
    return None


def _quoted(text: str) -> str:
    return f"`{_short(text)}`"


def _short(text: str) -> str:
    shown = presentable(text)
    return shown if len(shown) <= 80 else f"{shown[:79]}…"
