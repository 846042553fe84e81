"""Ages counted by policy and kind."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.reports.html.histograms import AGES, Aged, Histogram, histograms

HOUR, DAY = 3_600, 86_400
KINDS = ("pending", "failed")
tasks = st.lists(
    st.builds(
        Aged,
        st.lists(st.sampled_from("abcdefghij"), min_size=1, max_size=3, unique=True).map(tuple),
        st.sampled_from(KINDS),
        st.none() | st.integers(-DAY, 200 * DAY),
    ),
    max_size=60,
)


@pytest.mark.parametrize(
    ("age", "name"),
    [
        (-5, "<1h"),
        (0, "<1h"),
        (HOUR - 1, "<1h"),
        (HOUR, "<6h"),
        (6 * HOUR, "<1d"),
        (DAY, "<7d"),
        (7 * DAY, "<30d"),
        (30 * DAY, "<90d"),
        (90 * DAY, "older"),
        (10**12, "older"),
        (None, "unknown"),
    ],
)
def test_an_age_has_one_place(age: int | None, name: str) -> None:
    (histogram,) = histograms([Aged(("a",), "failed", age)], KINDS)
    assert dict(zip(AGES, histogram.columns, strict=True)) == {each: int(each == name) for each in AGES}


def test_the_policies_with_most_tasks_come_first_and_the_rest_together() -> None:
    found = histograms([Aged((name,), "failed", 0) for name in "aabbccddeeffgh"], KINDS)
    assert [(each.policy, each.total) for each in found] == [*((name, 2) for name in "abcdef"), (None, 2)]


def test_one_policy_too_many_is_not_called_others() -> None:
    found = histograms([Aged((name,), "failed", 0) for name in "aabbccddeeffg"], KINDS)
    assert [each.policy for each in found] == list("abcdefg")


def test_a_task_of_two_of_the_others_counts_once() -> None:
    many = [Aged((name,), "failed", 0) for name in "aabbccddeeff"]
    assert histograms([*many, Aged(("g", "h"), "failed", 0)], KINDS)[-1] == Histogram(None, {"failed": (1,) + 7 * (0,)})


@given(tasks)
def test_every_task_is_counted_once_for_each_policy(found: list[Aged]) -> None:
    for histogram in histograms(found, KINDS):
        if histogram.policy is not None:
            own = [task for task in found if histogram.policy in task.policies]
            assert histogram.total == len(own)
            assert set(histogram.counts) == {task.kind for task in own}
    assert {each.policy for each in histograms(found, KINDS)} - {None} <= {
        name for task in found for name in task.policies
    }


@given(tasks)
def test_the_order_of_tasks_does_not_matter(found: list[Aged]) -> None:
    assert histograms(found, KINDS) == histograms(found[::-1], KINDS)
