"""Resource types and random selector documents that the tests of selectors share.

Documents are plain data, as YAML gives them, always well-formed and few in their values, so that tasks often match.
"""

from typing import Any

import pytest
from hypothesis import strategies as st

from reconciler.selectors.parse import parse_selector
from reconciler.tasks.resource_type import Action, Listing, Paging, ResourceType
from reconciler.tasks.task import Field, FieldType, Status, Value
from tests.rows import operation

NOW = 1_750_000_000
TEXTS = ("a", "b", "ab", "abc", "a/b", "a\nb", "é", "legal-hold", "a.b", "[x]")

_FIELDS = {
    "id": FieldType.STRING,
    "status": FieldType.STATUS,
    "provider_status": FieldType.STRING,
    "created_at": FieldType.TIMESTAMP,
    "progress": FieldType.INTEGER,
    "input.bucket": FieldType.STRING,
    "user_data": FieldType.STRING,
    "template_ids": FieldType.STRINGS,
    "labels.a.b": FieldType.STRING,
}
_OF_ANY_KEY = {"labels.a.b": "labels.*"}
_WORDS = {
    "INIT": Status.PENDING,
    "WAITING": Status.PENDING,
    "PROCESSING": Status.RUNNING,
    "SUCCEED": Status.SUCCEEDED,
    "FAILED": Status.FAILED,
    "CANCELED": Status.CANCELED,
    "NEED_TO_BE_AUDIT": Status.UNKNOWN,
    "NO_TASK": Status.GONE,
}


def _type(name: str, *actions: Action, without: frozenset[str] = frozenset()) -> ResourceType:
    return ResourceType(
        name=name,
        summary="",
        fields={
            _OF_ANY_KEY.get(name, name): Field(_OF_ANY_KEY.get(name, name), kind, "")
            for name, kind in _FIELDS.items()
            if name not in without
        },
        statuses={word: status for word, status in _WORDS.items() if word not in without},
        listing=Listing("/tasks", "tasks", Paging.PAGE, status_parameter="status"),
        operations=tuple(operation(action) for action in actions),
    )


@pytest.fixture(scope="session")
def packaging() -> ResourceType:
    """Cancel and delete; several words for pending, and words for unknown and gone."""
    return _type("cloud.mpc.packaging", Action.CANCEL, Action.DELETE)


@pytest.fixture(scope="session")
def editing() -> ResourceType:
    """Cancel only, and fewer fields."""
    return _type(
        "cloud.vod.editing", Action.CANCEL, without=frozenset({"input.bucket", "user_data", "labels.a.b", "INIT"})
    )


@pytest.fixture(scope="session")
def upload() -> ResourceType:
    """Cancel only, and no word for canceled."""
    return _type("cloud.vod.url_upload", Action.CANCEL, without=frozenset({"CANCELED", "NO_TASK", "NEED_TO_BE_AUDIT"}))


@pytest.fixture(scope="session")
def types(packaging: ResourceType, editing: ResourceType, upload: ResourceType) -> tuple[ResourceType, ...]:
    return packaging, editing, upload


_GLOBS = ("*", "a*", "*b", "a*b", "?", "a?b", "[ab]*", "[!a]*", "*a*b*", "[[]x]", "a.b")
_EXPRESSIONS = ("a", "^a", "b$", "a.b", "[ab]{2}", "é|x", "^$")
_LOWER, _UPPER = {"gt", "gte", "newer_than", "after"}, {"lt", "lte", "older_than", "before"}


