"""Who may do what: clocks, tokens and rights that go wrong at the start or in the middle."""

from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from reconciler.providers.transport.surroundings import Surroundings
from tests.faults.kinds import KINDS, SNAPSHOT, applied, calls_by_task, configured, prepare
from tests.terminal import HEAD, Terminal

MANY = [str(number) for number in range(1, 41)]
POLICY = f"{{resource: {SNAPSHOT}, match: {{status: pending}}, ensure: absent}}"
CANCEL = {"method": "DELETE", "path": "/thumbnails$"}
OUTDATED = {"status": 401, "body": {"error_code": "APIGW.0307", "error_msg": "The token must be updated."}}
FORBIDDEN = {"status": 403, "body": {"error_code": "APIGW.0302", "error_msg": "not allowed"}}


def forty(terminal: Terminal, *, head: str = HEAD) -> None:
    terminal.write(configured(POLICY, settings="concurrency: 2", head=head))
    for task_id in MANY:
        terminal.simulator.huaweicloud.add(SNAPSHOT, id=task_id, created="1d")


def canceled(terminal: Terminal) -> set[str]:
    return {task_id for task_id in MANY if terminal.simulator.huaweicloud.status(SNAPSHOT, task_id) == "CANCELED"}


@pytest.mark.parametrize(("hours", "words"), [(1, "ahead of"), (-1, "behind")])
def test_a_clock_that_is_off_is_named_as_the_reason(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, hours: int, words: str
) -> None:
    off = partial(Surroundings, now=lambda: datetime.now(UTC) + timedelta(hours=hours))
    monkeypatch.setattr("reconciler.providers.transport.surroundings.Surroundings", off)
    prepare(terminal, *KINDS)
    run = applied(terminal)
    assert run.code == 1
    errors = [scope for scope in terminal.run("plan", "--format", "json").json["scopes"] if scope["error"]]
    assert len(errors) == len(KINDS)
    assert words in run.text
    assert "clock" in run.text
    assert terminal.destructive() == []


def by_password(monkeypatch: pytest.MonkeyPatch, terminal: Terminal) -> None:
    """Forty tasks, and an IAM user who logs in for a token."""
    for name, value in {"U": "simulator", "P": "simulator-password", "D": "simulator-domain"}.items():
        monkeypatch.setenv(name, value)
    login = "credentials: {iam_user: {env: U}, iam_password: {env: P}, iam_domain: {env: D}}"
    forty(terminal, head=f"{HEAD}    {login}\n")


def test_a_token_that_expires_in_the_middle_is_renewed(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    by_password(monkeypatch, terminal)
    terminal.simulator.faults.add("status", **CANCEL, **OUTDATED, nth=15)
    run = applied(terminal)
    assert (run.code, run.kinds) == (0, {"done"})
    logins = [record for record in terminal.simulator.requests if record.path.endswith("/auth/tokens")]
    assert len(logins) == 2, "one of the run, and one anew"
    assert all(calls.count(True) == 1 for calls in calls_by_task(terminal).values())


def test_credentials_that_are_refused_in_the_middle_end_the_target_and_the_next_run_finishes(
    terminal: Terminal,
) -> None:
    forty(terminal)
    terminal.simulator.faults.add("status", **CANCEL, **OUTDATED, nth=15, times=0)
    run = applied(terminal)
    assert (run.code, run.kinds) == (3, {"done", "failed", "not_attempted"})
    assert run.ids("done") == canceled(terminal)
    assert len(run.ids("failed")) <= 10, "no later batch repeats what cannot succeed"
    terminal.simulator.faults.clear()
    assert applied(terminal).code == 0
    assert canceled(terminal) == set(MANY)


def test_rights_that_are_revoked_in_the_middle_fail_the_rest_and_the_next_run_finishes(terminal: Terminal) -> None:
    forty(terminal)
    terminal.simulator.faults.add("status", **CANCEL, **FORBIDDEN, nth=15, times=0)
    run = applied(terminal)
    assert (run.code, run.kinds) == (3, {"done", "failed"})
    assert run.ids("done") == canceled(terminal)
    assert {result["error"]["meaning"] for result in run.results.values() if result["error"]} == {"permission"}
    assert all(len(calls) == 1 for calls in calls_by_task(terminal).values()), "a refusal is not argued with"
    terminal.simulator.faults.clear()
    assert applied(terminal).code == 0
    assert canceled(terminal) == set(MANY)
