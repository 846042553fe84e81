"""What the schemas tell whoever hovers over a key: a description and examples, each of which can be written so."""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from reconciler.config.loader import check
from reconciler.config.structure import validator_class
from reconciler.diagnostics import Severity
from reconciler.providers.registry import catalogue
from tests.config.schema_keys import SCHEMAS, keys, load, mapping_of

schemas = pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: path.name)


@schemas
def test_every_key_has_a_description(path: Path) -> None:
    without = [place for place, key in keys(load(path)) if not str(key.get("description", "")).endswith((".", ")"))]
    assert without == []


@schemas
def test_every_key_has_examples(path: Path) -> None:
    assert [place for place, key in keys(load(path)) if not key.get("examples")] == []


@schemas
def test_descriptions_are_short(path: Path) -> None:
    """What an editor shows beside a list has room for two or three lines."""
    assert [place for place, key in keys(load(path)) if len(key["description"]) > 220] == []


@schemas
def test_examples_and_defaults_are_valid_where_they_stand(path: Path) -> None:
    root = load(path)
    validator = validator_class()(root)
    wrong = [
        (place, example, error.message)
        for place, key in keys(root)
        for example in [*key["examples"], *([key["default"]] if "default" in key else [])]
        for error in validator.evolve(schema=key).iter_errors(example)
    ]
    assert wrong == []


# -- the same through the program ------------------------------------------------------------------------------

Document = dict[str, Any]
Around = Callable[[Document], Document]
"""Puts some keys where they belong in a configuration."""

TARGETS: Mapping[str, Document] = {
    "aliyun-shanghai": {"provider": "aliyun", "region": "cn-shanghai", "inventory": {"job_ids": ["j1"]}},
    "aws-prod": {"provider": "aws", "region": "eu-west-1"},
    "prod": {"provider": "huaweicloud", "region": "cn-north-4"},
}
POLICY = {"resource": "huaweicloud.mpc.packaging", "match": {"status": "pending"}, "ensure": "absent"}
PROTECTION = {"resource": "huaweicloud.mpc.packaging", "match": "all"}


def _target(name: str) -> Around:
    def around(keys: Document) -> Document:
        own = {key: value for key, value in TARGETS[name].items() if key != "region" or "regions" not in keys}
        return {"targets": {name: {**own, **keys}}}

    return around


def _policy(**more: object) -> Around:
    return lambda keys: {"policies": {"p": {**POLICY, **more, **keys}}}


def _protection(**more: object) -> Around:
    return lambda keys: {"protect": {"p": {**PROTECTION, **more, **keys}}}


def _below(around: Around, key: str, **beside: object) -> Around:
    """Under `key` of what `around` puts somewhere, `beside` other keys."""
    return lambda keys: around({key: {**beside, **keys}})