def _some(texts: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """One of them, or a list."""
    return st.one_of(texts, st.lists(texts, min_size=1, max_size=3))


def _one_sided(written: dict[str, Any]) -> bool:
    """Two ends may leave nothing between them, which is a mistake."""
    return not (_LOWER & set(written) and _UPPER & set(written))


def _conditions(name: str, words: tuple[str, ...]) -> st.SearchStrategy[Any]:
    """Conditions on one field."""
    exists: st.SearchStrategy[Any] = st.booleans().map(_exists)
    match _FIELDS[name]:
        case FieldType.TIMESTAMP:
            durations = st.sampled_from(["1s", "1m", "1h", "1d"])
            instants = st.sampled_from(["2025-06-15T15:06:40Z", "2025-06-15T15:05:40Z", "2025-06-15T17:06:40+01:00"])
            operators: dict[str, st.SearchStrategy[Any]] = {
                **dict.fromkeys(("older_than", "newer_than"), durations),
                **dict.fromkeys(("before", "after"), instants),
            }
            scalars: st.SearchStrategy[Any] = exists
        case FieldType.INTEGER:
            scalars = st.integers(0, 3)
            operators = dict.fromkeys(("eq", "ne", "gt", "gte", "lt", "lte"), scalars)
        case FieldType.STRINGS:
            operators = {
                **dict.fromkeys(("contains", "not_contains"), _some(st.sampled_from(TEXTS))),
                **dict.fromkeys(("glob", "not_glob"), _some(st.sampled_from(_GLOBS))),
                **dict.fromkeys(("regex", "not_regex"), _some(st.sampled_from(_EXPRESSIONS))),
            }
            scalars = exists
        case _ if name in ("status", "provider_status"):
            scalars = st.sampled_from(words)
            operators = dict.fromkeys(("eq", "ne"), scalars)
        case _:
            scalars = st.sampled_from(TEXTS)
            operators = {
                **dict.fromkeys(("eq", "ne"), scalars),
                **dict.fromkeys(("contains", "not_contains"), _some(scalars)),
                **dict.fromkeys(("glob", "not_glob"), _some(st.sampled_from(_GLOBS))),
                **dict.fromkeys(("regex", "not_regex"), _some(st.sampled_from(_EXPRESSIONS))),
            }
    conditions = st.fixed_dictionaries({}, optional=operators).filter(bool).filter(_one_sided)
    missing = st.booleans().flatmap(lambda flag: conditions.map(lambda written: written | {"missing": flag}))
    mappings: list[st.SearchStrategy[Any]] = [conditions, missing, exists]
    if scalars is exists:
        return st.one_of(*mappings)
    lists = st.lists(scalars, min_size=1, max_size=2)
    return st.one_of(scalars, lists, *mappings, lists.map(lambda some: {"in": some}), lists.map(_not_in))


def _exists(flag: bool) -> dict[str, Any]:
    return {"exists": flag}


def _not_in(values: list[Any]) -> dict[str, Any]:
    return {"not_in": values}


_OBSERVABLE = ("pending", "running", "succeeded", "failed", "canceled")
_SHARED_WORDS = ("WAITING", "PROCESSING", "SUCCEED", "FAILED")


@pytest.fixture(scope="session")
def documents(packaging: ResourceType) -> st.SearchStrategy[Any]:
    """Matches that are right for every type here (a field that a type lacks is at most a warning): without conditions
    that exclude each other."""
    conditions = {name: _conditions(name, _OBSERVABLE if name == "status" else _SHARED_WORDS) for name in _FIELDS}
    right = st.fixed_dictionaries({}, optional=conditions).filter(bool).map(_few)
    leaves = right.filter(lambda match: parse_selector(match, [packaging])[0] is not None)
    nested = st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"all": parts}),
            st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"any": parts}),
            inner.map(lambda part: {"not": part}),
        ),
        max_leaves=6,
    )
    return st.one_of(nested, st.just("all")).filter(lambda match: parse_selector(match, [packaging])[0] is not None)


def _few(conditions: dict[str, Any]) -> dict[str, Any]:
    return dict(list(conditions.items())[-2:])


@pytest.fixture(scope="session")
def tasks() -> st.SearchStrategy[dict[str, Value]]:
    """Values of tasks of `packaging`, status and vendor status in agreement."""
    words: list[str | None] = [*(word for word, status in _WORDS.items() if status is not Status.GONE), "NEW", None]
    others: dict[str, st.SearchStrategy[Value]] = {
        "id": st.sampled_from(TEXTS),
        "created_at": st.sampled_from([-86_400, -3_601, -3_600, -60, -1, 0, 60]).map(NOW.__add__),
        "progress": st.integers(0, 3),
        "input.bucket": st.sampled_from(TEXTS),
        "user_data": st.sampled_from([*TEXTS, "\ud800", "a\ud800b"]),
        "template_ids": st.lists(st.sampled_from(TEXTS), max_size=2).map(tuple),
        "labels.a.b": st.sampled_from(TEXTS),
    }
    return st.builds(_task, st.sampled_from(words), st.fixed_dictionaries({}, optional=others))


def _task(word: str | None, others: dict[str, Value]) -> dict[str, Value]:
    status = _WORDS.get(word or "", Status.UNKNOWN)
    known: dict[str, Value] = {} if word is None else {"provider_status": word}
    return known | ({} if status is Status.UNKNOWN else {"status": status.value}) | others


@pytest.fixture(scope="session")
def now() -> int:
    return NOW
