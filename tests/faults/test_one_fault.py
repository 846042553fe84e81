"""One fault, met by each of the five documented calls at once, and the end that is promised."""

from typing import Any, NamedTuple

import pytest

from reconciler.providers.transport.caller import READS
from tests.faults.kinds import KINDS, Kind, applied, calls_by_task, prepare
from tests.terminal import Terminal

ALWAYS = 0
ENOUGH = 1.0
"""Seconds that an answer is waited for where it hangs or is late: one that comes is not missed on a busy machine."""
HINT = 0.02
"""Seconds that the server asks to wait (Huawei Cloud says whole seconds, so none)."""
NOTHING = ("redirect", "html", "empty", "broken_json", "wrong_envelope")
"""Answers that come, and say nothing."""


class Case(NamedTuple):
    """`to` a call, a list or a reading: each of the `faults` (a number is an HTTP status), so many times.

    `ends` is the outcome, or `error` where the scope fails; `says` the meaning or the code of the error.
    `effect`: the call has had it, whatever is answered.
    """

    to: str
    faults: tuple[str, ...]
    ends: str
    times: int = 1
    says: str = ""
    effect: bool = False
    rule: dict[str, Any] = {}  # noqa: RUF012 - never changed


CASES = {
    "Calls throttled": Case("call", ("throttle",), "done", 2),
    "Lists throttled": Case("list", ("throttle",), "done"),
    "Readings throttled": Case("read", ("throttle",), "done", 2),
    "Calls throttled without end": Case("call", ("throttle",), "failed", ALWAYS),
    "A wait beyond the deadline": Case("call", ("throttle",), "failed", ALWAYS, rule={"retry_after": 3600}),
    "Lists throttled without end": Case("list", ("throttle",), "error", ALWAYS),
    "5xx to a list": Case("list", ("500", "503"), "done", 2),
    "5xx to every list": Case("list", ("503",), "error", ALWAYS),
    "5xx to a reading": Case("read", ("503",), "done", 3),
    "5xx to every reading": Case("read", ("503",), "unknown", ALWAYS, "unavailable"),
    "5xx to a call, without effect": Case("call", ("500", "503"), "done"),
    "5xx to a call, with effect": Case("call", ("500", "503"), "done", ALWAYS, effect=True),
    "Nothing said to a list": Case("list", (*NOTHING, "truncated"), "error", ALWAYS),
    "Nothing said to a call, without effect": Case("call", NOTHING, "done"),
    "Nothing said to a call, with effect": Case(
        "call", (*NOTHING, "truncated", "lost_answer"), "done", ALWAYS, effect=True
    ),
    "Nothing said to any call": Case("call", NOTHING, "unknown", ALWAYS),
    "Nothing said to a reading": Case("read", (*NOTHING, "truncated"), "done"),
    "Nothing said to any reading": Case("read", (*NOTHING, "truncated"), "unknown", ALWAYS),
    "A list hangs": Case("list", ("hang",), "done"),
    "Every list hangs": Case("list", ("hang",), "error", ALWAYS, "no answer in time"),
    "A call hangs": Case("call", ("hang",), "done"),
    "Every call hangs": Case("call", ("hang",), "unknown", ALWAYS, "lost"),
    "Every reading hangs": Case("read", ("hang",), "unknown", ALWAYS),
    "Slow answers": Case("list", ("latency",), "done", ALWAYS, rule={"seconds": ENOUGH / 10}),
    "Slow answers to calls": Case("call", ("latency",), "done", ALWAYS, rule={"seconds": ENOUGH / 10}),
    "An answer given up, and the effect later": Case("call", ("latency",), "done", rule={"seconds": 2 * ENOUGH}),
    "Connection reset before the effect": Case("call", ("reset",), "done"),
    "Connection reset before every effect": Case("call", ("reset",), "unknown", ALWAYS, "lost"),
    "Connection reset while reading": Case("read", ("reset",), "done", 2),
    "No right to call": Case("call", ("permission",), "failed", ALWAYS, "permission"),
    "No right to read any more": Case("read", ("permission",), "unknown", ALWAYS, "permission"),
    "A task that is gone already": Case("call", ("disappear",), "satisfied", ALWAYS),
    "A task that somebody else canceled": Case("call", ("cancel_task",), "satisfied", ALWAYS),
    "A task that started meanwhile": Case("call", ("start_task",), "missed", ALWAYS),
    "A task that ended meanwhile": Case("call", ("finish_task",), "missed", ALWAYS),
}
OF_WAITING_TASKS = {"cancel_task", "start_task", "finish_task"}


