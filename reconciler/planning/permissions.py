"""Which calls a configuration can lead to: what an account must be allowed, and no more. Pure, and without any task."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from reconciler.redaction import Shown
from reconciler.selectors.states import routes
from reconciler.tasks.resource_type import Action
from reconciler.tasks.task import OBSERVABLE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.config.model import Configuration, Policy
    from reconciler.selectors.syntax import Selector
    from reconciler.tasks.resource_type import Catalogue, ResourceType


class Role(StrEnum):
    """What credentials are for: `plan` only reads, `apply` reads and acts."""

    PLAN = "plan"
    APPLY = "apply"


class CallKind(StrEnum):
    """The calls that a resource type knows. `list` is also how tasks are read back by their ids, where no `read` is."""

    LIST = "list"
    READ = "read"
    CANCEL = "cancel"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class NeededCall(Shown):
    """One call that a role makes on a target, and the policies that lead to it, by name.

    `request` is the call in the vendor's terms, `action` the vendor's name for the right to make it; None where the
    vendor publishes none.
    """

    resource: str
    call: CallKind
    request: str
    action: str | None
    policies: tuple[str, ...]


def needed_calls(configuration: Configuration, catalogue: Catalogue, role: Role) -> dict[str, tuple[NeededCall, ...]]:
    """The calls by target, sorted: a listing of each scope, and for `apply` the operations that a policy can lead to.

    Suspended policies lead to nothing; a target that no active policy looks at is left out.
    """
    wanted: dict[str, dict[tuple[str, CallKind], list[str]]] = {}
    for policy in sorted(configuration.policies.values(), key=lambda policy: policy.name):
        if policy.suspend:
            continue
        rows = [
            catalogue.resource_types[name].as_asked(cancel_running=policy.cancel_running) for name in policy.resources
        ]
        calls = {row.name: tuple(_calls(policy, row, role)) for row in rows}
        for target, resource in policy.scopes:
            for call in calls[resource]:
                wanted.setdefault(target, {}).setdefault((resource, call), []).append(policy.name)
    return {
        target: tuple(
            _needed(catalogue.resource_types[resource], call, tuple(policies))
            for (resource, call), policies in sorted(calls.items(), key=lambda entry: _order(*entry[0]))
        )
        for target, calls in sorted(wanted.items())
    }


def reachable_actions(selector: Selector, row: ResourceType) -> frozenset[Action]:
    """What may be done to some task that the selector selects: the operations on the way out of it, from any state.

    The same static analysis as that of dead ends: only what the status decides is known, so that an operation may be
    named which no task ever needs, but none is missing.
    """
    found = (route for state in OBSERVABLE for route in routes(selector, row, state))
    return frozenset(action for route in found for action in route or ())


def _calls(policy: Policy, row: ResourceType, role: Role) -> Iterator[CallKind]:
    yield CallKind.LIST
    if role is Role.APPLY:
        if row.listing.reading is not None:
            yield CallKind.READ
        asked = row.as_asked(cancel_running=policy.cancel_running)
        yield from (CallKind(action.value) for action in sorted(reachable_actions(policy.match, asked)))


def _order(resource: str, call: CallKind) -> tuple[str, int]:
    return resource, list(CallKind).index(call)


def _needed(row: ResourceType, call: CallKind, policies: tuple[str, ...]) -> NeededCall:
    if call is CallKind.LIST:
        return NeededCall(
            row.name, call, _request(row.listing.method, row.listing.path), row.permissions.list, policies
        )
    if call is CallKind.READ and (reading := row.listing.reading) is not None:
        return NeededCall(row.name, call, _request(reading.method, reading.path), row.permissions.read, policies)
    operation = row.operation(Action(call.value))
    assert operation is not None  # noqa: S101 - it is on a route of this row
    action = row.permissions.cancel if call is CallKind.CANCEL else row.permissions.delete
    return NeededCall(row.name, call, _request(operation.method, operation.path), action, policies)


def _request(method: str, path: str) -> str:
    """A path with its method; an action of an RPC API stands for itself."""
    return f"{method} {path}" if path.startswith("/") else path
