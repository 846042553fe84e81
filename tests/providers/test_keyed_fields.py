"""Fields of the keys of an object, which are anybody's: read alike whole and by columns, whatever the keys are."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.providers.columns import Records, records_in
from reconciler.providers.records import task_from
from reconciler.providers.registry import catalogue
from reconciler.tasks.sink import by_id, view_of
from reconciler.tasks.task import LONGEST_KEY, LONGEST_TEXT, MOST_TEXTS, Value

JOB = catalogue().resource_types["aws.mediaconvert.job"]

HOSTILE = (
    "team",
    "a.b",
    "",
    "*",
    "__proto__",
    "ü",
    "u\u0308",
    "\ud800",
    'a"b',
    "a\\b",
    "\x00",
    "k" * (LONGEST_KEY + 1),
)
keys = st.sampled_from(HOSTILE) | st.text(max_size=6)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6)
values: st.SearchStrategy[Any] = scalars | st.lists(scalars, max_size=2) | st.dictionaries(st.text(max_size=3), scalars)
objects = st.dictionaries(keys, values, max_size=6) | values


def of(metadata: object, **more: object) -> dict[str, Value]:
    task = task_from("t", JOB, {"id": "1", "status": "SUBMITTED", "userMetadata": metadata, **more})
    assert task is not None
    return {name: value for name, value in task.values.items() if name.startswith("user_metadata")}


def page(*metadata: object) -> Records:
    rows = [{"id": str(number), "status": "SUBMITTED", "userMetadata": found} for number, found in enumerate(metadata)]
    records = records_in("t", JOB, rows)
    assert isinstance(records, Records)
    return records


@given(st.lists(objects, min_size=1, max_size=4), keys)
def test_a_column_has_what_the_tasks_have(metadata: list[object], key: str) -> None:
    records = page(*metadata)
    field = JOB.field_named(f"user_metadata.{key}")
    if field is None:
        return
    view = view_of(records, frozenset({field.name, "status"}))
    column, read = view.column(field.name)
    tasks = list(records)
    assert [read(found) for found in column] == [task.values.get(field.name) for task in tasks]
    assert len(list(map(hash, column))) == len(tasks)


@given(objects, objects)
def test_rows_are_alike_where_all_that_is_asked_is_alike(first: object, second: object) -> None:
    one, other = page(first, second)
    for fields in ({"user_metadata.*"}, {"user_metadata.team"}, {"status"}):
        mine, yours = view_of(page(first, second), frozenset(fields)).hashes()
        names = [name for name in {**one.values, **other.values} if name.startswith("user_metadata.")]
        asked = names if "user_metadata.*" in fields else [name for name in names if name in fields]
        assert (mine == yours) == all(one.values.get(name) == other.values.get(name) for name in asked)


@given(objects)
def test_each_name_that_a_task_has_can_be_written(metadata: object) -> None:
    for name, value in of(metadata).items():
        field = JOB.field_named(name)
        assert field is not None
        assert field.name == name
        assert isinstance(value, str)
        assert value
        name.encode()


def test_keys_that_nobody_can_tell_apart_are_one() -> None:
    assert of({"u\u0308": "a"}) == {"user_metadata.ü": "a"}
    assert of({"ü": "b", "u\u0308": "a"}) == of({"u\u0308": "a", "ü": "b"}) == {"user_metadata.ü": "b"}


@pytest.mark.parametrize(
    "metadata", [{f"k{number}": "v" for number in range(MOST_TEXTS + 1)}, {"": "v"}, {"*": "v"}, {"k": ""}]
)
def test_what_cannot_be_named_or_is_too_much_is_left_out(metadata: object) -> None:
    assert of(metadata) == {}


def test_what_is_too_long_is_left_out_alone() -> None:
    assert of({"a": "v", "k" * (LONGEST_KEY + 1): "v", "b": "x" * (LONGEST_TEXT + 1)}) == {"user_metadata.a": "v"}


def test_rows_of_one_job_that_differ_in_a_key_contradict_each_other() -> None:
    rows = [{"id": "1", "status": "SUBMITTED", "userMetadata": {"team": team}} for team in ("a", "b")]
    records = records_in("t", JOB, rows)
    assert isinstance(records, Records)
    assert by_id(records)[1].keys() == {"1"}
    assert len(set(records.view(frozenset({"user_metadata.team"})).hashes())) == 2
    assert len(set(records.view(frozenset({"status"})).hashes())) == 1
