"""Lists: of texts, and from files."""

from collections.abc import Sequence

import pytest

from reconciler.selectors.conditions import MAX_TEXTS
from reconciler.selectors.mistake import Mistake
from reconciler.selectors.parse import parse_selector
from reconciler.selectors.syntax import Operator
from reconciler.selectors.syntax import Test as Condition
from reconciler.selectors.trace import describe
from reconciler.tasks.resource_type import ResourceType

IDS = ("10743", "10744")
FILES = {
    "ids": ["10743", "10744", "10743"],
    "globs": ["legal-*", "[ab]*"],
    "numbers": ["5", "-7"],
    "words": ["pending", "waiting", "secret-of-somebody"],
    "header": ["task id,status", "10743"],
    "open": ["a[b"],
    "none": [],
    "long": [f"line {number}" for number in range(100)],
}


def lists(path: str) -> Sequence[tuple[int, str]]:
    if path not in FILES:
        raise Mistake("the list cannot be read: No such file or directory")
    return list(enumerate(FILES[path], 1))


@pytest.mark.parametrize(
    ("match", "condition"),
    [
        ({"id": {"in": {"file": "ids"}}}, Condition("id", Operator.IN, IDS)),
        ({"id": {"file": "ids"}}, Condition("id", Operator.IN, IDS)),
        ({"id": {"not_in": {"file": "ids"}}}, Condition("id", Operator.NOT_IN, IDS)),
        ({"progress": {"in": {"file": "numbers"}}}, Condition("progress", Operator.IN, (5, -7))),
        (
            {"user_data": {"not_glob": {"file": "globs"}, "missing": True}},
            Condition("user_data", Operator.NOT_GLOB, ("legal-*", "[ab]*"), missing=True),
        ),
        (
            {"template_ids": {"contains": {"file": "ids"}}},
            Condition("template_ids", Operator.CONTAINS, ("10743", "10744")),
        ),
    ],
)
def test_a_list_may_stand_in_a_file(match: object, condition: Condition, packaging: ResourceType) -> None:
    assert parse_selector(match, [packaging], lists=lists) == (condition, [])


@pytest.mark.parametrize(
    ("match", "said"),
    [
        ({"id": {"in": {"file": "no"}}}, ["the list cannot be read: No such file or directory"]),
        ({"id": {"in": {"file": "none"}}}, ["`none` has no entry: an empty list matches nothing"]),
        ({"id": {"in": {"file": 7}}}, ["`file` takes the path of a file, but this is the number `7`"]),
        ({"id": {"in": {"file": "ids", "x": 1}}}, ["`in` takes a list, but this is a mapping"]),
        ({"id": {"eq": {"file": "ids"}}}, ["`eq` takes one value, not a mapping"]),
        ({"id": {"in": {"file": "header"}}}, ["line 1 of `header` can be no id of cloud.mpc.packaging"]),
        (
            {"status": {"in": {"file": "words"}}},
            [f"line {line} of `words` is no value of `status`, which is a status" for line in (2, 3)],
        ),
        ({"user_data": {"glob": {"file": "open"}}}, ["line 1 of `open` is no value of `user_data`, which is text"]),
        (
            {"progress": {"file": "long"}},
            [
                *(f"line {line} of `long` is no value of `progress`, which is a whole number" for line in range(1, 21)),
                "80 more lines of `long` are no values of `progress`",
            ],
        ),
    ],
)
def test_what_is_wrong_with_a_file_is_told_without_quoting_it(
    match: object, said: list[str], packaging: ResourceType
) -> None:
    selector, problems = parse_selector(match, [packaging], lists=lists)
    assert selector is None
    assert [problem.message for problem in problems] == said
    assert "somebody" not in repr(problems)


def test_what_takes_time_is_bounded_and_what_takes_none_is_not(packaging: ResourceType) -> None:
    many = [f"legal-{number}*" for number in range(MAX_TEXTS + 1)]
    assert parse_selector({"user_data": {"glob": many[1:]}}, [packaging])[1] == []
    selector, [problem] = parse_selector({"user_data": {"not_glob": many}}, [packaging])
    assert selector is None
    assert problem.message == "more than 1000 texts to look for take too long"
    assert parse_selector({"id": [str(number) for number in range(50_000)]}, [packaging])[1] == []


@pytest.mark.parametrize(
    ("match", "words"),
    [
        ({"id": [str(number) for number in range(12)]}, "id is one of 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 2 more"),
        ({"user_data": {"glob": ["a*", "b*"]}}, "user_data like one of a*, b*"),
        ({"user_data": {"not_glob": ["a*", "b*"]}}, "user_data not like any of a*, b*"),
        ({"user_data": {"not_contains": "a", "missing": True}}, "user_data does not contain a (or missing)"),
        ({"user_data": {"contains": ["a", "b"], "missing": False}}, "user_data contains one of a, b (and not missing)"),
    ],
)
def test_a_list_in_words(match: object, words: str, packaging: ResourceType) -> None:
    selector, _ = parse_selector(match, [packaging])
    assert selector is not None
    assert describe(selector) == words
