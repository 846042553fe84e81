"""Follow-up that doesn't keep a test waiting."""

import asyncio
from collections.abc import Iterator
from contextvars import ContextVar
from functools import partial

import pytest

from reconciler.engine.apply_run import ApplyOptions
from reconciler.engine.interruption import Interruption
from reconciler.engine.work import Patience
from reconciler.providers.transport.caller import READS, WRITES
from reconciler.providers.transport.pacing import PaceBook


class Pauses:
    """The clock of a follow-up: it moves with its pauses and with nothing else, so that a busy machine, which takes
    its time for a reading, has as many readings as any other. Batches that go side by side have one each."""

    def __init__(self) -> None:
        self._now = ContextVar("now", default=0.0)

    def monotonic(self) -> float:
        return self._now.get()

    async def sleep(self, seconds: float) -> None:
        self._now.set(self._now.get() + seconds)
        await asyncio.sleep(min(seconds, 0.01))


@pytest.fixture(autouse=True)
def brisk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pauses]:
    """Retries and follow-up that end soon, for faults that do not go away."""
    clock = Pauses()
    patience = Patience(deadline=0.4, first_pause=0.1, longest_pause=0.2)
    options = partial(ApplyOptions, patience=patience, monotonic=clock.monotonic)
    monkeypatch.setattr("reconciler.cli.apply_flags.ApplyOptions", options)
    monkeypatch.setattr(Interruption, "sleep", clock.sleep)
    monkeypatch.setattr("reconciler.providers.transport.caller.LEAST_PAUSE", 0.01)
    paces = PaceBook()  # a quota that one test used up is none of the next one's business
    monkeypatch.setattr("reconciler.providers.client.PACES", paces)
    # Bounded by count: a busy machine changes nothing. The longest hint is longer than the deadline.
    hasty = {"tries": 6, "deadline": 100.0, "first": 0.01}
    before = [(retries, name, getattr(retries, name)) for retries in (READS, WRITES) for name in hasty]
    for retries, name, _ in before:
        object.__setattr__(retries, name, hasty[name])
    yield clock
    for retries, name, value in before:
        object.__setattr__(retries, name, value)