class Examples:
    """Whole configurations, one for each example of each key of the schema. Files of values are written to `folder`."""

    def __init__(self, root: Document, folder: Path | None = None) -> None:
        self.root = root
        self.folder = folder
        self.sections = root["properties"]
        self.definitions = root["definitions"]

    def all(self) -> Iterator[tuple[str, Document]]:
        """A key, and a configuration in which an example of it stands."""
        yield from self._of(self.root, lambda keys: keys)
        yield from self._of_settings()
        yield from self._of_defaults()
        yield from self._of_targets()
        yield from self._of_policies()
        yield from self._of_protections()

    def _of(self, schema: Document, around: Around) -> Iterator[tuple[str, Document]]:
        for key, found in mapping_of(schema, self.root)["properties"].items():
            for example in found["examples"]:
                yield key, {"version": 1, "targets": TARGETS, **around({key: example})}

    def _of_settings(self) -> Iterator[tuple[str, Document]]:
        settings: Around = lambda keys: {"settings": keys}  # noqa: E731 - one more of the kind above
        yield from self._of(self.sections["settings"], settings)
        limits = mapping_of(self.sections["settings"], self.root)["properties"]["limits"]
        yield from self._of(limits, _below(settings, "limits"))
        receivers = mapping_of(self.sections["settings"], self.root)["properties"]["notify"]
        receiver: Around = lambda keys: settings({"notify": {"ops": keys}})  # noqa: E731 - one more of the kind above
        apprise = {"apprise": {"env": "OPS_APPRISE"}}
        for key, found in mapping_of(receivers, self.root)["properties"].items():
            alone = key in {"webhook", "apprise"}
            around = receiver if alone else lambda keys: receiver({**apprise, **keys})
            yield from self._of({"properties": {key: found}}, around)
            if key == "webhook":
                yield from self._of(found, _below(receiver, key, **found["examples"][0]))

    def _of_defaults(self) -> Iterator[tuple[str, Document]]:
        defaults: Around = lambda keys: {"defaults": keys}  # noqa: E731 - one more of the kind above
        yield from self._of(self.sections["defaults"], defaults)
        for name, shared in mapping_of(self.sections["defaults"], self.root)["properties"].items():
            yield from self._of(shared, _below(defaults, name))

    def _of_targets(self) -> Iterator[tuple[str, Document]]:
        for name, target in TARGETS.items():
            own, around = self.definitions[f"target.{target['provider']}"], _target(name)
            yield from self._of(own, around)
            for section in {"endpoints", "rate_limits", "credentials", "inventory"} & set(own["properties"]):
                yield from self._of(own["properties"][section], _below(around, section))
            yield from self._of(self.definitions["secret"], _below(_below(around, "credentials"), "access_key_id"))
        inventory = mapping_of(self.definitions["target.aliyun"]["properties"]["inventory"], self.root)
        for what, found in inventory["properties"].items():
            yield from self._of(found["else"]["else"], _below(_below(_target("aliyun-shanghai"), "inventory"), what))

    def _of_policies(self) -> Iterator[tuple[str, Document]]:
        keys = mapping_of(self.sections["policies"], self.root)["properties"]
        yield from self._of(self.sections["policies"], _policy())
        yield from self._of(keys["limits"], _below(_policy(), "limits"))
        yield from self._of(keys["ensure"], _below(_policy(), "ensure", at_most=1))
        yield from self._of(keys["ensure"]["then"]["then"], _below(_policy(), "ensure", absent=True))
        yield from self._of(keys["window"], _below(_policy(), "window", days="mon"))
        for name in catalogue().resource_types:
            own, around = self.definitions[f"policy.{name}"], _policy(resource=name)
            yield from self._of(own, around)
            yield from self._of(own["properties"]["ensure"], _below(around, "ensure", at_most=1))

    def _of_protections(self) -> Iterator[tuple[str, Document]]:
        """Selectors stand in protections here: a policy must not match where nothing leads out."""
        yield from self._of(self.sections["protect"], _protection())
        for name, selector in self.definitions.items():
            if not name.startswith("match."):
                continue
            around = _below(_protection(resource=name.removeprefix("match.").replace("any", "*")), "match")
            yield from self._of(selector, around)
            conditions = {found.get("$ref", ""): field for field, found in selector["properties"].items()}
            for reference, field in conditions.items():
                if reference.startswith("#/definitions/condition."):
                    yield from self._of_condition({"$ref": reference}, _below(around, field))

    def _of_condition(self, schema: Document, around: Around) -> Iterator[tuple[str, Document]]:
        """What a task without the field counts as stands beside an operator, and a file holds what this one takes."""
        operator, found = next(iter(mapping_of(schema, self.root)["properties"].items()))
        for key, document in self._of(schema, lambda keys: keys):
            beside = {operator: found["examples"][0]} if key == "missing" else {}
            if key == "file" and self.folder:
                (self.folder / document[key]).write_text(f"{found['examples'][0]}\n", encoding="utf-8")
            yield key, {"version": 1, "targets": TARGETS, **around({key: document[key], **beside})}


def test_the_program_takes_every_example(folder: Path) -> None:
    (folder / "inventory").mkdir()
    (folder / "inventory" / "source-urls.txt").write_text("https://media.example.com/a.mp4\n", encoding="utf-8")
    (folder / "inventory" / "job-ids.txt").write_text("j1\n", encoding="utf-8")
    (schema,) = (path for path in SCHEMAS if path.name == "reconciler.schema.json")
    refused = []
    for place, document in Examples(load(schema), folder).all():
        (folder / "reconciler.yaml").write_text(json.dumps(document), encoding="utf-8")  # JSON is YAML
        _, diagnostics = check([], catalogue(), environment={})
        refused += [(place, one.message) for one in diagnostics if one.severity is Severity.ERROR]
    assert refused == []


def test_no_key_is_left_out() -> None:
    """The examples that the program takes are those of all keys of the schema."""
    (schema,) = (path for path in SCHEMAS if path.name == "reconciler.schema.json")
    tried = {key for key, _ in Examples(load(schema)).all()}
    places = [place for place, _ in keys(load(schema))]
    assert [place for place in places if not any(place == key or place.endswith(f".{key}") for key in tried)] == []
