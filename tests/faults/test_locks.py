"""One apply at a time per account, however its targets spell it, and no lock of an account that is left alone."""

import os

import pytest

from tests.faults.kinds import PACKAGING, PROJECT, SNAPSHOT, applied, configured
from tests.terminal import GROUP, HEAD, Terminal

SNAPSHOTS = f"{{resource: {SNAPSHOT}, match: {{status: pending}}, ensure: absent, targets: [huawei]}}"
UPLOADS = "{resource: aliyun.vod.url_upload, match: {status: pending}, ensure: absent}"
GIVEN = f"    project_id: {PROJECT}\n"
SPELLINGS = {
    "as it is": HEAD,
    "looked up": HEAD.replace(GIVEN, ""),
    "looked up because empty": HEAD.replace(GIVEN, "    project_id: ${NO_PROJECT:-}\n"),
    "another name of the host": HEAD.replace("${URL}", "${LOCALHOST}"),
    "a trailing slash": HEAD.replace("${URL}", "${URL}/"),
    "another name of the target": HEAD.replace("  huawei:", "  huawei-2:"),
}


def locked_groups(terminal: Terminal) -> set[str]:
    """The groups whose lease was ever taken."""
    with terminal.database() as database:
        return {group for (group,) in database.execute("select rate_group from leases")}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_targets_of_one_account_exclude_each_other(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, spelling: str
) -> None:
    monkeypatch.setenv("LOCALHOST", terminal.simulator.url.replace("127.0.0.1", "localhost"))
    terminal.write(configured(SNAPSHOTS.replace(", targets: [huawei]", ""), head=SPELLINGS[spelling]))
    terminal.simulator.huaweicloud.add(SNAPSHOT, id="1", created="1d")
    with terminal.lock():
        run = applied(terminal)
    assert run.code == 6
    assert f"another apply holds {GROUP} (theirs): process {os.getpid()} on " in run.text
    assert PROJECT not in run.text
    assert terminal.destructive() == []
    assert applied(terminal).code == 0
    assert locked_groups(terminal) == {GROUP}


@pytest.mark.parametrize(
    ("words", "locks"),
    [((), {"aliyun", "huaweicloud"}), (("--target", "huawei"), {"huaweicloud"}), (("--policy", "p2"), {"aliyun"})],
)
def test_a_run_that_is_narrowed_takes_the_locks_of_what_it_acts_on(
    terminal: Terminal, words: tuple[str, ...], locks: set[str]
) -> None:
    terminal.write(configured(SNAPSHOTS, UPLOADS))
    assert applied(terminal, *words).code == 0
    assert {group.partition("/")[0] for group in locked_groups(terminal)} == locks


def test_a_saved_plan_takes_the_locks_of_its_changes(terminal: Terminal) -> None:
    terminal.write(configured(SNAPSHOTS, UPLOADS))
    terminal.simulator.huaweicloud.add(SNAPSHOT, id="1", created="1d")
    assert terminal.run("plan", "--out", "plan.json").code == 0
    assert applied(terminal, "--plan", "plan.json").outcomes == {"1": "done"}
    assert locked_groups(terminal) == {GROUP}


def test_a_target_whose_account_is_not_told_is_out_alone(terminal: Terminal) -> None:
    terminal.write(configured(SNAPSHOTS, UPLOADS, head=SPELLINGS["looked up"]))
    terminal.simulator.huaweicloud.add(SNAPSHOT, id="1", created="1d")
    terminal.simulator.aliyun.add("aliyun.vod.url_upload", id="a1", created="1d", UploadURL="https://h/a1.mp4")
    terminal.simulator.faults.add("html", method="GET", path="/v3/projects$")
    run = applied(terminal)
    assert (run.code, run.outcomes) == (1, {"a1": "done"})
    assert "project look-up" in run.text or "unexpected answer" in run.text
    assert {group.partition("/")[0] for group in locked_groups(terminal)} == {"aliyun"}


def test_no_account_is_written_down(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may have come from a variable. Who waits sees what the holder calls its targets."""
    monkeypatch.setenv("OUR_PROJECT", PROJECT)
    head = HEAD.replace(GIVEN, "    project_id: ${OUR_PROJECT}\n")
    terminal.write(configured(SNAPSHOTS.replace(", targets: [huawei]", ""), head=head))
    terminal.simulator.huaweicloud.add(SNAPSHOT, id="1", created="1d")
    assert applied(terminal).outcomes == {"1": "done"}
    for file in (terminal.directory / ".reconciler").iterdir():
        assert PROJECT.encode() not in file.read_bytes()


def leave_open(terminal: Terminal, group: str | None) -> None:
    """A call of a run that was killed, as the journal has it, for a target `prod` that is no more."""
    assert applied(terminal).code == 0
    with terminal.database() as database, database:
        database.execute(
            "insert into actions (run_id, target, resource, task_id, action, attempt, state, intent_at, rate_group) "
            "select run_id, 'prod', ?, '7', 'cancel', 1, 'intent', 0, ? from runs",
            (PACKAGING, group),
        )


@pytest.mark.parametrize(("status", "state"), [("canceled", "done"), ("pending", "refused"), (None, "done")])
def test_calls_of_a_target_that_was_renamed_are_settled(terminal: Terminal, status: str | None, state: str) -> None:
    terminal.write(configured(SNAPSHOTS))
    leave_open(terminal, GROUP)
    if status:
        terminal.simulator.huaweicloud.add(PACKAGING, id="7", status=status, created="1d")
    run = applied(terminal)
    assert (run.code, "with 1 call under way" in run.text) == (0, True)
    with terminal.database() as database:
        assert database.execute("select state from actions").fetchall() == [(state,)]


@pytest.mark.parametrize("group", ["huaweicloud/another", None])
def test_calls_that_nobody_can_settle_are_named(terminal: Terminal, group: str | None) -> None:
    terminal.write(configured(SNAPSHOTS))
    leave_open(terminal, group)
    run = applied(terminal)
    assert run.code == 0
    assert "1 call of target prod, which is not in the configuration any more, stays open" in run.text
    with terminal.database() as database:
        assert database.execute("select state from actions").fetchall() == [("intent",)]
