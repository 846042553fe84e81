"""The front door: a session, and its blocking short forms, against local clouds."""

import asyncio
import json
import re
import subprocess
import sys
import threading
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

import reconciler
from reconciler import Approval, Outcome, Plan, Result, Session
from reconciler.backends.entries import RunStart
from reconciler.backends.journal import Journal
from reconciler.backends.leases import Lease, acquire
from reconciler.engine.apply_run import ApplyOptions
from reconciler.engine.interruption import Interruption
from reconciler.engine.run_journal import RunJournal
from reconciler.exceptions import LockedError, RefusedError, StalePlanError, UsageError
from reconciler.providers.aliyun.client import AliyunClient
from reconciler.providers.huaweicloud.client import HuaweicloudClient
from reconciler.tasks.resource_type import Action
from tests.engine.cloud import change
from tests.faults.kinds import PROJECT, SNAPSHOT, configured
from tests.planning.world import task
from tests.terminal import GROUP, HEAD, Terminal

SNAPSHOTS = f"{{resource: {SNAPSHOT}, match: {{status: pending}}, ensure: absent}}"
UPLOADS = "{resource: aliyun.vod.url_upload, match: {status: pending}, ensure: absent}"
COUNT = 30
LOGIN = "    credentials: {iam_user: {env: U}, iam_password: {env: P}, iam_domain: {env: D}}\n"


@pytest.fixture(autouse=True)
def world(terminal: Terminal) -> None:
    terminal.write(configured(SNAPSHOTS, settings="concurrency: 1"))
    for number in range(COUNT):
        terminal.simulator.huaweicloud.add(SNAPSHOT, id=number + 1, created="1d")


def statuses(terminal: Terminal) -> set[str | None]:
    return {terminal.simulator.huaweicloud.status(SNAPSHOT, number + 1) for number in range(COUNT)}


def lists(terminal: Terminal) -> int:
    """Requests for the list of snapshots, readings by id not among them."""
    return sum(
        record.path.endswith("/thumbnails") and record.method == "GET" and "task_id" not in record.raw_query
        for record in terminal.simulator.requests
    )


# -- five lines -----------------------------------------------------------------------------------------------

SCRIPT = """
import reconciler
plan = reconciler.plan(".")
report = reconciler.apply(".", approval=reconciler.Approval.of_digest(plan.digest))
print(report.outcome, report.summary["done"])
"""


def test_five_lines_plan_and_apply(terminal: Terminal) -> None:
    words = [sys.executable, "-W", "error", "-c", SCRIPT]
    finished = subprocess.run(words, cwd=terminal.directory, capture_output=True, text=True, check=False)
    assert (finished.stdout, finished.stderr, finished.returncode) == (f"ok {COUNT}\n", "", 0)
    assert statuses(terminal) == {"CANCELED"}


def test_the_lease_is_held_meanwhile_and_given_back(terminal: Terminal) -> None:
    held: list[Any] = []

    def look(_: Result) -> None:
        with terminal.database() as rows:
            held.extend(rows.execute("select rate_group from leases where holder is not null and expires_at > 0"))

    reconciler.apply(approval=Approval.automatic(), options=ApplyOptions(on_result=look))
    assert held == [(GROUP,)] * COUNT
    with terminal.lock():
        pass


def test_a_lost_lease_ends_the_calls_so_the_fence_is_in_place(terminal: Terminal) -> None:
    """Whoever takes the account over raises the token of its fence; without a fence the calls would go on."""

    def take_over(_: Result) -> None:
        terminal.change_database("update leases set token = token + 1")

    report = reconciler.apply(approval=Approval.automatic(), options=ApplyOptions(on_result=take_over))
    assert report.summary["done"] + report.summary["not_attempted"] == COUNT
    assert report.summary["not_attempted"] > 0
    assert report.outcome == "error"
    assert "is no longer ours" in report.diagnostics[-1].message
    assert len(terminal.destructive()) == report.summary["done"]


def test_the_public_names_are_these() -> None:
    exceptions = ["BackendError", "InvalidConfiguration", "LockedError", "ReconcilerError"]
    exceptions += ["RefusedError", "StalePlanError", "UsageError"]
    values = ["ApplyOptions", "Approval", "Change", "Outcome", "Overrides", "Plan", "Report", "Result"]
    assert sorted(reconciler.__all__) == sorted([*exceptions, *values, "Session", "__version__", "apply", "plan"])
    assert all(getattr(reconciler, name) is not None for name in reconciler.__all__)
    with pytest.raises(AttributeError, match="nothing"):
        reconciler.nothing  # noqa: B018 - that is what is asked for


