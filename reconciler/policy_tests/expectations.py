"""`expect`: what a test demands of each policy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.config.entries import mapping, number, text, texts
from reconciler.config.environment import quoted
from reconciler.diagnostics import MAX_PROBLEMS, Problem, Rule, unknown
from reconciler.policy_tests.model import Demand, Fate, Named
from reconciler.tasks.resource_type import Action

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reconciler.config.entries import Entry
    from reconciler.config.model import Configuration
    from reconciler.diagnostics import DocumentPath

__all__ = ["demands_of"]

_ACTIONS = {action.value: action for action in Action}


def demands_of(
    entry: Entry, configuration: Configuration, present: frozenset[str], problems: list[Problem]
) -> dict[str, tuple[Demand, ...]]:
    """The demands of a test by policy. `present` are the policies that `policies` leaves in."""
    found: dict[str, tuple[Demand, ...]] = {}
    for name, body in mapping(entry.body, "expect").items():
        path = (*entry.path, "expect", name)
        if len(problems) >= MAX_PROBLEMS:
            break
        if name not in configuration.policies:
            message = f"unknown policy {quoted(name)}"
            problems.append(unknown(path, message, name, configuration.policies, at_key=True))
        elif name not in present:
            message = f"`policies` of this test leaves out {quoted(name)}"
            problems.append(Problem(path, message, "add it there, or expect nothing of it", at_key=True))
        elif isinstance(body, dict):
            found[name] = tuple(_demands(name, body, path, entry))
            problems += _repeated(found[name], path)
    return found


def _demands(policy: str, body: Mapping[str, object], path: DocumentPath, entry: Entry) -> Iterator[Demand]:
    for fate in Fate:
        written = body.get(fate.value)
        where = (*path, fate.value)
        location = entry.document.location(where, at_key=True)
        if isinstance(written, list):
            named = (_named(item, (*where, index), entry) for index, item in enumerate(written))
            yield Demand(policy, fate, location, tuple(one for one in named if one is not None))
        elif (count := number(body, fate.value)) is not None:
            yield Demand(policy, fate, location, count=count)


def _named(item: object, path: DocumentPath, entry: Entry) -> Named | None:
    location = entry.document.location(path)
    if isinstance(item, str) and item:
        return Named(item, location)
    if not isinstance(item, dict) or not text(item, "id"):
        return None
    steps = tuple(_ACTIONS[step] for step in texts(item, "steps") if step in _ACTIONS)
    return Named(text(item, "id") or "", location, text(item, "target") or None, steps or None)


def _repeated(demands: tuple[Demand, ...], path: DocumentPath) -> Iterator[Problem]:
    """A task has one fate under one policy, so it can be named once."""
    seen: dict[tuple[str, str | None], Fate] = {}
    for demand in demands:
        for index, named in enumerate(demand.tasks):
            first = seen.get((named.id, named.target))
            where = (*path, demand.fate.value, index)
            if first is None:
                seen[named.id, named.target] = demand.fate
            elif first is not demand.fate:
                yield Problem(where, f"{quoted(named.id)} stands under `{first}` as well", "a task has one fate")
            else:
                yield Problem(where, f"{quoted(named.id)} stands twice in the list", rule=Rule.DUPLICATE)
