"""JSON Schema of `protect`. The `resource` of a protection is a glob: a schema can tell the usual ones apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.config.schema_match import match_example, resource_groups
from reconciler.config.schema_parts import Schema, described, glob, map_of_named, record, snippet

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from reconciler.tasks.catalogue import Catalogue
    from reconciler.tasks.resource_type import ResourceType

    MatchSchema = Callable[[str, Sequence[ResourceType]], Schema]

__all__ = ["protections_schema"]

_MATCH = "Which tasks are protected: all, or conditions on fields. A task of which it stays unknown is protected, too."


def protections_schema(catalogue: Catalogue, match: MatchSchema | None) -> Schema:
    """`match` gives the schema of a selector on these resource types; None leaves selectors unchecked.

    Names of resource types and globs such as `huaweicloud.mpc.*` lead to the fields that there are; any other glob to
    the fields of all kinds.
    """
    rows = list(catalogue.resource_types.values())
    known = {row.name: [row] for row in rows} | resource_groups(catalogue)
    protection = record(
        {
            "resource": _resource(
                {name: members[0].summary if name == members[0].name else "" for name, members in known.items()}
            ),
            "match": described({}, _MATCH, match_example(rows)),
        },
        ("resource", "match"),
        title="protection",
        allOf=_branches(known, rows, match) if match else [],
    )
    example = {"legal-hold": {"resource": f"{rows[0].provider}.*", "match": match_example(rows)}}
    start = {
        "${1:legal-hold}": {"resource": f"${{2|{','.join(known)}|}}", "match": {"${3:id}": {"glob": "${4:legal-*}"}}}
    }
    entries = map_of_named("protection", protection, snippet("protection", "Tasks that no policy may touch.", start))
    return described(entries, "Tasks that no policy may touch, by name of the protection.", example)


def _resource(offered: dict[str, str]) -> Schema:
    words = [
        snippet(name, meaning or f"All kinds of task that {name} matches.", name) for name, meaning in offered.items()
    ]
    resource = glob("The kinds of task that are protected: a name or a glob.", *list(offered)[:1], *list(offered)[-1:])
    return {**resource, "allOf": [{"defaultSnippets": words}]}


def _branches(known: dict[str, list[ResourceType]], rows: list[ResourceType], match: MatchSchema) -> list[Schema]:
    def branch(condition: Schema, verdict: str, selector: Schema) -> Schema:
        return {
            "if": {"properties": {"resource": condition}, "required": ["resource"]},
            verdict: {"properties": {"match": selector}},
        }

    told_apart = [branch({"const": name}, "then", match(name, members)) for name, members in known.items()]
    return [*told_apart, branch({"enum": list(known)}, "else", match("any", rows))]
