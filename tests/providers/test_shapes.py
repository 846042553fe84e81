"""What is read by the shape of the answers before is what would be read without it, whatever comes instead."""

import json
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.providers.aliyun.mps import TRANSCODING as NESTED
from reconciler.providers.columns import Records, records_in
from reconciler.providers.huaweicloud import PROVIDER
from reconciler.providers.huaweicloud.client import HuaweicloudClient
from reconciler.providers.huaweicloud.mpc import PACKAGING, TRANSCODING
from reconciler.providers.pages import Page, page_in
from reconciler.providers.registry import catalogue
from reconciler.providers.shapes import (
    FEW,
    LONGEST_KEY,
    MOST_KEYS,
    MOST_LEVELS,
    MOST_MISSES,
    MOST_PLACES,
    Shaped,
    Shapes,
    as_it_came,
)
from reconciler.providers.transport.answers import parsed
from reconciler.tasks.observation import Fault
from reconciler.tasks.resource_type import ResourceType
from reconciler.tasks.sink import view_of
from reconciler.tasks.task import Status, Task
from tests.providers.huaweicloud.cloud import KEYS, target
from tests.providers.loopback import around

Pairs = list[tuple[str, Any]]
"""An object as it is written: a key may stand in it twice."""

SPELT = {"task_id": '"task\\u005fid"', "bucket": '"\\u0062ucket"', "a": '"\\u0061"'}

ROW = {
    "task_id": "1",
    "status": "SUCCEED",
    "create_time": "20270115070000",
    "input": {"bucket": "b", "object": "stale/1"},
    "ratio": 100,
    "more": {"deep": {"er": [{"a": 1}]}},
}
FIELDS = frozenset({"status", "created_at", "input.bucket", "input.object", "description", "output.bucket", "lacking"})


def client() -> HuaweicloudClient:
    return PROVIDER.client(target("http://127.0.0.1:1"), concurrency=1, surroundings=around(KEYS))


def written(found: Any) -> str:  # noqa: ANN401 - any JSON
    """As JSON; what are pairs, as an object. A key may be spelt already."""
    match found:
        case dict():
            return written(list(found.items()))
        case [tuple(), *_]:
            pairs = ((key if key in SPELT.values() else _quoted(key), written(it)) for key, it in found)
            return f"{{{','.join(map(':'.join, pairs))}}}"
        case list():
            return f"[{','.join(map(written, found))}]"
        case str():
            return _quoted(found)
    return json.dumps(found)


