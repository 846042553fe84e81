"""The flags of apply, and a person who is asked: typed answers on a real terminal."""

import json
import time
from typing import Any

import pytest

from reconciler.backends.leases import acquire
from reconciler.engine.apply_run import carry_out
from reconciler.planning.report import Report
from tests.pseudo_terminal import session
from tests.terminal import HEAD, Terminal

SNAPSHOT = "huaweicloud.mpc.snapshot"
COUNT = 25
POLICY = f"""
policies:
  p: {{resource: {SNAPSHOT}, match: {{status: pending}}, ensure: absent, limits: {{max_percent: 100}}}}
"""


@pytest.fixture(autouse=True)
def world(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal.write(HEAD + "settings: {concurrency: 1}\n" + POLICY)
    for number in range(COUNT):
        terminal.simulator.huaweicloud.add(SNAPSHOT, id=number + 1, created="1d")
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)


def refuse(terminal: Terminal, task: int) -> None:
    """The call for one task is refused for good."""
    terminal.simulator.faults.add(
        "status",
        method="DELETE",
        query=f"task_id={task}$",
        times=0,
        status=403,
        body={"error_code": "APIGW.0302", "error_msg": "not allowed"},
    )


def runs(terminal: Terminal) -> int:
    with terminal.database() as database:
        (count,) = database.execute("select count(*) from runs").fetchone()
    return int(count)


# -- --on-error ---------------------------------------------------------------------------------------------
def test_by_default_the_rest_goes_on_after_a_failure(terminal: Terminal) -> None:
    refuse(terminal, 1)
    finished = terminal.run("apply", "--auto-approve", "--format", "json")
    assert finished.code == 3
    assert (finished.json["summary"]["failed"], finished.json["summary"]["done"]) == (1, COUNT - 1)


def test_on_error_stop_starts_nothing_new_after_a_failure(terminal: Terminal) -> None:
    refuse(terminal, 1)
    finished = terminal.run("apply", "--auto-approve", "--on-error", "stop", "--format", "json")
    summary = finished.json["summary"]
    assert finished.code == 3
    assert (summary["failed"], summary["done"], summary["not_attempted"]) == (1, 9, COUNT - 10), "one batch of ten"
    assert len(terminal.destructive()) == 10
    reasons = {result["detail"] for result in finished.json["results"] if result["outcome"] == "not_attempted"}
    assert reasons == {f"an earlier change did not succeed (huawei/{SNAPSHOT}/1)"}


# -- --fail-on ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("named", "code"), [(",", 0), ("missed", 3), ("blocked", 0), ("blocked,missed", 3), (" missed , ", 3)]
)
def test_missed_fails_where_it_is_named(terminal: Terminal, named: str, code: int) -> None:
    terminal.simulator.faults.add("start_task", method="DELETE", query="task_id=7$")
    finished = terminal.run("apply", "--auto-approve", "--fail-on", named, "--format", "json")
    assert (finished.code, finished.json["summary"]["missed"]) == (code, 1)
    assert finished.json["causes"] == (["missed"] if code else [])


@pytest.mark.parametrize(("named", "code"), [("missed", 0), ("blocked", 3)])
def test_blocked_fails_where_it_is_named(terminal: Terminal, named: str, code: int) -> None:
    policy = POLICY.replace(SNAPSHOT, "huaweicloud.mpc.packaging").replace("status: pending", "input.bucket: b")
    terminal.write(HEAD + policy)
    for number, status in ((1, "running"), (2, "succeeded")):
        terminal.simulator.huaweicloud.add(
            "huaweicloud.mpc.packaging", id=number, status=status, created="1d", input={"bucket": "b"}
        )
    finished = terminal.run("apply", "--auto-approve", "--fail-on", named, "--format", "json")
    assert (finished.code, finished.json["blocked"], finished.json["summary"]["done"]) == (code, 1, 1)


