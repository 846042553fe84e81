"""The tables hold together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from jsonschema import Draft7Validator

from reconciler.providers.aliyun import PROVIDER as ALIYUN
from reconciler.providers.aws import PROVIDER as AWS
from reconciler.providers.huaweicloud import PROVIDER as HUAWEICLOUD
from reconciler.providers.records import task_from
from reconciler.providers.registry import catalogue, providers
from reconciler.providers.values import COERCIONS, READS, timestamp, value_of
from reconciler.tasks.resource_type import Action, Operation, ResourceType
from reconciler.tasks.task import LONGEST_TEXT, MOST_TEXTS, OBSERVABLE, FieldType, Status, Task

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.providers.base import Provider
    from reconciler.tasks.task import Value

TYPES = catalogue().resource_types
EVERYWHERE = {"id": FieldType.STRING, "status": FieldType.STATUS, "provider_status": FieldType.STRING}


def test_all_providers_are_found_and_bring_fourteen_types() -> None:
    built: list[Provider] = [ALIYUN, AWS, HUAWEICLOUD]  # checked by mypy: both implement the protocol
    assert list(providers().values()) == built
    assert list(providers()) == ["aliyun", "aws", "huaweicloud"]
    assert len(TYPES) == 14
    assert all(name == row.name for name, row in TYPES.items())


@pytest.mark.parametrize("row", TYPES.values(), ids=TYPES.keys())
def test_a_row(row: ResourceType) -> None:
    assert all(name == field.name for name, field in row.fields.items())
    assert {name: row.fields[name].type for name in EVERYWHERE} == EVERYWHERE
    assert row.fields["created_at"].type is FieldType.TIMESTAMP
    assert row.fields["status"].source == ()
    assert all(field.source for field in row.fields.values() if field.name != "status")
    assert row.summary.endswith(".")
    assert all(field.summary for field in row.fields.values())
    assert set(row.statuses.values()) <= set(OBSERVABLE)
    assert next(iter(row.statuses.values())) is Status.PENDING
    assert row.status_filters.keys() <= row.statuses.keys()
    assert row.operations
    assert row.object_fields, "a plan says of each task what it works on"
    if row.provider == "huaweicloud":
        assert row.listing.path.startswith("/v1/{project_id}/")
    for operation in row.operations:
        assert operation.method in {"DELETE", "POST"}
    if not row.listing.rows_merge:
        order = [OBSERVABLE.index(status) for status in row.statuses.values()]
        assert order == sorted(order), "a listing by status must pass in lifecycle order"


@pytest.mark.parametrize("name", ["aliyun", "huaweicloud"])
def test_options_are_json_schema(name: str) -> None:
    options = catalogue().providers[name]
    for schema in options.properties.values():
        Draft7Validator.check_schema(dict(schema))
        assert schema["description"]
    assert set(options.required) - {"inventory"} <= options.properties.keys()
    assert "access_key_id" in options.credentials
    schema = {"type": "object", "properties": dict(options.properties), "required": list(options.required)}
    good = {"region": "cn-shanghai", "inventory": {"upload_urls": {"file": "urls.txt"}, "job_ids": ["a"]}}
    assert Draft7Validator(schema).is_valid(good)
    assert not Draft7Validator(schema).is_valid({**good, "region": "Shanghai"})


def test_aliyun_regions_are_checked() -> None:
    schema = Draft7Validator({"properties": dict(catalogue().providers["aliyun"].properties)})
    assert not schema.is_valid({"region": "cn-north-4"})


@pytest.mark.parametrize(
    ("starts", "ends"),
    [
        ({Status.UNKNOWN}, Status.CANCELED),
        ({Status.PENDING, Status.GONE}, Status.CANCELED),
        ({Status.PENDING}, Status.RUNNING),
        ({Status.PENDING}, Status.UNKNOWN),
        ({Status.PENDING}, Status.GONE),
    ],
)
def test_no_operation_leaves_the_unknown_or_leads_there(starts: set[Status], ends: Status) -> None:
    with pytest.raises(ValueError, match="no cancel leads from"):
        Operation(Action.CANCEL, "/tasks", "task_id", frozenset(starts), ends)


def test_what_is_too_large_for_a_field_is_unknown_never_cut() -> None:
    def values(**row: object) -> Mapping[str, Value]:
        task = task_from("t", TYPES["huaweicloud.mpc.transcoding"], {"task_id": 1, **row})
        assert task is not None
        return {name: value for name, value in task.values.items() if name != "id"}

    assert values(user_data="x" * LONGEST_TEXT) == {"user_data": "x" * LONGEST_TEXT}
    assert values(trans_template_id=["x"] * MOST_TEXTS) == {"template_ids": ("x",) * MOST_TEXTS}

    def nested(levels: int) -> object:
        return [nested(levels - 1)] if levels else "x"

    assert values(user_data=nested(64)) == {"user_data": "[" * 64 + '"x"' + "]" * 64}
    deep = nested(65)
    for _ in range(5000):
        deep = {"": deep}
    for large in (
        "x" * (LONGEST_TEXT + 1),
        ["x" * LONGEST_TEXT],
        nested(65),
        deep,
        10**400,
        -(10**400),
        1e400,
        [1e400],
    ):
        assert values(user_data=large, status=large, progress=large, create_time=large) == {}
    for listed in (["x"] * (MOST_TEXTS + 1), ["keep", "x" * (LONGEST_TEXT + 1)], ["keep", "\ud800"], [1e400]):
        assert values(trans_template_id=listed) == {}


@pytest.mark.parametrize("kind", FieldType)
def test_what_is_read_is_a_value_or_none(kind: FieldType) -> None:
    came: list[object] = [None, "", " ", "a", "\u00e9", "\ud800", "x" * (LONGEST_TEXT + 1), "20200901185020", "7"]
    came += [0, -1, 7, 1598986220, 10**30, True, 1.5, 1e400, [], ["a", None], {}, {"a": [1]}]
    for found in came:
        read, coerced = READS[kind](found), value_of(COERCIONS[kind], found)
        assert (type(read), read) == (type(coerced), coerced)


def test_records_are_read_leniently_and_never_wrongly() -> None:
    assert [timestamp(text) for text in ("20200901185020", 20200901185020, "2020-09-01T18:50:20Z")] == [1598986220] * 3
    assert timestamp("2020-09-02T02:50:20+08:00") == 1598986220
    assert timestamp("2020-09-01 18:50:20") == 1598986220
    assert timestamp(1598986220) == timestamp("1598986220000") == timestamp(1598986220.9) == 1598986220
    no_times: list[object] = ["", "00000000000000", "20201301000000", "soon", None, True, 1.5, [], "2020", "9" * 17]
    no_times += ["20200901245020", "20200901186020", "20200901185060", "2020090118502\u0660"]
    no_times += ["0001-01-01T00:00:00+08:00", "9999-12-31T23:59:59-01:00"]  # in UTC years that cannot be written
    no_times += [
        "0000-00-00 00:00:00",
        "00010101000000",
        "19700101000000",
        "19700101080000",
        "1970-01-01T08:00:00+08:00",
    ]
    no_times += ["1970-01-01 00:00:00", "1979-12-31T23:59:59Z", 0, "0", "0000000000", "0000000000000", -1, 315532799]
    for text in no_times:
        assert timestamp(text) is None
    row = {
        "task_id": "1",
        "status": "WAITING",
        "progress": "50.0",
        "user_data": {"a": [1]},
        "description": "\ud800x",
        "trans_template_id": [7000530, None, ""],
        "input": "not an object",
        "create_time": "never",
        "error_code": 0,
    }
    task = task_from("t", TYPES["huaweicloud.mpc.transcoding"], row)
    assert isinstance(task, Task)
    assert task.values == {
        "id": "1",
        "status": "pending",
        "provider_status": "WAITING",
        "progress": 50,
        "user_data": '{"a":[1]}',
        "template_ids": ("7000530",),
        "error_code": "0",
    }
