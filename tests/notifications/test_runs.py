"""What is told of runs one after the other, as cron begins them: what is new, what is over, and each once."""

import hashlib
import hmac
import json

import jsonschema
import pytest

from reconciler.daemon.cycle import Cycle, Job
from reconciler.daemon.daemon import Daemon
from reconciler.provider.loopback import Reply
from tests.notifications.conftest import KIND, POLICY, SECRET, Hook, notify
from tests.terminal import HEAD, Terminal


def add(terminal: Terminal, *ids: int) -> None:
    for number in ids:
        terminal.simulator.huaweicloud.add(KIND, id=number, created="1d", input={"bucket": "b", "object": f"o{number}"})


def apply(terminal: Terminal, *words: str, code: int = 0) -> str:
    finished = terminal.run("apply", "--auto-approve", *words)
    assert finished.code == code, finished
    return finished.err


def test_changes_are_told_in_a_signed_document(told: Terminal, hook: Hook) -> None:
    add(told, 1, 2)
    apply(told)
    (request,) = hook.requests
    digest = hmac.new(SECRET.encode(), request.body, hashlib.sha256).hexdigest()
    assert request.header("x-reconciler-signature") == f"sha256={digest}"
    assert (request.method, request.header("content-type")) == ("POST", "application/json")
    (message,) = hook.got
    schema = json.loads(told.run("schema", "--of", "notification").out)
    jsonschema.validate(message, schema)
    work = {"target": "huawei", "resource": KIND, "policy": "none-waits", "steps": ["cancel"], "count": 2, "made": True}
    assert (message["events"], message["changes"], message["outcome"]) == (["changes"], [work], "ok")
    assert f"changes: cancel 2 of {KIND} on huawei (policy none-waits)" in message["lines"]


def test_a_run_without_anything_new_tells_nothing(told: Terminal, hook: Hook) -> None:
    add(told, 1)
    for _ in range(3):
        apply(told)
    assert hook.events == [["changes"]]


def test_a_failure_is_told_once_and_its_end_once(told: Terminal, hook: Hook) -> None:
    fault = told.simulator.faults.add("status", method="GET", status=403, times=0)
    for _ in range(3):
        apply(told, code=1)
    told.simulator.faults.clear()
    for _ in range(2):
        apply(told)
    assert hook.events == [["failed"], ["recovered"]], fault
    problem, recovery = hook.got[0]["problems"], hook.got[1]["recovered"]
    assert [(one["matter"], one["target"], one["resource"], one["new"]) for one in problem] == [
        ("listing", "huawei", KIND, True)
    ]
    assert [(one["event"], one["matter"], one["target"]) for one in recovery] == [("failed", "listing", "huawei")]


def test_what_was_told_is_repeated_as_such_beside_what_is_new(told: Terminal, hook: Hook) -> None:
    add(told, 1, 2, 3)
    few = POLICY.replace("max_percent: 100", "max_actions: 1, max_percent: 100")
    told.write(HEAD + notify() + few)
    apply(told, code=4)
    assert hook.events == [["refused", "above"]]
    told.write(HEAD + notify() + few.replace("limits: {", "limits: {on_excess: defer, "))
    apply(told)
    assert hook.events[1:] == [["changes", "recovered"]]
    assert [one["new"] for one in hook.got[1]["problems"]] == [False]
    apply(told)
    assert hook.events[2:] == [["changes", "recovered"]]
    assert [one["event"] for one in hook.got[2]["recovered"]] == ["above"]


def test_a_narrower_run_recovers_nothing_that_it_does_not_look_at(told: Terminal, hook: Hook) -> None:
    more = POLICY + POLICY.replace("policies:", "").replace("none-waits", "none-ever").replace("pending", "failed")
    told.write(HEAD + notify() + more)
    add(told, 1, 2, 3)
    told.simulator.faults.add("status", method="DELETE", status=403, times=0)
    apply(told, code=3)
    assert hook.events == [["failed", "above"]]
    told.simulator.faults.clear()
    apply(told, "--policy", "none-ever")
    assert hook.events[1:] == []
    apply(told, "--task", "1")
    assert hook.events[1:] == [["changes"]]
    apply(told)
    assert hook.events[2:] == [["changes", "recovered"]]


