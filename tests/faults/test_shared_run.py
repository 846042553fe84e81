"""One run that many processes record: a unit whose execution was killed or frozen is executed again."""

import asyncio
import os
import signal
import subprocess
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reconciler import Approval, BackendError, LockedError, Report, Session, UsageError
from reconciler.backends.entries import RunPart
from reconciler.backends.history import History
from reconciler.cli.saved_file import saved_plan
from reconciler.engine.apply_run import ApplyOptions
from reconciler.engine.interruption import run
from reconciler.engine.shared_run import SharedRun, shared_run
from tests.faults.killed import execute
from tests.faults.kinds import KINDS, PACKAGING, SNAPSHOT, calls_by_task, configured, prepare
from tests.faults.test_killed import COUNT, IDS, NUMBERS, POINTS, PROGRAM
from tests.terminal import Terminal, wait_until

DATABASE = "sqlite:///.reconciler/history.db"


def planned(terminal: Terminal, *, resource: str = PACKAGING, ids: list[str] = IDS) -> None:
    """Make the plan of the run, of tasks each of which is to go."""
    match = "{input.bucket: legacy}" if resource == PACKAGING else "{status: pending}"
    policy = f"{{resource: {resource}, match: {match}, ensure: absent}}"
    terminal.write(configured(policy, settings="concurrency: 1"))
    for task_id in ids:
        terminal.simulator.huaweicloud.add(resource, id=task_id, created="1d", input={"bucket": "legacy"})
    assert terminal.run("plan", "--out", "plan.json").code == 0


def shared(work: Callable[[SharedRun], Awaitable[Report]]) -> Report:
    """The report of `work`, with which the run that it was given is finished."""

    async def recorded() -> Report:
        plan = saved_plan(Path("plan.json"))
        configuration = Session.open().configuration
        async with shared_run(configuration, plan, plan.changes, Approval.of_digest(plan.digest)) as this:
            report = await work(this)
            await this.finish(report)
            return report

    return run(recorded())


def begun(terminal: Terminal, when: str, name: str, number: int, this: SharedRun) -> subprocess.Popen[str]:
    return terminal.start(str(PROGRAM), when, name, str(number), this.run_id)


def states(terminal: Terminal) -> list[tuple[str, int]]:
    """How many calls are in each state."""
    with terminal.database() as rows:
        return rows.execute("select state, count(*) from actions group by state order by state").fetchall()


def check_written(report: Report, ids: list[str], states: set[str]) -> None:
    """The history has the one run, whole."""
    history = History.open(DATABASE)
    (written,) = history.runs()
    assert (written.run_id, written.command, written.approval) == (report.run_id, "apply", "digest")
    assert (written.outcome, written.summary) == (report.outcome, report.summary)
    assert written.planned is not None
    assert written.planned.changes == len(ids)
    assert [outcome.task_id for outcome in history.outcomes(report.run_id)] == ids
    assert {outcome.outcome for outcome in history.outcomes(report.run_id)} == {"done"}
    assert {call.state.value for call in history.actions(report.run_id)} <= states
    verdict = history.verify()
    assert (verdict.verified, verdict.covered, verdict.unfinished) == (True, 1, 0)


@pytest.mark.parametrize(
    ("when", "name", "number"), [(when, name, number) for when, name in POINTS for number in NUMBERS[name]]
)
def test_a_unit_whose_execution_was_killed_is_finished_by_the_next_one_at_once(
    terminal: Terminal, when: str, name: str, number: int
) -> None:
    """It does not wait for the lock of the dead one to expire, and what that has done is done by the run."""
    planned(terminal)

    async def work(this: SharedRun) -> Report:
        process = begun(terminal, when, name, number, this)
        _, err = process.communicate(timeout=60)
        assert process.returncode == -signal.SIGKILL, err
        return await execute(this.run_id)

    report = shared(work)
    assert (report.outcome, report.summary["done"]) == ("ok", COUNT)
    assert set(calls_by_task(terminal)) == {*IDS}
    for calls in calls_by_task(terminal).values():
        assert calls == [True, True], "one cancel and one deletion, each with its effect, and not one more"
    assert {result.task_id: result.calls for result in report.results} == dict.fromkeys(IDS, 2)
    check_written(report, IDS, {"done", "refused"})


def test_a_unit_that_was_executed_is_done_though_it_is_executed_again(terminal: Terminal) -> None:
    planned(terminal)

    async def work(this: SharedRun) -> Report:
        first, second = await execute(this.run_id), await execute(this.run_id)
        assert second.results == tuple(replace(done, started_ms=None, finished_ms=None) for done in first.results)
        return second

    report = shared(work)
    assert [*calls_by_task(terminal).values()] == [[True, True]] * COUNT
    check_written(report, IDS, {"done"})


def test_an_execution_that_was_frozen_does_no_more(terminal: Terminal) -> None:
    ids = [f"{number:02}" for number in range(1, 41)]
    planned(terminal, resource=SNAPSHOT, ids=ids)
    terminal.simulator.faults.add("latency", method="DELETE", nth=12, seconds=5.0)

    async def work(this: SharedRun) -> Report:
        process = begun(terminal, "before", "read", 1000, this)
        # Not in the middle of a commit, which would lock the file: one call is under way, the next has its intent.
        quiet = [("done", 11), ("intent", 2)]
        await asyncio.to_thread(wait_until, lambda: states(terminal) == quiet, process)
        os.kill(process.pid, signal.SIGSTOP)
        try:
            report = await execute(this.run_id)
        finally:
            os.kill(process.pid, signal.SIGCONT)
        out, err = process.communicate(timeout=60)
        assert (process.returncode, out, err) == (0, "", "")
        return report

    report = shared(work)
    assert report.summary["done"] == len(ids)
    calls = calls_by_task(terminal)
    assert all(of_task.count(True) == 1 for of_task in calls.values())
    twice = {task_id for task_id in ids if len(calls[task_id]) > 1}
    assert twice <= {"12", "13"}, "at most the calls whose intents were on disk"
    check_written(report, ids, {"done", "refused"})


