"""Runs that do not keep a test waiting."""

from collections.abc import Iterator
from functools import partial

import pytest

from reconciler.engine.apply_run import ApplyOptions
from reconciler.engine.work import Patience
from reconciler.providers.transport.caller import READS


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Follow-up that gives up at once, for tasks that a test knows will never show an effect."""
    brief = Patience(deadline=0.0, drain=0.0, first_pause=0.0, longest_pause=0.0)
    monkeypatch.setattr("reconciler.cli.apply_flags.ApplyOptions", partial(ApplyOptions, patience=brief))


@pytest.fixture(autouse=True)
def brief_retries() -> Iterator[None]:
    """Reads that fail for good do so within a second: by the count of tries, so that a busy machine changes nothing."""
    brief = {"tries": 6, "deadline": 60.0, "first": 0.01}
    before = {name: getattr(READS, name) for name in brief}
    for name, value in brief.items():
        object.__setattr__(READS, name, value)
    yield
    for name, value in before.items():
        object.__setattr__(READS, name, value)
