"""Policies that ask for what no operation can bring about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.diagnostics import Problem, Rule, Severity
from reconciler.selectors.states import can_act, dead_ends
from reconciler.tasks.status import OBSERVABLE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.config.entries import Entry
    from reconciler.selectors.syntax import Selector
    from reconciler.tasks.resource_type import ResourceType
    from reconciler.tasks.status import Status

__all__ = ["dead_end_problems"]


def dead_end_problems(selector: Selector, resource: ResourceType, entry: Entry) -> Iterator[Problem]:
    """An error where the selector admits states that nothing leads out of; a warning where it never leads to a call."""
    path = (*entry.path, "match")
    if stuck := dead_ends(selector, resource):
        message = (
            f"tasks that are {_listed(stuck)} would match for ever: nothing takes a {resource.name} task out of it"
        )
        hint = _fix(resource, stuck, entry.body["match"])
        yield Problem(path, message, hint, at_key=True, rule=Rule.DEAD_END)
    elif not can_act(selector, resource):
        message = f"the policy can never act: no operation of {resource.name} starts from a state that it selects"
        hint = f"operations: {', '.join(_operations(resource))}" if resource.operations else ""
        yield Problem(path, message, hint, at_key=True, severity=Severity.WARNING, rule=Rule.NEVER_ACTS)


def _fix(resource: ResourceType, stuck: tuple[Status, ...], match: object) -> str:
    starts = {state for operation in resource.operations for state in operation.starts}
    open_states = [state for state in OBSERVABLE if state in starts and state not in stuck]
    if not open_states:
        return f"{resource.name} has no operation that could help"
    states = open_states[0].value if len(open_states) == 1 else f"[{', '.join(open_states)}]"
    return f"write `match: {{status: {states}}}`" if match == "all" else f"write `status: {states}` in match"


def _operations(resource: ResourceType) -> Iterator[str]:
    for operation in resource.operations:
        yield f"{operation.action} (from {_listed(tuple(s for s in OBSERVABLE if s in operation.starts))})"


def _listed(states: tuple[Status, ...]) -> str:
    *most, last = (state.value for state in states)
    return f"{', '.join(most)} or {last}" if most else last
