"""The benchmarks: each can be run at a small size. What they measure is no matter of pass or fail."""

from importlib import import_module
from inspect import signature

import pytest

from benchmarks.__main__ import NAMES
from benchmarks.pages import row, rows_of


@pytest.mark.parametrize("name", NAMES)
def test_each_has_a_small_size(name: str) -> None:
    module = import_module(f"benchmarks.{name}")
    signature(module.tables).bind(1, **module.SMALL)


@pytest.mark.parametrize("first", [0, 100, 2_500, 150_000, 987_600, 999_900])
def test_a_page_that_is_made_at_once_has_the_rows_that_are_made_one_by_one(first: int) -> None:
    assert rows_of(first, first + 100) == ",".join(map(row, range(first, first + 100)))
