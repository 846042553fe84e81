"""The page of the configuration, from its JSON Schema."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from docs.generate.markdown import code, in_one_line, page, paragraph, prose, table
from reconciler.config.schema import build_schema
from reconciler.providers.registry import catalogue

if TYPE_CHECKING:
    from collections.abc import Iterator

Schema = dict[str, Any]

_INTRODUCTION = """\
What may stand in `reconciler.yaml` and `*.reconciler.yaml`. All files together are one configuration. The same is in
[the JSON Schema](../../schemas/reconciler.schema.json) that editors check and complete by. An optional key without a
value counts as absent. In `settings` and `targets`, `${VARIABLE}` and `${VARIABLE:-default}` are expanded."""

_KINDS: Final = {"string": "text", "boolean": "`true` or `false`", "object": "mapping", "null": "empty"}


def configuration_page() -> str:
    """Every key: its type, default, meaning and an example. The fields of selectors are on another page."""
    return page("Configuration", _INTRODUCTION, *_Page(build_schema(catalogue())).sections())


class _Page:
    def __init__(self, root: Schema) -> None:
        self.root = root

    def sections(self) -> Iterator[str]:
        top = self.root["properties"]
        yield self._section("The whole file", self.root)
        yield self._section("settings", top["settings"])
        yield self._section("limits", self._keys(top["settings"])["limits"], "In `settings`, or in a policy.")
        receivers = self._keys(top["settings"])["notify"]
        yield self._section("notify", receivers, "Keys of each receiver: `webhook` or `apprise`.")
        yield self._section("webhook", self._keys(receivers)["webhook"])
        yield from self._of_targets()
        yield self._section("defaults", top["defaults"])
        yield self._section("protect", top["protect"], "Keys of each protection.")
        yield self._section("policies", top["policies"], "Keys of each policy.")
        ensure, window = (self._keys(top["policies"])[key] for key in ("ensure", "window"))
        yield self._section("ensure", {"description": ensure["description"], "properties": self._any_keys(ensure)})
        yield self._section("window", window)
        yield from self._of_selectors()

    def _of_targets(self) -> Iterator[str]:
        definitions = self.root["definitions"]
        providers = [name for name in definitions if name.startswith("target.")]
        for name in providers:
            provider = name.removeprefix("target.")
            target = {**definitions[name], "description": f"Keys of each target of `{provider}`."}
            yield self._section(f"targets: {provider}", target)
        for part in ("endpoints", "rate_limits", "credentials", "inventory"):
            found = [definitions[name]["properties"].get(part) for name in providers]
            forms = [schema for schema in found if schema is not None]
            widest = {key: schema for form in forms for key, schema in self._keys(form).items()}
            yield self._section(part, {"description": forms[0]["description"], "properties": widest})
        secret = {**definitions["secret"], "description": "Where one secret is read from: exactly one of these keys."}
        yield self._section("secrets", secret)

    def _of_selectors(self) -> Iterator[str]:
        selector = self.root["definitions"]["match.any"]
        combinators = {key: selector["properties"][key] for key in ("all", "any", "not")}
        text = (
            "The `match` of a policy or protection is `all`, or a mapping. Its keys are the fields of the "
            "[resource type](resource-types.md), each with a value, a list of values or "
            "[operators](operators.md), and these, which take matches themselves:"
        )
        yield "\n\n".join(["## match", paragraph(text), self._table(combinators, ())])

    def _section(self, title: str, schema: Schema, note: str = "") -> str:
        mapping = self._mapping(schema)
        about = prose(schema["description"]) if title != "The whole file" else ""
        rows = self._table(mapping["properties"], mapping.get("required", ()))
        return "\n\n".join(part for part in (f"## {title}", about, note, rows) if part)

    def _table(self, keys: Schema, required: tuple[str, ...] | list[str]) -> str:
        return table(
            ("key", "type", "default", "meaning", "example"),
            [
                (
                    code(key),
                    self._kind(schema),
                    _default(schema, required=key in required),
                    prose(_meaning(schema)),
                    ", ".join(code(in_one_line(example)) for example in _examples(schema)),
                )
                for key, schema in keys.items()
            ],
        )

    def _keys(self, schema: Schema) -> Schema:
        found: Schema = self._mapping(schema)["properties"]
        return found

    def _mapping(self, schema: Schema) -> Schema:
        """The part of a schema that says which keys there are; in a map of named entries, those of an entry."""
        while "properties" not in schema:
            schema = self._followed(schema)
        return schema

    def _any_keys(self, schema: Schema) -> Schema:
        """The keys of all mappings that a value may be."""
        forms = [schema[form] for form in ("then", "else") if isinstance(schema.get(form), dict)]
        return {
            **schema.get("properties", {}),
            **{key: found for form in forms for key, found in self._any_keys(form).items()},
        }

    def _followed(self, schema: Schema) -> Schema:
        if "$ref" in schema:
            return self._definition(schema)
        if schema.get("if") == {"type": "object"}:
            return dict(schema["then"])
        return dict(schema["else"] if "else" in schema else schema["additionalProperties"])

    def _definition(self, schema: Schema) -> Schema:
        return dict(self.root["definitions"][schema["$ref"].removeprefix("#/definitions/")])

    def _kind(self, schema: Schema) -> str:
        """What a value must be, in words."""
        if "$ref" in schema:
            return self._kind(self._definition(schema))
        if "if" in schema:
            return self._alternatives(schema)
        if "const" in schema:
            return code(json.dumps(schema["const"]) if schema["const"] == 1 else schema["const"])
        if "enum" in schema:
            return " or ".join(code(value) for value in schema["enum"]) if len(schema["enum"]) < 6 else "text"
        kind = schema.get("type", "")
        if kind == "integer":
            return f"whole number{_bounds(schema)}"
        if kind == "array":
            return f"list of {_plural(self._kind(schema['items']))}"
        if "patternErrorMessage" in schema:
            return prose(schema["patternErrorMessage"].removeprefix("must be "))
        return _KINDS.get(kind, "mapping")

    def _alternatives(self, schema: Schema) -> str:
        if "then" not in schema or "properties" in schema:
            return self._kind(schema.get("else", {"type": "object"}))
        kinds = [self._kind(schema["then"]), self._kind(schema["else"])]
        return " or ".join(dict.fromkeys(kinds))


def _bounds(schema: Schema) -> str:
    least, most = schema.get("minimum"), schema.get("maximum")
    if least is None:
        return ""
    return f" of at least {least}" if most is None else f" from {least} to {most}"


def _plural(kind: str) -> str:
    return f"{kind}s" if kind in {"text", "mapping"} else kind


def _meaning(schema: Schema) -> str:
    """The description, without the default where that has a column of its own."""
    text: str = schema["description"]
    return text.partition(" Default: ")[0] if "default" in schema else text


def _examples(schema: Schema) -> list[object]:
    """One of the key itself, and those of its other forms."""
    found = [schema["examples"][-1]]
    while isinstance(schema.get("else"), dict):
        found += schema.get("then", {}).get("examples", [])
        schema = schema["else"]
        found += schema.get("examples", [])
    return found


def _default(schema: Schema, *, required: bool) -> str:
    if required:
        return "required"
    return code(in_one_line(schema["default"])) if "default" in schema else ""