def test_what_cannot_fail_cannot_be_named(terminal: Terminal) -> None:
    terminal.tells(
        64, "--fail-on done: expected missed or blocked", "apply", "--auto-approve", "--fail-on", "missed,done"
    )
    assert terminal.simulator.requests == []


# -- --lock-timeout -----------------------------------------------------------------------------------------
def test_a_lock_that_another_holds_ends_at_once_by_default(terminal: Terminal) -> None:
    with terminal.lock():
        finished = terminal.run("apply", "--auto-approve", "--format", "json")
    assert (finished.code, finished.json["outcome"]) == (6, "locked")
    assert terminal.destructive() == []


def test_a_lock_is_waited_for(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    held = terminal.lock()
    waits: list[float] = []

    def wait(seconds: float) -> bool:
        waits.append(seconds)
        held.release()
        return False

    monkeypatch.setattr(
        "reconciler.engine.hold.acquire", lambda *args, **named: acquire(*args, **(named | {"wait": wait}))
    )
    assert terminal.run("apply", "--auto-approve", "--lock-timeout", "1h").code == 0
    assert waits == [1.0]


@pytest.mark.parametrize("text", ["soon", "-1s", "1"])
def test_a_lock_timeout_is_a_duration(terminal: Terminal, text: str) -> None:
    terminal.tells(64, f"--lock-timeout {text}", "apply", "--auto-approve", f"--lock-timeout={text}")


# -- --report and --approved-digest -------------------------------------------------------------------------
def test_one_run_writes_several_reports(terminal: Terminal) -> None:
    words = [f"{form}=report.{form}" for form in ("text", "json", "markdown")]
    finished = terminal.run("apply", "--auto-approve", *(word for form in words for word in ("--report", form)))
    document = json.loads((terminal.directory / "report.json").read_text())
    assert finished.code == 0
    assert document["summary"]["done"] == COUNT
    for form in ("text", "markdown"):
        path = terminal.directory / f"report.{form}"
        assert document["run_id"] in path.read_text()
        assert path.stat().st_mode & 0o777 == 0o600
    assert terminal.run("show", "report.json").out == (terminal.directory / "report.text").read_text()


def test_a_report_that_cannot_be_written_is_found_out_before_anything_is_done(terminal: Terminal) -> None:
    finished = terminal.run("apply", "--auto-approve", "--report", "json=missing/report.json", "--report", "text=good")
    assert finished.code == 64
    assert finished.err == "Error: --report: cannot write missing/report.json: there is no directory missing\n"
    assert terminal.simulator.requests == []


def test_every_report_that_can_be_written_is(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    """One place goes away while the calls are made, one format has a bug: the rest is written, and both are said."""

    def broken(report: Report, *, now: int, job: object) -> str:
        raise KeyError(report.run_id, now, job)

    (terminal.directory / "gone").mkdir()
    monkeypatch.setattr("reconciler.reports.html.render_report_html", broken)

    async def applied(*words: Any, **named: Any) -> Report:  # noqa: ANN401 - handed on
        report = await carry_out(*words, **named)
        (terminal.directory / "gone").rmdir()
        return report

    monkeypatch.setattr("reconciler.engine.apply_run.carry_out", applied)
    forms = ("json=gone/report.json", "html=report.html", "junit=report.xml")
    finished = terminal.run("apply", "--auto-approve", "--format", "json", *(f"--report={form}" for form in forms))
    assert finished.code == 1
    assert finished.json["summary"]["done"] == COUNT
    assert finished.err.splitlines()[0] == "Error: cannot write gone/report.json: there is no directory gone"
    assert "Error: report.html was not written: internal error: KeyError at test_apply_flags.py" in finished.err
    assert (terminal.directory / "report.xml").exists()
    assert not (terminal.directory / "report.html").exists()


def test_the_digest_of_an_identical_plan_approves_without_a_file(terminal: Terminal) -> None:
    digest = terminal.run("plan", "--format", "json").json["digest"]
    assert terminal.run("apply", "--approved-digest", digest).code == 0
    assert len(terminal.destructive()) == COUNT


def test_a_plan_that_is_no_longer_the_approved_one_is_refused(terminal: Terminal) -> None:
    digest = terminal.run("plan", "--format", "json").json["digest"]
    terminal.simulator.huaweicloud.add(SNAPSHOT, id=99, created="1d")
    finished = terminal.run("apply", "--approved-digest", digest)
    assert finished.code == 4
    assert digest in finished.err
    assert terminal.destructive() == []


# -- a person at a terminal ---------------------------------------------------------------------------------
def test_yes_applies(terminal: Terminal) -> None:
    with session(terminal.directory, "apply") as typing:
        typing.until(f"Do you want to make {COUNT} changes: {COUNT} cancel? Only 'yes' will be accepted.")
        typing.until("Enter a value: ")
        assert terminal.destructive() == []
        typing.type("yes\n")
        finished = typing.end()
    assert finished.code == 0, finished
    assert f"Plan: {COUNT} changes: {COUNT} cancel;" in finished.out
    assert f"Apply: {COUNT} done" in finished.out
    assert len(terminal.destructive()) == COUNT


@pytest.mark.parametrize("answer", ["no", "y", "YES", "yes please", "", "yes\tyes"])
def test_anything_else_changes_nothing(terminal: Terminal, answer: str) -> None:
    with session(terminal.directory, "apply") as typing:
        typing.until("Enter a value: ")
        typing.type(answer + "\n")
        finished = typing.end()
    assert finished.code == 4, finished
    assert "apply was not approved" in finished.err
    assert (terminal.destructive(), runs(terminal)) == ([], 0)


@pytest.mark.parametrize(("minutes", "code", "calls"), [(0, 0, COUNT), (2, 0, COUNT - 1), (25 * 60, 5, 0)])
def test_an_answer_that_took_long_is_to_a_plan_that_can_only_shrink(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, minutes: int, code: int, calls: int
) -> None:
    """Meanwhile a task has changed, and one more waits; after a day the plan has expired."""
    waited = [0]

    def answered(*_words: object, **_named: object) -> str:
        waited[0] = 60 * minutes
        terminal.simulator.huaweicloud.add(SNAPSHOT, id=999, created="1d")
        if minutes:
            terminal.simulator.huaweicloud.set_status(SNAPSHOT, 1, "PROCESSING")
        return "yes"

    real = time.time
    monkeypatch.setattr("reconciler.cli.apply.somebody_is_there", lambda: True)
    monkeypatch.setattr("reconciler.cli.apply.click.prompt", answered)
    monkeypatch.setattr("reconciler.engine.session.elapsed_clock", lambda: 1000 * waited[0])
    monkeypatch.setattr("reconciler.engine.session.time.time", lambda: real() + waited[0])
    finished = terminal.run("apply")
    assert (finished.code, len(terminal.destructive())) == (code, calls)
    assert ("read again" in finished.err) == bool(minutes)
    assert not any("999" in query for _, _, query in terminal.destructive()), "nobody has seen it in a plan"


def test_ctrl_c_at_the_prompt_changes_nothing(terminal: Terminal) -> None:
    with session(terminal.directory, "apply") as typing:
        typing.until("Enter a value: ")
        typing.interrupt()
        finished = typing.end()
    assert finished.code == 130, finished
    assert "interrupted" in finished.err
    assert (terminal.destructive(), runs(terminal)) == ([], 0)
    assert terminal.run("apply", "--auto-approve").code == 0, "the lock was given back"


def test_nobody_is_asked_where_there_is_nothing_to_do(terminal: Terminal) -> None:
    terminal.run("apply", "--auto-approve")
    with session(terminal.directory, "apply") as typing:
        finished = typing.end()
    assert finished.code == 0
    assert "Enter a value" not in finished.err
    assert "No changes" in finished.out


def test_pruning_asks_too(terminal: Terminal) -> None:
    terminal.run("apply", "--auto-approve")
    terminal.change_database("update runs set started_at = 0")
    for answer, code, left in (("no", 4, 1), ("yes", 0, 0)):
        with session(terminal.directory, "history", "--prune", "30d") as typing:
            typing.until("Do you want to forget 1 run begun before ")
            typing.until("Enter a value: ")
            typing.type(answer + "\n")
            assert (typing.end().code, runs(terminal)) == (code, left)


# -- progress and colour ------------------------------------------------------------------------------------
def test_progress_is_shown_on_a_terminal_only(terminal: Terminal) -> None:
    quiet = terminal.run("apply", "--auto-approve")
    assert (quiet.code, quiet.err) == (0, "")
    terminal.simulator.huaweicloud.add(SNAPSHOT, id=99, created="1d")
    with session(terminal.directory, "apply", "--auto-approve", "--format", "json") as typing:
        finished = typing.end()
    assert "Listing" in finished.err
    assert "Applying" in finished.err
    assert finished.json["summary"]["done"] == 1, "stdout is one document all the same"


COLOURS = [
    ((), {}, False),
    (("--color", "always"), {}, True),
    (("--color", "always"), {"NO_COLOR": "1"}, True),
    ((), {"FORCE_COLOR": "1"}, True),
    ((), {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
    ((), {"FORCE_COLOR": ""}, False),
    (("--color", "never"), {"FORCE_COLOR": "1"}, False),
    ((), {"RECONCILER_COLOR": "always"}, True),
]


@pytest.mark.parametrize(("words", "variables", "painted"), COLOURS)
def test_colour_on_a_pipe(
    terminal: Terminal,
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    variables: dict[str, str],
    painted: bool,
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert ("\x1b[" in terminal.run("plan", *words).out) is painted
    for form in ("json", "markdown"):
        assert "\x1b[" not in terminal.run("plan", "--format", form, *words).out


@pytest.mark.parametrize(
    ("words", "variables", "painted"),
    [((), {}, True), (("--color", "never"), {}, False), ((), {"NO_COLOR": "1"}, False), ((), {"NO_COLOR": ""}, True)],
)
def test_colour_on_a_terminal(
    terminal: Terminal,
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    variables: dict[str, str],
    painted: bool,
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    plan = terminal.directory / "plan.json"
    terminal.run("plan", "--out", str(plan))
    with session(terminal.directory, "show", str(plan), *words, stdout_too=True) as typing:
        finished = typing.end()
    assert finished.code == 0
    assert ("\x1b[1m" in finished.err) is painted


def test_reports_in_files_have_no_colour(terminal: Terminal) -> None:
    finished = terminal.run("apply", "--auto-approve", "--color", "always", "--report", "text=report.txt")
    assert "\x1b[" in finished.out
    assert "\x1b[" not in (terminal.directory / "report.txt").read_text()


# -- --out --------------------------------------------------------------------------------------------------
def test_the_plan_that_is_asked_about_can_be_saved(terminal: Terminal) -> None:
    terminal.run("apply", "--auto-approve", "--out", "made.json")
    shown = terminal.run("show", "made.json", "--view", "summary").out
    assert "reconciler apply --plan made.json" in shown
    assert "for example  1, 2, 3" in shown
    terminal.tells(64, "exclude each other", "apply", "--plan", "made.json", "--out", "other.json")


def test_a_plan_that_cannot_be_saved_is_not_applied(terminal: Terminal) -> None:
    terminal.tells(64, "--out: cannot write", "apply", "--auto-approve", "--out", "nowhere/made.json")
    assert not terminal.destructive()


def test_a_plan_that_is_asked_about_names_no_other_way(terminal: Terminal) -> None:
    finished = terminal.run("apply", "--auto-approve")
    assert "was not saved" not in finished.out
