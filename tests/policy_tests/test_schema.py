"""The schema of test files agrees with the program: what it accepts and what it refuses."""

from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.policy_tests.schema import build_schema, render_schema
from reconciler.providers.registry import catalogue
from reconciler.tasks.task import OBSERVABLE, FieldType
from tests.policy_tests.repository import Repository, one_test
from tests.policy_tests.test_mistakes import CASES, text_of
from tests.policy_tests.test_running import FAILING, PASSING, TWO

PUBLISHED = Path(__file__).parents[2] / "schemas" / "reconciler-test.schema.json"
EDITOR = jsonschema.Draft7Validator(build_schema(catalogue()))
BEYOND = (
    "no variable is expanded here",
    "does not follow from the test",
    "unknown policy",
    "names no policy",
    "leaves out",
    "unknown target",
    "is of provider",
    "stands twice",
    "stands under",
    "means",
    "the test has no clock",
    "needs `tasks` or a `snapshot`",
    "cannot be read",
    "not JSON",
    "no such time",
    "defined twice",
    "the file is empty",
    "before 1980",
    "more than 18 digits",
    "there is no such task",
    "blanks at its ends",
    "`input.bucket` is not a field",
)
"""What a schema cannot know, since it sees neither the configuration nor other files."""


def document(text: str) -> Any:  # noqa: ANN401 - YAML
    """The data as our own reader has it: times are text."""
    loader = yaml.SafeLoader(text)
    loader.yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith("timestamp")]
        for first, resolvers in loader.yaml_implicit_resolvers.items()
    }
    return loader.get_single_data()


def test_the_file_is_fresh() -> None:
    """Else: `make schemas`."""
    assert PUBLISHED.read_text("utf-8") == render_schema(catalogue())


def test_it_is_a_schema() -> None:
    jsonschema.Draft7Validator.check_schema(build_schema(catalogue()))


@pytest.mark.parametrize("body", [*PASSING.values(), *(body for body, *_ in FAILING.values())])
def test_it_accepts_what_is_right(body: str) -> None:
    assert [error.message for error in EDITOR.iter_errors(document(one_test(body)))] == []


def test_it_accepts_several_tests() -> None:
    assert EDITOR.is_valid(document(TWO))


MINDED = [case for case in CASES if not any(word in said for said in case["said"] for word in BEYOND)]


@pytest.mark.parametrize("case", MINDED, ids=lambda case: " ".join(text_of(case).split())[-50:])
def test_it_refuses_what_is_wrong(case: dict[str, Any]) -> None:
    assert not EDITOR.is_valid(document(text_of(case)))


def test_most_mistakes_are_seen_by_an_editor() -> None:
    assert len(MINDED) > len(CASES) / 2


@pytest.mark.parametrize("resource", sorted(catalogue().resource_types))
def test_a_task_has_the_fields_of_its_resource_type_and_no_others(resource: str) -> None:
    row = catalogue().resource_types[resource]
    every = {name for other in catalogue().resource_types.values() for name in other.fields} | {"user_metadata.a.b"}
    for where in ("test", "task"):
        for name in sorted(every - {"id"}):
            task: dict[str, Any] = {"id": "a", name: None}
            body: dict[str, Any] = {"tasks": [task], "expect": {}}
            (body if where == "test" else task)["resource"] = resource
            accepted = EDITOR.is_valid({"version": 1, "tests": {"it": body}})
            assert accepted == (row.field_named(name) is not None), f"{name} in a {where}"


@pytest.mark.parametrize("resource", sorted(catalogue().resource_types))
def test_a_task_has_the_statuses_of_its_resource_type(resource: str) -> None:
    row = catalogue().resource_types[resource]
    for status in OBSERVABLE:
        body = {"resource": resource, "tasks": [{"id": "a", "status": status.value}], "expect": {}}
        accepted = EDITOR.is_valid({"version": 1, "tests": {"it": body}})
        assert accepted == (status in row.statuses.values())


RAW = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 5),
    st.sampled_from(["", "a", "pending", "8h", "0s", "1h1d", "2026-11-01T12:00:00Z", "2026-11-01"]),
    st.lists(st.sampled_from(["", "a", "b"]), max_size=2),
)
FIELDS = {"description": FieldType.STRING, "created_at": FieldType.TIMESTAMP, "progress": FieldType.INTEGER}


@settings(max_examples=150)
@given(st.sampled_from([*FIELDS, "status", "template_ids"]), RAW)
def test_they_agree_on_every_value(tmp_path_factory: pytest.TempPathFactory, name: str, raw: object) -> None:
    repository = Repository(tmp_path_factory.mktemp("repository"))
    task = {"id": "a", name: raw}
    body = {"resource": "huaweicloud.mpc.transcoding", "target": "huawei-a", "tasks": [task], "expect": {}}
    data = {"version": 1, "now": "2026-11-01T12:00:00Z", "tests": {"it": body}}
    path = repository.write("t.reconciler-test.yaml", yaml.safe_dump(data))
    found = repository.mistakes_of(path)
    assert EDITOR.is_valid(data) == (found == []), found