def test_what_could_not_be_told_is_told_by_the_next_run(told: Terminal, hook: Hook) -> None:
    add(told, 1)
    hook.replies = [Reply(404)]
    err = apply(told, "--report", "json=r.json")
    warning = "notification ops: not sent: HTTP 404: it refused the message"
    assert f"Warning: {warning}\n" in err
    report = json.loads((told.directory / "r.json").read_text())
    assert warning in [note["message"] for note in report["diagnostics"]]
    told.simulator.faults.add("status", method="GET", status=403, times=0)
    hook.replies = [Reply(400)]
    apply(told, code=1)
    apply(told, code=1)
    assert hook.events == [["changes"], ["failed"], ["failed"]]


def test_what_is_told_again_is_known_by_its_id(told: Terminal, hook: Hook) -> None:
    """An answer is lost, say: it may have arrived. The same at another time is another message."""
    fault = told.simulator.faults.add("status", method="GET", status=403, times=0)
    hook.replies = [Reply(400), Reply(400)]
    for _ in range(3):
        apply(told, code=1)
    told.simulator.faults.clear()
    hook.replies = [Reply(400)]
    for _ in range(2):
        apply(told)
    told.simulator.faults.add("status", method="GET", status=403, times=0)
    apply(told, code=1)
    ids = [message["id"] for message in hook.got]
    assert hook.events == [["failed"]] * 3 + [["recovered"]] * 2 + [["failed"]], fault
    assert (len({*ids[:3]}), len({*ids[3:5]}), len({*ids})) == (1, 1, 3)


def test_a_run_that_cannot_begin_is_told_as_far_as_the_settings_are_known(told: Terminal, hook: Hook) -> None:
    apply(told)
    told.write(HEAD + notify() + POLICY.replace("ensure: absent", "ensure: none"))
    for _ in range(2):
        apply(told, code=65)
    assert hook.events == [["failed"]]
    (problem,) = hook.got[0]["problems"]
    assert problem["matter"] == "configuration"
    assert "reconciler.yaml:" in problem["message"]
    assert (hook.got[0]["outcome"], hook.got[0]["run_id"]) == ("invalid", None)
    told.write(HEAD + notify() + POLICY)
    apply(told)
    assert hook.events[1:] == [["recovered"]]


def test_a_locked_account_is_told(told: Terminal, hook: Hook) -> None:
    apply(told)
    lease = told.lock()
    apply(told, code=6)
    lease.release()
    apply(told)
    assert hook.events == [["failed"], ["recovered"]]
    assert hook.got[0]["problems"][0]["matter"] == "lock"


def test_a_database_that_cannot_be_used_is_told_by_each_run(told: Terminal, hook: Hook) -> None:
    """Where it was told is written there."""
    told.write(HEAD + notify().replace("notify:", "backend: sqlite:///reconciler.yaml\n  notify:") + POLICY)
    for _ in range(2):
        apply(told, code=1)
    assert [one["problems"][0]["matter"] for one in hook.got] == ["database", "database"]


def test_a_saved_plan_is_told_whatever_was_told_before(told: Terminal, hook: Hook) -> None:
    add(told, 1)
    assert told.run("plan", "--out", "p.json").code == 0
    told.simulator.faults.add("status", method="DELETE", status=403, times=0)
    for _ in range(2):
        assert told.run("apply", "--plan", "p.json").code == 3
    assert hook.events == [["failed"], ["failed"]]


def test_a_receiver_hears_what_it_wants_to_hear(told: Terminal, hook: Hook) -> None:
    told.write(HEAD + notify(on=["refused"]) + POLICY)
    add(told, 1, 2, 3)
    apply(told)
    assert hook.events == []


def test_plan_tells_nobody(told: Terminal, hook: Hook) -> None:
    add(told, 1)
    assert told.run("plan").code == 0
    assert hook.requests == []


