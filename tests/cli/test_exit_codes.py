"""Where several exit codes apply, one wins: 130/143, 64, 65, 1, 6, 5, 4, 3, 2, 0, in this order."""

import time
from collections.abc import Iterable
from itertools import product

import pytest

from reconciler.config.model import OnBlocked
from reconciler.exceptions import ExitCode, LockedError
from reconciler.planning.change import Change, Skipped
from reconciler.planning.limits import Guard, GuardCheck
from reconciler.planning.plan import Plan, Sources
from reconciler.planning.policy_plan import PolicyPlan, ScopePlan
from reconciler.planning.report import FailOn, Outcome, Report, Result
from reconciler.tasks.observation import Completeness
from reconciler.tasks.resource_type import Action
from reconciler.tasks.timestamps import Timestamp
from tests.terminal import HEAD, Terminal

PRECEDENCE = (130, 143, 64, 65, 1, 6, 5, 4, 3, 2, 0)
SNAPSHOT = "huaweicloud.mpc.snapshot"
PACKAGING = "huaweicloud.mpc.packaging"


def first(codes: Iterable[int]) -> int:
    return min({*codes, 0}, key=PRECEDENCE.index)


def test_every_exit_code_has_its_place() -> None:
    assert sorted(PRECEDENCE) == sorted(code.value for code in ExitCode)


# -- the data -----------------------------------------------------------------------------------------------

CHANGE = Change("t", SNAPSHOT, "1", ("p",), "why", {"status": "pending"}, (Action.CANCEL,))
BLOCKED = Skipped("t", SNAPSHOT, "2", ("p",), "why", {"status": "running"})


@pytest.mark.parametrize("detailed", [False, True])
@pytest.mark.parametrize(("errored", "breached", "blocked", "changes"), list(product([False, True], repeat=4)))
def test_a_plan(errored: bool, breached: bool, blocked: bool, changes: bool, detailed: bool) -> None:
    completeness = Completeness.FAILED if errored else Completeness.COMPLETE
    guard = GuardCheck(Guard.MAX_ACTIONS, 0 if breached else 1, 1, 1)
    plan = Plan(
        tool_version="1",
        created_at=Timestamp(0),
        expires_at=Timestamp(0),
        configuration=Sources("sha256:0", ()),
        scopes=(ScopePlan("t", SNAPSHOT, {}, 1, completeness),),
        policies=(
            PolicyPlan("p", (SNAPSHOT,), ("t",), blocked=int(blocked), guards=(guard,), on_blocked=OnBlocked.FAIL),
        ),
        changes=(CHANGE,) * changes,
        blocked=(BLOCKED,) * blocked,
    )
    codes = [(errored, 1), (breached, 4), (blocked, 3), (changes and detailed, 2)]
    assert plan.exit_code(detailed=detailed) == first(code for applies, code in codes if applies)
    causes = [(errored, "error"), (breached, "refused"), (blocked, "blocked"), (changes, "changes")]
    assert plan.causes == tuple(cause for applies, cause in causes if applies)


OUTCOMES = (Outcome.FAILED, Outcome.UNKNOWN, Outcome.NOT_ATTEMPTED, Outcome.MISSED, Outcome.SATISFIED, Outcome.DONE)


@pytest.mark.parametrize("interrupted", [None, ExitCode.INTERRUPTED, ExitCode.TERMINATED])
@pytest.mark.parametrize(("errored", "refused", "blocked", "strict"), list(product([False, True], repeat=4)))
def test_a_report(interrupted: ExitCode | None, errored: bool, refused: bool, blocked: bool, strict: bool) -> None:
    for count in range(len(OUTCOMES) + 1):
        outcomes = OUTCOMES[count:]
        report = Report(
            run_id="r",
            tool_version="1",
            plan_digest="sha256:0",
            started_at=Timestamp(0),
            finished_at=Timestamp(0),
            results=tuple(Result.of(CHANGE, outcome) for outcome in outcomes),
            blocked=int(blocked),
            errored=errored,
            refused=refused,
            fail_on=(FailOn.MISSED, FailOn.BLOCKED) if strict else (),
            interrupted=interrupted,
        )
        codes = [
            (interrupted is not None, int(interrupted or 0)),
            (errored, 1),
            (refused, 4),
            (not {*OUTCOMES[:3]}.isdisjoint(outcomes), 3),
            (strict and (Outcome.MISSED in outcomes or blocked), 3),
        ]
        assert report.exit_code == first(code for applies, code in codes if applies)
        assert bool(report.causes) is (report.exit_code != 0)


