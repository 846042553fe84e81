"""The JSON Schema of a configuration file, built from the resource types and providers that are installed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.config.model import MOST_ACTIONS, RUN_ACTIONS, Settings
from reconciler.config.receivers import receivers_schema
from reconciler.config.schema_match import (
    match_branches,
    match_definitions,
    match_example,
    match_schema,
    resource_groups,
    resource_schema,
)
from reconciler.config.schema_parts import (
    Schema,
    described,
    map_of_named,
    optional,
    optional_choice,
    or_variable,
    record,
    rendered,
    snippet,
    text,
    variable_definitions,
    whole_number,
)
from reconciler.config.schema_policies import MODES, limits_schema, policies_schema, policy_definitions
from reconciler.config.schema_targets import defaults_schema, target_definitions, targets_schema
from reconciler.tasks.timestamps import DURATION_PATTERN

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from reconciler.tasks.resource_type import Catalogue, ResourceType

    MatchSchema = Callable[[str, Sequence[ResourceType]], Schema]


def build_schema(catalogue: Catalogue) -> Schema:
    """JSON Schema (draft-07) of one file, for editors and other tools: everything that can be checked without
    looking at other files, variables or the order of a task's states."""
    policies = policy_definitions(catalogue, match_schema) | match_definitions(catalogue)
    definitions = variable_definitions(expanded=False) | policies
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "reconciler configuration",
        "description": "Which media-processing tasks may exist, and where.",
        **_document(catalogue, definitions, protections_schema(catalogue, match_schema)),
    }


def structure_schema(catalogue: Catalogue) -> Schema:
    """The same for data whose variables were expanded; without selectors, which are parsed and checked on their own."""
    definitions = variable_definitions(expanded=True) | policy_definitions(catalogue, lambda _, __: {})
    return _document(catalogue, definitions, protections_schema(catalogue, None))


def render_schema(catalogue: Catalogue) -> str:
    """`build_schema` as it is written to `schemas/reconciler.schema.json`, with a final newline.

    Keys stay in the order in which people write them, which is also that of the editors' skeletons.
    """
    return rendered(build_schema(catalogue)) + "\n"


def _document(catalogue: Catalogue, definitions: dict[str, Schema], protections: Schema) -> Schema:
    return {
        "type": "object",
        "required": ["version"],
        "additionalProperties": False,
        "patternProperties": {"^x-": {"description": "A place for anchors: nothing reads it."}},
        "properties": {
            "version": described({"const": 1}, "Version of this format. Every file needs it.", 1, default=1),
            "settings": optional(_settings_schema()),
            "defaults": optional(defaults_schema(catalogue)),
            "targets": optional(targets_schema(catalogue)),
            "protect": optional(protections),
            "policies": optional(policies_schema(catalogue)),
        },
        "definitions": target_definitions(catalogue) | definitions,
    }


_DEFAULTS = Settings()
BACKEND_PATTERN = r"^(?:sqlite:///[^?#]+|postgresql(?:\+[a-z0-9]+)?://.+)$"


def _run_limits_schema() -> Schema:
    actions = (
        "Most changes of all policies in one run; 0 allows none. "
        f"Default: {RUN_ACTIONS}, or the largest max_actions of a policy."
    )
    percent = (
        "Most changes of all policies on one target and resource type, in percent of the tasks there in a status that "
        "any of them admits; from 10 such tasks on. Default: the largest max_percent of a policy there."
    )
    limits = record(
        {
            "max_actions": described(or_variable(whole_number(0, MOST_ACTIONS)), actions, 1000),
            "max_percent": described(or_variable(whole_number(0, 100)), percent, 60),
        },
        title="run_limits",
    )
    return described(limits, "Guards of all policies together.", {"max_actions": 5000, "max_percent": 60})


def _settings_schema() -> Schema:
    duration = or_variable(text(DURATION_PATTERN, "a duration such as 90s, 15m, 6h or 7d"))
    backend = or_variable(text(BACKEND_PATTERN, "sqlite:///FILE or postgresql://host/db"))
    time_to_live = f"{_DEFAULTS.plan_ttl // 3600}h"
    settings = record(
        {
            "limits": limits_schema("Guards of every policy that sets none of its own.", variables=True),
            "run_limits": _run_limits_schema(),
            "mode": described(
                or_variable(optional_choice(MODES)),
                "Whether policies act that do not say so themselves. Default: enforce.",
                *MODES,
                default=_DEFAULTS.mode.value,
            ),
            "backend": described(
                backend,
                "Where runs, journal and locks are kept: sqlite:///FILE, relative to this file, or "
                "postgresql://user@host/db for several machines. "
                f"Default: {_DEFAULTS.backend} in the current directory.",
                "postgresql://reconciler@db.example.com/reconciler",
                "${RECONCILER_DATABASE:-sqlite:///.reconciler/history.db}",
                default=str(_DEFAULTS.backend),
            ),
            "concurrency": described(
                or_variable(whole_number(1, 256)),
                f"Requests in flight per target, 1 to 256. Default: {_DEFAULTS.concurrency}.",
                32,
                default=_DEFAULTS.concurrency,
            ),
            "plan_ttl": described(
                duration,
                "How long a saved plan is good for: 90s, 15m, 6h, 7d, 2w or several, such as 1d12h. "
                f"Default: {time_to_live}.",
                "6h",
                "2d",
                default=time_to_live,
            ),
            "notify": receivers_schema(),
        },
        (),
        ("mode",),
        title="settings",
    )
    example = {"limits": {"max_actions": 200, "max_percent": 30}, "plan_ttl": "12h"}
    return described(settings, "Settings of the whole configuration. Each key may stand in one file only.", example)


_MATCH = "Which tasks are protected: all, or conditions on fields. A task of which it stays unknown is protected, too."


def protections_schema(catalogue: Catalogue, match: MatchSchema | None) -> Schema:
    """`match` gives the schema of a selector on these resource types; None leaves selectors unchecked."""
    rows = list(catalogue.resource_types.values())
    known = [*catalogue.resource_types, *resource_groups(catalogue)]
    branches = (
        match_branches(catalogue, lambda name, members: {"properties": {"match": match(name, members)}})
        if match
        else []
    )
    protection = record(
        {
            "resource": resource_schema(catalogue, "The kinds of task that are protected"),
            "match": described({}, _MATCH, match_example(rows)),
        },
        ("resource", "match"),
        title="protection",
        allOf=branches,
    )
    example = {"legal-hold": {"resource": f"{rows[0].provider}.*", "match": match_example(rows)}}
    start = {
        "${1:legal-hold}": {"resource": f"${{2|{','.join(known)}|}}", "match": {"${3:id}": {"glob": "${4:legal-*}"}}}
    }
    entries = map_of_named("protection", protection, snippet("protection", "Tasks that no policy may touch.", start))
    return described(entries, "Tasks that no policy may touch, by name of the protection.", example)