def test_the_package_alone_loads_nothing() -> None:
    script = "import sys, reconciler; print(sorted(name for name in sys.modules if name.startswith('reconciler')))"
    finished = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert finished.stdout == "['reconciler']\n"


# -- one client for each target -------------------------------------------------------------------------------
@pytest.mark.parametrize("saved", [False, True])
def test_a_run_logs_in_once_and_opens_one_client_for_each_target(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, saved: bool
) -> None:
    """For the account, what an earlier run left open, the listing, the calls and the readings."""
    for name, value in {"U": "simulator", "P": "simulator-password", "D": "simulator-domain"}.items():
        monkeypatch.setenv(name, value)
    head = HEAD.replace(f"    project_id: {PROJECT}\n", "") + LOGIN
    terminal.write(configured(SNAPSHOTS, UPLOADS, head=head))
    terminal.simulator.aliyun.add("aliyun.vod.url_upload", id="a1", created="1d", UploadURL="https://h/a1.mp4")
    assert terminal.run("plan", "--out", "plan.json").code == 0
    assert terminal.run("apply", "--auto-approve", "--target", "aliyun").code == 0
    with terminal.database() as rows, rows:  # what a killed run would leave open
        rows.execute(
            "insert into actions (run_id, target, resource, task_id, action, attempt, state, intent_at, rate_group) "
            "select run_id, 'huawei', ?, '1', 'cancel', 1, 'intent', 0, ? from runs",
            (SNAPSHOT, GROUP),
        )
    made: list[str] = []
    for client in (HuaweicloudClient, AliyunClient):
        real = client.__init__

        def counted(self: Any, target: Any, *, real: Any = real, **named: Any) -> None:  # noqa: ANN401 - handed on
            made.append(target.name)
            real(self, target, **named)

        monkeypatch.setattr(client, "__init__", counted)
    before = len(terminal.simulator.requests)
    words = ("--plan", "plan.json") if saved else ("--auto-approve",)
    finished = terminal.run("apply", *words, "--format", "json")
    assert "with 1 call under way: 0 took effect, 1 did not" in finished.err
    assert finished.json["summary"]["done"] == COUNT
    paths = [record.path for record in terminal.simulator.requests[before:]]
    assert [path for path in paths if path.startswith("/v3/")] == ["/v3/auth/tokens", "/v3/projects"]
    assert sorted(made) == ["aliyun", "huawei"]


async def test_what_was_listed_under_the_locks_is_not_listed_again(terminal: Terminal) -> None:
    async with Session.open(terminal.directory) as session, session.hold():
        plan = await session.plan()
        report = await session.apply(plan, Approval.of_digest(plan.digest))
        assert (len(plan.changes), report.outcome) == (COUNT, "ok")
        assert lists(terminal) == plan.scopes[0].requests


async def test_a_plan_made_without_the_locks_is_checked_again(terminal: Terminal) -> None:
    """Also one that was made while they were held, once they are given back, and one that was applied before."""
    async with Session.open(terminal.directory) as session:
        async with session.hold():
            plan = await session.plan()
        terminal.simulator.huaweicloud.set_status(SNAPSHOT, 1, "running")
        first, second = [(await session.apply(plan, Approval.automatic())).summary for _ in range(2)]
    assert (first["done"], first["missed"]) == (COUNT - 1, 1)
    assert (second["satisfied"], second["missed"]) == (COUNT - 1, 1)


def test_two_at_once_in_one_session_are_one_after_the_other(terminal: Terminal) -> None:
    async def run() -> list[dict[str, int]]:
        async with Session.open(terminal.directory) as session, session.hold():
            plan = await session.plan()
            both = await asyncio.gather(*(session.apply(plan, Approval.automatic()) for _ in range(2)))
            return [report.summary for report in both]

    assert [summary["done"] for summary in asyncio.run(run())] == [COUNT, 0]
    assert len(terminal.destructive()) == COUNT


