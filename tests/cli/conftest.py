"""Runs that do not keep a test waiting."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from reconciler.engine.apply_run import ApplyOptions
from reconciler.engine.batch import Patience
from reconciler.providers.transport.retries import READS

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Follow-up that gives up at once, for tasks that a test knows will never show an effect."""
    brief = Patience(deadline=0.0, drain=0.0, first_pause=0.0, longest_pause=0.0)
    monkeypatch.setattr("reconciler.cli.apply.ApplyOptions", partial(ApplyOptions, patience=brief))


@pytest.fixture(autouse=True)
def brief_retries() -> Iterator[None]:
    """Reads that fail for good do so within a second."""
    before = {name: getattr(READS, name) for name in ("deadline", "first")}
    for name, value in (("deadline", 0.5), ("first", 0.01)):
        object.__setattr__(READS, name, value)
    yield
    for name, value in before.items():
        object.__setattr__(READS, name, value)
