"""Resource types as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.documents.document import Format
from reconciler.planning.change import Count, ResourceName
from reconciler.redaction import Shown
from reconciler.reports.explanation.lifecycle import Lifecycle, lifecycle
from reconciler.tasks.task import OBSERVABLE, FieldType, Status

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.tasks.resource_type import ResourceType

__all__ = ["EXPLANATION", "explanation"]


@dataclass(frozen=True, slots=True)
class ExplainedField(Shown):
    """A field that selectors may name."""

    type: FieldType
    summary: str


@dataclass(frozen=True, slots=True)
class ExplainedOperation(Shown):
    """One way out of a state."""

    starts: tuple[Status, ...]
    ends: Status
    call: str
    tasks_per_call: Count


@dataclass(frozen=True, slots=True)
class Explanation(Shown):
    """One kind of task, and what can be done with it."""

    name: ResourceName
    summary: str
    documentation: str
    fields: Mapping[str, ExplainedField]
    statuses: Mapping[str, tuple[str, ...]]
    """The vendor's words for each."""
    operations: Mapping[str, ExplainedOperation]
    lifecycle: Lifecycle
    list: str
    """The call that lists tasks."""
    permissions: Mapping[str, str | None]
    """By call; null: the vendor publishes no name."""


@dataclass(frozen=True, slots=True)
class Explanations(Shown):
    """Resource types, one or all."""

    resource_types: tuple[Explanation, ...]


EXPLANATION = Format(
    "reconciler.resource_types", "2.0", Explanations, "Resource types, as `reconciler explain` describes them"
)


def explanation(rows: Iterable[ResourceType]) -> Explanations:
    """What is to be said of resource types."""
    return Explanations(tuple(map(_explanation, rows)))


def _explanation(row: ResourceType) -> Explanation:
    return Explanation(
        name=row.name,
        summary=row.summary,
        documentation=row.documentation,
        fields={field.name: ExplainedField(field.type, field.summary) for field in row.fields.values()},
        statuses={status.value: row.vendor_statuses(status) for status in OBSERVABLE},
        operations={
            operation.action.value: ExplainedOperation(
                tuple(sorted(operation.starts)),
                operation.ends,
                f"{operation.method} {operation.path}",
                operation.batch_size,
            )
            for operation in row.operations
        },
        lifecycle=lifecycle(row),
        list=f"{row.listing.method} {row.listing.path}",
        permissions={
            "list": row.permissions.list,
            "cancel": row.permissions.cancel,
            "delete": row.permissions.delete,
        },
    )
