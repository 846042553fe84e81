"""Building blocks of the JSON Schema (draft-07). Patterns are ECMA-262 and Python alike.

The forms are chosen for two readers. `structure.py` wants one error for each mistake, at its own place, so alternatives
are told apart by `if`, never by `anyOf` or `oneOf`. yaml-language-server offers as values what stands in `examples`,
`default` and `defaultSnippets` of a key itself or within its `allOf`, but does not look behind an `if`: whoever puts an
`enum` there repeats its values as examples or as snippets. `errorMessage`, `patternErrorMessage` and `enumDescriptions`
are its words, too; other programs pass over them.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from reconciler.config.environment import PLACEHOLDER

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Schema = dict[str, object]

UNEXPANDED: Final = "unexpanded"
"""A JSON type of our own: what expansion makes of a variable that is not set."""

NAME_PATTERN: Final = "^[a-z0-9][a-z0-9-]*$"
"""Names of targets, policies and protections."""

LONGEST_GLOB: Final = 256
"""Characters of a glob for names."""

_WIDTH: Final = 120
_EMPTY: Final[Schema] = {"type": ["null", "string"], "maxLength": 0}
_VARIABLE: Final[Schema] = {"$ref": "#/definitions/variable"}
_EMPTY_OR_VARIABLE: Final[Schema] = {"$ref": "#/definitions/empty-or-variable"}
_ANNOTATIONS: Final = ("title", "description", "default", "examples", "defaultSnippets")


def described(schema: Mapping[str, object], description: str, *examples: object, default: object = None) -> Schema:
    """A key: what it is for, what may be written, and what holds where it is left out (None: nothing)."""
    notes: Schema = {"description": description}
    if default is not None:
        notes["default"] = default
    if examples:
        notes["examples"] = list(examples)
    return notes | dict(schema)


def text(pattern: str | None = None, expected: str = "") -> Schema:
    """Text that is not empty. `expected` says in words what `pattern` asks for."""
    schema: Schema = {"type": "string", "minLength": 1}
    if pattern:
        schema |= {"pattern": pattern, "patternErrorMessage": f"must be {expected}"}
    return schema


def glob(description: str, *examples: str) -> Schema:
    return described(
        text() | {"maxLength": LONGEST_GLOB},
        f"{description} * matches any run of characters, ? one, [abc] a set. Quote what begins with *.",
        *examples,
    )


def whole_number(least: int, most: int | None = None) -> Schema:
    schema: Schema = {"type": "integer", "minimum": least}
    return schema if most is None else schema | {"maximum": most}


def flag() -> Schema:
    return {"type": "boolean"}


def choice(meanings: Mapping[str, str]) -> Schema:
    """One of these words, which editors show with their meanings."""
    return {"enum": list(meanings), "enumDescriptions": list(meanings.values())}


def optional_choice(meanings: Mapping[str, str]) -> Schema:
    """A choice for a key that may be left empty: its words are offered nevertheless, with their meanings."""
    return {"defaultSnippets": [snippet(word, meaning, word) for word, meaning in meanings.items()], **choice(meanings)}


def list_of(item: Schema, **more: object) -> Schema:
    """A list of one and more."""
    return {"type": "array", "minItems": 1, "items": item, **more}


def record(
    properties: Mapping[str, Schema], required: Iterable[str] = (), filled: Iterable[str] = (), /, **more: object
) -> Schema:
    """A mapping with these keys and no others; keys that are neither `required` nor `filled` may be left empty.

    `filled` are those that narrow what is done: left empty by mistake, they would widen it.
    """
    needed = list(required)
    whole = {*needed, *filled}
    closed = {key: schema if key in whole else optional(schema) for key, schema in properties.items()}
    schema: Schema = {"type": "object", "properties": closed, "additionalProperties": False, **more}
    return schema | ({"required": needed} if needed else {})


def map_of_named(what: str, schema: Schema, *snippets: Schema) -> Schema:
    """A mapping from names to `schema`. `snippets` are whole entries to begin with."""
    expected = f"a name for a {what}: lower-case letters, digits and `-`, which is not first"
    names: Schema = {
        "title": f"{what}-name",
        "description": f"Name of the {what}: lower-case letters, digits and -, which is not first.",
        "examples": [f"a-{what}"],
        "pattern": NAME_PATTERN,
        "patternErrorMessage": f"must be {expected}",
    }
    return {
        "type": "object",
        "propertyNames": names,
        "additionalProperties": schema,
        "allOf": [{"defaultSnippets": list(snippets)}],
    }


def either(kind: str, then: Schema, otherwise: Schema) -> Schema:
    """`then` for values of JSON type `kind`, `otherwise` for all others: no riddles as with `oneOf`."""
    return {"if": {"type": kind}, "then": then, "else": otherwise}


def reference(name: str) -> Schema:
    """What stands under `definitions`. Only annotations may stand beside it."""
    return {"$ref": f"#/definitions/{name}"}


def snippet(label: str, description: str, body: object) -> Schema:
    """What an editor offers to insert. Texts of `body` may hold tab stops: `$1`, `${2:text}`, `${3|one,other|}`."""
    return {"label": label, "description": description, "body": body}


def or_variable(schema: Mapping[str, object]) -> Schema:
    """`schema`, or a variable that is not expanded yet; the document needs the `variable_definitions`."""
    return _except_for(_VARIABLE, schema)


def variable_definitions(*, expanded: bool) -> dict[str, Schema]:
    """How to tell that a variable is not expanded yet: in data that went through expansion, by the type that it made;
    in an editor, which expands nothing, by the look of the text."""
    if expanded:
        return {
            "variable": {"type": UNEXPANDED},
            "empty-or-variable": {"type": ["null", "string", UNEXPANDED], "maxLength": 0},
        }
    return {
        "variable": {"type": "string", "pattern": PLACEHOLDER},
        "empty-or-variable": {"type": ["null", "string"], "pattern": rf"^(?![\s\S])|{PLACEHOLDER}"},
    }


def optional(schema: Mapping[str, object]) -> Schema:
    """`schema`, or nothing at all: an optional key without a value counts as absent."""
    if schema.get("if") == _VARIABLE:
        return {**schema, "if": _EMPTY_OR_VARIABLE}
    return _except_for(_EMPTY, schema)


def _except_for(what: Schema, schema: Mapping[str, object]) -> Schema:
    notes = {key: value for key, value in schema.items() if key in _ANNOTATIONS}
    return notes | {"if": what, "else": {key: value for key, value in schema.items() if key not in notes}}


def rendered(value: object, indent: str = "", used: int = 0) -> str:
    """JSON to be read: a mapping or list stands in one line where it fits, after the `used` columns of its key."""
    flat = json.dumps(value, ensure_ascii=False)
    if used + len(flat) < _WIDTH or not value or not isinstance(value, dict | list):
        return flat
    inner = f"{indent}  "
    if isinstance(value, list):
        lines = [f"{inner}{rendered(item, inner, len(inner))}" for item in value]
    else:
        heads = [f"{inner}{json.dumps(key)}: " for key in value]
        lines = [head + rendered(item, inner, len(head)) for head, item in zip(heads, value.values(), strict=True)]
    opening, closing = "[]" if isinstance(value, list) else "{}"
    return f"{opening}\n" + ",\n".join(lines) + f"\n{indent}{closing}"