@pytest.mark.parametrize(("name", "fault"), [(name, fault) for name, case in CASES.items() for fault in case.faults])
def test_it_ends_as_promised(terminal: Terminal, monkeypatch: pytest.MonkeyPatch, name: str, fault: str) -> None:
    case = CASES[name]
    kinds = [kind for kind in KINDS if not (kind.deletes and fault in OF_WAITING_TASKS)]
    prepare(terminal, *kinds)
    for kind in kinds:
        if case.effect and fault not in {"truncated", "lost_answer"}:
            kind.fail(terminal, "call", fault="disappear" if kind.deletes else "cancel_task", times=ALWAYS)
        kind.fail(terminal, case.to, times=case.times, **{**_rule(kind, fault), **case.rule})
    if fault in {"hang", "latency"}:
        endless = case.to != "call" and not case.times
        if endless:  # fewer readings, which the conftest takes back, rather than less time for the calls
            object.__setattr__(READS, "tries", 2)
        monkeypatch.setattr("reconciler.providers.transport.wire.TOTAL_SECONDS", ENOUGH / 2 if endless else ENOUGH)
    if "retry_after" in case.rule:  # all are on their way before the first is refused, so that none waits for its turn
        monkeypatch.setattr("reconciler.providers.transport.pacing.AT_ONCE", 64)
    run = applied(terminal)
    if case.ends == "error":
        assert (run.code, terminal.destructive()) == (1, [])
        assert all((kind.throttled if fault == "throttle" else case.says) in run.text for kind in kinds)
        return
    assert (run.code, run.kinds) == (3 if case.ends in {"failed", "unknown"} else 0, {case.ends})
    sent = calls_by_task(terminal)
    for kind in kinds:
        _check(case, fault, kind.changed(terminal) == set(kind.ids), [sent[task_id] for task_id in kind.ids])
        for result in (run.results[task_id] for task_id in kind.ids):
            if case.ends == "failed" or case.says:
                assert (kind.throttled if fault == "throttle" else case.says) in result["error"].values()
            if case.ends == "unknown":
                assert result["now"] == (None if case.to == "read" else kind.before)
            if fault not in {"throttle", "latency"}:
                assert result["calls"] == len(sent[result["task_id"]])
                assert not kind.called_unread(terminal)


def _rule(kind: Kind, fault: str) -> dict[str, Any]:
    if fault == "throttle":
        return {"fault": fault, "code": kind.throttled, "retry_after": HINT}
    if fault == "permission":
        return {"fault": "status", **kind.permission}
    return {"fault": "status", "status": int(fault)} if fault.isdigit() else {"fault": fault}


def _check(case: Case, fault: str, changed: bool, sent: list[list[bool]]) -> None:
    """`sent`: the calls of each task, and whether it was the call that changed it."""
    if case.ends == "done" and not case.effect:
        assert changed
        assert all(calls.count(True) == 1 for calls in sent), "one effect"
        assert all(calls[-1] for calls in sent) or fault == "latency", "and nothing after it"
        assert max(map(len, sent)) > 1 or fault == "latency" or not (case.to == "call" and case.times), "made again"
    elif case.ends in {"done", "satisfied", "missed"} or case.to == "read":
        assert all(len(calls) == 1 for calls in sent), "called once"
        assert changed == (case.ends != "missed")
    else:
        assert not changed
        assert all(len(calls) <= 3 for calls in sent) or fault == "throttle"
