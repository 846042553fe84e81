"""Past runs: listed, shown and forgotten, without network and credentials."""

import json
import os
import re
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing

import pytest

from reconciler.backends.connect import connect
from reconciler.backends.entries import ActionResult, ActionState, Intent, RunEnd, RunStart, TaskOutcome
from reconciler.backends.fencing import Fence, LeaseLost
from reconciler.backends.journal import Journal
from reconciler.backends.leases import Lease, acquire
from reconciler.tasks.observation import Fault, Meaning
from reconciler.tasks.resource_type import Action
from reconciler.tasks.task import TaskKey
from tests.pseudo_terminal import session
from tests.terminal import HEAD, Terminal

SNAPSHOT = "huaweicloud.mpc.snapshot"
POLICY = f"\npolicies:\n  p: {{resource: {SNAPSHOT}, match: {{status: pending}}, ensure: absent}}\n"
HOUR = 3_600_000
DAY = 24 * HOUR
DIGEST = "sha256:" + "0123456789abcdef" * 4


@pytest.fixture(autouse=True)
def configured(terminal: Terminal) -> None:
    terminal.write(HEAD + POLICY)


def key(task_id: str = "1", target: str = "huawei") -> TaskKey:
    return TaskKey(target, SNAPSHOT, task_id)


@pytest.fixture
def record(terminal: Terminal) -> Callable[..., str]:
    """Write runs as an apply does, `ago` milliseconds before now, and return the id of each."""
    now = time.time_ns() // 1_000_000

    def written(
        ago: int, outcome: str | None = "ok", code: int = 0, target: str = "huawei", *, settled: bool = True
    ) -> str:
        with Journal(connect("sqlite:///.reconciler/history.db"), clock=lambda: now - ago) as journal:
            run_id = journal.begin_run(RunStart("apply", "0.9.0", DIGEST, "sha256:f00"))
            intent = Intent(*key(target=target), Action.CANCEL)
            journal.intend(run_id, [intent], Fence(())).result()
            if settled:
                journal.record(run_id, [ActionResult(intent, ActionState.DONE)]).result()
                journal.record_outcomes(run_id, [TaskOutcome(*intent.key, "done", "pending", "canceled")]).result()
            if outcome is not None:
                journal.finish_run(run_id, RunEnd(outcome, code, {"done": 1, "missed": 0})).result()
        return run_id

    return written


@pytest.fixture
def three(record: Callable[..., str]) -> list[str]:
    """Runs of 3 days, 2 hours and 1 hour ago: done; partial on another target; killed."""
    return [record(3 * DAY), record(2 * HOUR, "partial", 3, "aliyun"), record(HOUR, None, settled=False)]


def listed(terminal: Terminal, *words: str) -> list[str]:
    finished = terminal.run("history", "--format", "json", *words)
    assert finished.code == 0, finished.err
    return [run["run_id"] for run in finished.json["runs"]]


def test_there_are_no_runs_yet(terminal: Terminal) -> None:
    finished = terminal.run("history")
    assert (finished.code, finished.out) == (0, "There are no runs yet.\n")
    assert terminal.run("history", "--format", "json").json["runs"] == []
    assert not (terminal.directory / ".reconciler").exists(), "looking makes no database"


