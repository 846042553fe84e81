"""Operations of made-up resource types, which go the way that the clouds' own go."""

from reconciler.tasks.resource_type import Action, Operation
from reconciler.tasks.task import TERMINAL, Status

_WAYS = {Action.CANCEL: (frozenset({Status.PENDING}), Status.CANCELED), Action.DELETE: (TERMINAL, Status.GONE)}


def operation(action: Action, path: str = "/tasks", id_parameter: str = "task_id") -> Operation:
    """What cancels a task that waits, or deletes the record of one that ended."""
    starts, ends = _WAYS[action]
    return Operation(action, path, id_parameter, starts, ends)
