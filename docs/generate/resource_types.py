"""The page of the resource types, from their rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from docs.generate.markdown import code, fence, page, prose, table
from reconciler.providers.registry import catalogue
from reconciler.reports.explanation.drawing import draw_lifecycle
from reconciler.tasks.resource_type import Action, Paging

if TYPE_CHECKING:
    from reconciler.tasks.resource_type import Listing, Operation, ResourceType
    from reconciler.tasks.task import Field

_INTRODUCTION = """\
The kinds of task that policies can be about, as `reconciler explain` prints them. A policy names one as `resource`; its
`match` may name the fields of that kind. `status` has the same five values for every kind; the drawings show which of
the vendor's words stand for each."""


def resource_types_page() -> str:
    """Summary, lifecycle, calls, permissions and fields of every kind."""
    rows = list(catalogue().resource_types.values())
    index = table(("resource type", "operations", "what it is"), [_index_row(row) for row in rows])
    return page("Resource types", _INTRODUCTION, index, *map(_section, rows))


def _index_row(row: ResourceType) -> tuple[str, str, str]:
    return code(row.name), ", ".join(operation.action.value for operation in row.operations), prose(row.summary)


def _section(row: ResourceType) -> str:
    link = f" [Document of the vendor]({row.documentation})." if row.documentation else ""
    parts = [
        f"## {row.name}",
        prose(row.summary) + link,
        fence("\n".join(draw_lifecycle(row))),
        table(("call", "request", "tasks a call", "permission"), _calls(row)),
        table(("field", "type", "meaning", "example"), map(_field_row, row.selectable.values())),
    ]
    return "\n\n".join(parts)


def _calls(row: ResourceType) -> list[tuple[str, str, str, str]]:
    granted = row.permissions
    names = {Action.CANCEL: granted.cancel, Action.DELETE: granted.delete}
    first = ("list", _request(row.listing), _pages(row.listing), _permission(granted.list))
    return [
        first,
        *(
            (each.action.value, _request(each), str(each.batch_size), _permission(names[each.action]))
            for each in row.operations
        ),
    ]


def _request(call: Listing | Operation) -> str:
    return code(f"{call.method} {call.path}" if call.path.startswith("/") else call.path)


def _pages(listing: Listing) -> str:
    if listing.paging is Paging.INVENTORY:
        return f"{listing.ids_per_call} entries of the inventory"
    return f"{listing.page_size}{', by status' if listing.status_parameter else ''}"


def _permission(name: str | None) -> str:
    return code(name) if name else "not published"


def _field_row(field: Field) -> tuple[str, str, str, str]:
    example = "" if field.example is None else code(str(field.example))
    return code(field.name), field.type.value, prose(field.summary), example