def test_it_needs_neither_variables_nor_credentials_nor_network(
    terminal: Terminal, three: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("URL", "HUAWEICLOUD_SDK_AK", "HUAWEICLOUD_SDK_SK"):
        monkeypatch.delenv(name)
    assert listed(terminal) == three[::-1]
    assert terminal.simulator.requests == []


def test_what_apply_did_is_there_to_be_read(terminal: Terminal) -> None:
    terminal.simulator.huaweicloud.add(SNAPSHOT, id=1, created="1d")
    report = terminal.run("apply", "--auto-approve", "--format", "json").json
    (run,) = terminal.run("history", "--format", "json").json["runs"]
    assert (run["run_id"], run["plan_digest"]) == (report["run_id"], report["plan_digest"])
    assert (run["command"], run["outcome"], run["exit_code"], run["summary"]) == ("apply", "ok", 0, report["summary"])
    details = terminal.run("history", run["run_id"], "--format", "json").json
    (action,), (outcome,) = details["actions"], details["outcomes"]
    assert (action["id"], action["action"], action["attempt"]) == (f"huawei/{SNAPSHOT}/1", "cancel", 1)
    assert (action["state"], action["error"]) == ("done", None)
    assert (outcome["outcome"], outcome["before"], outcome["now"]) == ("done", "pending", "canceled")


HELD_BACK = """
policies:
  watched: {resource: huaweicloud.mpc.snapshot, match: {id: "1", status: pending}, ensure: absent, mode: report}
  refused:
    resource: huaweicloud.mpc.snapshot
    match: {id: ["2", "3"], status: pending}
    ensure: absent
    limits: {max_actions: 1}
  portions:
    resource: huaweicloud.mpc.snapshot
    match: {id: ["4", "5", "6"], status: pending}
    ensure: absent
    limits: {max_actions: 1, on_excess: defer}
  others: {resource: huaweicloud.mpc.snapshot, match: {id: "9", status: pending}, ensure: absent}
"""
NOTHING = {"changes": 0, "refused": 0, "deferred": 0, "reported": 0}
WRITTEN = HEAD.count("\n") + 3
"""The line of the first policy."""


def test_what_the_plan_held_back_is_there_to_be_read(terminal: Terminal) -> None:
    """Of a run that plans, and of one of a saved plan, of which it leaves something out."""
    terminal.write(HEAD + HELD_BACK)
    for number in range(1, 10):
        terminal.simulator.huaweicloud.add(SNAPSHOT, id=number, created="1d")
    tasks = [word for number in range(1, 7) for word in ("--task", str(number))]
    terminal.run("plan", "--out", "plan.json")
    assert terminal.run("apply", *tasks, "--auto-approve").code == 4
    assert terminal.run("apply", "--plan", "plan.json", "--policy", "portions", "--auto-approve").code == 4
    saved, own = terminal.run("history", "--format", "json").json["runs"]
    policies = {
        "portions": {**NOTHING, "changes": 1, "deferred": 2, "source": f"reconciler.yaml:{WRITTEN + 6}:3"},
        "refused": {**NOTHING, "refused": 2, "source": f"reconciler.yaml:{WRITTEN + 1}:3"},
        "watched": {**NOTHING, "reported": 1, "source": f"reconciler.yaml:{WRITTEN}:3"},
    }
    for name in ("refused", "watched"):  # which the second run does not look at
        assert saved["planned"]["policies"][name].pop("source") == ""
        saved["planned"]["policies"][name]["source"] = policies[name]["source"]
    assert own["planned"] == saved["planned"] == {
        "changes": 1, "refused": 2, "deferred": 2, "reported": 1, "excluded": 1, "policies": policies,
    }  # fmt: skip
    assert "  1 done; 2 refused, 2 deferred, 1 reported, 1 left out  " in terminal.run("history").out
    text = terminal.run("history", own["run_id"]).out
    assert "Planned:        1 change; 2 refused, 2 deferred, 1 reported, 1 left out\n" in text
    rows = [line.split() for line in text.splitlines()]
    assert ["POLICY", "CHANGES", "REFUSED", "DEFERRED", "REPORTED", "SOURCE"] in rows
    assert ["portions", "1", "0", "2", "0", f"reconciler.yaml:{WRITTEN + 6}:3"] in rows


def test_who_made_a_change_why_and_how_it_was_approved(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a run in a CI job, by the digest of a plan: in the list, in the run and in the lines of its changes."""
    for name, value in {
        "GITLAB_CI": "true",
        "GITLAB_USER_LOGIN": "tanuki",
        "CI_JOB_URL": "https://gitlab.example.com/media/-/jobs/7",
        "CI_COMMIT_SHA": "c" * 40,
        "GITLAB_TOKEN": "s3cret",
    }.items():
        monkeypatch.setenv(name, value)
    terminal.simulator.huaweicloud.add(SNAPSHOT, id=1, created="1d")
    digest = terminal.run("plan", "--out", "plan.json", "--format", "json").json["digest"]
    assert terminal.run("apply", "--plan", "plan.json", "--approved-digest", digest).code == 0
    assert " tanuki " in terminal.run("history").out
    (run,) = terminal.run("history", "--format", "json").json["runs"]
    assert run["author"]["actor"] == "tanuki"
    text = terminal.run("history", run["run_id"]).out
    for told in ("tanuki, https://gitlab.example.com/media/-/jobs/7\n", "by the digest of the plan", "c" * 40):
        assert told in text
    (line,) = terminal.run("history", "--format", "jsonl").out.splitlines()
    change = json.loads(line)
    assert (change["format"], change["id"], change["outcome"]) == ("reconciler.change", f"huawei/{SNAPSHOT}/1", "done")
    assert (change["run_id"], change["plan_digest"], change["approval"]) == (run["run_id"], digest, "digest")
    assert (change["commit"], change["author"]["job"]) == ("c" * 40, "https://gitlab.example.com/media/-/jobs/7")
    assert change["policies"].keys() == {"p"}
    assert change["policies"]["p"].startswith("reconciler.yaml:")
    assert [(call["action"], call["state"]) for call in change["calls"]] == [("cancel", "done")]
    assert "s3cret" not in text + line


def exported(terminal: Terminal, *words: str) -> list[tuple[str, str, str | None]]:
    lines = map(json.loads, terminal.run("history", "--format", "jsonl", *words).out.splitlines())
    return [(line["target"], line["task_id"], line["outcome"]) for line in lines]


def test_changes_are_found_by_task_policy_target_and_outcome(terminal: Terminal) -> None:
    """Also those of a run that was killed, of which only the calls are known."""
    with Journal(connect("sqlite:///.reconciler/history.db")) as journal:
        for policy, ends in (("one", True), ("one-more", False)):
            run_id = journal.begin_run(RunStart("apply", "0.9.0", DIGEST, "sha256:f00"))
            intents = [Intent(*key(task, target), Action.CANCEL, policies=(policy, "zero"))
                       for task in ("1", "2") for target in ("huawei", "aliyun")]  # fmt: skip
            journal.intend(run_id, intents, Fence(())).result()
            if ends:
                outcomes = [TaskOutcome(*intent.key, "failed" if intent.task_id == "2" else "done", "pending",
                                        policies=intent.policies) for intent in intents]  # fmt: skip
                journal.record_outcomes(run_id, outcomes).result()
                journal.finish_run(run_id, RunEnd("partial", 3, {"done": 2, "failed": 2})).result()
    killed = [(target, task, None) for target in ("aliyun", "huawei") for task in ("1", "2")]
    ended = [
        (target, task, outcome) for target in ("aliyun", "huawei") for task, outcome in (("1", "done"), ("2", "failed"))
    ]
    assert exported(terminal) == [*killed, *ended]
    assert exported(terminal, "--limit", "1") == killed
    assert exported(terminal, "--policy", "one") == ended
    assert exported(terminal, "--policy", "zero", "--task", "2", "--target", "huawei") == [killed[3], ended[3]]
    assert exported(terminal, "--task", f"aliyun/{SNAPSHOT}/1") == [killed[0], ended[0]]
    assert exported(terminal, "--outcome", "failed") == [ended[1], ended[3]]
    assert exported(terminal, "--outcome", "unfinished") == killed
    assert exported(terminal, "--outcome", "partial", "--task", "1") == [ended[0], ended[2]]
    assert exported(terminal, "--task", "3") == []
    assert exported(terminal, "--until", "1h") == []
    assert len(exported(terminal, "--since", "1h")) == 8
    assert [len(listed(terminal, *words)) for words in (("--policy", "one"), ("--task", "2"), ("--task", "3"))] == [
        1,
        2,
        0,
    ]


def test_the_list_is_one_line_a_run(terminal: Terminal, three: list[str]) -> None:
    lines = terminal.run("history").out.splitlines()
    assert lines[0].split() == ["RUN", "BEGAN", "COMMAND", "WHO", "OUTCOME", "EXIT", "TOOK", "CHANGES", "PLAN"]
    rows = [line.split() for line in lines[1:4]]
    assert [row[0] for row in rows] == [run_id[:12] for run_id in three[::-1]]
    assert rows[0][2:3] + rows[0][4:] == ["apply", "unfinished", "-", "-", "-", "0123456789ab"]
    assert rows[1][2:3] + rows[1][4:] == ["apply", "partial", "3", "0s", "1", "done", "0123456789ab"]
    assert lines[-1] == "3 runs."


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--since", "1d"), [2, 1]),
        (("--since", "90m"), [2]),
        (("--since", "2020-01-01T00:00:00Z"), [2, 1, 0]),
        (("--since", "2999-01-01T00:00:00+08:00"), []),
        (("--until", "90m"), [1, 0]),
        (("--until", "90m", "--since", "1d"), [1]),
        (("--target", "aliyun"), [1]),
        (("--target", "aliyun", "--target", "huawei"), [2, 1, 0]),
        (("--target", "nobody"), []),
        (("--outcome", "partial"), [1]),
        (("--outcome", "unfinished"), [2]),
        (("--outcome", "ok", "--target", "huawei", "--since", "7d"), [0]),
        (("--limit", "2"), [2, 1]),
        (("--limit", "2", "--target", "aliyun", "--target", "huawei"), [2, 1]),
        (("--outcome", "unfinished", "--limit", "1"), [2]),
    ],
)
def test_filters(terminal: Terminal, three: list[str], words: tuple[str, ...], expected: list[int]) -> None:
    assert listed(terminal, *words) == [three[index] for index in expected]


def test_a_limit_says_that_there_are_more(terminal: Terminal, three: list[str]) -> None:
    assert terminal.run("history", "--limit", "2").out.endswith("\n2 runs; there are more: --limit.\n")
    assert terminal.run("history", "--limit", "2", "--format", "json").json["more"] is True
    assert terminal.run("history", "--limit", "3").out.endswith("\n3 runs.\n")


def test_the_beginning_of_an_id_is_enough(terminal: Terminal, three: list[str]) -> None:
    for run_id in three:
        assert terminal.run("history", run_id[:12], "--format", "json").json["run"]["run_id"] == run_id
    assert terminal.run("history", three[0], "--format", "json").json["run"]["run_id"] == three[0]


def test_an_ambiguous_id_is_explained(terminal: Terminal, three: list[str]) -> None:
    finished = terminal.tells(64, f"3 runs begin with '{three[0][:2]}'", "history", three[0][:2])
    assert all(run_id in finished.err for run_id in three)


@pytest.mark.parametrize("name", ["ffff", "0" * 33, "HEAD", "../x", "\udcff", "\x1b[31m"])
def test_an_unknown_id_is_explained(terminal: Terminal, three: list[str], name: str) -> None:
    finished = terminal.tells(64, "there is no run", "history", name)
    assert "\x1b" not in finished.err


def test_an_id_without_any_runs_is_unknown(terminal: Terminal) -> None:
    finished = terminal.run("history", "0", "--format", "json")
    assert (finished.code, finished.json["outcome"]) == (64, "usage")


def test_each_attempt_shows_its_state_and_fault(terminal: Terminal) -> None:
    with Journal(connect("sqlite:///.reconciler/history.db")) as journal:
        run_id = journal.begin_run(RunStart("apply", "0.9.0", DIGEST, "sha256:f00"))
        for attempt, state, fault in (
            (1, ActionState.REFUSED, Fault(Meaning.UNAVAILABLE, "try later", "MPC.1", 503, "r-1")),
            (2, ActionState.DONE, None),
        ):
            intent = Intent(*key(), Action.CANCEL, attempt)
            journal.intend(run_id, [intent], Fence(())).result()
            journal.record(run_id, [ActionResult(intent, state, fault)]).result()
        left = Intent(*key("2"), Action.CANCEL)
        journal.intend(run_id, [left], Fence(())).result()
        journal.record_outcomes(run_id, [TaskOutcome(*key(), "done", "pending", "canceled")]).result()
    text = terminal.run("history", run_id).out
    assert f"Run {run_id}: apply, unfinished\n" in text
    assert "unavailable: HTTP 503 MPC.1: try later; request r-1" in text
    rows = [line.split() for line in text.splitlines() if line.startswith("  20") and SNAPSHOT in line]
    assert [row[1:5] for row in rows] == [
        [f"huawei/{SNAPSHOT}/1", "cancel", "1", "refused"],
        [f"huawei/{SNAPSHOT}/1", "cancel", "2", "done"],
        [f"huawei/{SNAPSHOT}/2", "cancel", "1", "intent"],
    ]
    assert "pending -> canceled" in text
    assert "The run has not ended" in text
    first, second, third = terminal.run("history", run_id, "--format", "json").json["actions"]
    assert first["error"] == {
        "meaning": "unavailable", "message": "try later", "code": "MPC.1", "http_status": 503, "request_id": "r-1",
    }  # fmt: skip
    assert (second["error"], second["request_id"]) == (None, None)
    assert (third["state"], third["took_ms"]) == ("intent", None)


def test_a_call_that_a_later_run_settled_names_it(terminal: Terminal, three: list[str]) -> None:
    with Journal(connect("sqlite:///.reconciler/history.db")) as journal:
        (left,) = journal.open_intents((), ["huawei"])
        journal.resolve(left, ActionState.DONE, by=three[0]).result()
    assert f"settled by run {three[0][:12]}" in terminal.run("history", three[2]).out


def test_hostile_values_reach_no_output_raw(terminal: Terminal) -> None:
    evil = "\x1b[31m\u202e https://h/v.mp4?token=s3cret"
    with Journal(connect("sqlite:///.reconciler/history.db")) as journal:
        run_id = journal.begin_run(RunStart(evil, evil, evil, evil))
        intent = Intent(evil, SNAPSHOT, evil, Action.CANCEL)
        journal.intend(run_id, [intent], Fence(())).result()
        fault = Fault(Meaning.PERMANENT, evil, evil, 400, evil)
        journal.record(run_id, [ActionResult(intent, ActionState.REFUSED, fault)]).result()
        journal.record_outcomes(run_id, [TaskOutcome(*intent.key, "failed", "pending", evil, evil)]).result()
        journal.finish_run(run_id, RunEnd(evil, 3, {evil: 1})).result()
    for words in ((), (run_id,), (run_id, "-v")):
        for form in ("text", "json"):
            printed = terminal.run("history", *words, "--format", form).out
            assert "x1b[31m" in printed
            for raw in ("\x1b", "\u202e", "s3cret"):
                assert raw not in printed


def test_long_reasons_are_whole_on_request(terminal: Terminal) -> None:
    with Journal(connect("sqlite:///.reconciler/history.db")) as journal:
        run_id = journal.begin_run(RunStart("apply", "0.9.0", DIGEST, "sha256:f00"))
        journal.record_outcomes(run_id, [TaskOutcome(*key(), "missed", "pending", "running", "why " * 99)]).result()
    assert "why " * 98 not in terminal.run("history", run_id).out
    assert "why " * 98 in terminal.run("history", run_id, "-v").out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--since", "soon"), "neither a duration like `7d`, nor a time"),
        (("--until", "soon"), "--until soon: neither a duration"),
        (("verify", "--head", "abc"), "not a hash as"),
        (("--head", "0" * 64), "--head goes with"),
        (("verify", "0"), "only `history unlock` takes"),
        (("0", "--format", "jsonl"), "it goes neither with RUN"),
        (("0", "--task", "1"), "do not go with it"),
        (("--since", "2026-01-01"), "a timestamp needs a time and a zone"),
        (("--limit", "0"), "not in the range"),
        (("--outcome", "good"), "is not one of"),
        (("--prune", "soon"), "not a duration"),
        (("--prune", "23h"), "less than 1d"),
        (("--prune", "0s"), "longer than zero"),
        (("--prune", "90d"), "needs approval"),
        (("--prune", "90d", "--outcome", "ok", "--auto-approve"), "do not go with it"),
        (("0", "--prune", "90d", "--auto-approve"), "do not go with it"),
        (("0", "--since", "1d"), "do not go with it"),
        (("0", "1"), "only `history unlock` takes a second argument"),
        (("unlock", "a", "b"), "unexpected extra argument"),
        (("unlock",), "needs approval"),
        (("unlock", "--since", "1d", "--auto-approve"), "do not go with it"),
        (("unlock", "cloud/other", "--auto-approve"), "no lock is held"),
    ],
)
def test_mistakes_in_usage(terminal: Terminal, three: list[str], words: tuple[str, ...], message: str) -> None:
    terminal.tells(64, message, "history", *words)
    assert len(listed(terminal)) == 3


def test_pruning_says_how_many_and_keeps_what_is_not_settled(terminal: Terminal, record: Callable[..., str]) -> None:
    old, open_, young = record(90 * DAY), record(80 * DAY, None, settled=False), record(HOUR)
    finished = terminal.run("history", "--prune", "30d", "--auto-approve")
    assert finished.code == 0
    assert finished.out.startswith("Forgot 1 run begun before 2")
    assert "1 run stayed: the next apply has to settle calls of theirs first." in finished.out
    assert listed(terminal) == [young, open_]
    assert terminal.run("history", old).code == 64
    again = terminal.run("history", "--prune", "30d", "--auto-approve", "--format", "json").json
    assert (again["pruned"], again["unsettled"]) == (0, 1)


def test_pruning_without_a_database_forgets_nothing(terminal: Terminal) -> None:
    finished = terminal.run("history", "--prune", "1d", "--auto-approve")
    assert (finished.code, finished.out[:14]) == (0, "Forgot 0 runs ")
    assert not (terminal.directory / ".reconciler").exists()


@pytest.mark.parametrize("name", ["plain", "a%20b", "?mode=memory", "#1"])
def test_the_journal_lies_beside_the_configuration_whatever_its_directory_is_called(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    (terminal.directory / name).mkdir()
    terminal.write(HEAD + POLICY + "settings: {backend: 'sqlite:///state/history.db'}\n", f"{name}/reconciler.yaml")
    terminal.simulator.huaweicloud.add(SNAPSHOT, id=1, created="1d")
    assert terminal.run("apply", name, "--auto-approve").code == 0
    assert (terminal.directory / name / "state" / "history.db").is_file()
    (run,) = terminal.run("history", "--config", name, "--format", "json").json["runs"]
    assert run["summary"]["done"] == 1


def held(*groups: str) -> Lease:
    return acquire(connect("sqlite:///.reconciler/history.db"), dict.fromkeys(groups, ("huawei",)), heartbeat=False)


def test_a_lock_is_freed_by_hand(terminal: Terminal, three: list[str]) -> None:
    lease = held("cloud/a")
    finished = terminal.run("history", "unlock", "--auto-approve")
    assert finished.code == 0
    assert re.fullmatch(rf"Freed cloud/a \(huawei\), held by process {os.getpid()} on .+, since 2.+Z\.\n", finished.out)
    with pytest.raises(LeaseLost):
        lease.renew()
    held("cloud/a").release()
    assert terminal.run("history", "unlock", "--auto-approve").out == "No lock is held.\n"


def test_of_several_locks_one_must_be_named(terminal: Terminal, three: list[str]) -> None:
    lease, _ = held("cloud/a"), held("cloud/b")
    terminal.tells(64, "cloud/a (huawei), cloud/b (huawei)", "history", "unlock", "--auto-approve")
    freed = terminal.run("history", "unlock", "cloud/b", "--auto-approve", "--format", "json").json["freed"]
    assert [(one["group"], one["pid"]) for one in freed] == [("cloud/b", os.getpid())]
    assert freed[0]["targets"] == ["huawei"]
    lease.renew()


def test_a_lock_is_named_by_a_target_as_well(terminal: Terminal, three: list[str]) -> None:
    held("cloud/a")
    refused = terminal.run("history", "unlock", "other", "--auto-approve")
    assert (refused.code, "held are cloud/a (huawei)" in refused.err) == (64, True)
    assert terminal.run("history", "unlock", "huawei", "--auto-approve").out.startswith("Freed cloud/a (huawei), ")


@pytest.mark.parametrize(("answer", "code"), [("yes", 0), ("y", 4)])
def test_the_question_names_the_holder(terminal: Terminal, three: list[str], answer: str, code: int) -> None:
    lease = held("cloud/a")
    with session(terminal.directory, "history", "unlock") as typing:
        shown = typing.until("Only 'yes' will be accepted.")
        assert f"free cloud/a (huawei), held by process {os.getpid()} on " in shown
        typing.type(f"{answer}\r")
        assert typing.end().code == code
    if code:
        lease.renew()


def test_without_stdin_there_is_nobody_to_ask(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", None)  # as `<&-` leaves it
    finished = terminal.run("history", "unlock")
    assert (finished.code, "there is no terminal to ask on" in finished.err) == (64, True)


def test_another_configuration_can_be_named(terminal: Terminal, three: list[str]) -> None:
    gitops = terminal.directory / "gitops"
    gitops.mkdir()
    for name in ("reconciler.yaml", ".reconciler"):
        (terminal.directory / name).rename(gitops / name)
    terminal.write(
        HEAD + "settings: {backend: 'sqlite:///.reconciler/history.db'}\n" + POLICY, "gitops/reconciler.yaml"
    )
    for path in ("gitops", "gitops/reconciler.yaml"):
        assert listed(terminal, "--config", path) == three[::-1]


def test_the_database_itself_can_be_named(
    terminal: Terminal, three: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (terminal.directory / "reconciler.yaml").unlink()
    assert terminal.run("history").code == 65
    assert listed(terminal, "--backend", "sqlite:///.reconciler/history.db") == three[::-1]
    monkeypatch.setenv("RECONCILER_BACKEND", "sqlite:///.reconciler/history.db")
    assert listed(terminal) == three[::-1]


def test_a_backend_in_an_unset_variable_is_named(terminal: Terminal) -> None:
    terminal.write(HEAD + 'settings: {backend: "postgresql://${DB_USER}@${DB_HOST}/runs"}\n' + POLICY)
    finished = terminal.tells(65, "DB_USER and DB_HOST", "history")
    assert "--backend" in finished.err


@pytest.mark.parametrize("url", ["mysql://me:s3cret@h/db", "sqlite:///:memory:", "sqlite://", "no-url s3cret"])
def test_a_database_that_cannot_be_is_an_error(terminal: Terminal, url: str) -> None:
    finished = terminal.run("history", "--backend", url)
    assert finished.code == 1
    assert "s3cret" not in finished.err


def test_a_file_that_is_no_database_is_an_error(terminal: Terminal) -> None:
    (terminal.directory / "x.db").write_text("no database, whatever its name says" * 100)
    finished = terminal.run("history", "--backend", "sqlite:///x.db", "--format", "json")
    assert (finished.code, finished.json["outcome"]) == (1, "error")
    assert "not an SQLite database" in finished.err


@pytest.mark.parametrize("foreign", [(), ("create table runs (a)", "create table other (b)")], ids=["empty", "foreign"])
def test_looking_leaves_a_database_of_others_as_it_is(terminal: Terminal, foreign: tuple[str, ...]) -> None:
    path = terminal.directory / "x.db"
    path.touch()
    with closing(sqlite3.connect(path)) as database, database:
        for statement in foreign:
            database.execute(statement)
    before = path.read_bytes()
    for words in ((), ("unlock", "--auto-approve"), ("--prune", "9d", "--auto-approve")):
        assert terminal.run("history", "--backend", "sqlite:///x.db", *words).code == 0
    assert terminal.run("history", "--backend", "sqlite:///x.db").out == "There are no runs yet.\n"
    assert path.read_bytes() == before


def test_a_database_of_a_newer_version_is_refused(terminal: Terminal, three: list[str]) -> None:
    terminal.change_database("update schema_version set version = 99, tool_version = '9.0.0'")
    terminal.tells(1, "reconciler 9.0.0 or newer", "history")


def test_its_json_is_of_a_known_form(terminal: Terminal, three: list[str]) -> None:
    document = json.loads(terminal.run("history", "--format", "json").out, parse_float=pytest.fail)
    assert (document["format"], document["format_version"], document["more"]) == ("reconciler.history", "2.0", False)
    details = terminal.run("history", three[0], "--format", "json").json
    assert (details["format"], sorted(details)) == (
        "reconciler.run", ["actions", "format", "format_version", "outcomes", "run"],
    )  # fmt: skip


def test_the_history_is_verified(terminal: Terminal, three: list[str]) -> None:
    finished = terminal.run("history", "verify")
    assert finished.code == 0
    told, head = finished.out.splitlines()
    assert told == "The history is as it was written: 2 runs checked, 1 not ended."
    head = head.removeprefix("Head: ")
    later = terminal.run("history", "verify", "--head", head, "--format", "json").json
    assert (later["verified"], later["head"], later["since_head"], later["findings"]) == (True, head, 0, [])
    assert terminal.change_database("update outcomes set outcome = '\x1b[31mfailed' where target = 'aliyun'") == 1
    altered = terminal.run("history", "verify")
    assert altered.code == 1
    assert altered.out.startswith("The history is not as it was written: 2 runs checked, 1 not ended.\n")
    assert re.search(rf"{three[1]} +outcomes: aliyun/{SNAPSHOT}/1 +the row is not as it was", altered.out)
    assert "\x1b" not in altered.out


def test_another_history_does_not_have_the_head(terminal: Terminal, three: list[str]) -> None:
    other = terminal.run("history", "verify", "--head", "0" * 64, "--format", "json")
    assert (other.code, other.json["verified"], other.json["since_head"]) == (1, False, None)


def test_without_a_history_there_is_nothing_to_verify(terminal: Terminal) -> None:
    assert terminal.run("history", "verify").out == "There are no runs yet.\n"
    gone = terminal.run("history", "verify", "--head", "0" * 64)
    assert (gone.code, gone.out) == (1, "There is no history, and the head is of one.\n")
