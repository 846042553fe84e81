"""The quick answer to "does this file fit the schema" is that of jsonschema."""

import copy
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from reconciler.config.conformance import Conformance, UnknownKeyword
from reconciler.config.environment import Unexpanded, expand
from reconciler.config.schema import structure_schema
from reconciler.config.schema_parts import Schema
from reconciler.config.structure import OWN_TYPES, Structure, validator_class
from reconciler.policy_tests.schema import structure_schema as structure_schema_of_tests
from reconciler.providers.registry import catalogue
from reconciler.tasks.resource_type import Catalogue

CONFIGURATION = """
version: 1
settings:
  limits: {max_actions: 10, max_percent: 50}
  run_limits: {max_actions: 20, max_percent: 50}
  backend: sqlite:///here.db
  concurrency: "${N:-16}"
  plan_ttl: 6h
targets:
  hw:
    provider: huaweicloud
    region: "${REGION}"
    project_id: "0123"
    endpoints: {mpc: "https://mpc.example.com"}
    rate_limits: {mpc: 100/min}
    credentials: {access_key_id: {env: AK}, secret_access_key: {file: sk}}
  ali:
    provider: aliyun
    region: cn-shanghai
    inventory: {job_ids: [j1, j2], upload_urls: {file: urls.txt}}
protect:
  held: {resource: "*", match: {id: {glob: "held-*"}}}
policies:
  none-old:
    description: No task may wait for long.
    resource: huaweicloud.mpc.transcoding
    targets: [h*]
    match: {status: pending, created_at: {older_than: 6h}}
    ensure: absent
    on_blocked: fail
    limits: {max_percent: 100}
  few:
    resource: huaweicloud.mpc.snapshot
    match: all
    ensure: {at_most: 3, per: [input.object], keep: newest}
"""
TESTS = """
version: 1
now: "2026-01-01T00:00:00Z"
tests:
  old-ones-go:
    target: hw
    tasks: [{id: "1", status: pending, created_at: 7h}, {id: "2", status: pending, created_at: 5h}]
    expect: {none-old: {change: [{id: "1", steps: [cancel]}], keep: ["2"]}}
"""
SCHEMAS: dict[str, tuple[Callable[[Catalogue], Schema], str]] = {
    "files": (structure_schema, CONFIGURATION),
    "tests": (structure_schema_of_tests, TESTS),
}
ODD = [
    None,
    True,
    False,
    0,
    1,
    -1,
    1.0,
    1.5,
    float("nan"),
    "",
    "1",
    "absent",
    "6h\n",
    "${N}",
    Unexpanded("${N}"),
    10**30,
]


def base(text: str) -> Any:  # noqa: ANN401 - YAML may hold anything
    data, _ = expand(yaml.safe_load(text), {}, strict=False)
    return data


def parents(data: object) -> Iterator[Any]:
    """Every mapping and list in `data`."""
    if isinstance(data, dict | list):
        yield data
        for inner in data.values() if isinstance(data, dict) else data:
            yield from parents(inner)


@st.composite
def altered(draw: st.DrawFn, text: str) -> object:
    """A file that is in order, with up to three things in it changed, taken away, doubled, renamed or added."""
    data = base(text)
    words = sorted({word for parent in parents(data) for word in parent if isinstance(word, str)})
    values = st.sampled_from([*ODD, *words]) | st.sampled_from(list(parents(data))).map(copy.deepcopy)
    for _ in range(draw(st.integers(0, 3))):
        parent = draw(st.sampled_from(list(parents(data))))
        if isinstance(parent, list):
            parent.insert(draw(st.integers(0, len(parent))), draw(values))
            if draw(st.booleans()):
                del parent[draw(st.integers(0, len(parent) - 1))]
        elif parent and draw(st.booleans()):
            key = draw(st.sampled_from(list(parent)))
            if draw(st.booleans()):
                parent[key] = draw(values)
            else:
                del parent[key]
        else:
            parent[draw(st.sampled_from([*words, "?"]))] = draw(values)
    return data


@pytest.mark.parametrize("name", SCHEMAS)
@given(data=st.data())
def test_it_is_the_answer_of_jsonschema(name: str, data: st.DataObject) -> None:
    make, text = SCHEMAS[name]
    schema, document = make(catalogue()), data.draw(altered(text))
    assert Conformance(schema, OWN_TYPES).holds(document) is validator_class()(schema).is_valid(document)


@pytest.mark.parametrize("name", SCHEMAS)
def test_files_that_are_in_order_fit(name: str) -> None:
    """Which shows that no keyword of our own schemas is unknown."""
    make, text = SCHEMAS[name]
    assert Conformance(make(catalogue()), OWN_TYPES).holds(base(text))


@pytest.mark.parametrize(
    "schema",
    [
        {"anyOf": [{"type": "string"}]},
        {"items": [{"type": "string"}]},
        {"type": "port"},
        {"$ref": "https://example.com/other.json"},
        {"if": {"format": "uri"}, "then": False},
    ],
    ids=str,
)
def test_what_it_does_not_know_is_left_to_jsonschema(schema: Schema) -> None:
    """A provider's own schema may hold any keyword."""
    with pytest.raises(UnknownKeyword):
        Conformance(schema, OWN_TYPES).holds(["1"])


@pytest.mark.parametrize(
    ("data", "fits"), [({"x-a": "1"}, True), ({"x-a": 1}, False), ({"xa": "1"}, False), (["x"], True)]
)
def test_keys_by_their_form(data: object, fits: bool) -> None:
    schema = {"patternProperties": {"^x-": {"type": "string"}}, "additionalProperties": False}
    assert Conformance(schema, OWN_TYPES).holds(data) is fits


def test_a_schema_with_such_a_keyword_is_checked_all_the_same() -> None:
    structure = Structure({"properties": {"a": {"anyOf": [{"type": "string"}, {"type": "null"}]}}})
    assert structure.problems({"a": "text"}) == []
    assert [problem.path for problem in structure.problems({"a": 1})] == [("a",)]
