"""What the rows of Huawei Cloud have in common: their fields, each with the path where the vendor's record holds it."""

from __future__ import annotations

from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING

from reconciler.provider import Action, Field, FieldType, Meaning, Operation, ResourceType, Status

if TYPE_CHECKING:
    from collections.abc import Mapping

_STRING, _TIME = FieldType.STRING, FieldType.TIMESTAMP


def fields(*rows: Field | tuple[Field, ...]) -> Mapping[str, Field]:
    """A type's fields by name, in the order given."""
    flat = [field for row in rows for field in (row if isinstance(row, tuple) else (row,))]
    return MappingProxyType({field.name: field for field in flat})


resource_type = partial(ResourceType, gone=frozenset({"NO_TASK"}), object_fields=("input.bucket", "input.object"))
"""A row. NO_TASK is how a list says "the task id is invalid"."""


def cancel(path: str, id_parameter: str, refusals: Mapping[str, Meaning]) -> Operation:
    """Takes a task that waits out of its queue. The codes for one that waits no more are not all published."""
    return Operation(
        Action.CANCEL,
        path,
        id_parameter,
        starts=frozenset({Status.PENDING}),
        ends=Status.CANCELED,
        refusals=refusals,
        unlisted=Meaning.CHANGED,
    )


def identity_fields(id_key: str) -> tuple[Field, ...]:
    """What every task has. `status` is derived from `provider_status` by the type's table."""
    return (
        Field("id", _STRING, "Task id", (id_key,), "13256"),
        Field("status", FieldType.STATUS, "Normalised status"),
        Field("provider_status", _STRING, "Status as the vendor spells it", ("status",), "WAITING"),
    )


CREATED_FINISHED = (
    Field("created_at", _TIME, "When the task was created", ("create_time",)),
    Field("finished_at", _TIME, "When the task ended", ("end_time",)),
)
STARTED = Field("started_at", _TIME, "When processing began", ("start_time",))
PROGRESS = Field("progress", FieldType.INTEGER, "Percentage done, 0 to 100", ("progress",), 50)
ERROR_CODE = Field(
    "error_code",
    _STRING,
    "Code of the result; a task that succeeded may carry one, too (MPC.10218)",
    ("error_code",),
    "MPC.10202",
)
DESCRIPTION = Field(
    "description", _STRING, "What the vendor says about the result", ("description",), "The task failed."
)
USER_DATA = Field("user_data", _STRING, "Text that the submitter attached", ("user_data",), "order-4711")


def _location(side: str) -> tuple[Field, ...]:
    return (
        Field(f"{side}.bucket", _STRING, f"OBS bucket of the {side}", (side, "bucket"), "drafts"),
        Field(f"{side}.object", _STRING, f"Object path of the {side}", (side, "object"), "tmp/holiday.mp4"),
        Field(f"{side}.location", _STRING, f"Region of the {side}'s bucket", (side, "location"), "cn-north-4"),
    )


INPUT = _location("input")
OUTPUT = _location("output")
