"""What people see who write unit tests of policies in an editor."""

import pytest

from reconciler.policy_tests.model import Fate
from tests.editor import texts
from tests.editor.language_server import Completion
from tests.editor.texts import CURSOR, RESOURCES, Opened

SCHEMA = "reconciler-test.schema.json"


def offered(opened: Opened, text: str) -> dict[str, Completion]:
    return texts.offered(opened, text, SCHEMA)


def a_test(body: str) -> str:
    return "version: 1\nnow: 2026-11-01T12:00:00Z\ntests:\n  t:\n    " + body.replace("\n", "\n    ") + "\n"


def test_the_keys_of_a_file_and_of_a_test_are_offered(opened: Opened) -> None:
    assert {"version", "now", "tests"} <= offered(opened, CURSOR).keys()
    keys = {"description", "now", "policies", "target", "resource", "tasks", "snapshot", "expect"}
    assert offered(opened, a_test(CURSOR)).keys() - {"test"} == keys


def test_resource_types_are_offered_with_what_they_are(opened: Opened) -> None:
    found = offered(opened, a_test(f"resource: {CURSOR}"))
    assert {label: item.documentation for label, item in found.items()} == {
        name: row.summary for name, row in RESOURCES.items()
    }


@pytest.mark.parametrize("resource", RESOURCES)
@pytest.mark.parametrize("task", [f"- {CURSOR}", f"- id: a\n    {CURSOR}", f"- {{id: a, s{CURSOR}}}"])
def test_a_task_offers_the_fields_of_its_resource_type(opened: Opened, resource: str, task: str) -> None:
    found = offered(opened, a_test(f"resource: {resource}\ntasks:\n  {task}"))
    keys = found.keys() - {f"task.{resource}"} | {"id"}
    assert keys == {"target", "resource", *RESOURCES[resource].fields}


def test_a_task_may_name_its_resource_type_itself(opened: Opened) -> None:
    found = offered(opened, a_test(f"tasks:\n  - id: a\n    resource: huaweicloud.vod.editing\n    {CURSOR}"))
    assert found.keys() == {"target", *RESOURCES["huaweicloud.vod.editing"].fields} - {"id"}


def test_statuses_and_ages_are_offered(opened: Opened) -> None:
    statuses = offered(opened, a_test(f"tasks:\n  - id: a\n    status: {CURSOR}"))
    assert statuses.keys() == {"pending", "running", "succeeded", "failed", "canceled"}
    assert "8h" in offered(opened, a_test(f"tasks:\n  - id: a\n    created_at: {CURSOR}"))


def test_expectations_are_offered(opened: Opened) -> None:
    found = offered(opened, a_test(f"expect:\n  some-policy:\n    {CURSOR}"))
    assert found.keys() == {fate.value for fate in Fate}
    assert "any other change" in found["change"].documentation
    assert {"id", "target", "steps"} <= offered(opened, a_test(f"expect:\n  p:\n    change:\n      - {CURSOR}")).keys()


def test_what_is_inserted_for_tests_is_one(opened: Opened) -> None:
    assert "[object" not in offered(opened, f"version: 1\n{CURSOR}\n")["tests"].inserted


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        (a_test("tasks: []"), 4, 'Missing property "expect".'),
        (a_test("expect: {p: {changes: [a]}}"), 5, "Property changes is not allowed."),
        (a_test("resource: aliyun.vod.url_upload\ntasks: [{id: a, input.bucket: b}]\nexpect: {}"), 6, "input.bucket"),
        (a_test("tasks: [{id: a, status: runing}]\nexpect: {}"), 5, "Value is not accepted."),
        (a_test("tasks: [{id: a, created_at: yesterday}]\nexpect: {}"), 5, "must be a time such as"),
        ("version: 1\nnow: today\ntests: {t: {expect: {}}}\n", 2, "must be a time with a zone"),
    ],
)
def test_a_mistake_is_marked_in_its_line(opened: Opened, text: str, line: int, message: str) -> None:
    found = opened(text, SCHEMA).complaints()
    assert [complaint for complaint in found if complaint.line == line + 1 and message in complaint.message], found
