"""The published JSON Schemas (2020-12) of documents, from the classes that define them.

What a key means is the docstring under its field, or that of the property where it is derived. Unknown keys are allowed
everywhere: a later minor version may add some.
"""

from __future__ import annotations

import ast
import inspect
import json
import textwrap
from dataclasses import is_dataclass
from typing import TYPE_CHECKING, Any, get_args, get_type_hints

import msgspec

from reconciler.documents.pieces import keys_of
from reconciler.tasks.timestamps import Timestamp

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.documents.document import Format

Schema = dict[str, Any]

_TIME: Schema = {
    "type": "string",
    "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$",
    "description": "RFC 3339, UTC, whole seconds.",
}
_DIGEST: Schema = {"type": "string", "pattern": "^sha256:[0-9a-f]+$"}


def schema_text(name: str, *files: Format[Any]) -> str:
    """The text of the schema of the formats that the command `name` writes, one or the other."""
    defs: dict[str, Schema] = {}
    roots = []
    for file in files:
        defs |= _definitions(file.kind)
        root = defs.pop(file.kind.__name__)
        major = file.version.split(".")[0]
        head: Schema = {
            "format": {"const": file.name},
            "format_version": {"type": "string", "pattern": rf"^{major}\.[0-9]+$"},
        }
        tail: Schema = {"checksum": {**_DIGEST, "description": "Of all other keys."}} if file.sealed else {}
        properties = {**head, **root["properties"], **tail}
        roots.append({**root, "properties": properties, "required": list(properties)})
    whole = roots[0] if len(roots) == 1 else {"oneOf": roots}
    title = files[0].title if len(files) == 1 else f"What `reconciler {name}` says"
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": title, **whole, "$defs": defs}
    # What follows `$` is for Python, where that matches before a line break as well.
    return json.dumps(schema, indent=2).replace(r"$(?!\\n)", "$") + "\n"


def _definitions(kind: type) -> dict[str, Schema]:
    """The schema of each class that records of `kind` are made of, by its name."""
    kinds = list(dict.fromkeys(_dataclasses(kind)))
    hints = {one: _hints(one) for one in kinds}
    types = [hint for one in kinds for hint in hints[one].values()]
    schemas, others = msgspec.json.schema_components(types, schema_hook=_of_ours, ref_template="#/$defs/{name}")
    given = iter(schemas)
    found: dict[str, Schema] = {name: schema for name, schema in others.items() if "enum" in schema}
    for one in kinds:
        words = _docstrings(one)
        properties = {key: _described(next(given), words.get(key, "")) for key in hints[one]}
        found[one.__name__] = {
            "description": _line(one.__doc__ or ""),
            "type": "object",
            "properties": properties,
            "required": list(properties),
        }
    return dict(sorted(found.items()))


def _described(schema: Schema, words: str) -> Schema:
    schema.pop("default", None)
    return {**schema, "description": words} if words else schema


def _hints(kind: type) -> dict[str, Any]:
    """The type of each key."""
    hints = get_type_hints(kind, include_extras=True)
    return {
        key: hints[key] if key in hints else get_type_hints(getattr(kind, key).fget, include_extras=True)["return"]
        for key in keys_of(kind)
    }


def _dataclasses(hint: object, seen: tuple[object, ...] = ()) -> Iterator[type]:
    """The dataclasses that a type is made of, itself first."""
    parts = get_args(hint)
    if isinstance(hint, type) and is_dataclass(hint) and hint not in seen:
        yield hint
        parts, seen = tuple(_hints(hint).values()), (*seen, hint)
    for part in parts:
        yield from _dataclasses(part, seen)


def _docstrings(kind: type) -> dict[str, str]:
    """The docstring of each field, which stands under it, and of each property."""
    found: dict[str, str] = {}
    for base in reversed(kind.__mro__[:-1]):
        (tree,) = ast.parse(textwrap.dedent(inspect.getsource(base))).body
        assert isinstance(tree, ast.ClassDef)  # noqa: S101 - for the type checker: it is the source of a class
        before: str | None = None
        for node in tree.body:
            match node:
                case ast.Expr(ast.Constant(str(text))) if before is not None:
                    found[before] = _line(text)
                case ast.FunctionDef(name=name):
                    found[name] = _line(ast.get_docstring(node) or "")
            before = node.target.id if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) else None
    return found


def _line(text: str) -> str:
    return " ".join(text.split())


def _of_ours(kind: type) -> Schema:
    if kind is Timestamp:
        return dict(_TIME)
    raise NotImplementedError(kind)