# -- the command line ---------------------------------------------------------------------------------------
class Situation:
    """Conditions that a command can meet, to be combined."""

    def __init__(self, terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
        self.terminal = terminal
        self.monkeypatch = monkeypatch
        self.words: list[str] = []
        self.policies = {
            "p": f"{{resource: {SNAPSHOT}, match: {{status: pending}}, ensure: absent, limits: {{max_percent: 100}}}}"
        }
        terminal.simulator.huaweicloud.add(SNAPSHOT, id=1, created="1d")
        self.save()

    def save(self) -> None:
        lines = "".join(f"  {name}: {policy}\n" for name, policy in self.policies.items())
        self.terminal.write(f"{HEAD}\npolicies:\n{lines}")

    def usage(self) -> None:
        self.words.append("--no-such-flag")

    def invalid(self) -> None:
        self.policies["broken"] = "{resource: nothing}"
        self.save()

    def error(self) -> None:
        self.policies["q"] = f"{{resource: {PACKAGING}, match: {{status: pending}}, ensure: absent}}"
        self.save()
        self.terminal.simulator.faults.add("html", method="GET", path="/remux$", times=0)

    def locked(self) -> None:
        self.terminal.lock()

    def stale(self) -> None:
        assert self.terminal.run("plan", "--out", "plan.json", "--expires", "1h").code == 0
        self.words += ["--plan", "plan.json"]
        real = time.time
        self.monkeypatch.setattr("reconciler.engine.session.time.time", lambda: real() + 7200)

    def unapproved(self) -> None:
        self.words += ["--approved-digest", "sha256:" + "0" * 64]

    def refused(self) -> None:
        self.policies["p"] = self.policies["p"].replace("max_percent: 100", "max_actions: 0")
        self.save()

    def partial(self) -> None:
        body = {"error_code": "APIGW.0302", "error_msg": "not allowed"}
        self.terminal.simulator.faults.add("status", method="DELETE", times=0, status=403, body=body)

    def blocked(self) -> None:
        self.policies["b"] = f"{{resource: {PACKAGING}, match: {{input.bucket: b}}, ensure: absent, on_blocked: fail}}"
        self.save()
        self.terminal.simulator.huaweicloud.add(PACKAGING, id=1, status="running", created="1d", input={"bucket": "b"})


@pytest.fixture
def situation(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> Situation:
    return Situation(terminal, monkeypatch)


# A command that stops at one thing does not learn of what would have come after it: behind a lock nothing is listed.
PLAN = [
    (("usage",), 64),
    (("invalid",), 65),
    (("error",), 1),
    (("refused",), 4),
    (("blocked",), 3),
    ((), 2),
    (("usage", "invalid"), 64),
    (("invalid", "error"), 65),
    (("locked", "invalid"), 65),
    (("error", "refused"), 1),
    (("error", "blocked"), 1),
    (("refused", "blocked"), 4),
    (("error", "refused", "blocked"), 1),
]
APPLY = [
    (("usage",), 64),
    (("invalid",), 65),
    (("error",), 1),
    (("locked",), 6),
    (("stale",), 5),
    (("refused",), 4),
    (("partial",), 3),
    (("blocked",), 3),
    ((), 0),
    (("usage", "invalid"), 64),
    (("stale", "usage"), 64),
    (("stale", "invalid"), 65),
    (("locked", "invalid"), 65),
    (("error", "locked"), 6),
    (("error", "refused"), 1),
    (("error", "partial"), 1),
    (("error", "blocked"), 1),
    (("locked", "refused"), 6),
    (("locked", "partial"), 6),
    (("stale", "refused"), 5),
    (("stale", "partial"), 5),
    (("refused", "partial"), 4),
    (("refused", "blocked"), 4),
    (("unapproved",), 4),
    (("unapproved", "invalid"), 65),
    (("unapproved", "stale"), 5),
    (("unapproved", "locked"), 6),
    (("stale", "locked"), 6),
]


@pytest.mark.parametrize(("conditions", "code"), PLAN)
def test_plan(situation: Situation, conditions: tuple[str, ...], code: int) -> None:
    for condition in conditions:
        getattr(situation, condition)()
    assert situation.terminal.run("plan", "--detailed-exitcode", *situation.words).code == code


@pytest.mark.parametrize(("conditions", "code"), APPLY)
def test_apply(situation: Situation, conditions: tuple[str, ...], code: int) -> None:
    for condition in conditions:
        getattr(situation, condition)()
    finished = situation.terminal.run("apply", "--auto-approve", "--format", "json", *situation.words)
    assert finished.code == code, finished
    if code not in {0, 1, 3}:
        assert situation.terminal.destructive() == []


# -- bugs ---------------------------------------------------------------------------------------------------

SECRET = "hunter" + "2"


@pytest.mark.parametrize("words", [(), ("-v",), ("--verbose",)])
def test_a_bug_is_named_by_what_is_behind_it_and_by_no_value(
    situation: Situation, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    def broken(*_: object, **__: object) -> None:
        try:
            raise LookupError(SECRET)
        except LookupError as error:
            raise ExceptionGroup(SECRET, [error]) from ValueError(SECRET)

    monkeypatch.setattr("reconciler.engine.session.plan_from", broken)
    finished = situation.terminal.run("plan", "--format", "json", *words)
    assert finished.code == 1
    assert finished.json["message"].startswith("internal error: LookupError at test_exit_codes.py:")
    assert ("because of:" in finished.err) == bool(words)
    assert SECRET not in finished.out + finished.err


def test_an_error_of_ours_in_a_group_of_tasks_stays_that_error(
    situation: Situation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise ExceptionGroup("tasks", [ExceptionGroup("more tasks", [LockedError("it is locked", "wait")])])

    monkeypatch.setattr("reconciler.engine.session.plan_from", refuse)
    finished = situation.terminal.run("plan")
    assert (finished.code, finished.err) == (6, "Error: it is locked\n  wait\n")
