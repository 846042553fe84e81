"""JSON Schema of selectors, so that editors complete fields, operators and values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from reconciler.config.schema_parts import (
    LONGEST_GLOB,
    Schema,
    choice,
    described,
    either,
    flag,
    list_of,
    record,
    reference,
    snippet,
    text,
)
from reconciler.selectors.operators import APPLICABLE, MISSING, MISSING_MEANING, OPERATORS, TYPE_NAMES, Form
from reconciler.selectors.syntax import Operator
from reconciler.tasks.task import FieldType, Status
from reconciler.tasks.timestamps import DURATION_PATTERN, TIMESTAMP_PATTERN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from reconciler.tasks.resource_type import Catalogue, ResourceType
    from reconciler.tasks.task import Field

STATUS_MEANINGS: Final[Mapping[str, str]] = {
    Status.PENDING.value: "Waits in the queue; it can be canceled.",
    Status.RUNNING.value: "Is being worked on; nothing can be done about it until it ends.",
    Status.SUCCEEDED.value: "Has ended well. Its record can be deleted where the vendor has a call for it.",
    Status.FAILED.value: "Has ended badly. Its record can be deleted where the vendor has a call for it.",
    Status.CANCELED.value: "Was canceled. Its record can be deleted where the vendor has a call for it.",
}
"""The statuses that a selector can name, whatever the vendor calls them."""

_VALUES: Final[Mapping[FieldType, tuple[object, object]]] = {
    FieldType.STRING: ("drafts", "previews"),
    FieldType.INTEGER: (50, 100),
    FieldType.STATUS: ("succeeded", "failed"),
}
"""Two values of each type that can be compared for equality."""


def condition_definitions() -> dict[str, Schema]:
    """The conditions of each type of field."""
    plain = {f"condition.{kind}": condition(kind) for kind in FieldType if kind is not FieldType.STATUS}
    return plain | {f"condition.{FieldType.STATUS}": status_condition(STATUS_MEANINGS, FieldType.STATUS)}


def condition(kind: FieldType) -> Schema:
    """A condition on a field of this type."""
    value: Schema = {"type": "integer"} if kind is FieldType.INTEGER else text()
    return {"title": f"condition on {TYPE_NAMES[kind]}", **_condition(kind, value, _VALUES.get(kind, ()))}


def status_condition(words: Mapping[str, str], kind: FieldType = FieldType.STRING) -> Schema:
    """A condition on a field that has one of these words, with their meanings."""
    return {
        "title": "condition on a status",
        "defaultSnippets": [snippet(word, meaning, word) for word, meaning in words.items()],
        **_condition(kind, choice(words), tuple(words)[-2:]),
    }


def _condition(kind: FieldType, value: Schema, examples: tuple[object, ...]) -> Schema:
    properties = {operator.value: _operand(operator, value, examples) for operator in APPLICABLE[kind]}
    properties[MISSING] = described(flag(), MISSING_MEANING, False, True)
    alone = {"pattern": f"^(?!(?:{Operator.EXISTS}|file)$)", "patternErrorMessage": f"must not stand beside {MISSING}"}
    operators: Schema = {
        "type": "object",
        "minProperties": 1,
        "additionalProperties": False,
        "properties": properties,
        # Bounds stand apart from the keys, as with secrets: beside them, they keep editors from offering these.
        "if": {"required": [MISSING]},
        "then": {"minProperties": 2, "propertyNames": alone},
    }
    if Operator.EQ not in APPLICABLE[kind]:
        offered = ", ".join(operator.value for operator in APPLICABLE[kind])
        return operators | {"errorMessage": f"{TYPE_NAMES[kind]} takes operators: {offered}"}
    properties |= _file(value)
    operators["else"] = {"if": {"required": ["file"]}, "then": {"maxProperties": 1}}
    return either("object", operators, either("array", list_of(value), value))


def _operand(operator: Operator, value: Schema, values: tuple[object, ...]) -> Schema:
    spec = OPERATORS[operator]
    match spec.form:
        case Form.VALUES:
            return described(_or_file(value, list_of(value)), spec.meaning, list(values))
        case Form.TEXT:
            several = _or_file(text(), either("array", list_of(text()), text()))
            meaning = f"{spec.meaning} Or a list: {'none' if spec.negated else 'any'} of it."
            return described(several, meaning, *spec.examples)
        case form:
            return described(_FORMS.get(form, value), spec.meaning, *(spec.examples or values))


def _or_file(value: Schema, otherwise: Schema) -> Schema:
    """A file of such values where a mapping stands."""
    return either("object", record(_file(value), ["file"]), otherwise)


def _file(value: Schema) -> dict[str, Schema]:
    example = "statuses.txt" if "enum" in value else "ids.txt"
    return {"file": described(text(), "A file in the place of a list: one entry a line, # comments.", example)}


_FORMS: Final[Mapping[Form, Schema]] = {
    Form.FLAG: flag(),
    Form.DURATION: text(DURATION_PATTERN, "a duration such as 6h or 30d"),
    Form.TIME: text(TIMESTAMP_PATTERN, "a time such as 2025-01-31T08:00:00Z"),
}
_ANY = "any"
_USAGE = {
    FieldType.STRING: "Text: one value, a list of several, or operators such as glob, regex and contains.",
    FieldType.INTEGER: "Whole number: one value, a list of several, or operators such as gt and lte.",
    FieldType.TIMESTAMP: "Time: older_than, newer_than, before, after.",
    FieldType.STRINGS: "List of texts: contains.",
    FieldType.STATUS: "One status, a list of several, or operators.",
}


def match_schema(name: str, resources: Sequence[ResourceType]) -> Schema:
    """The `match` of a policy or a protection on these resource types, which are those of the group `name`."""
    # Labelled otherwise than the combinator `all`, which is offered at the same place.
    everything = snippet("all (every task)", "Every task of this kind.", "all")
    defined = reference(f"match.{resources[0].name if len(resources) == 1 else name}")
    return described(
        {"allOf": [{"defaultSnippets": [everything]}], **either("string", {"enum": ["all"]}, defined)},
        "Which tasks: all, or conditions on fields, ANDed. all: [...], any: [...] and not: {...} combine them.",
        match_example(resources),
    )


def match_example(resources: Iterable[ResourceType]) -> Schema:
    """A selector that holds for all of these."""
    shared = set.intersection(*(set(row.fields) for row in resources))
    parts: Schema = {"status": "pending", "created_at": {"older_than": "6h"}}
    return {field: part for field, part in parts.items() if field in shared}


def resource_groups(catalogue: Catalogue) -> dict[str, list[ResourceType]]:
    """Resource types by the globs that people write, `<provider>.*` and `<provider>.<service>.*`."""
    groups: dict[str, list[ResourceType]] = {}
    for row in catalogue.resource_types.values():
        for pattern in (f"{row.provider}.*", f"{row.provider}.{row.service}.*"):
            groups.setdefault(pattern, []).append(row)
    return dict(sorted(groups.items()))


def resource_schema(catalogue: Catalogue, description: str) -> Schema:
    """What kinds of task are meant: a name, a glob, or a list of these."""
    rows = dict(sorted(catalogue.resource_types.items()))
    globs = {name: f"All kinds of task that {name} matches." for name in resource_groups(catalogue)}
    meanings = {name: row.summary for name, row in rows.items()} | globs
    words = [snippet(name, meaning, name) for name, meaning in meanings.items()]
    kinds = choice({name: row.summary for name, row in rows.items()})
    one = text() | {"maxLength": LONGEST_GLOB, "if": {"pattern": "[*?[]"}, "else": kinds}
    forms = either("array", list_of(one | {"defaultSnippets": words}, uniqueItems=True), one)
    offered: Schema = {"allOf": [{"defaultSnippets": words}], **forms}
    return described(offered, f"{description}: a name, a glob, or a list of these.", *list(rows)[:1], *list(globs)[-1:])


def match_branches(catalogue: Catalogue, branch: Callable[[str, list[ResourceType]], Schema]) -> list[Schema]:
    """What depends on `resource`, as `branch` has it for a name and its resource types: those of each name and of the
    globs of `resource_groups`; of all else, all."""
    known = kinds_of(catalogue)
    rows = known.pop(_ANY)

    def told_apart(condition: Schema, verdict: str, schema: Schema) -> Schema:
        return {"if": {"properties": {"resource": condition}, "required": ["resource"]}, verdict: schema}

    branches = [told_apart({"const": name}, "then", branch(name, members)) for name, members in known.items()]
    return [*branches, told_apart({"enum": list(known)}, "else", branch(_ANY, rows))]


def kinds_of(catalogue: Catalogue) -> dict[str, list[ResourceType]]:
    """Resource types by name, groups of them by their glob, and all together."""
    rows = list(catalogue.resource_types.values())
    return {row.name: [row] for row in rows} | resource_groups(catalogue) | {_ANY: rows}


def match_definitions(catalogue: Catalogue) -> dict[str, Schema]:
    """Selectors of each resource type, of each group of them, and of all together."""
    conditions = condition_definitions()
    selectors = {
        f"match.{name}": _selector(name, _conditions(name, members, conditions))
        for name, members in kinds_of(catalogue).items()
        if len(members) > 1 or name == members[0].name or name == _ANY
    }
    return selectors | conditions


def by_key(fields: Mapping[str, Schema]) -> Schema:
    """Properties, and apart from them those of any key, of names that end in `.*`; with a snippet for these."""
    named = {name: schema for name, schema in fields.items() if not name.endswith(".*")}
    keyed = {name.removesuffix("*"): schema for name, schema in fields.items() if name.endswith(".*")}
    if not keyed:
        return {"properties": named}
    begun = [
        snippet(f"{name}*", str(schema["description"]), {f"{name}${{1:key}}": "$2"}) for name, schema in keyed.items()
    ]
    patterns = {keys_pattern(name): schema for name, schema in keyed.items()}
    return {"properties": named, "patternProperties": patterns, "allOf": [{"defaultSnippets": begun}]}


def keys_pattern(prefix: str) -> str:
    """Names that begin so, with any key but the empty one and `*`."""
    return f"^{prefix.replace('.', '[.]')}(?![*]?$)"


def _selector(name: str, conditions: dict[str, Schema]) -> Schema:
    nested = reference(f"match.{name}")
    pending, old = {"status": "pending"}, {"created_at": {"older_than": "6h"}}
    combinators = {
        "all": described(list_of(nested), "All of these hold.", [pending, old]),
        "any": described(list_of(nested), "At least one of these holds.", [pending, old]),
        "not": described(nested, "This does not hold. What is unknown, a missing field, stays unknown.", pending),
    }
    return {
        "title": "match",
        "type": "object",
        "minProperties": 1,
        "additionalProperties": False,
        **by_key(conditions | combinators),
    }


def _conditions(name: str, resources: Sequence[ResourceType], definitions: dict[str, Schema]) -> dict[str, Schema]:
    """Conditions by field; where resource types give a field several types, it is left to the program.

    `definitions` of conditions are added to where the vendor's words ask for one of their own, called after `name`.
    """
    found: dict[str, Schema] = {}
    kinds: dict[str, FieldType] = {}
    for field in (field for row in resources for field in row.selectable.values()):
        if kinds.setdefault(field.name, field.type) is not field.type:
            found[field.name] = described({}, f"{field.summary}.", *_examples(field))
        elif field.name == "provider_status":
            words = _vendor_words(resources)
            found[field.name] = _provider_status(field, words, name, definitions)
        elif field.name not in found:
            found[field.name] = described(
                reference(f"condition.{field.type}"), f"{field.summary}. {_USAGE[field.type]}", *_examples(field)
            )
    return found


def _vendor_words(resources: Iterable[ResourceType]) -> dict[str, str]:
    """The vendor's statuses and what they mean, in lifecycle order."""
    return {word: f"Means {status}." for row in resources for word, status in row.statuses.items()}


def _provider_status(field: Field, words: dict[str, str], name: str, definitions: dict[str, Schema]) -> Schema:
    """A condition on the vendor's own words. Resource types that have the same words share one definition."""
    if not words:
        return described(condition(field.type), f"{field.summary}. {_USAGE[field.type]}", *_examples(field))
    made = status_condition(words)
    known = next((known for known, schema in definitions.items() if schema == made), f"condition.words.{name}")
    definitions[known] = made
    first = next(iter(words))
    return described(reference(known), f"{field.summary}. {_USAGE[FieldType.STATUS]}", first, [first])


def _examples(field: Field) -> tuple[object, ...]:
    """What may stand after a field. No mappings where a plain value will do: editors label them badly."""
    match field.type:
        case FieldType.STATUS:
            return "pending", ["succeeded", "failed", "canceled"]
        case FieldType.TIMESTAMP:
            return ({"older_than": "6h"},)
        case FieldType.STRINGS:
            return ({"contains": field.example or "some-text"},)
        case FieldType.INTEGER:
            return (field.example or 100,)
        case _:
            return (field.example or f"some-{field.name.rsplit('.', 1)[-1]}",)
