"""Kinds of tasks to do harm to, and follow-up that doesn't keep a test waiting."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from reconciler.engine.apply_run import ApplyOptions
from reconciler.engine.batch import Patience
from reconciler.providers.transport.pacing import PaceBook
from reconciler.providers.transport.retries import READS, WRITES
from tests.faults.kinds import KINDS, Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.terminal import Terminal


@pytest.fixture(params=KINDS, ids=lambda kind: kind.resource)
def kind(request: pytest.FixtureRequest, terminal: Terminal) -> Kind:
    """A kind of task of each service, with three of them waiting and a policy that wants none."""
    found: Kind = request.param
    found.prepare(terminal)
    return found


@pytest.fixture(autouse=True)
def brisk(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Retries and follow-up that end within a second, for faults that do not go away."""
    patience = Patience(deadline=0.4, drain=0.4, first_pause=0.01, longest_pause=0.1)
    monkeypatch.setattr("reconciler.cli.apply.ApplyOptions", partial(ApplyOptions, patience=patience))
    monkeypatch.setattr("reconciler.providers.transport.caller.LEAST_PAUSE", 0.01)
    paces = PaceBook()  # a quota that one test used up is none of the next one's business
    for vendor in ("aliyun", "huaweicloud"):
        monkeypatch.setattr(f"reconciler.providers.{vendor}.gateway.PACES", paces)
    hasty = {"tries": 6, "deadline": 10.0, "first": 0.01}  # bounded by count: a busy machine changes nothing
    before = [(retries, name, getattr(retries, name)) for retries in (READS, WRITES) for name in hasty]
    for retries, name, _ in before:
        object.__setattr__(retries, name, hasty[name])
    yield
    for retries, name, value in before:
        object.__setattr__(retries, name, value)