@pytest.mark.parametrize("words", [("apply",), ("apply", "--auto-approve", "--fail-on", "nothing")])
def test_a_wrong_command_line_tells_nobody(told: Terminal, hook: Hook, words: tuple[str, ...]) -> None:
    assert told.run(*words).code == 64
    assert hook.requests == []


def cycle(terminal: Terminal, *words: str, code: int = 0) -> str:
    finished = terminal.run("run", "--once", *words)
    assert finished.code == code, finished
    return finished.err


def test_cycles_tell_as_runs_do(told: Terminal, hook: Hook) -> None:
    add(told, 1)
    for _ in range(2):
        cycle(told)
    told.simulator.faults.add("status", method="GET", status=403, times=0)
    for _ in range(2):
        cycle(told, code=1)
    told.simulator.faults.clear()
    cycle(told)
    assert hook.events == [["changes"], ["failed"], ["recovered"]]
    assert hook.got[0]["command"] == "run"


def test_cycles_that_only_plan_tell_what_would_be_done(told: Terminal, hook: Hook) -> None:
    add(told, 1)
    for _ in range(2):
        cycle(told, "--plan-only", code=2)
    add(told, 2)
    cycle(told, "--plan-only", code=2)
    assert hook.events == [["changes"], ["changes"]]
    assert [work["made"] for message in hook.got for work in message["changes"]] == [False, False]
    assert f"changes: would cancel 1 of {KIND} on huawei (policy none-waits)" in hook.got[0]["lines"]


def test_a_cycle_of_a_configuration_that_cannot_be_used_is_told(told: Terminal, hook: Hook) -> None:
    cycle(told)
    told.write(HEAD + notify() + POLICY.replace("ensure: absent", "ensure: none"))
    cycle(told, code=65)
    assert [message["problems"][0]["matter"] for message in hook.got] == ["configuration"]


async def test_a_daemon_that_goes_on_with_the_last_good_configuration_tells_it_once(told: Terminal, hook: Hook) -> None:
    seen: list[str] = []

    def after(cycle: Cycle) -> None:
        seen.append(cycle.outdated)
        broken = POLICY.replace("ensure: absent", "ensure: none")
        told.write(HEAD + notify() + (broken if len(seen) < 3 else POLICY))
        if len(seen) == 4:
            daemon.interruption.ask()

    daemon = Daemon(Job((told.directory,)), Soon(), on_cycle=after)
    await daemon.run()
    assert list(map(bool, seen)) == [False, True, True, False]
    assert hook.events == [["failed"], ["recovered"]]


class Soon:
    """A schedule without pauses."""

    def begin(self, now: float) -> float:
        return now

    def after(self, now: float) -> float:
        return now


def test_what_was_told_and_cannot_be_read_is_told_again(told: Terminal, hook: Hook) -> None:
    """Whoever wrote into the database: nobody is silenced by that."""
    told.simulator.faults.add("status", method="GET", status=403, times=0)
    apply(told, code=1)
    told.change_database("UPDATE notices SET matter = 'nothing'")
    assert "notification ops: what it was told before is not known: the journal is corrupt" in apply(told, code=1)
    assert hook.events == [["failed"], ["failed"]]


def test_a_policy_that_does_not_act_has_not_recovered(told: Terminal, hook: Hook) -> None:
    """Outside its window, say, no guard refuses it, and no call of it fails."""
    add(told, 1, 2, 3)
    few = POLICY.replace("max_percent: 100", "max_actions: 1, max_percent: 100").replace("    notify_above: 2\n", "")
    told.write(HEAD + notify() + few)
    apply(told, code=4)
    for more in ("    mode: report\n", "    suspend: true\n"):
        told.write(HEAD + notify() + few + more)
        apply(told)
    told.write(HEAD + notify() + few)
    apply(told, code=4)
    assert hook.events == [["refused"]]
    apply(told, "--max-actions", "3")
    assert hook.events[1:] == [["changes", "recovered"]]