def _quoted(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(text)
    return json.dumps(text, ensure_ascii=False)


def answer(rows: Iterable[object], around: str = '"total":2', resource: ResourceType = PACKAGING) -> bytes:
    body = f"[{','.join(map(written, rows))}]"
    *outer, inner = resource.listing.envelope.split(".")
    body = f'"{inner}":{body}'
    for key in reversed(outer):
        body = f'"{key}":{{{body}}}'
    return f"{{{around},{body}}}".encode()


def learned(content: bytes, resource: ResourceType = PACKAGING) -> HuaweicloudClient:
    made = client()
    for _ in range(FEW):
        page_in(httpx.Response(200, content=content), made, resource)
    return made


def shown(content: bytes, by: HuaweicloudClient, resource: ResourceType = PACKAGING) -> object:
    """All that somebody can see of a page."""
    page = page_in(httpx.Response(200, content=content), by, resource)
    if isinstance(page, Fault):
        return page
    view = view_of(page.tasks, FIELDS)
    columns = {}
    for name in FIELDS - {"status"}:
        column, read = view.column(name)
        columns[name] = [(type(found), found, read(found)) for found in column]
    statuses = [view.statuses[1](found) for found in view.statuses[0]]
    return repr((list(page.tasks), list(view.ids), statuses, columns, list(view.hashes()), replace(page, tasks=())))


def by_shape(content: bytes, by: HuaweicloudClient, resource: ResourceType = PACKAGING) -> bool:
    page = page_in(httpx.Response(200, content=content), by, resource)
    return isinstance(page, Page) and isinstance(page.tasks, Records) and isinstance(page.tasks.rows[0], Shaped)


SCALARS: list[Any] = [
    *(None, "", "a", "1", "SUCCEED", "WAITING", 'a "quoted" \\', "\u6f22", "\ud800", "x" * 17_000),
    *(0, 1, -1, 10**30, True, False, 1.0, 0.5, -0.0, 1e300),
]
VALUES = st.one_of(
    st.sampled_from(SCALARS),
    st.lists(st.sampled_from(SCALARS), max_size=2),
    st.dictionaries(st.sampled_from(["bucket", "object", "a", 'a"', ""]), st.sampled_from(SCALARS), max_size=2),
)
ROWS = st.fixed_dictionaries(
    {"task_id": st.sampled_from(["1", "2", "a_b", 2]), "status": st.sampled_from(["SUCCEED", "WAITING", "NEW"])},
    optional={
        "create_time": st.sampled_from(["20270115070000", 1_900_000_000, ""]),
        "input": st.fixed_dictionaries({}, optional={"bucket": VALUES, "object": st.just("o")}),
        "output": VALUES,
        "description": VALUES,
        "x": VALUES,
    },
)


@st.composite
def changed(draw: st.DrawFn, row: dict[str, Any]) -> Pairs:
    """The row, or one that is not quite like it: a key twice, another kind of value, without a key, with another."""
    pairs = [(key, list(it.items()) if isinstance(it, dict) and it else it) for key, it in row.items()]
    place = draw(st.integers(0, len(pairs) - 1))
    key, value = pairs[place]
    match draw(st.sampled_from(["nothing", "twice", "twice within", "kind", "lacks", "new", "order"])):
        case "twice":
            spelt = draw(st.sampled_from([key, SPELT.get(key, key)]))
            pairs.insert(draw(st.integers(0, len(pairs))), (spelt, draw(st.just(value) | VALUES)))
        case "twice within":
            pairs.append(("more", [("bucket", "a"), (draw(st.sampled_from(["bucket", SPELT["bucket"], "c"])), "a")]))
        case "kind":
            pairs[place] = (key, draw(VALUES))
        case "lacks":
            del pairs[place]
        case "new":
            pairs.insert(draw(st.integers(0, len(pairs))), (draw(st.sampled_from(["y", "\u00e9", "f0"])), draw(VALUES)))
        case "order":
            pairs.reverse()
    return pairs


@settings(max_examples=150)
@given(st.lists(ROWS, min_size=1, max_size=4), st.data())
def test_a_page_is_what_it_would_be_without_a_shape(rows: list[dict[str, Any]], data: st.DataObject) -> None:
    by = learned(answer(rows))
    for _ in range(3):  # each widens the shape, or does not
        content = answer([data.draw(changed(row)) for row in rows])
        assert shown(content, by) == shown(content, client())
    assert shown(answer(rows), by) == shown(answer(rows), client())


NAMES = st.sampled_from(["a", "b", SPELT["a"], "c"])
ANYTHING = st.recursive(
    st.sampled_from(SCALARS),
    lambda inner: st.lists(inner, max_size=2) | st.lists(st.tuples(NAMES, inner), max_size=3),
    max_leaves=8,
)
PAGES = st.lists(st.lists(st.tuples(NAMES, ANYTHING), min_size=1, max_size=3), min_size=1, max_size=2)


def _read(read: Callable[[bytes], Any], content: bytes) -> str:
    try:
        found = read(content)
    except ValueError as error:
        return repr(error)
    return json.dumps(found | {"rows": list(map(as_it_came, found["rows"]))}, sort_keys=True)


@settings(max_examples=150)
@given(
    st.lists(PAGES, min_size=1, max_size=6),
    st.sampled_from(["", ',"total":1', ',"rows":[]']),
)
def test_whatever_is_read_by_a_shape_is_read_as_without(documents: list[list[Pairs]], more: str) -> None:
    """Keys that stand twice anywhere are seen, however they are spelt and whatever shape was learned."""
    shapes = Shapes("rows")
    for rows in [*documents[:1] * FEW, *documents, *documents]:
        content = f'{{"a":[],"rows":{written(rows)}{more}}}'.encode()
        assert _read(shapes.read, content) == _read(parsed, content)


@pytest.mark.parametrize("resource", [PACKAGING, NESTED, TRANSCODING], ids=lambda kind: kind.name)
def test_pages_of_a_list_are_read_by_its_shape(resource: ResourceType, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ids may be numbers, keys may lack, rows may be none."""
    (key,) = resource.fields["id"].source
    rows = [{key: "7", "x": {"y": 1}}, {key: 8, "x": None}, {key: "9"}]
    by = learned(answer(rows, resource=resource), resource)
    monkeypatch.setattr("reconciler.providers.shapes.parsed", lambda _: pytest.fail("it was read without a shape"))
    page = page_in(httpx.Response(200, content=answer(rows[::-1], resource=resource)), by, resource)
    assert isinstance(page, Page)
    assert [task.id for task in page.tasks] == ["9", "8", "7"]
    empty = page_in(httpx.Response(200, content=answer([], resource=resource)), by, resource)
    assert isinstance(empty, Page)
    assert list(empty.tasks) == []


@pytest.mark.parametrize(
    "odd",
    [
        '"total":2,"total":2',
        '"total":2,"tot\\u0061l":1',
        '"total":2,"error_code":"MPC.1"',
        '"total":2,"error":{"code":"MPC.1","message":"bad"}',
        '"total":"many"',
        '"total":null',
        '"tasks":[],"total":2',
    ],
)
def test_what_stands_around_the_rows_is_heeded(odd: str) -> None:
    content = answer([ROW], odd)
    by = learned(answer([ROW]))
    for _ in range(2):
        assert shown(content, by) == shown(content, client())
    assert by_shape(answer([ROW]), by)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        *((0.5, 1), (1, 0.5), (1, True), (True, 1), (1, 2**64), (1, -(10**40)), (0.5, 10**40), ({"a": 0.5}, {"a": 1})),
        *((None, "a"), ({"a": 1}, None), (None, {"a": 1}), ({}, {"a": 1}), (["a"], "a"), ("a", ["a"]), ({"a": 1}, [])),
    ],
)
def test_no_value_is_taken_for_another(before: object, after: object) -> None:
    by = learned(answer([ROW | {"description": before}]))
    for each in (after, before, after):
        content = answer([ROW | {"description": each}])
        assert shown(content, by) == shown(content, client())


def test_one_odd_row_costs_its_page_and_no_more() -> None:
    by = learned(answer([ROW]))
    odd = ROW | {"input": "drafts", "create_time": 1.5, "status": ["x"]}
    for each, fits in ((ROW, True), (odd, False), (ROW, True), (odd, True), (ROW | {"new": 1}, False), (ROW, True)):
        assert by_shape(answer([each]), by) is fits
        assert shown(answer([each]), by) == shown(answer([each]), client())


HOSTILE: Mapping[str, Callable[[int], Any]] = {
    "another key each time": lambda number: ROW | {f"k{number}": 1},
    "a key twice": lambda _: [*ROW.items(), ("task_id", "1")],
    "no JSON for the quick reader": lambda _: ROW | {"x": "\ud800"},
    "many places": lambda _: ROW | {f"m{many}": {f"k{key}": 1 for key in range(50)} for many in range(50)},
    "no object": lambda _: "x",
    "a key of no attribute": lambda _: ROW | {'a"b\x00': 1},
    "a map": lambda number: ROW | {f"{number}-{key}": key for key in range(MOST_KEYS)},
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_list_whose_answers_never_fit_is_left_alone(kind: str) -> None:
    """After a while nothing is learned, nor held of what the server chose."""
    shapes = Shapes("tasks")
    for number in range(MOST_MISSES + 2):
        with suppress(ValueError):
            shapes.read(answer([HOSTILE[kind](number)]))
    assert shapes._shape is None


def _places(shapes: Shapes) -> Iterator[tuple[str, ...]]:
    if shapes._shape is not None:
        yield from shapes._shape.places


@pytest.mark.parametrize(
    "odd",
    [
        {f"{number}": number for number in range(MOST_KEYS + 1)},
        {"a": {"b": {"c": {"d": {"e": 1}}}}},
        {'"': 1},
        {"\\": {"a": 1}},
        {"\x00": 1},
    ],
)
def test_an_object_of_any_keys_stays_one(odd: dict[str, Any]) -> None:
    """And does not keep the others from being read by their shape."""
    content = answer([ROW | {"input": odd}, ROW])
    by = learned(content)
    assert by_shape(content, by)
    assert shown(content, by) == shown(content, client())
    (shapes,) = by.shapes.values()
    assert max(map(len, _places(shapes))) <= MOST_LEVELS
    assert len(list(_places(shapes))) < MOST_PLACES // 8


def test_what_nests_as_deep_as_it_can_be_read_is_no_trouble() -> None:
    """Nor is it, where tasks are made of it deeper within the program than where it was read."""

    def made(content: bytes, by: HuaweicloudClient, within: int) -> object:
        page = page_in(httpx.Response(200, content=content), by, PACKAGING)
        return page if isinstance(page, Fault) else _within(within, lambda: list(page.tasks))

    for deep in range(60, 1000, 20):
        content = answer([ROW, {"task_id": "2", "x": 1}]).replace(b'"x":1', b'"x":' + b"[" * deep + b"]" * deep)
        by = learned(content)
        assert shown(content, by) == shown(content, client())
        assert made(content, by, 80) == made(content, client(), 80)


def _within(calls: int, act: Callable[[], object]) -> object:
    return _within(calls - 1, act) if calls else act()


def test_rows_that_all_have_to_be_dicts_are_read_as_such() -> None:
    kinds = [kind for kind in catalogue().resource_types.values() if kind.prepared or kind.listing.rows_merge]
    assert len(kinds) >= 2
    for kind in kinds:
        assert learned(answer([ROW], resource=kind), kind).shapes == {}


def test_a_shape_is_of_one_list_of_one_client() -> None:
    by = learned(answer([ROW]))
    assert not by_shape(answer([ROW]), client())
    assert not by_shape(answer([ROW], resource=TRANSCODING), by, TRANSCODING)


@pytest.mark.parametrize(
    "form",
    ["[a-z]{2}|x", "(?i)[a-z]{2}", "(?x) [a-z]{2}  # two", "(a)b|[c-z]{2}", "[^/1]{2}(?<!\n)(?<!\n.)", "(?s:.)[a-z]"],
    ids=["either", "flag", "words", "group", "others", "any"],
)
def test_ids_are_held_against_any_form(form: str) -> None:
    """All at once where a form stands for one line, and one by one where it may take two, or sets flags for itself."""
    resource = replace(PACKAGING, id_form=re.compile(form))

    def told(*ids: str) -> bool:
        return isinstance(records_in("t", resource, [{"task_id": each} for each in ids]), Records)

    for ids in (["ab"], ["ab", "cd", "ab"], []):
        assert told(*ids)
    for ids in (["ab", "cd1"], ["ab\n"], ["ab", "cd\nef"], ["", "ab"], ["", "a"]):
        assert not told(*ids)


def paged(rows: list[dict[str, Any]], *, shaped: bool) -> Collection[Task]:
    """The rows of a page, read by their shape or not."""
    content = answer(rows)
    by = learned(content) if shaped else client()
    assert by_shape(content, by) is shaped
    page = page_in(httpx.Response(200, content=content), by, PACKAGING)
    assert isinstance(page, Page)
    return page.tasks


@pytest.mark.parametrize("shaped", [False, True])
@pytest.mark.parametrize("found", [19990101000000.0, 22990101000000.0, 1.7e9, 2**70, ["x"], None, "soon"])
def test_a_time_in_a_column_is_that_of_the_task(found: object, shaped: bool) -> None:
    """Some that were read would be none when they are read again."""
    rows = paged([ROW | {"create_time": found}], shaped=shaped)
    (task,) = rows
    column, read = view_of(rows, FIELDS).column("created_at")
    assert [read(each) for each in column] == [task.values.get("created_at")]


@pytest.mark.parametrize(("one", "other"), [(1_800_000_000, 1_800_000_000 + 2**61 - 1), (-1, -2)])
def test_numbers_of_one_hash_say_different_things(one: int, other: int) -> None:
    """Whoever knows how Python hashes numbers could hide that two rows contradict each other."""
    assert hash(one) == hash(other)
    rows = [ROW | {"create_time": each} for each in (one, other)]
    for page in (paged(rows, shaped=False), paged(rows, shaped=True)):
        assert len({*view_of(page, FIELDS).hashes()}) == 2
    made = [Task("t", "r", "1", Status.PENDING, {"priority": each}) for each in (one, other)]
    assert len({*view_of(made, frozenset({"priority"})).hashes()}) == 2


def test_keys_that_are_too_long_are_not_kept() -> None:
    shapes = Shapes("tasks")
    for number in range(FEW + 2):
        shapes.read(json.dumps({"tasks": [ROW], f"{number}{'x' * LONGEST_KEY}": 1}).encode())
    assert not any(shapes._around)
    assert shapes._row.keys is None
