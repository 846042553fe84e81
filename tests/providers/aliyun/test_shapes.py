"""Every shape of a list that the vendor's material shows, and what was asked for comes first."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.providers.aliyun.answers import named, records
from reconciler.providers.aliyun.inventory import entry_key

IDS = ("341c92e6c18dc435ee31253685aaaaaa", "0193d395194a83ad6ee2ef27a5b5bbbb", "never-named")
TWO = frozenset(IDS[:2])


@pytest.mark.parametrize(
    "found",
    [
        [IDS[0], IDS[1]],
        [f"{IDS[0]},{IDS[1]}"],
        [f"{IDS[0]}, {IDS[1]}"],
        [json.dumps(IDS[:2])],
        [f"['{IDS[0]}', '{IDS[1]}']"],
        [f'["{IDS[0]}"]', f"['{IDS[1]}']"],
        json.dumps(IDS[:2]),
        f"{IDS[0]},{IDS[1]}",
        {"JobId": [IDS[0], IDS[1]]},
        {"ExistId": [f"{IDS[0]},{IDS[1]}"]},
        {"JobId": f"{IDS[0]},{IDS[1]}"},
    ],
)
def test_ids_in_every_shape(found: object) -> None:
    assert named(found, IDS) == TWO


@pytest.mark.parametrize("found", [None, [], "", {}, "[]", ["[]"], [None], True, 7, ["other"], {"JobId": []}])
def test_nothing_is_nothing(found: object) -> None:
    assert named(found, IDS) == frozenset()


DEEP: object = IDS[0]
for _ in range(900):
    DEEP = [DEEP]


@pytest.mark.parametrize(
    "found",
    [
        DEEP,
        [IDS[0]] * 10_001,
        [f"{IDS[0]}," * 10_000],
        [{"JobId": IDS[0], "Message": "m"}],
        [10**4000],
        "[" * 60_000,
        "," * 1_000_000,
    ],
    ids=["deep", "long", "wide", "an object of several keys", "a number", "brackets", "commas"],
)
def test_what_is_no_shape_of_the_vendor_names_nothing(found: object) -> None:
    assert named(found, IDS) == frozenset()


def test_urls_of_commas_cost_their_length_only() -> None:
    """Joining every run of neighbours would take minutes."""
    assert named([",".join("x" * 30_000)], ["http://h/" + "," * 8000]) == frozenset()


def test_numbers_are_text() -> None:
    assert named([7], ["7", "8"]) == {"7"}


URLS = ("http://h/a,b.mp4", "http://h/a", "b.mp4", "http://h/c d.mp4", "http://h/['x'].mp4")


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (["http://h/a,b.mp4"], {"http://h/a,b.mp4"}),
        (["http://h/a,b.mp4,http://h/c d.mp4"], {"http://h/a,b.mp4", "http://h/c d.mp4"}),
        (["http://h/a,http://h/c%20d.mp4"], {"http://h/a", "http://h/c d.mp4"}),
        (["http%3A%2F%2Fh%2Fc%2520d.mp4"], {"http://h/c d.mp4"}),
        (["http://h/['x'].mp4"], {"http://h/['x'].mp4"}),
        (['["http://h/a,b.mp4", "http://h/c d.mp4"]'], {"http://h/a,b.mp4", "http://h/c d.mp4"}),
        (["['http://h/a,b.mp4', 'http://h/c d.mp4']"], {"http://h/a,b.mp4", "http://h/c d.mp4"}),
    ],
)
def test_urls_with_commas_are_matched_before_anything_is_split(found: object, expected: set[str]) -> None:
    assert named(found, URLS) == expected


def test_two_spellings_of_one_url_are_both_meant() -> None:
    both = ("http://h/a%20b.mp4", "http://h/a b.mp4")
    assert named(["http://h/a b.mp4"], both) == set(both)
    assert entry_key(both[0]) == entry_key(both[1])


TEXTS = st.text(st.sampled_from("ab,%20[]'\" "), min_size=1, max_size=6).filter(lambda text: text == text.strip())


@given(st.lists(TEXTS, max_size=4), st.lists(TEXTS, max_size=4))
def test_only_what_was_asked_for_is_named(found: list[str], requested: list[str]) -> None:
    keys = {entry_key(text) for text in requested}
    answer = named(found, requested)
    assert answer <= set(requested)
    assert {text for text in requested if entry_key(text) in {entry_key(each) for each in found} & keys} <= answer


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ([{"a": 1}], [{"a": 1}]),
        ({"UrlUploadJobInfoDTO": [{"a": 1}]}, [{"a": 1}]),
        ({"URLUploadInfo": None}, []),
        (None, []),
        ([], []),
        ({}, None),
        ({"a": [], "b": []}, None),
        ("[]", None),
        ({"a": {"b": []}}, None),
    ],
)
def test_records(found: object, expected: object) -> None:
    assert records(found) == expected