# -- approval -------------------------------------------------------------------------------------------------
def test_what_is_not_approved_is_not_done(terminal: Terminal) -> None:
    seen: list[int] = []

    def ask(plan: Plan) -> bool:
        seen.append(plan.summary.changes)
        return False

    for approval in (Approval.asked(ask), Approval.of_digest("sha256:" + "0" * 64)):
        with pytest.raises(RefusedError):
            reconciler.apply(approval=approval)
    plan = reconciler.plan()
    with pytest.raises(RefusedError):
        reconciler.apply(plan=plan, approval=Approval.asked(ask))
    with pytest.raises(StalePlanError, match="approval was good until"):
        reconciler.apply(plan=plan, approval=Approval.of_digest(plan.digest, until=plan.created_at - 1))
    assert seen == [COUNT, COUNT]
    assert terminal.destructive() == []
    with terminal.lock():
        pass


@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning")
def test_nothing_but_true_is_a_yes(terminal: Terminal) -> None:
    async def no(_: Plan) -> bool:
        return False

    for ask in (no, lambda _: "no"):
        with pytest.raises(RefusedError):
            reconciler.apply(approval=Approval.asked(ask))  # type: ignore[arg-type]  # whoever does not check types
    assert terminal.destructive() == []


def test_a_clock_of_ones_own_plans_only(terminal: Terminal) -> None:
    async def run() -> None:
        async with Session.open(terminal.directory, now=4_102_444_800) as session:
            await session.apply(await session.plan(), Approval.automatic())

    with pytest.raises((UsageError, StalePlanError)):
        asyncio.run(run())
    assert terminal.destructive() == []


# -- locks ----------------------------------------------------------------------------------------------------
def two_clouds(terminal: Terminal) -> None:
    terminal.write(configured(SNAPSHOTS, UPLOADS))
    terminal.simulator.aliyun.add("aliyun.vod.url_upload", id="a1", created="1d", UploadURL="https://h/a1.mp4")


@pytest.mark.parametrize("saved", [False, True])
def test_a_target_that_is_locked_is_out_alone(terminal: Terminal, saved: bool) -> None:
    two_clouds(terminal)
    assert terminal.run("plan", "--out", "plan.json").code == 0
    words = ("--plan", "plan.json") if saved else ("--auto-approve",)
    with terminal.lock():
        finished = terminal.run("apply", *words, "--format", "json", "--report", "json=report.json")
    report = finished.json
    assert (finished.code, report["outcome"], report["causes"]) == (6, "locked", ["locked", "not_attempted"])
    assert report["locked"] == ["huawei"]
    assert {result["target"]: result["outcome"] for result in report["results"]} == {
        "aliyun": "done",
        "huawei": "not_attempted",
    }
    [why] = {result["detail"] for result in report["results"] if result["target"] == "huawei"}
    assert [note["target"] for note in report["diagnostics"] if note["message"] == why] == ["huawei"]
    assert "another apply holds huaweicloud/" in finished.err
    assert statuses(terminal) == {"WAITING"}
    shown = terminal.run("show", "report.json", "--format", "json")
    assert json.loads(shown.out) == report
    assert terminal.run("apply", *words).code == 0
    assert statuses(terminal) == {"CANCELED"}


def test_one_that_is_narrowed_does_not_mind_the_locks_of_the_others(terminal: Terminal) -> None:
    two_clouds(terminal)
    with terminal.lock():
        assert terminal.run("apply", "--auto-approve", "--target", "aliyun").code == 0
        assert terminal.run("apply", "--auto-approve", "--policy", "p2").code == 0
    assert {method for method, _, _ in terminal.destructive()} == {"POST"}


def test_where_all_are_locked_nothing_is_asked_of_the_clouds(terminal: Terminal) -> None:
    with terminal.lock(), pytest.raises(LockedError, match="another apply holds"):
        reconciler.apply(approval=Approval.automatic())
    assert terminal.simulator.requests == []


async def test_what_is_not_held_gets_no_call(terminal: Terminal) -> None:
    two_clouds(terminal)
    async with Session.open(terminal.directory) as session, session.hold(["aliyun"]):
        report = await session.apply(await session.plan(), Approval.automatic())
        found = [(result.target, result.outcome, result.detail) for result in report.results]
    assert found[0] == ("aliyun", Outcome.DONE, "")
    assert {*found[1:]} == {("huawei", Outcome.NOT_ATTEMPTED, "the lock of huawei was not taken")}


