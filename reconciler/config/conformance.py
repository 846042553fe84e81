"""Whether data fits a JSON Schema (draft-07): yes or no, and nothing more.

A file that is in order, which most are, is asked no other question. jsonschema, which says what is wrong and where,
takes longer to import than such a file to read, and is asked once the answer is no, or a keyword not known here.
"""

from __future__ import annotations

import re
from functools import lru_cache
from operator import gt, lt
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sized

    Keyword = Callable[["Conformance", Any, Any, Mapping[str, Any]], bool]


class UnknownKeyword(LookupError):  # noqa: N818 - reads as what it is
    """Of a schema. Whether data fits it, jsonschema must say."""


class Conformance:
    """The question, for one schema. `types` are JSON types of our own, by what their values are in Python."""

    def __init__(self, schema: Mapping[str, Any], types: Mapping[str, type]) -> None:
        self._schema = schema
        self._types = types

    def holds(self, data: object) -> bool:
        """Whether `data` fits. Raises UnknownKeyword where the answer depends on one."""
        return self.fits(self._schema, data)

    def fits(self, schema: Mapping[str, Any] | bool, data: Any) -> bool:  # noqa: ANN401 - YAML may hold anything
        """Whether `data` fits a part of the schema."""
        if isinstance(schema, bool):
            return schema
        if "$ref" in schema:  # draft-07 passes over what stands beside it
            return self.fits(self._referred(schema["$ref"]), data)
        for keyword, value in schema.items():
            check: Keyword | None = _KEYWORDS.get(keyword, _unknown)
            if check is not None and not check(self, value, data, schema):
                return False
        return True

    def _referred(self, reference: str) -> Mapping[str, Any]:
        root, _, name = reference.rpartition("/")
        if root != "#/definitions":
            raise UnknownKeyword(reference)
        found: Mapping[str, Any] = self._schema["definitions"][name]
        return found

    def is_of(self, kind: str, data: Any) -> bool:  # noqa: ANN401 - as above
        """Whether `data` is of a JSON type."""
        match kind:
            case "integer":
                return _is_number(data) and (isinstance(data, int) or data.is_integer())
            case "number":
                return _is_number(data)
            case "null":
                return data is None
        own = _TYPES.get(kind) or self._types.get(kind)
        if own is None:
            raise UnknownKeyword(kind)
        return isinstance(data, own)


_TYPES: Mapping[str, type] = MappingProxyType({"object": dict, "array": list, "string": str, "boolean": bool})


def _is_number(data: object) -> bool:
    return isinstance(data, int | float) and not isinstance(data, bool)


def _unknown(_: Conformance, __: object, ___: object, schema: Mapping[str, Any]) -> bool:
    raise UnknownKeyword(", ".join(schema))


def _type(part: Conformance, kinds: str | list[str], data: object, _: Mapping[str, Any]) -> bool:
    return part.is_of(kinds, data) if isinstance(kinds, str) else any(part.is_of(kind, data) for kind in kinds)


def _is(wanted: object, data: object) -> bool:
    """Whether they are equal as JSON has it, in which true is not 1."""
    if isinstance(wanted, list) and isinstance(data, list):
        return len(wanted) == len(data) and all(map(_is, wanted, data))
    return wanted == data and isinstance(wanted, bool) is isinstance(data, bool)


def _pattern(_: Conformance, pattern: str, data: object, __: Mapping[str, Any]) -> bool:
    return not isinstance(data, str) or matches(pattern, data)


def matches(pattern: str, text: str) -> bool:
    """Whether `pattern` is found, with the `$` of ECMA-262, which Python's also matches before a final line break."""
    return _compiled(pattern).search(text) is not None


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    whole = pattern[:-1] + r"\Z" if pattern.endswith("$") and not pattern.endswith(r"\$") else pattern
    return re.compile(whole)


def _unique(_: Conformance, wanted: bool, data: object, __: Mapping[str, Any]) -> bool:
    return not (wanted and isinstance(data, list)) or next(repetitions(data), None) is None


def repetitions(items: list[object]) -> Iterator[int]:
    """Indexes of the scalars that stand further to the front as well."""
    seen: set[object] = set()
    for index, item in enumerate(items):
        if isinstance(item, str | int | float):
            key = (isinstance(item, bool), item)
            if key in seen:
                yield index
            seen.add(key)


def _bounded(kind: type[Sized], broken: Callable[[int, int], bool]) -> Keyword:
    """A bound of the length of what is of this type."""
    return lambda _, bound, data, __: not isinstance(data, kind) or not broken(len(data), bound)


def _limited(broken: Callable[[float, float], bool]) -> Keyword:
    return lambda _, bound, data, __: not _is_number(data) or not broken(data, bound)


def _properties(part: Conformance, schemas: Mapping[str, Any], data: object, _: Mapping[str, Any]) -> bool:
    if not isinstance(data, dict):
        return True
    return all(key not in schemas or part.fits(schemas[key], value) for key, value in data.items())


def _others(part: Conformance, others: Mapping[str, Any] | bool, data: object, schema: Mapping[str, Any]) -> bool:
    if not isinstance(data, dict):
        return True
    known, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
    return all(
        key in known or any(matches(pattern, key) for pattern in patterns) or part.fits(others, value)
        for key, value in data.items()
    )


def _by_pattern(part: Conformance, schemas: Mapping[str, Any], data: object, _: Mapping[str, Any]) -> bool:
    if not isinstance(data, dict):
        return True
    return all(
        part.fits(schema, value)
        for key, value in data.items()
        for pattern, schema in schemas.items()
        if matches(pattern, key)
    )


def _names(part: Conformance, names: Mapping[str, Any] | bool, data: object, _: Mapping[str, Any]) -> bool:
    return not isinstance(data, dict) or all(part.fits(names, key) for key in data)


def _items(part: Conformance, schema: Any, data: object, _: Mapping[str, Any]) -> bool:  # noqa: ANN401 - as above
    if not isinstance(data, list):
        return True
    if isinstance(schema, list):  # one for each place
        raise UnknownKeyword("items")
    return all(part.fits(schema, item) for item in data)


def _if(part: Conformance, condition: Mapping[str, Any] | bool, data: object, schema: Mapping[str, Any]) -> bool:
    return part.fits(schema.get("then" if part.fits(condition, data) else "else", True), data)


_KEYWORDS: Mapping[str, Keyword | None] = {
    "type": _type,
    "const": lambda _, wanted, data, __: _is(wanted, data),
    "enum": lambda _, words, data, __: any(_is(word, data) for word in words),
    "pattern": _pattern,
    "minimum": _limited(lt),
    "maximum": _limited(gt),
    "minLength": _bounded(str, lt),
    "maxLength": _bounded(str, gt),
    "minItems": _bounded(list, lt),
    "maxItems": _bounded(list, gt),
    "minProperties": _bounded(dict, lt),
    "maxProperties": _bounded(dict, gt),
    "uniqueItems": _unique,
    "items": _items,
    "properties": _properties,
    "patternProperties": _by_pattern,
    "additionalProperties": _others,
    "propertyNames": _names,
    "required": lambda _, keys, data, __: not isinstance(data, dict) or all(key in data for key in keys),
    "allOf": lambda part, schemas, data, _: all(part.fits(schema, data) for schema in schemas),
    "if": _if,
    **dict.fromkeys(("then", "else", "definitions")),  # read by others
    **dict.fromkeys(("title", "description", "default", "examples", "defaultSnippets", "enumDescriptions")),
    **dict.fromkeys(("errorMessage", "patternErrorMessage")),
}
"""What each keyword asks of data, in its schema; None for those that ask nothing."""
