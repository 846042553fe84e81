"""The keys of a JSON Schema: every entry of every `properties` in it, with the place where it stands."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

SCHEMAS = sorted((Path(__file__).parents[2] / "schemas").glob("reconciler*.schema.json"))
"""The schemas of files that people write."""


def load(path: Path) -> Any:  # noqa: ANN401 - JSON
    return json.loads(path.read_text(encoding="utf-8"))


def keys(schema: object, place: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Each key with its place in the schema, such as `definitions.match.any.status`. What an `if` asks is no key."""
    if isinstance(schema, list):
        for index, item in enumerate(schema):
            yield from keys(item, f"{place}[{index}]")
    elif isinstance(schema, dict):
        for word, inner in schema.items():
            if word == "properties":
                yield from ((f"{place}.{key}".lstrip("."), found) for key, found in inner.items())
                for key, found in inner.items():
                    yield from keys(found, f"{place}.{key}")
            elif word not in {"if", "examples", "default", "defaultSnippets"}:
                yield from keys(inner, f"{place}.{word}" if place else word)


def mapping_of(schema: dict[str, Any], root: dict[str, Any]) -> dict[str, Any]:
    """The part of a key's schema that says which keys its mapping has."""
    while "properties" not in schema:
        if "$ref" in schema:
            schema = root["definitions"][schema["$ref"].removeprefix("#/definitions/")]
        elif schema.get("if") == {"type": "object"}:
            schema = schema["then"]
        elif "else" in schema:
            schema = schema["else"]
        else:
            schema = schema["additionalProperties"]
    return schema
