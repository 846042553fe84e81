"""What a plan tells a reviewer of a task: why it is there, in a sentence, and the fields that show it."""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from reconciler.config.model import Absent, AtMost
from reconciler.redaction import bounded, presentable
from reconciler.selectors.trace import describe
from reconciler.tasks.task import FieldType, Status
from reconciler.tasks.timestamps import format_timestamp

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from reconciler.config.model import Policy
    from reconciler.planning.change import Observed
    from reconciler.planning.quota import Surplus
    from reconciler.tasks.resource_type import ResourceType
    from reconciler.tasks.task import Field, Task


def change_reason(policy: Policy, surplus: Surplus) -> str:
    """What the policy asserts, and for a quota where the task stands in its group."""
    condition = describe(policy.match)
    besides = f"; of these go those whose {describe(policy.only)}" if policy.only else ""
    if surplus.task.status is Status.RUNNING:
        condition += "; it runs, and cancel_running is set"
    match policy.ensure:
        case Absent():
            return f"{policy.name}: no task may be there whose {condition}{besides}"
        case AtMost(count, per, keep):
            group = presentable(", ".join(str(value) for value in surplus.group))
            each = f" for {group}" if per else ""
            # Not of how many: each new task would make it another reason, and another digest.
            rank = f"number {surplus.rank}{each}, {keep.value} first"
            return f"{policy.name}: {rank}; at most {count} may be there whose {condition}{besides}"
        case _:
            assert_never(policy.ensure)


def blocked_reason(task: Task, resource: ResourceType) -> str:
    """Why no operation takes the task out of the selector."""
    if task.status is Status.UNKNOWN:
        return f"the provider status {presentable(str(task.values.get('provider_status', '')))!r} is not documented"
    if task.status is Status.RUNNING and resource.cancels_running:
        return "it runs, and no policy that wants it out says cancel_running: true"
    if task.status is Status.RUNNING:
        return "a running task can be neither canceled nor deleted; it will be looked at again once it has ended"
    actions = " or ".join(operation.action.value for operation in resource.operations) or "nothing"
    return f"{resource.name} offers {actions}, which does not lead out of {task.status.value}"


def protected_reason(protections: Sequence[str]) -> str:
    return f"protected by {', '.join(protections)}"


LONGEST = 300
"""Characters of one value that a plan keeps; the rest is cut, with an ellipsis."""

_ALWAYS = ("status", "provider_status", "created_at", "started_at", "finished_at", "error_code")


def always(resource: ResourceType) -> tuple[str, ...]:
    """Fields that a plan shows of a task where it has them, whatever its policies ask about."""
    return (*_ALWAYS, *resource.object_fields)


def shown_fields(resource: ResourceType, named: Iterable[str]) -> tuple[Field, ...]:
    """The usual fields, then those `named` that a task can have. The id and the status are shown in any case."""
    names = dict.fromkeys((*always(resource), *named))
    found = (resource.fields.get(name) or resource.field_named(name) for name in names if name not in {"id", "status"})
    return tuple(filter(None, found))


def observed(task: Task, fields: Iterable[Field]) -> Observed:
    """What these fields are, where the task has them; of one that stands for the fields of all keys, each of these.

    A status outside the table appears as `unknown`.
    """
    shown: dict[str, str | int | tuple[str, ...]] = {"status": task.status.value}
    for field in fields:
        if prefix := field.prefix:
            keys = sorted(key for key in task.values if key.startswith(prefix))
            values = [(key, task.values[key]) for key in keys]
        else:
            value = field.value_in(task.values)
            values = [] if value is None else [(field.name, value)]
        for name, value in values:
            if isinstance(value, int) and field.type is FieldType.TIMESTAMP:
                shown[name] = format_timestamp(value)
            elif isinstance(value, str):
                shown[name] = bounded(value, LONGEST)
            elif isinstance(value, tuple):
                shown[name] = tuple(bounded(item, LONGEST) for item in value)
            else:
                shown[name] = value
    return shown
