"""Answers that are errors, or no answers at all: to lists, to calls and to the readings that follow them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.faults.kinds import applied, calls_by_task

if TYPE_CHECKING:
    from tests.faults.kinds import Kind
    from tests.terminal import Terminal

BROKEN = ["redirect", "html", "empty", "broken_json", "wrong_envelope"]
"""Answers that come, and say nothing."""

ERRORS = [500, 503]


# -- server errors -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ERRORS)
def test_a_listing_is_repeated_after_a_server_error(terminal: Terminal, kind: Kind, status: int) -> None:
    terminal.simulator.faults.add("status", **kind.read, status=status, times=2)
    run = applied(terminal)
    assert (run.code, run.kinds) == (0, {"done"})


def test_server_errors_for_good_fail_the_scope(terminal: Terminal, kind: Kind) -> None:
    terminal.simulator.faults.add("status", **kind.read, status=503, times=0)
    assert applied(terminal).code == 1
    assert terminal.destructive() == []


def test_a_reading_is_repeated_after_a_server_error(terminal: Terminal, kind: Kind) -> None:
    kind.fail_reads(terminal, "status", status=503, times=3)
    run = applied(terminal)
    assert (run.code, run.kinds) == (0, {"done"})


def test_server_errors_to_every_reading_are_unknown_and_not_done(terminal: Terminal, kind: Kind) -> None:
    kind.fail_reads(terminal, "status", status=503, times=0)
    run = applied(terminal)
    assert (run.code, run.kinds) == (3, {"unknown"})
    assert {result["now"] for result in run.results.values()} == {None}
    assert {result["error"]["meaning"] for result in run.results.values()} == {"unavailable"}
    assert all(len(calls) == 1 for calls in calls_by_task(terminal).values()), "nothing is called again unread"


@pytest.mark.parametrize("status", ERRORS)
def test_a_server_error_to_a_call_without_effect_is_followed_by_another(
    terminal: Terminal, kind: Kind, status: int
) -> None:
    terminal.simulator.faults.add("status", **kind.cancel, status=status)
    run = applied(terminal)
    assert (run.code, run.kinds) == (0, {"done"})
    assert kind.canceled(terminal) == set(kind.ids)


@pytest.mark.parametrize("status", ERRORS)
def test_a_server_error_to_a_call_with_effect_is_done_and_not_sent_again(
    terminal: Terminal, kind: Kind, status: int
) -> None:
    terminal.simulator.faults.add("cancel_task", **kind.cancel, times=0)
    terminal.simulator.faults.add("status", **kind.cancel, status=status, times=0)
    run = applied(terminal)
    assert (run.code, run.kinds) == (0, {"done"})
    assert all(len(calls) == 1 for calls in calls_by_task(terminal).values())


# -- answers that say nothing --------------------------------------------------------------------------------


@pytest.mark.parametrize("broken", BROKEN)
def test_a_listing_that_says_nothing_fails_the_scope(terminal: Terminal, kind: Kind, broken: str) -> None:
    terminal.simulator.faults.add(broken, **kind.read, times=0)
    assert applied(terminal).code == 1
    assert terminal.destructive() == []


@pytest.mark.parametrize("broken", BROKEN)
def test_a_call_whose_answer_says_nothing_and_had_no_effect_is_made_again(
    terminal: Terminal, kind: Kind, broken: str
) -> None:
    terminal.simulator.faults.add(broken, **kind.cancel)
    run = applied(terminal)
    assert (run.code, run.kinds) == (0, {"done"})
    assert kind.canceled(terminal) == set(kind.ids)
    assert all(calls.count(True) == 1 and calls[-1] for calls in calls_by_task(terminal).values())


@pytest.mark.parametrize("broken", [*BROKEN, "truncated", "lost_answer"])
def test_a_call_whose_answer_says_nothing_and_had_its_effect_is_done_and_not_made_again(
    terminal: Terminal, kind: Kind, broken: str
) -> None:
    if broken in BROKEN:
        terminal.simulator.faults.add("cancel_task", **kind.cancel, times=0)
    terminal.simulator.faults.add(broken, **kind.cancel, times=0)
    run = applied(terminal)
    assert (run.code, run.kinds) == (0, {"done"})
    assert all(len(calls) == 1 for calls in calls_by_task(terminal).values())


@pytest.mark.parametrize("broken", BROKEN)
def test_calls_that_are_never_answered_are_unknown(terminal: Terminal, kind: Kind, broken: str) -> None:
    terminal.simulator.faults.add(broken, **kind.cancel, times=0)
    run = applied(terminal)
    assert (run.code, run.kinds) == (3, {"unknown"})
    assert {len(calls) for calls in calls_by_task(terminal).values()} <= {1, 2, 3}
    assert kind.canceled(terminal) == set()


@pytest.mark.parametrize("broken", [*BROKEN, "truncated"])
def test_a_reading_that_says_nothing_is_repeated(terminal: Terminal, kind: Kind, broken: str) -> None:
    kind.fail_reads(terminal, broken, times=1)
    run = applied(terminal)
    assert (run.code, run.kinds) == (0, {"done"})


@pytest.mark.parametrize("broken", [*BROKEN, "truncated"])
def test_readings_that_never_say_anything_are_unknown_and_never_gone(
    terminal: Terminal, kind: Kind, broken: str
) -> None:
    kind.fail_reads(terminal, broken, times=0)
    run = applied(terminal)
    assert (run.code, run.kinds) == (3, {"unknown"})
    assert {result["now"] for result in run.results.values()} == {None}
    assert all(len(calls) == 1 for calls in calls_by_task(terminal).values())
