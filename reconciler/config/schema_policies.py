"""JSON Schema of `policies`, told apart by resource type so that editors complete fields and values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.config.model import MOST_ACTIONS, Keep, Mode, OnBlocked, OnExcess, Settings
from reconciler.config.schema_match import keys_pattern, kinds_of, match_branches, match_example, resource_schema
from reconciler.config.schema_parts import (
    Schema,
    described,
    either,
    flag,
    glob,
    list_of,
    map_of_named,
    optional_choice,
    or_variable,
    record,
    reference,
    snippet,
    text,
    whole_number,
)
from reconciler.config.window import DAYS_PATTERN, END_PATTERN, HOUR_PATTERN
from reconciler.tasks.task import FieldType

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from reconciler.tasks.resource_type import Catalogue, ResourceType

_REQUIRED: Final = ("resource", "match", "ensure")
_MATCH: Final = "Which tasks the policy is about: all, or conditions on fields. The fields depend on resource."
_PER: Final = "Fields, or parts of URLs, whose equal values make a group. Default: all tasks of a target are one group."
_ENSURE: Final = (
    "How many tasks may match: absent, none; {at_most: N, per: [fields], keep: newest}, no more than N in each group; "
    "with only: {...}, of those that are too many only these go."
)
_ONLY: Final = "Of the tasks that are too many, only those go of which this is true: conditions on fields, as in match."
_KEEP: Final[Mapping[str, str]] = {
    Keep.NEWEST.value: "The newest stay, by created_at, then by id.",
    Keep.OLDEST.value: "The oldest stay, by created_at, then by id.",
}
_ON_BLOCKED: Final[Mapping[str, str]] = {
    OnBlocked.REPORT.value: "They are listed, and no more.",
    OnBlocked.FAIL.value: "They make plan and apply end with exit code 3.",
}
MODES: Final[Mapping[str, str]] = {
    Mode.ENFORCE.value: "What it asks for is done.",
    Mode.REPORT.value: "What it asks for is shown, and nothing is done.",
}
_ON_EXCESS: Final[Mapping[str, str]] = {
    OnExcess.REFUSE.value: "Nothing is done for it, and plan and apply end with exit code 4.",
    OnExcess.DEFER.value: "As many tasks as the limits allow are changed, the oldest first, the rest by later runs.",
}


def limits_schema(description: str, *, variables: bool = False) -> Schema:
    def number(most: int) -> Schema:
        return or_variable(whole_number(0, most)) if variables else whole_number(0, most)

    actions = "Most changes of one policy in one run, on all its targets; 0 allows none."
    percent = (
        "Most changes of one policy on one target, in percent of the tasks listed there whose status match admits; "
        "enforced from 10 such tasks on, and 0 of however few."
    )
    own = Settings().limits
    excess = optional_choice(_ON_EXCESS)
    limits = record(
        {
            "max_actions": described(
                number(MOST_ACTIONS), f"{actions} Default: {own.max_actions}.", 100, default=own.max_actions
            ),
            "max_percent": described(
                number(100), f"{percent} Default: {own.max_percent}.", 50, default=own.max_percent
            ),
            "on_excess": described(
                or_variable(excess) if variables else excess,
                "What becomes of a policy that asks for more. Default: refuse.",
                *_ON_EXCESS,
                default=OnExcess.REFUSE.value,
            ),
        },
        title="limits",
    )
    return described(limits, description, {"max_actions": own.max_actions, "max_percent": own.max_percent})


def policies_schema(catalogue: Catalogue) -> Schema:
    rows = dict(sorted(catalogue.resource_types.items()))
    # The keys are closed here too, so that they are checked and offered where `resource` is wrong or not there yet.
    policy = record(
        _keys(resource_schema(catalogue, "The kinds of task, each judged for itself")),
        _REQUIRED,
        ["targets", "mode", "window"],
        title="policy",
        allOf=match_branches(catalogue, lambda name, _: reference(f"policy.{name}")),
    )
    entries = map_of_named("policy", policy, *_snippets(list(rows.values())))
    example = {"no-stale-uploads": _example(list(rows.values()))}
    return described(entries, "Policies: how many tasks may match a selector, by name.", example)


def policy_definitions(
    catalogue: Catalogue, match: Callable[[str, Sequence[ResourceType]], Schema]
) -> dict[str, Schema]:
    """What a policy on each resource type, or group of them, may say; `match` gives the schema of its selector."""
    return {
        f"policy.{name}": {
            "title": f"policy on {name}",
            "description": rows[0].summary if len(rows) == 1 else f"Each kind of task of {name}.",
            "properties": {
                "match": match(name, rows),
                "ensure": described(
                    {
                        "if": {"type": "object"},
                        "then": {
                            "properties": {"only": match(name, rows)},
                            "if": {"required": ["absent"]},
                            "else": {"properties": {"per": _per(rows)}},
                        },
                    },
                    _ENSURE,
                    "absent",
                ),
            },
        }
        for name, rows in kinds_of(catalogue).items()
    }


def _keys(resource: Schema) -> dict[str, Schema]:
    targets = glob("Name of a target, or a glob.", "prod", "prod*")
    return {
        "description": described(
            {"type": "string"}, "Why the policy is there. Plans and comments show it.", "Old uploads block the queue."
        ),
        "resource": resource,
        "targets": described(
            list_of(targets),
            "Targets it holds on. Default: every target of the provider.",
            ["prod"],
            ["prod*"],
        ),
        "match": described({}, _MATCH, {"status": "pending", "created_at": {"older_than": "6h"}}),
        "ensure": _ensure(),
        "limits": limits_schema("Guards of this policy. Default: those of the settings."),
        "mode": described(optional_choice(MODES), "Whether the policy acts. Default: that of the settings.", *MODES),
        "window": _window(),
        "suspend": described(
            flag(), "Whether the policy is left out of every run. Default: false.", True, default=False
        ),
        "on_blocked": described(
            optional_choice(_ON_BLOCKED),
            "What tasks mean about which nothing can be done. Default: report.",
            *_ON_BLOCKED,
            default=OnBlocked.REPORT.value,
        ),
        "cancel_running": described(
            flag(),
            "Whether running tasks are canceled as well; their work is lost. Only of kinds whose cloud cancels what "
            "runs. Default: false.",
            False,
            default=False,
        ),
        "notify_above": described(
            whole_number(0, MOST_ACTIONS),
            "Somebody is told once more tasks match than this: see settings.notify. Default: however many.",
            1000,
        ),
    }


def _window() -> Schema:
    days = "The days on which it opens, also where it lasts past midnight. Default: every day."
    day = text(DAYS_PATTERN, "a day such as mon, or days such as mon-fri")
    window = record(
        {
            "days": described(either("array", list_of(day), day), days, "mon-fri", ["sat", "sun"]),
            "from": described(text(HOUR_PATTERN, "a time such as 22:00"), "When it opens. Default: 00:00.", "22:00"),
            "until": described(
                text(END_PATTERN, "a time such as 06:00"),
                "When it closes; on the day after, where that is not later than from. Default: 24:00.",
                "06:00",
            ),
            "timezone": described(
                text(), "Whose clock that is, by the IANA database. Default: UTC.", "Europe/Berlin", "Asia/Shanghai"
            ),
        },
        (),
        ("days", "from", "until", "timezone"),
        title="window",
        minProperties=1,
    )
    example = {"days": "mon-fri", "from": "22:00", "until": "06:00", "timezone": "Europe/Berlin"}
    return described(window, "When the policy acts; outside of it, it is in report mode. Default: always.", example)


def _ensure() -> Schema:
    some = either("string", {"enum": ["all"]}, {"type": "object"})
    only = described(some, _ONLY, {"created_at": {"older_than": "30d"}})
    absent = record(
        {"absent": described({"const": True}, "That no task may match.", True), "only": only},
        ["absent"],
        ["only"],
        title="absent",
    )
    quota = record(
        {
            "at_most": described(whole_number(0), "How many matching tasks may exist in each group.", 1),
            "per": _per([]),
            "keep": described(
                optional_choice(_KEEP),
                "Which tasks of a group stay. Default: newest.",
                *_KEEP,
                default=Keep.NEWEST.value,
            ),
            "only": only,
        },
        ["at_most"],
        ["per", "only"],
        title="quota",
    )
    one: Schema = {"at_most": 1, "per": ["id"], "keep": "newest"}
    words = [
        snippet("absent", "No task may match.", "absent"),
        snippet(
            "at_most", "No more than N tasks may match in each group.", {"at_most": "${1:1}", "keep": "${2:newest}"}
        ),
    ]
    forms = either("object", quota | {"examples": [one]}, {"enum": ["absent"]})
    forms["then"] = {"if": {"required": ["absent"]}, "then": absent, "else": forms["then"]}
    return described({"allOf": [{"defaultSnippets": words}], **forms}, _ENSURE, "absent")


def _per(rows: Sequence[ResourceType]) -> Schema:
    """The fields of a group: any text where there is not one resource type."""
    if len(rows) != 1:
        return described(list_of(text(), uniqueItems=True), _PER, ["input.bucket"], ["input.bucket", "input.object"])
    fields = rows[0].fields.values()
    plain = [
        field.name
        for field in fields
        if field.type is FieldType.STRING and field.name not in {"id", "description"} and not field.prefix
    ]
    named: Schema = {"enum": [name for name, field in rows[0].selectable.items() if not field.prefix]}
    for prefix in filter(None, (field.prefix for field in fields)):
        named = {"if": {"type": "string", "pattern": keys_pattern(prefix)}, "else": named}
    return described(list_of(named, uniqueItems=True), _PER, plain[-1:], plain[-2:])


def _example(rows: list[ResourceType]) -> Schema:
    return {"resource": rows[0].name, "match": match_example(rows[:1]), "ensure": "absent"}


def _snippets(rows: list[ResourceType]) -> list[Schema]:
    stale = {"status": "${4:pending}", "created_at": {"older_than": "${5:6h}"}}
    group = "input.object" if any("input.object" in row.fields for row in rows) else "id"
    quota = {"at_most": "${5:1}", "per": [f"${{6:{group}}}"], "keep": "${7:newest}"}
    return [
        snippet(
            "policy: no such tasks",
            "No task may match: those that do are canceled, or their records deleted.",
            {"${1:no-stale-tasks}": _start(rows) | {"match": stale, "ensure": "absent"}},
        ),
        snippet(
            "policy: no more than N tasks",
            "No more than N tasks of a group may match.",
            {
                "${1:one-task-per-input}": _start([row for row in rows if group in row.fields])
                | {"match": {"status": "${4:pending}"}, "ensure": quota}
            },
        ),
    ]


def _start(rows: list[ResourceType]) -> Schema:
    """A description, and one of these resource types to choose."""
    return {"description": "${2:Why.}", "resource": f"${{3|{','.join(row.name for row in rows)}|}}"}
