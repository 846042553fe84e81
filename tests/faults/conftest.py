"""Kinds of tasks to do harm to, and follow-up that doesn't keep a test waiting."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

import pytest

from reconciler.engine.apply_run import ApplyOptions
from reconciler.engine.batch import Patience
from reconciler.engine.interruption import Interruption
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


class Pauses:
    """The clock of a follow-up: it moves with its pauses and with nothing else, so that a busy machine, which takes
    its time for a reading, has as many readings as any other."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        await asyncio.sleep(min(seconds, 0.01))


@pytest.fixture(autouse=True)
def brisk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pauses]:
    """Retries and follow-up that end soon, for faults that do not go away."""
    clock = Pauses()
    patience = Patience(deadline=0.4, first_pause=0.1, longest_pause=0.2)
    options = partial(ApplyOptions, patience=patience, monotonic=clock.monotonic)
    monkeypatch.setattr("reconciler.cli.apply.ApplyOptions", options)
    monkeypatch.setattr(Interruption, "sleep", clock.sleep)
    monkeypatch.setattr("reconciler.providers.transport.caller.LEAST_PAUSE", 0.01)
    paces = PaceBook()  # a quota that one test used up is none of the next one's business
    monkeypatch.setattr("reconciler.providers.gateway.PACES", paces)
    # Bounded by count: a busy machine changes nothing. The longest hint is longer than the deadline.
    hasty = {"tries": 6, "deadline": 100.0, "first": 0.01}
    before = [(retries, name, getattr(retries, name)) for retries in (READS, WRITES) for name in hasty]
    for retries, name, _ in before:
        object.__setattr__(retries, name, hasty[name])
    yield clock
    for retries, name, value in before:
        object.__setattr__(retries, name, value)
