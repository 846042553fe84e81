"""Quotas: a refusal because of one had no effect, is recognised by each vendor's own code, and is waited out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.faults.kinds import applied, calls_by_task

if TYPE_CHECKING:
    from tests.faults.kinds import Kind
    from tests.terminal import Terminal

HINT = 0.02
"""Seconds that the server asks to wait (Huawei Cloud says whole seconds, so none)."""


def test_throttled_calls_are_waited_out(terminal: Terminal, kind: Kind) -> None:
    terminal.simulator.faults.add("throttle", **kind.cancel, code=kind.throttled, times=2, retry_after=HINT)
    run = applied(terminal)
    assert (run.code, run.kinds) == (0, {"done"})
    assert kind.canceled(terminal) == set(kind.ids)
    assert all(calls.count(True) == 1 for calls in calls_by_task(terminal).values())


def test_throttled_listings_and_readings_are_waited_out(terminal: Terminal, kind: Kind) -> None:
    terminal.simulator.faults.add("throttle", **kind.read, code=kind.throttled, times=1, retry_after=HINT)
    kind.fail_reads(terminal, "throttle", times=2, code=kind.throttled, retry_after=HINT)
    run = applied(terminal)
    assert (run.code, run.kinds) == (0, {"done"})


def test_throttled_for_good_is_failed_and_changes_nothing(terminal: Terminal, kind: Kind) -> None:
    terminal.simulator.faults.add("throttle", **kind.cancel, code=kind.throttled, times=0, retry_after=HINT)
    run = applied(terminal)
    assert (run.code, run.kinds) == (3, {"failed"})
    assert {result["error"]["code"] for result in run.results.values()} == {kind.throttled}
    assert kind.canceled(terminal) == set()


def test_a_wait_longer_than_the_deadline_is_not_begun(terminal: Terminal, kind: Kind) -> None:
    terminal.simulator.faults.add("throttle", **kind.cancel, code=kind.throttled, times=0, retry_after=3600)
    run = applied(terminal)
    assert (run.code, run.kinds) == (3, {"failed"})


def test_a_listing_throttled_for_good_fails_its_scope(terminal: Terminal, kind: Kind) -> None:
    terminal.simulator.faults.add("throttle", **kind.read, code=kind.throttled, times=0, retry_after=HINT)
    run = applied(terminal)
    assert run.code == 1
    assert kind.throttled in run.text
    assert terminal.destructive() == []
