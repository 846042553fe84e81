"""A small, made-up catalogue and the making of configurations and tasks for planner tests."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from reconciler.config.model import (
    Absent,
    Configuration,
    Ensure,
    Limits,
    OnBlocked,
    Policy,
    Protection,
    RunLimits,
    Settings,
    Target,
)
from reconciler.selectors.parse import parse_selector
from reconciler.selectors.syntax import Selector
from reconciler.tasks.observation import Completeness, Observation, Scope
from reconciler.tasks.resource_type import Action, Catalogue, Listing, Paging, ResourceType
from reconciler.tasks.task import Field, FieldType, Status, Task, Value
from tests.rows import operation

NOW = 1_800_000_000
"""The planner's clock: seconds since the epoch."""

STATUSES = {
    "WAITING": Status.PENDING,
    "PROCESSING": Status.RUNNING,
    "SUCCEED": Status.SUCCEEDED,
    "FAILED": Status.FAILED,
    "CANCELED": Status.CANCELED,
}
WORDS = {status: word for word, status in STATUSES.items()}

FIELDS = {
    field.name: field
    for field in (
        Field("id", FieldType.STRING, "Id."),
        Field("status", FieldType.STATUS, "Status."),
        Field("provider_status", FieldType.STRING, "The vendor's word."),
        Field("created_at", FieldType.TIMESTAMP, "Created."),
        Field("finished_at", FieldType.TIMESTAMP, "Ended."),
        Field("input.bucket", FieldType.STRING, "Bucket."),
        Field("upload_url", FieldType.STRING, "Source.", url=True),
    )
}


def resource(name: str, *actions: Action) -> ResourceType:
    listing = Listing(f"/{name}", "tasks", Paging.PAGE, status_parameter="status", ids_parameter="task_id")
    operations = tuple(operation(action, f"/{name}") for action in actions)
    return ResourceType(name, name, FIELDS, STATUSES, listing, operations, object_fields=("input.bucket",))


TWO_STEP = resource("cloud.media.packaging", Action.CANCEL, Action.DELETE)
CANCEL_ONLY = resource("cloud.media.snapshot", Action.CANCEL)
HERE = Scope("here", TWO_STEP.name)
STOPPABLE = replace(
    CANCEL_ONLY,
    name="cloud.media.stream",
    operations=(replace(CANCEL_ONLY.operations[0], starts=frozenset({Status.PENDING, Status.RUNNING})),),
)
"""Whose cloud cancels what runs as well."""
CATALOGUE = Catalogue(
    MappingProxyType({row.name: row for row in (TWO_STEP, CANCEL_ONLY, STOPPABLE)}), MappingProxyType({})
)


def selector(match: object, row: ResourceType = TWO_STEP) -> Selector:
    found, problems = parse_selector(match, (row,))
    assert found is not None, problems
    return found


def policy(
    name: str = "p",
    match: object = "all",
    ensure: Ensure | None = None,
    row: ResourceType = TWO_STEP,
    *,
    limits: Limits | None = None,
    targets: tuple[str, ...] = ("here",),
    suspend: bool = False,
    on_blocked: OnBlocked = OnBlocked.REPORT,
    more: tuple[ResourceType, ...] = (),
    cancel_running: bool = False,
) -> Policy:
    rows = (row, *more)
    return Policy(
        name,
        tuple(sorted(kind.name for kind in rows)),
        tuple(sorted(Scope(target, kind.name) for target in targets for kind in rows)),
        selector(match, row),
        ensure or Absent(),
        limits or Limits(max_actions=10_000, max_percent=100),
        suspend=suspend,
        on_blocked=on_blocked,
        cancel_running=cancel_running,
    )


def configuration(
    *policies: Policy, protect: Mapping[str, object] | None = None, run_limits: RunLimits | None = None
) -> Configuration:
    protections = {
        name: Protection(name, (TWO_STEP.name, CANCEL_ONLY.name), selector(match))
        for name, match in (protect or {}).items()
    }
    names = {name for entry in policies for name in entry.targets}
    return Configuration(
        settings=Settings(run_limits=run_limits or RunLimits()),
        targets={name: Target(name, "cloud", "region") for name in sorted(names)},
        protections=protections,
        policies={entry.name: entry for entry in policies},
        files=(),
        fingerprint="sha256:0",
    )


def task(
    task_id: str,
    status: Status | str = Status.PENDING,
    *,
    age: int | None = 3600,
    target: str = "here",
    row: ResourceType = TWO_STEP,
    **fields: Value,
) -> Task:
    """A task that was created `age` seconds ago; a status that is text is a vendor word outside the table."""
    known = status if isinstance(status, Status) else Status.UNKNOWN
    values: dict[str, Value] = {"id": task_id, "provider_status": WORDS.get(known, str(status))}
    if known is not Status.UNKNOWN:
        values["status"] = known.value
    if age is not None:
        values["created_at"] = NOW - age
    values |= {name.replace("__", "."): value for name, value in fields.items()}
    return Task(target, row.name, task_id, known, values)


def seen(
    *tasks: Task,
    target: str = "here",
    row: ResourceType = TWO_STEP,
    completeness: Completeness = Completeness.COMPLETE,
    skew: int | None = None,
) -> dict[Scope, Observation]:
    scope = Scope(target, row.name)
    return {scope: Observation(scope, tasks, 1, completeness, skews=() if skew is None else (skew,))}