def test_a_call_that_the_cloud_has_refused_is_made_by_the_next_execution(terminal: Terminal) -> None:
    """Its attempts go on where the journal stands."""
    planned(terminal, resource=SNAPSHOT)
    refused = {"status": 403, "body": {"error_code": "APIGW.0302", "error_msg": "not allowed"}}
    terminal.simulator.faults.add("status", method="DELETE", times=2, **refused)

    async def work(this: SharedRun) -> Report:
        first, second = await execute(this.run_id), await execute(this.run_id)
        assert first.summary["failed"] == 2
        return second

    report = shared(work)
    assert sorted(result.calls for result in report.results) == [1] * (COUNT - 2) + [2] * 2
    check_written(report, IDS, {"done", "refused"})


def test_a_run_that_is_told_to_stop_sends_nothing_new(terminal: Terminal) -> None:
    """Its parts learn of it with the heartbeat of their locks, which this test hastens."""
    ids = [f"{number:02}" for number in range(1, 41)]
    planned(terminal, resource=SNAPSHOT, ids=ids)

    async def work(this: SharedRun) -> Report:
        held: list[Any] = []

        def stop(_: object) -> None:
            terminal.change_database("update runs set stop_asked_at = 1")
            held[0].lease.renew()

        plan = saved_plan(Path("plan.json"))
        async with Session.open(on_held=held.append) as session:
            options = ApplyOptions(on_result=stop, stop_on_error=True)
            return await session.apply(plan, Approval.automatic(), options, part=this.part("all"))

    report = shared(work)
    assert report.interrupted is None
    assert report.outcome == "partial"
    assert report.summary["done"] == len(terminal.destructive())
    left = [result for result in report.results if result.outcome == "not_attempted"]
    assert len(left) == len(ids) - report.summary["done"] > 0
    assert {result.detail for result in left} == {"the run was told to stop first"}


def test_units_share_the_plan_and_each_reports_on_its_own(terminal: Terminal) -> None:
    """Whoever executes one is given the whole plan, which is what was approved, and leaves the rest to others."""
    prepare(terminal, *KINDS)
    assert terminal.run("plan", "--out", "plan.json").code == 0

    async def work(this: SharedRun) -> Report:
        plan, reports = saved_plan(Path("plan.json")), dict[str, Report]()
        for target in ("huawei", "aliyun"):
            async with Session.open(target=[target]) as session:
                approval = Approval.of_digest(plan.digest)
                reports[target] = await session.apply(plan, approval, part=this.part(target))
            assert {result.target for result in reports[target].results} == {target}
            assert (reports[target].outcome, reports[target].excluded, reports[target].diagnostics) == ("ok", 0, ())
        whole = (result for report in reports.values() for result in report.results)
        return replace(reports["huawei"], results=tuple(whole))

    report = shared(work)
    assert len(report.results) == report.summary["done"] == sum(len(kind.ids) for kind in KINDS)
    history = History.open(DATABASE)
    assert {outcome.outcome for outcome in history.outcomes(report.run_id)} == {"done"}
    assert len(history.outcomes(report.run_id)) == len(report.results)
    assert history.verify().verified


def test_another_unit_of_the_run_does_not_get_the_account(terminal: Terminal) -> None:
    planned(terminal)

    async def work(this: SharedRun) -> Report:
        async with Session.open() as session, session.hold(part=this.part("another")):
            with pytest.raises(LockedError, match="another apply holds"):
                await execute(this.run_id)
        return await execute(this.run_id)

    check_written(shared(work), IDS, {"done"})


def test_a_part_of_a_run_that_is_not_there_or_has_ended_is_refused(terminal: Terminal) -> None:
    planned(terminal)
    with pytest.raises(BackendError, match=r"there is no run 123 in this database"):
        run(execute("123"))
    ended = shared(lambda this: execute(this.run_id))
    sent = len(terminal.destructive())
    with pytest.raises(BackendError, match=f"run {ended.run_id} has ended"):
        run(execute(ended.run_id))
    assert len(terminal.destructive()) == sent


def test_a_run_whose_coordinator_leaves_it_is_told_to_stop(terminal: Terminal) -> None:
    planned(terminal)

    async def left(this: SharedRun) -> Report:
        raise ValueError(this.run_id)

    with pytest.raises(ValueError, match=r"^[0-9a-f]{32}$") as error:
        shared(left)
    with pytest.raises(BackendError, match="was told to stop"):
        run(execute(str(error.value)))
    assert terminal.destructive() == []


def test_a_part_is_of_a_plan_and_of_no_locks_that_are_held_already(terminal: Terminal) -> None:
    planned(terminal)

    async def held() -> None:
        async with Session.open() as session:
            with pytest.raises(UsageError, match="a plan that was made before"):
                await session.apply(None, Approval.automatic(), part=RunPart("1", "all"))
            async with session.hold():
                with pytest.raises(UsageError, match="takes its locks itself"):
                    await session.apply(await session.plan(), Approval.automatic(), part=RunPart("1", "all"))

    run(held())