async def test_no_intent_is_written_for_an_account_that_is_not_locked(tmp_path: Path) -> None:
    groups = {"there": "cloud/locked", "here": "cloud/other"}
    with (
        Journal.open(f"sqlite:///{tmp_path}/other.db") as journal,
        acquire(journal.backend, {"cloud/locked": ["there"]}, heartbeat=False) as lease,
    ):
        run_id = journal.begin_run(RunStart("apply", "1", "sha256:0", "sha256:0"))
        of_run = RunJournal(journal, run_id, Interruption(), lease, groups)
        with of_run.listening(), pytest.raises(LockedError, match="the lock of here was not taken"):
            await of_run.intend(Action.CANCEL, [(change(task("1")), 1)])
        assert list(journal.open_intents(groups.values())) == []


def test_a_session_holds_its_locks_once(terminal: Terminal) -> None:
    async def run() -> None:
        async with Session.open(terminal.directory) as session, session.hold(), session.hold():
            pass

    with pytest.raises(UsageError, match="holds its locks already"):
        asyncio.run(run())
    with terminal.lock():
        pass


@pytest.mark.parametrize("when", ["it waits", "it has it", "the database is slow"])
def test_a_run_that_is_cut_off_while_it_takes_a_lock_keeps_none(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    """Also where the database is so slow that the run is over by then."""
    over, takers = threading.Event(), []

    async def run() -> None:
        task, loop = asyncio.current_task(), asyncio.get_running_loop()
        assert task is not None

        def cut_off(*words: Any, **named: Any) -> Lease:  # noqa: ANN401 - handed on
            taker = threading.current_thread()
            takers.append(taker)
            if when == "it has it":
                loop.call_soon_threadsafe(taker.join, 60)
            loop.call_soon_threadsafe(task.cancel)
            assert when != "the database is slow" or over.wait(60)
            return acquire(*words, **named)

        monkeypatch.setattr("reconciler.engine.hold.acquire", cut_off)
        async with Session.open(terminal.directory, lock_timeout=600) as session, session.hold():
            raise AssertionError("it was cut off before")

    if when == "the database is slow":
        monkeypatch.setattr("reconciler.engine.hold._PARTING", 0)
    with terminal.lock() if when == "it waits" else nullcontext(), pytest.raises(asyncio.CancelledError):
        asyncio.run(run())
    over.set()
    for taker in takers:
        taker.join(60)
    with terminal.lock():
        pass


# -- what the page says ---------------------------------------------------------------------------------------

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "python.md"
EXAMPLES = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
STAND_INS = """
import sys, types

def passing(*words, **named):
    return words[0] if words and callable(words[0]) else lambda function: function

sdk, dagster = types.ModuleType("airflow.sdk"), types.ModuleType("dagster")
sdk.dag = sdk.task = dagster.asset = passing
dagster.AssetExecutionContext = dagster.MaterializeResult = types.SimpleNamespace
dagster.Failure = RuntimeError
sys.modules |= {"airflow": types.ModuleType("airflow"), "airflow.sdk": sdk, "dagster": dagster}
"""
CALLED = (
    "",
    "",
    "import logging\nmedia_tasks(types.SimpleNamespace(log=logging.getLogger()))",
    "import asyncio\nasyncio.run(reconcile())",
)


@pytest.mark.parametrize(("example", "called"), [*zip(EXAMPLES, CALLED, strict=True)])
def test_the_examples_of_the_page_do_what_they_say(terminal: Terminal, example: str, called: str) -> None:
    """With stand-ins for the two orchestrators, which hand their functions on."""
    text = (
        (terminal.directory / "reconciler.yaml").read_text().replace("huawei:", "huawei-1:").replace(" p1:", " no-p:")
    )
    terminal.write(text)
    script = re.sub(r'"[/\w.-]*(policies|media-gitops)/?"', '"."', example)
    words = [sys.executable, "-c", f"{STAND_INS}\n{script}\n{called}"]
    finished = subprocess.run(words, cwd=terminal.directory, capture_output=True, text=True, check=False)
    assert (finished.stderr, finished.returncode) == ("", 0)
    assert statuses(terminal) == {"CANCELED"}
