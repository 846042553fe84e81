"""A resource type in words: what its row in the table says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.reports.cells import table
from reconciler.reports.explanation.drawing import draw_lifecycle
from reconciler.tasks.resource_type import Paging
from reconciler.tasks.task import OBSERVABLE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.tasks.resource_type import ResourceType


def render_index(rows: Iterable[ResourceType]) -> str:
    """One line for each resource type."""
    lines = table([(row.name, ", ".join(_actions(row)) or "-", row.summary) for row in rows])
    return "\n".join(lines) + "\n"


def render_explanation(row: ResourceType) -> str:
    """Fields, statuses, lifecycle, calls and permissions of one resource type."""
    sections = [
        f"{row.name}\n  {row.summary}",
        _section("Statuses", [(status, ", ".join(row.vendor_statuses(status)) or "-") for status in OBSERVABLE]),
        "\n".join(["Lifecycle", *(f"  {line}".rstrip() for line in draw_lifecycle(row))]),
        _section("Operations", _operations(row)),
        _section("Calls", _calls(row)),
        _section("Permissions", _permissions(row)),
        _section("Fields", [(field.name, field.type.value, field.summary) for field in row.selectable.values()]),
    ]
    if row.documentation:
        sections.append(f"Documentation\n  {row.documentation}")
    return "\n\n".join(sections) + "\n"


def _section(title: str, rows: list[tuple[str, ...]]) -> str:
    return "\n".join([title, *(f"  {line}" for line in table(rows))])


def _actions(row: ResourceType) -> list[str]:
    return [operation.action.value for operation in row.operations]


def _operations(row: ResourceType) -> list[tuple[str, ...]]:
    lines: list[tuple[str, ...]] = [
        (
            operation.action.value,
            f"{' | '.join(sorted(operation.starts))} -> {operation.ends}",
            f"up to {operation.batch_size} tasks a call" if operation.batch_size > 1 else "one task a call",
        )
        for operation in row.operations
    ]
    if not any(operation.action.value == "delete" for operation in row.operations):
        lines.append(("-", "the record of a task that has ended cannot be deleted", ""))
    return lines


def _calls(row: ResourceType) -> list[tuple[str, ...]]:
    listing = row.listing
    if listing.paging is Paging.INVENTORY:
        how = f"no list call exists: the target's inventory is looked up, {listing.ids_per_call} entries a call"
    else:
        by_status = "by status" if listing.status_parameter else "no filters"
        how = f"{listing.page_size} rows a page, {by_status}"
    calls: list[tuple[str, ...]] = [("list", f"{listing.method} {listing.path}", how)]
    calls += [
        (operation.action.value, f"{operation.method} {operation.path}", f"{operation.id_parameter}=ID")
        for operation in row.operations
    ]
    return calls


def _permissions(row: ResourceType) -> list[tuple[str, ...]]:
    actions = {"list", *_actions(row)}
    named = ((action, name) for action, name in _permission_names(row) if action in actions)
    return [(action, name or "(the vendor publishes no name)") for action, name in named]


def _permission_names(row: ResourceType) -> list[tuple[str, str | None]]:
    permissions = row.permissions
    return [("list", permissions.list), ("cancel", permissions.cancel), ("delete", permissions.delete)]
