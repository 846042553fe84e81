"""The benchmarks: each can be run at a small size. What they measure is no matter of pass or fail."""

from importlib import import_module
from inspect import signature

import pytest

from benchmarks.__main__ import NAMES


@pytest.mark.parametrize("name", NAMES)
def test_each_has_a_small_size(name: str) -> None:
    module = import_module(f"benchmarks.{name}")
    signature(module.tables).bind(1, **module.SMALL)
