"""Widths and ages, the small pieces of every text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from reconciler.reports.ages import age, age_of, duration
from reconciler.reports.cells import clipped, table, width


@pytest.mark.parametrize(
    "text", ["", "plain", "汉字", "\uff57\uff49de", "e\u0301", "mixed 汉字 text", "한국어", "…", "é"]
)
def test_widths_are_those_of_a_terminal(text: str) -> None:
    assert width(text) == cell_len(text)


@given(st.text(), st.integers(1, 50))
def test_clipped_text_fits(text: str, limit: int) -> None:
    cut = clipped(text, limit)
    assert width(cut) <= limit
    assert cut == text or cut.endswith("…")


def test_columns_are_aligned() -> None:
    assert table([("汉字", "1"), ("a", "100")], numbers_from=1) == ["汉字    1", "a     100"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (59, "59s"), (60, "1m"), (3_661, "1h 1m"), (86_400, "1d"), (90_061, "1d 1h"), (86_460, "1d")],
)
def test_durations(seconds: int, text: str) -> None:
    assert duration(seconds) == text


def test_ages() -> None:
    assert age(100, 160) == "1m ago"
    assert age(160, 100) == "in 1m"
    assert age_of("2026-01-01T00:00:00Z", 1_767_225_660) == "1m ago"
    assert age_of("2026-01-01T08:00:00+08:00", 1_767_225_660) == "1m ago"
    assert age_of("2026-01-01T00:00:00", 60) is None
    assert age_of("soon", 60) is None
    assert age_of(12, 60) is None
